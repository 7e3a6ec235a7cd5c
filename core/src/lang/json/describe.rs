//! Errors of serde_json in plain words.

/// Describes an error of deserialization without names of types of this program: `expected a whole number, found the
/// string "x"`. A position in the text is kept.
#[must_use]
pub fn describe(error: &serde_json::Error) -> String {
    words(&error.to_string())
}

fn words(message: &str) -> String {
    let (message, position) = match message.rsplit_once(" at line ") {
        Some((message, position)) => (message, format!(" at line {position}")),
        None => (message, String::new()),
    };
    let described = match message.rsplit_once(", expected ") {
        Some((found, expected)) => match found.split_once(": ") {
            Some(("invalid type" | "invalid value", found)) => {
                format!("expected {}, found {}", expected_words(expected), found_words(found))
            }
            _ if found.starts_with("unknown variant ") => {
                let value = found.trim_start_matches("unknown variant ").trim_matches('`');
                format!("unknown value {value:?}, expected {}", expected.replace('`', ""))
            }
            _ if found.starts_with("unknown field ") => {
                let name = found.trim_start_matches("unknown field ").trim_matches('`');
                format!("unknown member {name:?}, expected {}", expected.replace('`', ""))
            }
            _ => message.to_owned(),
        },
        None => match message.strip_prefix("missing field ") {
            Some(name) => format!("the member {:?} is missing", name.trim_matches('`')),
            None => message.to_owned(),
        },
    };
    format!("{described}{position}")
}

/// Describes what was expected. Names of structures stand for objects.
fn expected_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a map" | "map" => "an object",
        "a sequence" | "sequence" => "an array",
        "unit" => "null",
        "a JSON number" => "a number",
        other
            if ["struct ", "enum ", "internally tagged enum "].iter().any(|kind| other.starts_with(kind)) =>
        {
            "an object"
        }
        other => other,
    }
}

/// Describes a value that was found instead.
fn found_words(found: &str) -> String {
    let value = |kind: &str| found.strip_prefix(kind).map(|value| value.trim_matches('`').to_owned());
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "an array".to_owned(),
        "unit value" | "null" => "null".to_owned(),
        _ => value("integer ")
            .or_else(|| value("floating point "))
            .or_else(|| value("boolean "))
            .unwrap_or_else(|| format!("the {found}")),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors matter")]
    struct Example {
        fps: u32,
        quality: Option<Word>,
        size: Option<f64>,
        names: Option<Vec<String>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Draft,
        High,
    }

    #[test]
    fn errors_have_no_words_of_the_library() {
        for (json, expected) in [
            (r#"{"fps":"x"}"#, "expected a whole number of 0 or more, found the string \"x\""),
            (r#"{"fps":-1}"#, "expected a whole number of 0 or more, found -1"),
            (r#"{"fps":1.5}"#, "expected a whole number of 0 or more, found 1.5"),
            (r#"{"fps":{}}"#, "expected a whole number of 0 or more, found an object"),
            (r#"{"fps":1,"size":true}"#, "expected a number, found true"),
            (r#"{"fps":1,"names":7}"#, "expected an array, found 7"),
            (r#"{"fps":1,"quality":"best"}"#, "unknown value \"best\", expected draft or high"),
            (r#"{"fsp":1}"#, "unknown member \"fsp\", expected one of fps, quality, size, names"),
            ("{}", "the member \"fps\" is missing"),
            ("7", "expected an object, found 7"),
        ] {
            let value = serde_json::from_str::<serde_json::Value>(json).expect("JSON");
            let error = serde_json::from_value::<Example>(value).expect_err("invalid");
            assert_eq!(describe(&error), expected, "{json}");
        }
        let error = serde_json::from_str::<Example>(r#"{"fps":"x"}"#).expect_err("invalid");
        assert!(
            describe(&error).ends_with("found the string \"x\" at line 1 column 10"),
            "{}",
            describe(&error)
        );
    }
}
