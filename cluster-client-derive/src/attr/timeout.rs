//! `timeout = "5s"`.

use syn::LitStr;

const LIMIT: u64 = i32::MAX as u64;

/// The milliseconds of `"250ms"`, `"5s"` or `"2m"`.
pub(crate) fn parse(text: &LitStr) -> syn::Result<u64> {
    millis(&text.value()).map_err(|message| syn::Error::new_spanned(text, message))
}

fn millis(text: &str) -> Result<u64, &'static str> {
    const FORM: &str = "a timeout is a whole number and a unit: write \"250ms\", \"5s\" or \"2m\"";

    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or(FORM)?;
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err(FORM),
    };
    if number.is_empty() {
        return Err(FORM);
    }
    let millis = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .filter(|millis| *millis <= LIMIT)
        .ok_or("a timeout is at most 2147483647ms (24 days), the largest the wire can carry")?;
    if millis == 0 {
        return Err(
            "a timeout of 0 would end the call before it starts: write at least \"1ms\", or leave \
             `timeout` out for the builder's `response_timeout`",
        );
    }
    Ok(millis)
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn a_number_and_a_unit() {
        assert_eq!(millis("250ms"), Ok(250));
        assert_eq!(millis("5s"), Ok(5_000));
        assert_eq!(millis("2m"), Ok(120_000));
        assert_eq!(millis("2147483647ms"), Ok(2_147_483_647));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "1.5s",
            "-5s",
            "5h",
            "0s",
            "2147483648ms",
            "99999999999999999999s",
            "9999999999999999999m",
        ] {
            assert!(millis(text).is_err(), "{text:?}");
        }
    }
}
