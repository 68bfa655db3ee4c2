//! What every target does: reads a list and checks each good, in whatever form.

use std::{io::Cursor, ops::ControlFlow};

use common::{
    imports::{
        Good,
        formats::{self, Format, Limits},
    },
    vat::VatRates,
};

/// Reads `bytes` as a list. Whatever they are, that ends well or in an error.
pub fn read(format: Format, bytes: &[u8]) {
    let limits = Limits { bytes: 16 << 20, goods: 10_000, ..Limits::default() };
    let _refusal = formats::read(format, Cursor::new(bytes), limits, &mut |raw| {
        let _checked = Good::check(raw, &VatRates::default());
        ControlFlow::Continue(())
    });
}
