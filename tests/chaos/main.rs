//! Random stories of faults, signals and lost files against a server of their own: paid once, delivered always.
//!
//! `cargo xtask test chaos` plays them. A story that fails is shrunk and printed, with the command that repeats it.
#![cfg(unix)]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has no better way to say so")]

mod bites;
mod faults;
mod figures;
mod property;
mod random;
mod run;
mod server;
mod shrink;
mod story;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use figures::Figures;
use property::violations;
use run::play;
use server::lock;
use story::{Decision, Story};

/// Seeds where nobody says otherwise.
const SEEDS: u64 = 300;

/// Stories that are played at a time, for each processor: they wait more than they work.
const STORIES_PER_PROCESSOR: usize = 2;

/// How often a story that fails is played again, in shorter versions, and for how long.
const BUDGET: (u32, Duration) = (80, Duration::from_secs(90));

/// A number that `cargo xtask test chaos` hands on.
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

#[test]
fn every_story_ends_with_one_paid_render_and_its_video() {
    let (first, count) = match setting("HYPERFRAMES_CI_CHAOS_SEED") {
        Some(seed) => (seed, setting("HYPERFRAMES_CI_CHAOS_SEEDS").unwrap_or(1)),
        None => (0, setting("HYPERFRAMES_CI_CHAOS_SEEDS").unwrap_or(SEEDS)),
    };
    let only = std::env::var("HYPERFRAMES_CI_CHAOS_ONLY").ok();
    let threads = std::thread::available_parallelism().map_or(2, usize::from) * STORIES_PER_PROCESSOR;
    let (next, began) = (AtomicU64::new(first), Instant::now());
    let (figures, failures) = (Mutex::new(Figures::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, SeqCst)).filter(|seed| *seed < first + count) {
                    let story = chosen(Story::draw(seed), only.as_deref());
                    let evidence = play(&story);
                    let found = violations(&story, &evidence);
                    lock(&figures).count(&story, &evidence, &found);
                    if !found.is_empty() {
                        lock(&failures).push((story, found, evidence.tally.journal.join("\n")));
                    }
                }
            });
        }
    });
    let (figures, mut failures) = (figures.into_inner().unwrap(), failures.into_inner().unwrap());
    figures.show(began.elapsed());
    failures.sort_by_key(|(story, ..)| story.seed);
    let is_single = count == 1;
    let reports = failures.iter().enumerate().map(|(index, (story, found, journal))| match index {
        _ if is_single && only.is_some() => format!("{}{journal}", report(story, &story.decisions, found)),
        // The first ones are worth the time.
        0..3 => shrunk(story, found),
        _ => report(story, &story.decisions, found),
    });
    let reports = reports.collect::<Vec<_>>();
    assert!(reports.is_empty(), "{} of {count} stories failed\n\n{}", reports.len(), reports.join("\n"));
}

/// The decisions of a story that were asked for, by their numbers.
fn chosen(story: Story, only: Option<&str>) -> Story {
    let Some(only) = only else { return story };
    let numbers = only.split(',').filter_map(|number| number.parse::<usize>().ok()).collect::<Vec<_>>();
    let decisions = numbers.iter().filter_map(|number| story.decisions.get(*number).copied());
    story.with(&decisions.collect::<Vec<_>>())
}

/// The report about a story, in the shortest version that still fails.
fn shrunk(story: &Story, found: &[String]) -> String {
    let began = Instant::now();
    let fails = |decisions: &[Decision]| {
        if began.elapsed() > BUDGET.1 {
            return false;
        }
        let story = story.with(decisions);
        // Signals and second processes do not come at the same instant every time.
        (0..2).any(|_| !violations(&story, &play(&story)).is_empty())
    };
    let decisions = shrink::shrink(story.decisions.clone(), BUDGET.0, fails);
    let shorter = story.with(&decisions);
    let again = (0..3).map(|_| violations(&shorter, &play(&shorter))).find(|found| !found.is_empty());
    report(story, &decisions, &again.unwrap_or_else(|| found.to_vec()))
}

fn report(story: &Story, decisions: &[Decision], found: &[String]) -> String {
    let whole = Story::draw(story.seed).decisions;
    let number = |decision| whole.iter().position(|other| other == decision).unwrap_or_default();
    let numbers = decisions.iter().map(|decision| number(decision).to_string()).collect::<Vec<_>>();
    let lines = decisions.iter().map(|decision| format!("  {decision:?}\n"));
    format!(
        "seed {}: {:?}\n{}{}\n  cargo xtask test chaos --seed {} --only {}\n",
        story.seed,
        story.shape,
        lines.collect::<String>(),
        found.iter().map(|line| format!("  ! {line}")).collect::<Vec<_>>().join("\n"),
        story.seed,
        numbers.join(",")
    )
}
