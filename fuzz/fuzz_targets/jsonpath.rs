#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| weir::lang::jsonpath::fuzz(data));
