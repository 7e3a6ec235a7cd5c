//! Decimal numbers, read and written by the code that reads and writes those of JSON: that of the standard library would
//! come on top of it, with tables of 20 KB, in the WebAssembly build.

use serde_json::Number;

/// The number that a text is; `None` where it is none, or none that is finite.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    // `.5` and `5.` are numbers for everybody but JSON, and so is `007`.
    let (whole, rest) =
        digits.split_at(digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len()));
    let (has_point, rest) = rest.strip_prefix('.').map_or((false, rest), |rest| (true, rest));
    let (part, exponent) =
        rest.split_at(rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len()));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let or_zero = |digits: &str| if digits.is_empty() { "0".to_owned() } else { digits.to_owned() };
    let whole = or_zero(whole.trim_start_matches('0'));
    let part = if has_point { format!(".{}", or_zero(part)) } else { String::new() };
    let number = format!("{sign}{whole}{part}{exponent}").parse::<Number>().ok()?.as_f64()?;
    number.is_finite().then_some(number)
}

/// A number as people write it.
pub(crate) fn show(number: f64) -> String {
    let shown = Number::from_f64(number).map(|number| number.to_string()).unwrap_or_default();
    shown.strip_suffix(".0").map_or(shown.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_what_people_write() {
        for (text, number) in
            [("1920", 1920.0), (" 2.5 ", 2.5), (".5", 0.5), ("5.", 5.0), ("+1e3", 1000.0), ("-007", -7.0)]
        {
            assert_eq!(parse(text), Some(number), "{text}");
        }
        for text in ["", ".", "-", "1080px", "inf", "NaN", "0x10", "1e", "1e999", "1,5", "--1", "1 2"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!([1920.0, 0.8, -2.5, 0.0].map(show), ["1920", "0.8", "-2.5", "0"]);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(number in -1e9..1e9_f64) {
            prop_assert!((parse(&show(number)).expect("a number") - number).abs() <= number.abs() * 1e-12);
        }

        #[test]
        fn numbers_are_those_of_the_standard_library(text in "[-+]?[0-9]{0,4}[.]?[0-9]{0,4}(e[-+]?[0-9]{1,2})?") {
            match (parse(&text), text.parse::<f64>().ok()) {
                (Some(ours), Some(theirs)) => prop_assert!((ours - theirs).abs() <= theirs.abs() * 1e-12),
                (ours, theirs) => prop_assert_eq!(ours, theirs),
            }
        }
    }
}
