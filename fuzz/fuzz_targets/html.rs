#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hyperframes_ci_fuzz::run("html", input));
