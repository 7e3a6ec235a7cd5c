//! HTML pages that the local sign-in servers show in a browser. They load nothing from other hosts.

/// Returns a page with `title` as its heading and the HTML `body` below it.
pub(crate) fn document(title: &str, body: &str) -> String {
    const STYLE: &str = ":root { color-scheme: light dark; --line: #8883 } \
        body { font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0 } \
        main { max-width: 26em; margin: 1em; padding: 2em; border: 1px solid var(--line); border-radius: 12px } \
        h1 { font-size: 1.35em; margin: 0 0 .5em } button, input { font: inherit; padding: .5em 1em } \
        small { display: block; margin-top: 1.5em; opacity: .6 }";
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · hyperframes-ci</title><style>{STYLE}</style><body><main><h1>{title}</h1>{body}\
         <small>hyperframes-ci</small></main></body></html>"
    )
}

/// Escapes `text` for HTML content and for attribute values in quotes of either kind.
pub(crate) fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}
