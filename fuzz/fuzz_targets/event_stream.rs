#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| weir::wire::event_stream::fuzz(data));
