//! Canonical JSON (RFC 8785): members sorted by the UTF-16 code units of their names, no whitespace, and numbers as
//! ECMAScript formats them, so that `1`, `1.0` and `1e0` are equal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value};

/// Returns the canonical JSON of a value.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, Canonical);
    sorted(value).serialize(&mut serializer).expect("memory takes everything, and numbers are finite");
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// Formats a finite number as ECMAScript does; source: ECMA-262, `Number::toString`.
pub(crate) fn spelling(value: f64) -> String {
    ryu_js::Buffer::new().format_finite(value).to_owned()
}

/// Returns the value with the members of its objects in canonical order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(members) => {
            let mut members = members.iter().collect::<Vec<_>>();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            let members = members.into_iter().map(|(name, member)| (name.clone(), sorted(member)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        scalar => scalar.clone(),
    }
}

/// Formats every number as a double, as JavaScript reads it.
struct Canonical;

impl Formatter for Canonical {
    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(ryu_js::Buffer::new().format_finite(value).as_bytes())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "integers beyond 2^53 lose their last digits, as in JavaScript"
    )]
    fn write_u64<W: Write + ?Sized>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        self.write_f64(writer, value as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "integers beyond 2^53 lose their last digits, as in JavaScript"
    )]
    fn write_i64<W: Write + ?Sized>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        self.write_f64(writer, value as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Source: RFC 8785, appendix B, and sections 3.2.2 and 3.2.3.
    #[test]
    fn numbers_are_those_of_the_standard() {
        for (bits, text) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(spelling(f64::from_bits(bits)), text);
        }
        assert_eq!([1920.0, 0.8, -2.5, 0.0].map(spelling), ["1920", "0.8", "-2.5", "0"]);
    }

    #[test]
    fn objects_are_those_of_the_standard() {
        let value = serde_json::from_str::<Value>(
            r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#,
        )
        .expect("JSON");
        assert_eq!(
            canonical(&value),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        // By UTF-16 code units, 🎬 comes before U+FB33.
        let value = serde_json::json!({ "\u{fb33}": 1, "🎬": 2, "\r": 3, "1": 4, "€": 5, "ö": 6 });
        assert_eq!(canonical(&value), "{\"\\r\":3,\"1\":4,\"ö\":6,\"€\":5,\"🎬\":2,\"\u{fb33}\":1}");
    }

    proptest! {
        #[test]
        fn numbers_survive(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = spelling(value);
            prop_assert_eq!(text.parse::<f64>().expect("a number"), value, "{}", text);
            let again = serde_json::from_str::<Value>(&text).expect("JSON");
            prop_assert_eq!(canonical(&again), text);
        }

        #[test]
        fn spelling_does_not_matter(number in -1_000_000_i64..1_000_000, zeros in 1..4_usize) {
            let spelt = [format!("{number}"), format!("{number}.{}", "0".repeat(zeros)), format!("{number}e0"), format!("{number}0e-1")];
            for text in spelt {
                prop_assert_eq!(canonical(&serde_json::from_str(&text).expect("JSON")), number.to_string());
            }
        }
    }
}
