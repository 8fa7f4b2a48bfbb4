#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| weir::edge::identity::fuzz::authorization(data));
