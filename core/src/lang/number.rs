//! Decimal numbers, exactly.
//!
//! The standard library's reader is as exact, and faster where numbers have many digits; its tables weigh 12 KB in the
//! WebAssembly build, where few numbers are read. A test compares the two.

/// The number that a text is, as people write numbers: `.5`, `5.`, `+5` and `007` among them. `None` where it is none,
/// or none that is finite.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(place) => (&digits[..place], exponent(&digits[place + 1..])?),
        None => (digits, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + part.len() == 0 || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let magnitude = nearest(whole.bytes().chain(part.bytes()), exponent.saturating_sub(length(part.len())));
    magnitude.is_finite().then_some(if is_negative { -magnitude } else { magnitude })
}

fn length(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Whether it is large or small beyond measure does not matter: it is limited.
fn exponent(text: &str) -> Option<i32> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value =
        digits.bytes().fold(0_i32, |value, digit| (value * 10 + i32::from(digit - b'0')).min(100_000));
    Some(if is_negative { -value } else { value })
}

/// Digits that are looked at one by one; whether anything follows them is enough for all others: no number that is
/// half-way between two doubles has more than 767.
const DIGITS: usize = 800;

/// The double that is nearest to the digits times a power of ten, the even one of two.
fn nearest(digits: impl Iterator<Item = u8>, exponent: i32) -> f64 {
    let mut number = Natural(Vec::new());
    let mut exponent = exponent;
    let mut count = 0;
    let mut rest = false;
    for digit in digits.skip_while(|digit| *digit == b'0') {
        if count < DIGITS {
            number.multiply_add(10, u32::from(digit - b'0'));
            count += 1;
        } else {
            rest |= digit != b'0';
            exponent = exponent.saturating_add(1);
        }
    }
    // Beyond the largest and the smallest double, whatever the digits.
    let size = exponent.saturating_add(length(count));
    if count == 0 || size < -330 {
        return 0.0;
    }
    if size > 310 {
        return f64::INFINITY;
    }
    // Both are doubles, and one step between doubles is rounded as it should be.
    if count <= 15 && !rest && exponent.unsigned_abs() <= 22 {
        let digits = number.round(0, false);
        let power = (0..exponent.unsigned_abs()).fold(1.0, |power, _| power * 10.0);
        return if exponent < 0 { digits / power } else { digits * power };
    }
    let mut power = exponent;
    if exponent >= 0 {
        (0..exponent).for_each(|_| number.multiply_add(5, 0));
    } else {
        // Enough bits that dividing by 5 again and again leaves 66 of them; a remainder on the way is below them all.
        let lost = exponent.unsigned_abs() * 7 / 3 + 1;
        let shift = (66 + lost).saturating_sub(number.bits()).next_multiple_of(32);
        number.shift(shift);
        power -= i32::try_from(shift).unwrap_or(i32::MAX);
        for _ in 0..exponent.unsigned_abs() {
            rest |= number.divide(5) != 0;
        }
    }
    number.round(power, rest)
}

/// A natural number, its lowest 32 bits first.
struct Natural(Vec<u32>);

impl Natural {
    fn multiply_add(&mut self, factor: u32, more: u32) {
        let mut carry = u64::from(more);
        for limb in &mut self.0 {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = low(carry);
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(low(carry));
        }
    }

    /// Divides; gives back the remainder.
    fn divide(&mut self, divisor: u32) -> u32 {
        let mut remainder = 0;
        for limb in self.0.iter_mut().rev() {
            let value = (u64::from(remainder) << 32) | u64::from(*limb);
            *limb = low(value / u64::from(divisor));
            remainder = low(value % u64::from(divisor));
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        remainder
    }

    /// Multiplies by a power of two; the exponent is a multiple of 32.
    fn shift(&mut self, bits: u32) {
        self.0.splice(0..0, (0..bits / 32).map(|_| 0));
    }

    fn bits(&self) -> u32 {
        self.0
            .last()
            .map_or(0, |last| u32::try_from(self.0.len()).unwrap_or(u32::MAX) * 32 - last.leading_zeros())
    }

    /// The nearest double to the number times a power of two; `rest` where it is a little more than that.
    fn round(&self, power: i32, rest: bool) -> f64 {
        let bits = i32::try_from(self.bits()).unwrap_or(i32::MAX);
        // A double has 53 bits, and none below 2^-1074.
        let kept = (bits + power + 1074).min(53);
        let dropped = bits - kept;
        let bit = |place: i32| {
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            self.0.get(place / 32).is_some_and(|limb| limb >> (place % 32) & 1 == 1)
        };
        let mut mantissa =
            (0..kept.max(0)).rev().fold(0_u64, |value, place| (value << 1) | u64::from(bit(dropped + place)));
        let half = dropped > 0 && bit(dropped - 1);
        let below = rest || (0..dropped - 1).any(bit);
        if half && (below || mantissa & 1 == 1) {
            mantissa += 1;
        }
        // Two steps, since the power may be smaller than any double's.
        let power = power + dropped;
        #[expect(clippy::cast_precision_loss, reason = "it has 53 bits, or is the power of two after them")]
        let value = mantissa as f64;
        value * two_to(power / 2) * two_to(power - power / 2)
    }
}

/// A power of two, from -1022 to 1023.
fn two_to(exponent: i32) -> f64 {
    f64::from_bits(u64::try_from(exponent + 1023).unwrap_or_default() << 52)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
fn low(value: u64) -> u32 {
    value as u32
}

/// The fewest decimal digits that lead back to a positive number, the nearest of those that do, and where the point
/// stands in them: 0 is before the first.
pub(crate) fn shortest(value: f64) -> (String, i32) {
    let (digits, point) = exact(value);
    // Whatever has 15 digits at most survives as a double, unless it is smaller than full doubles are.
    let fewest = if value < f64::MIN_POSITIVE { 1 } else { 15 };
    for count in fewest.. {
        let Some((kept, dropped)) = digits.split_at_checked(count) else { break };
        let below = (kept.to_owned(), point);
        let above = successor(kept, point);
        let [is_below, is_above] = [&below, &above].map(|(digits, point)| {
            nearest(digits.bytes(), point.saturating_sub(length(digits.len()))) == value
        });
        // The digits are exact: a five with nothing behind it is half-way, and then the even digit is nearer.
        let half = dropped.cmp("5");
        let is_odd = kept.bytes().last().is_some_and(|digit| digit % 2 == 1);
        let is_more = half.is_gt() || (half.is_eq() && is_odd);
        if is_below || is_above {
            let (digits, point) = if is_above && (is_more || !is_below) { above } else { below };
            return (digits.trim_end_matches('0').to_owned(), point);
        }
    }
    (digits, point)
}

/// All digits of a positive number, and where the point stands in them.
fn exact(value: f64) -> (String, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = match i32::try_from(bits >> 52 & 0x7ff).unwrap_or_default() {
        0 => (fraction, -1074),
        biased => (fraction | 1 << 52, biased - 1075),
    };
    let mut number = Natural(vec![low(mantissa), low(mantissa >> 32)]);
    // A half is five tenths.
    let (factor, point) = if exponent < 0 { (5, exponent) } else { (2, 0) };
    (0..exponent.unsigned_abs()).for_each(|_| number.multiply_add(factor, 0));
    let mut groups = Vec::new();
    while !number.0.is_empty() {
        groups.push(number.divide(1_000_000_000));
    }
    let digits = groups.iter().rev().map(|group| format!("{group:09}")).collect::<String>();
    let digits = digits.trim_start_matches('0');
    let point = point + length(digits.len());
    (digits.trim_end_matches('0').to_owned(), point)
}

/// The next number of as many digits.
fn successor(digits: &str, point: i32) -> (String, i32) {
    let kept = digits.trim_end_matches('9');
    match kept.as_bytes().split_last() {
        Some((last, before)) => {
            let mut next = String::from_utf8_lossy(before).into_owned();
            next.push(char::from(last + 1));
            (next, point)
        }
        None => ("1".to_owned(), point + 1),
    }
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
    }

    #[test]
    fn the_edges_of_doubles() {
        for text in [
            "5e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2.2250738585072011e-308",
            "2.2250738585072014e-308",
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "9007199254740993",
            "9007199254740992.999",
            "1e-400",
            "0e999",
            "8.5e-323",
            "123456789012345678901234567890",
            "0.1",
            "1e23",
            "8.988465674311580e307",
            "4.9406564584124654e-324",
        ] {
            assert_eq!(parse(text), text.parse::<f64>().ok(), "{text}");
        }
        assert_eq!(parse("1.7976931348623159e308"), None);
        // Half-way between two doubles, and a little more in the 900th digit.
        let half = format!("9007199254740993{}", "0".repeat(900));
        assert_eq!(parse(&format!("{half}e-900")), Some(9_007_199_254_740_992.0));
        assert_eq!(parse(&format!("{half}1e-901")), Some(9_007_199_254_740_994.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20000))]

        #[test]
        fn doubles_are_read_exactly(bits: u64, extra in "[0-9]{0,3}") {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            let text = format!("{number:e}");
            prop_assert_eq!(parse(&text).map(f64::to_bits), Some(bits), "{}", &text);
            // And what lies between them.
            let text = text.replacen('e', &format!("{}{extra}e", if text.contains('.') { "" } else { "." }), 1);
            prop_assert_eq!(parse(&text), text.parse::<f64>().ok().filter(|number| number.is_finite()), "{}", text);
        }

        #[test]
        fn numbers_are_those_of_the_standard_library(text in "[-+]?[0-9]{0,4}[.]?[0-9]{0,4}(e[-+]?[0-9]{1,2})?") {
            prop_assert_eq!(parse(&text), text.parse::<f64>().ok());
        }
    }
}
