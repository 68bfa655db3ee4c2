//! Numbers in cells, as they are shown.
//!
//! A workbook keeps numbers as binary fractions, and writes them out with all that is wrong with those:
//! `0.30000000000000004`. Excel shows 15 digits, and so do we. A date is a number of days that is shown as one.

use time::{Date, Duration, Month, PrimitiveDateTime, Time};

/// How a cell shows its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shown {
    #[default]
    Number,
    Date,
}

impl Shown {
    /// By one of the numbers that formats have from the start.
    pub(super) fn of_id(id: u32) -> Self {
        if matches!(id, 14..=22 | 27..=36 | 45..=47 | 50..=58) { Self::Date } else { Self::Number }
    }

    /// By the code of a format, such as `dd.mm.yyyy`. What stands in quotes or brackets is shown as it is.
    pub(super) fn of_code(code: &str) -> Self {
        let (mut closing, mut chars) = (None, code.chars());
        while let Some(c) = chars.next() {
            match (closing, c) {
                (Some(end), c) if c == end => closing = None,
                (Some(_), _) => {}
                (None, '"') => closing = Some('"'),
                (None, '[') => closing = Some(']'),
                (None, '\\' | '_' | '*') => {
                    chars.next();
                }
                (None, 'd' | 'D' | 'm' | 'M' | 'y' | 'Y' | 'h' | 'H' | 's' | 'S') => return Self::Date,
                (None, 'G' | 'g') => return Self::Number,
                _ => {}
            }
        }
        Self::Number
    }
}

/// The text that a number is shown as.
pub(super) fn shown(text: &str, style: Shown, from_1904: bool) -> String {
    let text = text.trim();
    let Some(number) = text.parse::<f64>().ok().filter(|number| number.is_finite()) else {
        return text.to_owned();
    };
    let date = (style == Shown::Date).then(|| date(number, from_1904)).flatten();
    date.unwrap_or_else(|| decimal(text, number))
}

/// A number in plain digits, at most 15 of them that count.
fn decimal(text: &str, number: f64) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    if is_plain && digits <= 15 {
        return text.to_owned();
    }
    // `d.ddde±x`: the digits that count, and where the point goes.
    let scientific = format!("{number:.14e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let sign = if number < 0.0 { "-" } else { "" };
    let whole = usize::try_from(exponent + 1).unwrap_or(0);
    if digits.is_empty() {
        return "0".to_owned();
    }
    if exponent < 0 {
        let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
        return format!("{sign}0.{}{digits}", "0".repeat(zeros));
    }
    if digits.len() <= whole {
        return format!("{sign}{digits}{}", "0".repeat(whole - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
}

/// The day and time of a number of days: `2026-05-01`, `2026-05-01 12:30`, `12:30`.
fn date(days: f64, from_1904: bool) -> Option<String> {
    if !(0.0..2_958_466.0).contains(&days) {
        return None;
    }
    // Excel's 1900 has a 29th of February, so that its days count from the 30th of December later on.
    let (year, month, day) = if from_1904 { (1904, Month::January, 1) } else { (1899, Month::December, 30) };
    let start = Date::from_calendar_date(year, month, day).ok()?;
    let seconds = (days * 86_400.0).round();
    let moment = PrimitiveDateTime::new(start, Time::MIDNIGHT).checked_add(Duration::seconds_f64(seconds))?;
    let (date, time) = (moment.date(), moment.time());
    let clock = match time.second() {
        0 => format!("{:02}:{:02}", time.hour(), time.minute()),
        second => format!("{:02}:{:02}:{second:02}", time.hour(), time.minute()),
    };
    Some(match (days < 1.0, time == Time::MIDNIGHT) {
        (true, _) => clock,
        (false, true) => date.to_string(),
        (false, false) => format!("{date} {clock}"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_shown_in_plain_digits() {
        for (text, expected) in [
            ("4216292", "4216292"),
            ("110000.5", "110000.5"),
            ("0.30000000000000004", "0.3"),
            ("1.1000000000000001", "1.1"),
            ("4.607054E+12", "4607054000000"),
            ("1E-3", "0.001"),
            ("-2.5E1", "-25"),
            ("0", "0"),
            ("1E+20", "100000000000000000000"),
            ("12345678901234567890", "12345678901234600000"),
            ("кириллица", "кириллица"),
            ("NaN", "NaN"),
        ] {
            assert_eq!(shown(text, Shown::Number, false), expected, "{text}");
        }
    }

    #[test]
    fn a_date_is_shown_as_one() {
        for (text, expected) in [
            ("46143", "2026-05-01"),
            ("46143.520833333336", "2026-05-01 12:30"),
            ("0.5", "12:00"),
            ("46143.00001157407", "2026-05-01 00:00:01"),
            ("-5", "-5"),
        ] {
            assert_eq!(shown(text, Shown::Date, false), expected, "{text}");
        }
        assert_eq!(shown("44681", Shown::Date, true), "2026-05-01");
    }

    #[test]
    fn the_code_of_a_format_tells_dates() {
        for code in ["dd.mm.yyyy", "yyyy\\-mm\\-dd", "[$-419]D MMMM", "h:mm"] {
            assert_eq!(Shown::of_code(code), Shown::Date, "{code}");
        }
        for code in ["General", "0.00", "#,##0.00\\ \"руб.\"", "[Red]0", "0%", "\"mm\"0", "_-* #,##0_-"] {
            assert_eq!(Shown::of_code(code), Shown::Number, "{code}");
        }
    }

    proptest! {
        #[test]
        fn a_price_is_shown_as_it_was_written(minor in 0..1_000_000_000_000_i64) {
            let text = format!("{}.{:02}", minor / 100, minor % 100);
            let number: f64 = text.parse().unwrap();
            let plain = shown(&format!("{number:.17e}"), Shown::Number, false);
            prop_assert_eq!(plain.parse::<f64>().unwrap(), number);
        }

        #[test]
        fn no_text_panics(text in "[-0-9.eE+]{0,30}|\\PC{0,10}") {
            let _unused = (shown(&text, Shown::Number, false), shown(&text, Shown::Date, true));
        }
    }
}
