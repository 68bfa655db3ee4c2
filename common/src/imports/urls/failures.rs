//! Why a price list was not fetched.

use std::{
    error::Error,
    fmt,
    io::{self, ErrorKind},
};

use crate::imports::{ImportFailure, Wording, said};

/// What can go wrong with an address. The names are part of the API, and do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FetchCode {
    /// It leads to where no list is fetched from.
    NotAllowed,
    /// Nobody is there, or the connection broke.
    Unreachable,
    /// The server refused.
    Answered,
    /// More bytes than a list may have.
    TooLarge,
    /// Not all of it came in time.
    TooSlow,
    /// It leads on and on.
    TooManyRedirects,
    /// The answer is packed otherwise than asked for, or damaged.
    WrongEncoding,
    /// What is there is no price list.
    NoPriceList,
}

impl FetchCode {
    /// Every code.
    pub const ALL: [Self; 8] = [
        Self::NotAllowed,
        Self::Unreachable,
        Self::Answered,
        Self::TooLarge,
        Self::TooSlow,
        Self::TooManyRedirects,
        Self::WrongEncoding,
        Self::NoPriceList,
    ];

    /// Its word in answers, figures and the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "url_not_allowed",
            Self::Unreachable => "url_unreachable",
            Self::Answered => "url_answered",
            Self::TooLarge => "url_too_large",
            Self::TooSlow => "url_too_slow",
            Self::TooManyRedirects => "too_many_redirects",
            Self::WrongEncoding => "url_wrong_encoding",
            Self::NoPriceList => "url_no_price_list",
        }
    }
}

/// Why a server cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// Nobody knows its name.
    UnknownName,
    /// Whoever knows names did not answer.
    NameUnanswered,
    /// Its name leads nowhere.
    NoAddress,
    /// It does not answer.
    Silent,
    /// Nothing listens there.
    Refused,
    /// No network leads there.
    NoRoute,
    /// The two could not agree on how to encrypt, or its certificate is not trusted; in the words of the library.
    NotTrusted(String),
    /// Anything else, in the words of the system.
    Other(String),
}

impl Absence {
    /// The reason inside an error of a connection: what stands around it names the address.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        let words = innermost.to_string();
        let Some(error) = innermost.downcast_ref::<io::Error>() else { return Self::Other(words) };
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => Self::NoRoute,
            _ if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => Self::NotTrusted(words),
            _ => Self::Other(words),
        }
    }

    fn said(&self) -> Wording {
        match self {
            Self::UnknownName => said!("its name was not found", "его имя не найдено"),
            Self::NameUnanswered => {
                said!("its name was not found in time", "его имя не удалось найти вовремя")
            }
            Self::NoAddress => said!("its name has no address", "у его имени нет адреса"),
            Self::Silent => said!("it did not answer in time", "он не ответил вовремя"),
            Self::Refused => {
                said!("it takes no connections at this port", "он не принимает соединений на этом порту")
            }
            Self::NoRoute => said!("no network leads there", "к нему не ведёт ни одна сеть"),
            Self::NotTrusted(why) => {
                said!(
                    "the connection cannot be encrypted safely ({why})",
                    "не удаётся установить защищённое соединение ({why})"
                )
            }
            Self::Other(why) => said!("the connection failed ({why})", "соединение не удалось ({why})"),
        }
    }
}

/// Why a list was not fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchFailure {
    /// For programs.
    pub code: FetchCode,
    /// For people. It names no network address: whoever gave the host's name need not know what it is to us.
    pub detail: Wording,
    /// Whether it may succeed later.
    pub may_pass: bool,
}

impl FetchFailure {
    fn final_one(code: FetchCode, detail: Wording) -> Self {
        Self { code, detail, may_pass: false }
    }

    fn passing(code: FetchCode, detail: Wording) -> Self {
        Self { code, detail, may_pass: true }
    }

    /// It leads to no host of the internet.
    #[must_use]
    pub fn not_allowed() -> Self {
        let detail = said!(
            "the address leads to a host that is not on the public internet",
            "адрес ведёт к узлу, которого нет в открытом интернете"
        );
        Self::final_one(FetchCode::NotAllowed, detail)
    }

    /// It leads from https to http.
    pub(super) fn downgraded() -> Self {
        let detail = said!(
            "the address leads on from https to http, where others can read along",
            "адрес перенаправляет с https на http, где данные видны посторонним"
        );
        Self::final_one(FetchCode::NotAllowed, detail)
    }

    /// It leads on to what is no address.
    #[must_use]
    pub fn bad_redirect() -> Self {
        let detail = said!(
            "the server leads on to what is no http or https address",
            "сервер перенаправляет туда, где нет адреса http или https"
        );
        Self::final_one(FetchCode::Answered, detail)
    }

    /// Nobody is there.
    #[must_use]
    pub fn unreachable(reason: &Absence) -> Self {
        let Wording { en, ru } = reason.said();
        let detail = said!("the server cannot be reached: {}", "сервер недоступен: {}"; en, ru);
        Self::passing(FetchCode::Unreachable, detail)
    }

    /// The connection ended before the file did.
    #[must_use]
    pub fn broken_off() -> Self {
        let detail = said!(
            "the connection broke off before the end of the file",
            "соединение прервалось до конца файла"
        );
        Self::passing(FetchCode::Unreachable, detail)
    }

    /// The server answered with this status.
    #[must_use]
    pub fn answered(status: u16) -> Self {
        let detail = said!(
            "the server answered {status}, expected 200 and the price list",
            "сервер ответил {status}, ожидается 200 и прайс-лист"
        );
        let may_pass = status >= 500 || [408, 425, 429].contains(&status);
        Self { code: FetchCode::Answered, detail, may_pass }
    }

    /// The file is larger than so many bytes.
    #[must_use]
    pub fn too_large(limit: u64) -> Self {
        let mib = limit >> 20;
        let detail = said!(
            "the file is too large, expected at most {mib} MiB, also unpacked",
            "файл слишком велик, ожидается не больше {mib} МиБ, в том числе в распакованном виде"
        );
        Self::final_one(FetchCode::TooLarge, detail)
    }

    /// The whole did not come in so many seconds.
    #[must_use]
    pub fn too_slow(seconds: f32) -> Self {
        let detail =
            said!("the file did not come whole within {seconds} s", "файл не пришёл целиком за {seconds} с");
        Self::final_one(FetchCode::TooSlow, detail)
    }

    /// Nothing came for so many seconds.
    #[must_use]
    pub fn silent(seconds: f32) -> Self {
        let detail = said!("the server was silent for {seconds} s", "сервер молчал {seconds} с");
        Self::passing(FetchCode::TooSlow, detail)
    }

    /// It leads on and on.
    #[must_use]
    pub fn too_many_redirects(most: usize) -> Self {
        let detail =
            said!("the server leads on more than {most} times", "сервер перенаправляет больше {most} раз");
        Self::final_one(FetchCode::TooManyRedirects, detail)
    }

    /// The answer is packed in a way that was not asked for, or damaged.
    #[must_use]
    pub fn wrong_encoding() -> Self {
        let detail = said!(
            "the answer is packed in a way that is not understood, or is damaged; expected the file as it is",
            "ответ сжат непонятным способом или повреждён; ожидается файл как есть"
        );
        Self::final_one(FetchCode::WrongEncoding, detail)
    }

    /// What is there is no price list.
    #[must_use]
    pub fn no_price_list() -> Self {
        let detail = said!(
            "what is there is no price list; expected YAML, CSV, XLSX or YML, and no page",
            "по адресу не прайс-лист; ожидается YAML, CSV, XLSX или YML, а не страница"
        );
        Self::final_one(FetchCode::NoPriceList, detail)
    }
}

impl From<FetchFailure> for ImportFailure {
    fn from(failure: FetchFailure) -> Self {
        Self { code: failure.code.as_str().to_owned(), detail: failure.detail, line: None }
    }
}

impl fmt::Display for FetchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail.en)
    }
}

impl std::error::Error for FetchFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_may_do_better_later_is_tried_again() {
        for (status, may_pass) in [
            (500, true),
            (503, true),
            (429, true),
            (408, true),
            (404, false),
            (403, false),
            (204, false),
            (304, false),
        ] {
            assert_eq!(FetchFailure::answered(status).may_pass, may_pass, "{status}");
        }
    }
}
