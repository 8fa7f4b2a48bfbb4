#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| weir::wire::h1::fuzz_chunked(data));
