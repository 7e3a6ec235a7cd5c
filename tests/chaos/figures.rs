//! What a run of the suite came to, for `cargo xtask test chaos` and docs/faults.md.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::run::Evidence;
use crate::story::{Decision, Keys, Story};

/// Sums over stories.
#[derive(Default)]
pub(crate) struct Figures {
    stories: u64,
    batches: u64,
    ignoring: u64,
    failed: u64,
    processes: u64,
    requests: u64,
    faults: u64,
    signals: u64,
    killed: u64,
    losses: u64,
    twins: u64,
    renders: u64,
    videos: u64,
    codes: BTreeMap<String, u64>,
}

impl Figures {
    /// Adds a story.
    pub(crate) fn count(&mut self, story: &Story, evidence: &Evidence, found: &[String]) {
        let count =
            |wanted: fn(&Decision) -> bool| story.decisions.iter().filter(|one| wanted(one)).count() as u64;
        self.stories += 1;
        self.batches += u64::from(story.is_batch());
        self.ignoring += u64::from(story.keys() == Keys::Ignored);
        self.failed += u64::from(!found.is_empty());
        self.requests += evidence.tally.requests.values().sum::<u64>();
        self.faults += evidence.tally.faults;
        self.signals += evidence.tally.signals;
        self.killed += evidence.killed;
        self.losses += count(|one| matches!(one, Decision::Ledger { .. } | Decision::Manifest { .. }));
        self.twins += count(|one| matches!(one, Decision::Twin { .. }));
        self.renders += evidence.charged.values().map(|(failing, fine)| failing + fine).sum::<u64>();
        self.videos += evidence.delivered;
        for ended in evidence.runs.iter().flat_map(|run| &run.processes) {
            self.processes += 1;
            let code = ended.code.map_or_else(|| "killed".to_owned(), |code| format!("exit {code}"));
            *self.codes.entry(code).or_default() += 1;
        }
    }

    /// Leaves the figures for `cargo xtask test` to print.
    pub(crate) fn show(&self, took: Duration) {
        let codes = self.codes.iter().map(|(code, count)| format!("{count} {code}")).collect::<Vec<_>>();
        let Self { stories, batches, ignoring, failed, processes, requests, faults, .. } = self;
        let Self { signals, killed, losses, twins, renders, videos, .. } = self;
        let table = format!(
            "stories     {stories} ({batches} batches, {ignoring} with keys ignored), {failed} failed\n\
             processes   {processes}: {}\n\
             requests    {requests}, {faults} with a fault\n\
             signals     {signals} at a request, {killed} processes killed\n\
             lost files  {losses}; second processes {twins}\n\
             paid        {renders} renders for {videos} videos\n\
             time        {:.0} s\n",
            codes.join(", "),
            took.as_secs_f64()
        );
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tables");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("chaos.txt"), table).unwrap();
    }
}
