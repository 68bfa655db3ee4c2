//! What is counted of fetches.

use common::imports::urls::FetchCode;
use metrics::counter;

use super::{FetchError, Fetched};

/// The figures, by their names.
const FETCHES: &str = "price_list_fetches_total";
const BYTES: &str = "price_list_fetched_bytes_total";

/// Shows zeros: to an alarm, a figure that appears with its first event has not grown.
pub(crate) fn begin() {
    for result in ["fetched", "unchanged", "discarded", "internal"]
        .into_iter()
        .chain(FetchCode::ALL.map(FetchCode::as_str))
    {
        counter!(FETCHES, "result" => result).increment(0);
    }
    counter!(BYTES).increment(0);
}

/// An attempt was broken off: its import was discarded.
pub(crate) fn broken_off() {
    counter!(FETCHES, "result" => "discarded").increment(1);
}

/// An attempt came to this.
pub(super) fn ended(fetched: &Result<Fetched, FetchError>) {
    let result = match fetched {
        Ok(Fetched::File(file)) => {
            counter!(BYTES).increment(file.bytes);
            "fetched"
        }
        Ok(Fetched::NotModified) => "unchanged",
        Err(FetchError::Failed(failure)) => failure.code.as_str(),
        Err(FetchError::Ours(_)) => "internal",
    };
    counter!(FETCHES, "result" => result).increment(1);
}
