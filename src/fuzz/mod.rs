//! Fuzzing: properties that hold for every input that a stranger can choose.
//!
//! A [`Target`] takes any bytes and fails by panicking. `cargo xtask test fuzz` runs the targets on stable Rust, with inputs
//! that depend on a seed only ([`campaign`]); the crate in `fuzz/` hands them to libFuzzer. Both start from the files in
//! `fuzz/seeds`, and inputs that once failed stay there.

#[cfg(test)]
mod campaign;
mod container;
#[cfg(test)]
mod cost;
mod event;
mod files;
mod findings;
#[cfg(test)]
mod mutate;
mod rows;
mod text;

/// What is fuzzed.
pub(crate) struct Target {
    /// The name, which is also that of its folder in `fuzz/seeds` and of its program in `fuzz/fuzz_targets`.
    pub(crate) name: &'static str,
    /// Checks the properties for an input.
    pub(crate) run: fn(&[u8]),
}

/// All targets.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "html", run: text::html },
    Target { name: "css", run: text::css },
    Target { name: "script", run: text::script },
    Target { name: "json", run: text::json },
    Target { name: "rows", run: rows::run },
    Target { name: "ignore", run: files::ignore },
    Target { name: "archive", run: files::archive },
    Target { name: "config", run: files::config },
    Target { name: "container", run: container::run },
    Target { name: "event", run: event::run },
];

/// Runs the target called `name`.
#[cfg_attr(test, expect(dead_code, reason = "the programs in fuzz/ call it"))]
pub(crate) fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    (target.run)(input);
}
