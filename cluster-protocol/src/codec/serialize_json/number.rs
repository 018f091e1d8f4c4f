//! Numbers as V8 prints and reads them.

const TWO_POW_53: f64 = 9_007_199_254_740_992.0;

/// Up to here (2^53 - 1), and down to its negative, each integer is a number of its own in JavaScript.
pub(super) const MAX_SAFE: f64 = TWO_POW_53 - 1.0;

const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Appends what `value.toString(36).toUpperCase()` gives for a number without fraction. -0 loses its sign.
pub(super) fn push_base36(value: f64, out: &mut Vec<u8>) {
    if value < 0.0 {
        out.push(b'-');
    }
    let value = value.abs();
    if value < TWO_POW_53 {
        push_integer(value as u64, out);
    } else {
        push_large(value, out);
    }
}

/// Appends an integer in base 36.
pub(super) fn push_integer(mut value: u64, out: &mut Vec<u8>) {
    let first = out.len();
    loop {
        out.push(DIGITS[(value % 36) as usize]);
        value /= 36;
        if value == 0 {
            break;
        }
    }
    out[first..].reverse();
}

/// What `parseInt(text, 36)` gives for a text that is an integer in base 36 and nothing else.
///
/// V8 reads five digits at a time, and rounds after each: beyond 2^53 this is not the nearest double.
pub(super) fn parse_base36(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for chunk in digits.trim_start_matches('0').as_bytes().chunks(5) {
        let (mut part, mut multiplier) = (0, 1);
        for &digit in chunk {
            part = part * 36 + char::from(digit).to_digit(36)?;
            multiplier *= 36;
        }
        value = value * f64::from(multiplier) + f64::from(part);
    }
    Some(if digits.len() < text.len() { -value } else { value })
}

/// What `parseFloat` gives for a text that JavaScript prints, and for no other.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust would take "inf" and "nan" as well.
        _ if text.contains(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')) => None,
        _ => text.parse().ok(),
    }
}

/// V8 keeps the digits that a double has and fills up with zeros, and its remainders are doubles too: these are
/// not the nearest digits.
fn push_large(mut value: f64, out: &mut Vec<u8>) {
    let mut zeros = 0;
    while value >= 36.0 * TWO_POW_53 {
        value /= 36.0;
        zeros += 1;
    }
    let first = out.len();
    while value > 0.0 {
        let digit = value % 36.0;
        // Less than 36.
        out.push(DIGITS[digit as usize]);
        value = (value - digit) / 36.0;
    }
    out[first..].reverse();
    out.resize(out.len() + zeros, b'0');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base36(value: f64) -> String {
        let mut out = Vec::new();
        push_base36(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_are_written_as_v8_writes_them() {
        // Each line as printed by Node 20.
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-1295.0, "-ZZ"),
            (9_007_199_254_740_991.0, "2GOSA7PA2GV"),
            (9_007_199_254_740_992.0, "2GOSA7PA2GW"),
            (157_434_330_525_262_400.0, "1725T8ZSS8IK"),
            (9_223_372_036_854_775_808.0, "1Y2P0IJ32E800"),
            (1e21, "5V1J4F4DS7C000"),
        ] {
            assert_eq!(base36(value), text);
        }
    }

    #[test]
    fn integers_are_read_as_v8_reads_them() {
        assert_eq!(parse_base36("5V1J4F4DS7C000"), Some(1.0000000000000001e21));
        assert_eq!(parse_base36("-2GOSA7PA2GV"), Some(-MAX_SAFE));
        assert_eq!(parse_base36("zz"), Some(1295.0));
        assert_eq!(parse_base36("000000ZZ"), Some(1295.0));
        assert_eq!(parse_base36(&base36(f64::MAX)), Some(f64::INFINITY));
        for bad in ["", "-", "--1", "+1", "1 ", "1.5", "é"] {
            assert_eq!(parse_base36(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn floats_are_read_whole_or_not_at_all() {
        assert_eq!(parse_float("-1.5e-7"), Some(-1.5e-7));
        assert_eq!(parse_float("1e999"), Some(f64::INFINITY));
        for bad in ["", "inf", "nan", "-NaN", "1,5", "1.5x", "0x10", "1_0"] {
            assert_eq!(parse_float(bad), None, "{bad:?}");
        }
    }
}
