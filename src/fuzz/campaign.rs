//! The fuzzer of `cargo xtask test fuzz`: runs the targets with inputs that depend on a seed only.
//!
//! | variable | meaning |
//! |---|---|
//! | `HYPERFRAMES_CI_FUZZ_SEED`, `…_SEEDS` | the first seed, and how many; 600 by default, the same on every machine |
//! | `HYPERFRAMES_CI_FUZZ_SECONDS` | runs as many seeds as fit into this time |
//! | `HYPERFRAMES_CI_FUZZ_TARGET` | one target; all by default |
//! | `HYPERFRAMES_CI_FUZZ_FILE` | runs this file only |

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use super::mutate::{Growing, Random, input, words};
use super::{TARGETS, Target, cost};

/// The number of seeds where nobody says otherwise: about a minute on two cores.
const SEEDS: u64 = 600;

/// The longest time that one input may take, in processor time of a debug build.
const LONGEST: Duration = Duration::from_secs(10);

/// One seed of so many measures growing inputs.
const GROWING: u64 = 16;

/// Most failures of a target that are reported.
const MOST_FAILURES: usize = 3;

thread_local! {
    /// What the last panic of this thread said.
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps what panics say instead of printing it.
fn keep_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        let text = text.chars().take(600).collect::<String>();
        LAST_PANIC.with_borrow_mut(|last| *last = text);
    }));
}

/// Runs what may panic; returns what the panic said.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| LAST_PANIC.with_borrow(Clone::clone))
}

fn setting(name: &str) -> Option<String> {
    std::env::var(format!("HYPERFRAMES_CI_FUZZ_{name}")).ok()
}

fn number(name: &str) -> Option<u64> {
    setting(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A target with what its inputs are made of.
struct Prepared {
    target: &'static Target,
    seeds: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    failures: Mutex<Vec<String>>,
    runs: AtomicU64,
}

impl Prepared {
    fn new(target: &'static Target) -> Self {
        let seeds = files(target).into_iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
        let words = words(&seeds);
        Self { target, seeds, words, failures: Mutex::default(), runs: AtomicU64::new(0) }
    }

    /// Runs the input of a seed, or measures the growing one.
    fn play(&self, seed: u64) {
        self.runs.fetch_add(1, SeqCst);
        let mut random = Random::new(seed);
        if seed % GROWING == GROWING - 1 {
            let growing = Growing::new(&mut random, &self.seeds, &self.words);
            if let Err(message) = caught(|| cost::check(self.target, &growing)).flatten() {
                self.report(seed, &growing.of_length(8 << 10), &message);
            }
            return;
        }
        let input = input(&mut random, &self.seeds, &self.words);
        if let Err(message) = self.run(&input) {
            self.report(seed, &shortened(&input, |input| self.run(input).is_err()), &message);
        }
    }

    fn run(&self, input: &[u8]) -> Result<(), String> {
        let began = cost::clock();
        caught(|| (self.target.run)(input))?;
        let time = cost::clock().saturating_sub(began);
        if time > LONGEST { Err(format!("took {time:.1?}")) } else { Ok(()) }
    }

    fn report(&self, seed: u64, input: &[u8], message: &str) {
        let folder = root().join("target/fuzz");
        let path = folder.join(format!("{}-{seed}", self.target.name));
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, input)).unwrap();
        let name = self.target.name;
        let failure = format!(
            "{name}: seed {seed}: {message}\n  run it again: cargo xtask test fuzz --target {name} --file {}",
            path.display()
        );
        self.failures.lock().unwrap().push(failure);
    }

    fn has_failed(&self) -> bool {
        self.failures.lock().unwrap().len() >= MOST_FAILURES
    }
}

/// The seeds of a target, sorted.
fn files(target: &Target) -> Vec<PathBuf> {
    let folder = root().join("fuzz/seeds").join(target.name);
    let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    files.sort();
    files
}

/// Removes parts of an input while it still fails.
fn shortened(input: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let (mut input, mut size, began) = (input.to_vec(), input.len() / 2, Instant::now());
    while size > 0 && began.elapsed() < Duration::from_secs(5) {
        let mut at = 0;
        while at < input.len() && began.elapsed() < Duration::from_secs(5) {
            let end = (at + size).min(input.len());
            let without = [&input[..at], &input[end..]].concat();
            if fails(&without) { input = without } else { at = end }
        }
        size /= 2;
    }
    input
}

/// The targets that are asked for.
fn targets() -> Vec<Prepared> {
    let only = setting("TARGET");
    let targets = TARGETS.iter().filter(|target| only.as_deref().is_none_or(|only| only == target.name));
    let targets = targets.map(Prepared::new).collect::<Vec<_>>();
    assert!(!targets.is_empty(), "unknown target {only:?}");
    targets
}

/// Without mutation, this takes a moment: what failed once is tested with every run of the unit tests.
#[test]
fn seeds_hold() {
    for prepared in TARGETS.iter().map(Prepared::new) {
        assert!(prepared.seeds.len() >= 2, "{}: no seeds", prepared.target.name);
        for (input, path) in prepared.seeds.iter().zip(files(prepared.target)) {
            assert!(input.len() <= 16 * 1024, "{}: a seed is at most 16 KiB long", path.display());
            assert_eq!(prepared.run(input), Ok(()), "{}", path.display());
        }
    }
}

#[test]
fn the_programs_of_the_fuzzer_are_the_targets() {
    let names =
        TARGETS.iter().map(|target| target.name.to_owned()).collect::<std::collections::BTreeSet<_>>();
    let listed = |folder: &str| {
        let entries = fs::read_dir(root().join("fuzz").join(folder)).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        entries.map(|entry| stem(entry.unwrap().path())).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(listed("seeds"), names);
    assert_eq!(listed("fuzz_targets"), names);
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    for name in &names {
        let program = fs::read_to_string(root().join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("run(\"{name}\"")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}

/// A workspace of its own does not inherit the dependencies, and only builds of the night use it.
#[test]
fn the_programs_of_the_fuzzer_have_the_dependencies_of_the_program() {
    let manifest =
        |path: &str| toml::from_str::<toml::Table>(&fs::read_to_string(root().join(path)).unwrap()).unwrap();
    let (program, fuzzer) = (manifest("Cargo.toml"), manifest("fuzz/Cargo.toml"));
    let shared = &program["workspace"]["dependencies"];
    let version = |value: &toml::Value| value.get("version").unwrap_or(value).as_str().map(str::to_owned);
    let dependencies = |manifest: &toml::Table| {
        let mut tables = vec![(String::new(), manifest["dependencies"].clone())];
        for (platform, own) in manifest["target"].as_table().unwrap() {
            tables.extend(own.get("dependencies").map(|found| (platform.clone(), found.clone())));
        }
        let each = tables.into_iter().flat_map(|(platform, table)| {
            table.as_table().unwrap().clone().into_iter().map(move |entry| (platform.clone(), entry))
        });
        let version_of = |name: &str, value: &toml::Value| match value.get("workspace") {
            Some(_) => version(&shared[name]),
            None => version(value),
        };
        // libFuzzer runs on Linux, with the standard allocator.
        let others = ["hyperframes-ci-core", "libfuzzer-sys"];
        each.filter(|(platform, (name, _))| {
            !others.contains(&name.as_str())
                && !["windows", "target_env"].iter().any(|other| platform.contains(other))
        })
        .map(|(platform, (name, value))| (format!("{platform} {name}"), version_of(&name, &value)))
        .collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(dependencies(&fuzzer), dependencies(&program), "fuzz/Cargo.toml, and Cargo.toml");
}

/// Inputs whose cost was quadratic: what they start with, what is repeated before and after the middle, and their end.
const GREW: &[(&str, [&str; 4])] = &[
    ("css", ["", "a{font-family:\"F\",b}", "", ""]),
    ("css", ["", "font-family:", "", ""]),
    ("css", ["@font-face    {", "font-family:a;", "", "}"]),
    ("css", ["", "font-family:a        ", "", ""]),
    ("css", ["", ".a>b:hover{transition:all 1s}", "", ""]),
    ("css", ["", "transition", "", ""]),
    ("css", ["", "/transition:", "", ""]),
    ("css", ["a{b:", "var(--a,", ")", "url(x.png)}"]),
    ("css", ["a{b:", "image-set(url(x.png) ", ")", "}"]),
    ("css", ["a{b:url(", "a/*", "", ")}"]),
    ("html", ["<img src=", "a/", "", ">"]),
    ("html", ["<p ", "a=\"b\" ", "", ">"]),
    ("html", ["", "<noscript>", "", ""]),
    ("html", ["", "<iframe>", "</iframe>", ""]),
    ("html", ["<style>.c{z-index:-1}</style>", "<i class=c style='z-index:-1'></i>", "", ""]),
    (
        "html",
        [
            "<div data-composition-id=a>",
            "<div data-composition-id=b data-composition-src=index.html></div>",
            "",
            "",
        ],
    ),
    ("html", ["<div data-composition-id=a>", "<script src=a.js></script>", "", ""]),
    ("script", ["", "document.querySelector('video.a').play();", "", ""]),
    ("script", ["const tl=gsap.timeline();", "tl.to('.clip',{x:1,repeat:-1,visibility:'hidden'});", "", ""]),
    ("script", ["document.fonts.ready.then(()=>{", "window.__timelines.a=tl;tl.to('a',{x:1});", "", "})"]),
];

#[test]
fn inputs_that_were_quadratic_are_linear() {
    for (name, parts) in GREW {
        let target = TARGETS.iter().find(|target| target.name == *name).unwrap();
        assert_eq!(cost::check(target, &Growing::of(*parts)), Ok(()), "{name} {parts:?}");
    }
}

#[test]
#[ignore = "takes a minute; `cargo xtask test fuzz` runs it"]
fn every_input_keeps_the_properties() {
    let prepared = targets();
    if let Some(file) = setting("FILE") {
        let input = fs::read(&file).unwrap();
        for prepared in &prepared {
            (prepared.target.run)(&input);
        }
        return;
    }
    let (first, limit) = (number("SEED").unwrap_or(0), number("SECONDS").map(Duration::from_secs));
    let one = || number("SEED").map(|_| 1);
    let count =
        number("SEEDS").or_else(one).unwrap_or(if limit.is_some() { u64::MAX - first } else { SEEDS });
    let (next, began, has_ended) = (AtomicU64::new(first), Instant::now(), AtomicBool::new(false));
    keep_panics();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let starts = (0..threads).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
    fs::create_dir_all(root().join("target/fuzz")).unwrap();
    std::thread::scope(|scope| {
        let workers = starts.iter().enumerate().map(|(worker, start)| {
            let (prepared, next) = (&prepared, &next);
            scope.spawn(move || {
                // What runs when a stack overflow, or the watchdog, ends the process.
                let mut running = File::create(root().join(format!("target/fuzz/running-{worker}"))).unwrap();
                while limit.is_none_or(|limit| began.elapsed() < limit) {
                    let seed = next.fetch_add(1, SeqCst);
                    if seed - first >= count {
                        break;
                    }
                    for prepared in prepared.iter().filter(|prepared| !prepared.has_failed()) {
                        start.store(began.elapsed().as_secs() + 1, SeqCst);
                        let line = format!("{:<12}{seed:>12}\n", prepared.target.name);
                        running.rewind().and_then(|()| running.write_all(line.as_bytes())).unwrap();
                        prepared.play(seed);
                    }
                }
                start.store(0, SeqCst);
            })
        });
        let workers = workers.collect::<Vec<_>>();
        scope.spawn(|| {
            while !has_ended.load(SeqCst) {
                std::thread::sleep(Duration::from_millis(100));
                let now = began.elapsed().as_secs() + 1;
                let hangs =
                    |start: &AtomicU64| Some(start.load(SeqCst)).is_some_and(|at| at > 0 && now > at + 240);
                if starts.iter().any(hangs) {
                    let text = "an input takes more than 240 s: see target/fuzz/running-*\n";
                    let _ = std::io::stderr().write_all(text.as_bytes());
                    std::process::abort();
                }
            }
        });
        let results = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>();
        has_ended.store(true, SeqCst);
        assert!(results.iter().all(Result::is_ok));
    });
    let runs = prepared.iter().map(|of| format!("{} {}", of.target.name, of.runs.load(SeqCst)));
    let table = format!("inputs in {:.0?}: {}\n", began.elapsed(), runs.collect::<Vec<_>>().join(", "));
    let tables = root().join("target/tables");
    fs::create_dir_all(&tables).and_then(|()| fs::write(tables.join("fuzz.txt"), &table)).unwrap();
    let _ = std::panic::take_hook();
    let failures = prepared.iter().flat_map(|of| of.failures.lock().unwrap().clone()).collect::<Vec<_>>();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
