#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| weir::formats::openapi::fuzz_mapping(data));
