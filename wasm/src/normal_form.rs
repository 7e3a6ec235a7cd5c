//! Unicode normal forms, by the host: the tables would be 22 KB of the module.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::*;

#[cfg(target_arch = "wasm32")]
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = String)]
    type Text;

    #[wasm_bindgen(method)]
    fn normalize(this: &Text, form: &str) -> String;
}

/// Makes the core use the decomposition of JavaScript.
pub(crate) fn set() {
    #[cfg(target_arch = "wasm32")]
    hyperframes_ci_core::text::set_decomposition(|text| {
        JsValue::from_str(text).unchecked_into::<Text>().normalize("NFD")
    });
}
