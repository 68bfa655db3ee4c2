#![no_main]

use common::imports::formats::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::read(Format::Yaml, bytes));
