//! Money, dates and numbers as people read them, in Russian and in English. Pure functions.
//!
//! Groups of digits, and a number and its unit, are joined by a no-break space, so that no mail client tears them
//! apart at the end of a line.

use time::{Date, OffsetDateTime, UtcOffset};
use time_tz::{OffsetDateTimeExt, Tz};

use crate::{locale::Locale, money::Money};

/// Keeps what stands on both sides of it on one line.
const NO_BREAK_SPACE: char = '\u{a0}';

const MONTHS_RU: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

impl Locale {
    /// `110 000,00 ₽`, `RUB 110,000.00`; other currencies by their code in both languages.
    #[must_use]
    pub fn money(self, amount: Money, currency: &str) -> String {
        let minor = amount.minor().unsigned_abs();
        let (units, cents) = (self.quantity(minor / 100), minor % 100);
        match (self, currency) {
            (Self::Ru, "RUB") => format!("{units},{cents:02}{NO_BREAK_SPACE}₽"),
            (Self::Ru, code) => format!("{units},{cents:02}{NO_BREAK_SPACE}{code}"),
            (Self::En, code) => format!("{code}{NO_BREAK_SPACE}{units}.{cents:02}"),
        }
    }

    /// A whole number in groups of three: `1 000 000`, `1,000,000`.
    #[must_use]
    pub fn quantity(self, number: u64) -> String {
        let separator = match self {
            Self::Ru => NO_BREAK_SPACE,
            Self::En => ',',
        };
        let digits = number.to_string();
        let mut grouped = String::with_capacity(digits.len() * 2);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                grouped.push(separator);
            }
            grouped.push(digit);
        }
        grouped
    }

    /// `5 ноября 2026 г.`, `5 November 2026`.
    #[must_use]
    pub fn date(self, date: Date) -> String {
        let (year, month, day) = date.to_calendar_date();
        match self {
            Self::Ru => {
                let month = MONTHS_RU[usize::from(u8::from(month)) - 1];
                format!("{day}{NO_BREAK_SPACE}{month} {year}{NO_BREAK_SPACE}г.")
            }
            Self::En => format!("{day}{NO_BREAK_SPACE}{month} {year}"),
        }
    }

    /// The local date and time in a time zone, which is named by its offset, since the reader may sit in another:
    /// `5 ноября 2026 г., 14:30 (UTC+3)`.
    #[must_use]
    pub fn datetime(self, instant: OffsetDateTime, zone: &Tz) -> String {
        let local = instant.to_timezone(zone);
        let (hour, minute, _) = local.to_hms();
        format!(
            "{}, {hour:02}:{minute:02}{NO_BREAK_SPACE}({})",
            self.date(local.date()),
            offset(local.offset())
        )
    }

    /// The form that a noun takes beside a number: one of `товар, товара, товаров`, or of `item, items`.
    ///
    /// `None` when the number of forms is not the language's (three in Russian, two in English).
    #[must_use]
    pub fn plural<T: Copy>(self, number: u64, forms: &[T]) -> Option<T> {
        match (self, forms) {
            (Self::Ru, &[one, few, many]) => Some(match (number % 10, number % 100) {
                (_, 11..=14) => many,
                (1, _) => one,
                (2..=4, _) => few,
                _ => many,
            }),
            (Self::En, &[one, other]) => Some(if number == 1 { one } else { other }),
            _ => None,
        }
    }
}

/// `UTC`, `UTC+3`, `UTC−3:30`, with a real minus sign.
fn offset(offset: UtcOffset) -> String {
    let (hours, minutes, _) = offset.as_hms();
    let sign = if offset.is_negative() { '−' } else { '+' };
    match (hours.unsigned_abs(), minutes.unsigned_abs()) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};
    use time_tz::timezones;

    use super::*;

    #[test]
    fn money_is_grouped_and_never_breaks() {
        for (amount, currency, ru, en) in [
            ("110000.00", "RUB", "110\u{a0}000,00\u{a0}₽", "RUB\u{a0}110,000.00"),
            ("0.05", "RUB", "0,05\u{a0}₽", "RUB\u{a0}0.05"),
            ("1234567.5", "USD", "1\u{a0}234\u{a0}567,50\u{a0}USD", "USD\u{a0}1,234,567.50"),
        ] {
            let amount = Money::parse(amount).unwrap();
            assert_eq!(Locale::Ru.money(amount, currency), ru);
            assert_eq!(Locale::En.money(amount, currency), en);
        }
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, ru, en) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1000, "1\u{a0}000", "1,000"),
            (123456, "123\u{a0}456", "123,456"),
        ] {
            assert_eq!(Locale::Ru.quantity(number), ru);
            assert_eq!(Locale::En.quantity(number), en);
        }
    }

    #[test]
    fn nouns_agree_with_numbers() {
        for (number, word) in [
            (0, "товаров"),
            (1, "товар"),
            (2, "товара"),
            (4, "товара"),
            (5, "товаров"),
            (11, "товаров"),
            (12, "товаров"),
            (14, "товаров"),
            (21, "товар"),
            (22, "товара"),
            (111, "товаров"),
            (1_001, "товар"),
        ] {
            assert_eq!(Locale::Ru.plural(number, &["товар", "товара", "товаров"]), Some(word), "{number}");
        }
        for (number, word) in [(0, "items"), (1, "item"), (21, "items")] {
            assert_eq!(Locale::En.plural(number, &["item", "items"]), Some(word), "{number}");
        }
        assert_eq!(Locale::Ru.plural(1, &["item", "items"]), None);
    }

    #[test]
    fn dates_are_written_out() {
        assert_eq!(Locale::Ru.date(date!(2026 - 11 - 05)), "5\u{a0}ноября 2026\u{a0}г.");
        assert_eq!(Locale::En.date(date!(2026 - 11 - 05)), "5\u{a0}November 2026");
    }

    #[test]
    fn instants_are_told_in_their_time_zone() {
        let zone = |name| timezones::get_by_name(name).unwrap();
        let (winter, summer) = (datetime!(2026-12-31 21:05 UTC), datetime!(2026-07-01 12:00 UTC));
        for (instant, name, text) in [
            (winter, "Europe/Moscow", "1\u{a0}January 2027, 00:05\u{a0}(UTC+3)"),
            (winter, "America/New_York", "31\u{a0}December 2026, 16:05\u{a0}(UTC−5)"),
            (summer, "America/New_York", "1\u{a0}July 2026, 08:00\u{a0}(UTC−4)"),
            (summer, "Asia/Kolkata", "1\u{a0}July 2026, 17:30\u{a0}(UTC+5:30)"),
            (summer, "UTC", "1\u{a0}July 2026, 12:00\u{a0}(UTC)"),
        ] {
            assert_eq!(Locale::En.datetime(instant, zone(name)), text, "{name}");
        }
    }
}
