//! Random stories of a pull request: pushes, repeats, parallel jobs, closing, releases. Latencies, failures, lost responses, rate
//! limits, conflicts and permissions of the fake of GitHub follow from the seed. In every story, the comment is true, nothing of
//! another run is lost, no secret appears, nothing is paid for twice, and exit codes are as documented.
//!
//! `HYPERFRAMES_CI_ACTION_SEEDS=1000 cargo test --test integration action::random` plays more stories than CI does, and
//! `HYPERFRAMES_CI_ACTION_SEED=17` one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::faults::{LASTING, Outage, Random};
use super::github::{Comment, GitHub, Release, State};
use super::runner::{Run, Runner};
use super::server::base64;
use super::stage::{CLIP, commit, git};
use crate::support::{Emulator, KEY, html, write};

/// Stories that CI plays.
const SEEDS: u64 = 30;

/// Jobs of the pull request. Each renders a project of its own.
const JOBS: usize = 4;

const BRANCH: &str = "hyperframes-previews";
const MARKER: &str = "<!-- hyperframes-ci -->";

/// What others have, and must keep.
const FOREIGN: [&str; 3] = ["base/of-main.png", "pr/8/of-another.mp4", "pr/8/sections.json"];

/// Parts of the API that fail for the whole of a step.
const OUTAGES: [&str; 7] =
    ["/issues/", "/git/", "/graphql", "/releases", "/check-runs", "/deployments", "/pulls"];

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_happens_the_comment_is_true_and_nothing_is_lost() {
    let seeds = match setting("HYPERFRAMES_CI_ACTION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("HYPERFRAMES_CI_ACTION_SEEDS").unwrap_or(SEEDS),
    };
    let next = AtomicU64::new(seeds.start);
    let (counts, failures) = (Mutex::new(BTreeMap::<String, u64>::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let mut story = Story::new(seed);
                    if catch_unwind(AssertUnwindSafe(|| story.play())).is_err() {
                        failures.lock().unwrap().push(format!("seed {seed}: {}", story.told.join("\n  ")));
                    }
                    let mut counts = counts.lock().unwrap();
                    for (name, count) in story.counts {
                        *counts.entry(name).or_default() += count;
                    }
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    let table = counts.iter().map(|(name, count)| format!("| {name} | {count} |\n")).collect::<String>();
    crate::support::show("action-stories.md", &format!("| what | how often |\n|---|---|\n{table}"));
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} stories fail; HYPERFRAMES_CI_ACTION_SEED repeats one\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// What would be wrong, and how it comes about.
type Mistake = (&'static str, fn(&mut State));

#[test]
fn the_property_notices_what_is_wrong() {
    let mistakes: [Mistake; 7] = [
        ("a section is lost", |state| {
            let body = &mut state.comments[1].body;
            *body = body.replace("videos&#47;p1<", "x<");
        }),
        ("a section is older", |state| {
            let (body, head) = (&mut state.comments[1].body, state.head.clone());
            *body = body.replacen(&head, &"0".repeat(40), 1);
        }),
        ("a link is dead", |state| {
            let tree =
                state.store(FOREIGN.iter().map(|name| ((*name).to_owned(), json!(""))).collect::<Value>());
            let tip = state.store(json!({ "tree": tree, "parents": [], "n": "previews" }));
            state.references.insert(format!("heads/{BRANCH}"), tip);
        }),
        ("there are two comments", |state| state.comments.push(state.comments[1].clone())),
        ("there is no comment", |state| state.comments.truncate(1)),
        ("older results are not marked", |state| state.head = "f".repeat(40)),
        ("a video is not linked", |state| {
            let body = &mut state.comments[1].body;
            *body = body.replace("[download video]", "");
        }),
    ];
    for (name, make) in mistakes {
        let mut story = Story::new(1);
        {
            let mut state = story.github.state();
            (state.may_comment, state.may_write, state.has_ruleset) = (true, true, false);
        }
        (story.may_comment, story.may_publish) = (true, true);
        story.push();
        story.weather(false);
        let payload = story.payload("synchronize", &story.head);
        let ended = story.run(&[0, 1], "pull_request", &payload, &[]);
        story.check_comment(&ended, true);
        make(&mut story.github.state());
        let checked = catch_unwind(AssertUnwindSafe(|| story.check_comment(&ended, true)));
        assert!(checked.is_err(), "{name}");
    }
}

/// A pull request, and what must hold of it.
struct Story {
    random: Random,
    github: GitHub,
    emulator: Emulator,
    folder: tempfile::TempDir,
    base: String,
    head: String,
    /// The commits of the pull request.
    heads: Vec<String>,
    /// What the token may, and what the server has.
    may_comment: bool,
    may_publish: bool,
    /// Jobs whose section is in the comment, with the commit that it is about.
    reported: BTreeMap<usize, String>,
    /// Whether the branch has the sections of all of them: somebody who deletes the comment deletes the others.
    is_stored: bool,
    /// Projects and their contents that were rendered.
    rendered: BTreeSet<(usize, String)>,
    inputs: Vec<(&'static str, &'static str)>,
    /// The programs that jobs find.
    path: String,
    /// What pauses are divided by.
    scale: &'static str,
    /// What has happened, for people.
    told: Vec<String>,
    counts: BTreeMap<String, u64>,
}

/// How a job ended.
struct Ended {
    job: usize,
    head: String,
    run: Run,
}

impl Ended {
    fn has_reported(&self) -> bool {
        self.run.log.contains("updated the comment")
    }

    fn says(&self, text: &str) -> bool {
        self.run.log.contains(text) || self.run.summary.contains(text)
    }
}

impl Story {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ 7);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkout");
        std::fs::create_dir(&path).unwrap();
        git(&path, &["init", "--quiet", "--initial-branch=main"]);
        for job in 0..JOBS {
            write(&path, &format!("videos/p{job}/index.html"), &html(1280, 720, "of main"));
        }
        let base = commit(&path, "base");
        // Posters and animated images take most of the time.
        let path = match random.chance(20) {
            true => std::env::var("PATH").unwrap(),
            false => only_git(folder.path()),
        };
        let github = GitHub::start();
        let is_protected = random.chance(8);
        let (may_comment, may_write) = (random.chance(90), random.chance(85));
        {
            let mut state = github.state();
            state.faults.seed = seed;
            state.faults.latency = random.of(&[0, 1, 12, 30]);
            state.may_comment = may_comment;
            state.may_write = may_write;
            state.has_ruleset = is_protected;
            state.may_check = random.chance(70);
            state.may_deploy = random.chance(50);
            state.has_no_update_refs = random.chance(20);
            state.neighbors = vec![8];
            state.releases = vec![Release {
                assets: vec![(5, "of-somebody.pdf".to_owned(), b"x".to_vec())],
                ..Release::new("v1")
            }];
            let body = format!("{MARKER}\nnot ours");
            state.comments = vec![Comment { id: 3, login: "someone".to_owned(), body }];
            seed_branch(&mut state);
        }
        let inputs: &[_] = match random.below(3) {
            0 => &[("preview-url", "https://pages.example/r"), ("diff", "false")],
            _ => &[("diff", "false")],
        };
        Self {
            random,
            github,
            emulator: Emulator::placeholder(&[]),
            head: base.clone(),
            heads: Vec::new(),
            base,
            folder,
            may_comment,
            may_publish: may_write && !is_protected,
            reported: BTreeMap::new(),
            is_stored: may_write && !is_protected,
            rendered: BTreeSet::new(),
            inputs: inputs.to_vec(),
            path,
            scale: "50",
            told: vec![format!(
                "may comment: {may_comment}, may write: {may_write}, protected: {is_protected}"
            )],
            counts: BTreeMap::new(),
        }
    }

    fn play(&mut self) {
        self.push();
        let jobs = self.jobs();
        self.preview(&jobs, true);
        for _ in 0..3 {
            match self.random.below(8) {
                0 => self.preview(&jobs, true),
                1 | 2 => {
                    self.push();
                    self.preview(&jobs, true);
                }
                3 => {
                    let jobs = self.jobs();
                    self.preview(&jobs, true);
                }
                4 if self.heads.len() > 1 => self.late(),
                4 | 5 => self.close(),
                6 => self.sweep(),
                _ => self.release(),
            }
        }
        // After whatever has happened, a calm run makes everything right.
        self.push();
        self.preview(&(0..JOBS).collect::<Vec<_>>(), false);
        let created = self.emulator.created().1;
        assert!(created <= self.rendered.len() as u64, "{created} renders of {:?}", self.rendered);
        self.count("renders", created);
    }

    fn count(&mut self, name: &str, count: u64) {
        *self.counts.entry(name.to_owned()).or_default() += count;
    }

    /// One job, or some.
    fn jobs(&mut self) -> Vec<usize> {
        let count = self.random.of(&[1, 1, 2, 4]);
        (0..count).collect()
    }

    /// Draws what the next step meets; returns whether requests succeed in the end.
    fn weather(&mut self, is_rough: bool) -> bool {
        let rate = self.random.of(&[0, 20, 40, 40, 250]);
        let outage = Outage { part: self.random.of(&OUTAGES), fault: self.random.of(&LASTING) };
        let outage = Some(outage).filter(|_| self.random.chance(20));
        let conflicts = self.random.of(&[0, 0, 1, 4]);
        let (rate, outage, conflicts) = if is_rough { (rate, outage, conflicts) } else { (0, None, 0) };
        let mut state = self.github.state();
        state.faults.rate = rate;
        state.faults.outage = outage;
        state.faults.closes_after = None;
        state.faults.moves_after = None;
        state.conflicts = conflicts;
        state.deletes_comment_once = is_rough && self.is_stored && self.random.chance(10);
        drop(state);
        self.told.push(format!("of 1000 requests, {rate} fail; {outage:?}; {conflicts} conflicts"));
        // Five attempts of a request fail rarely at lower rates.
        rate <= 40 && outage.is_none()
    }

    /// Another commit, which changes every project.
    fn push(&mut self) {
        let path = self.folder.path().join("checkout");
        git(&path, &["checkout", "--quiet", &self.head]);
        let text = format!("push {}", self.heads.len());
        for job in 0..JOBS {
            write(&path, &format!("videos/p{job}/index.html"), &html(1280, 720, &text));
        }
        self.head = commit(&path, &text);
        self.heads.push(self.head.clone());
        let mut state = self.github.state();
        state.head.clone_from(&self.head);
        state.tips.push(self.head.clone());
        drop(state);
        self.told.push(format!("push of {}", &self.head[..7]));
    }

    fn payload(&self, action: &str, head: &str) -> Value {
        let repository = json!({ "full_name": "o/r", "private": false, "default_branch": "main" });
        json!({ "action": action, "repository": repository, "pull_request": { "number": 7,
            "head": { "sha": head, "repo": { "full_name": "o/r" } }, "base": { "sha": self.base } } })
    }

    /// Runs jobs at the same time.
    fn run(&mut self, jobs: &[usize], event: &str, payload: &Value, inputs: &[(&str, &str)]) -> Vec<Ended> {
        let path = self.folder.path().join("checkout");
        let head = payload["pull_request"]["head"]["sha"].as_str().unwrap_or(&self.head).to_owned();
        let known = self.random.chance(50);
        let start = |job: usize| {
            let mut runner = Runner::new(&self.github.url, &path, event, payload);
            runner.set("HEYGEN_API_URL", &self.emulator.url);
            runner.set("HEYGEN_API_KEY", KEY);
            runner.set("GITHUB_SHA", &head);
            runner.set("GITHUB_REF", "refs/heads/main");
            runner.set("GITHUB_JOB", &format!("job{job}"));
            runner.set("HYPERFRAMES_CI_TIME_SCALE", self.scale);
            runner.set("PATH", &self.path);
            let ledger = if known { self.folder.path() } else { &runner.temporary() };
            runner.set("HYPERFRAMES_CI_LEDGER", &ledger.join(format!("ledger-{job}")).display().to_string());
            let token = format!("ghs_supersecret_token_{job}");
            let project = format!("videos/p{job}");
            let own = [("token", token.as_str()), ("projects", project.as_str())];
            let run = runner.run_program(&[&self.inputs[..], &own, inputs].concat());
            Ended { job, head: head.clone(), run }
        };
        let ended = std::thread::scope(|scope| {
            let jobs = jobs.iter().map(|job| scope.spawn(|| start(*job))).collect::<Vec<_>>();
            jobs.into_iter().map(|job| job.join().unwrap()).collect::<Vec<_>>()
        });
        self.count(&format!("runs for {event}"), ended.len() as u64);
        let met = std::mem::take(&mut self.github.state().faults.met);
        self.count("faults met", met.len() as u64);
        self.told.extend(met);
        for ended in &ended {
            self.told.push(format!("job {} ends with {}: {}", ended.job, ended.run.code, ended.run.log));
        }
        self.check_everything(&ended);
        ended
    }

    /// What holds after every step.
    fn check_everything(&mut self, ended: &[Ended]) {
        let state = self.github.state();
        super::oracle::check(&state.requests);
        let texts = state.objects.values().filter(|object| object["encoding"] == "utf-8");
        let written = texts.map(|object| object["content"].as_str().unwrap()).collect::<String>();
        let comments = state.comments.iter().map(|comment| comment.body.as_str()).collect::<String>();
        let others = format!("{:?}{:?}", state.checks, state.deployments);
        assert_eq!(state.comments[0].body, format!("{MARKER}\nnot ours"), "of somebody else");
        drop(state);
        for secret in [KEY, "ghs_supersecret", "Signature="] {
            for text in [&written, &comments, &others] {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
            for Ended { run, .. } in ended {
                let mut log = run.log.lines().filter(|line| !line.starts_with("::add-mask::"));
                assert!(!log.any(|line| line.contains(secret)), "{secret} in {}", run.log);
                assert!(!run.summary.contains(secret), "{secret} in {}", run.summary);
                assert!(run.outputs.values().all(|value| !value.contains(secret)), "{secret} in an output");
            }
        }
        for Ended { run, .. } in ended {
            assert!([0, 1].contains(&run.code), "{}", run.code);
            assert!(run.code == 0 || run.log.contains("::error title="), "no reason: {}", run.log);
            assert!(!run.log.contains("panicked"), "{}", run.log);
        }
        let files = self.github.branch(BRANCH);
        for file in FOREIGN {
            assert!(files.iter().any(|known| known == file), "{file} is gone: {files:?}");
        }
        let state = self.github.state();
        assert!(state.releases[0].assets.iter().any(|(_, name, _)| name == "of-somebody.pdf"));
        let names = state.releases[0].assets.iter().map(|(_, name, _)| name).collect::<Vec<_>>();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }

    /// The comment of the pull request, unless there is none.
    fn comment(&self) -> Option<String> {
        let state = self.github.state();
        let own = state.comments[1..].iter().filter(|comment| comment.body.starts_with(MARKER));
        let own = own.map(|comment| comment.body.clone()).collect::<Vec<_>>();
        assert!(own.len() <= 1, "{own:?}");
        own.into_iter().next()
    }

    fn preview(&mut self, jobs: &[usize], is_rough: bool) {
        let is_calm = self.weather(is_rough);
        let is_alone = jobs.len() == 1;
        let has_file = {
            let mut state = self.github.state();
            let outage = state.faults.outage.map(|outage| outage.part);
            let has_file = self.may_publish && !matches!(outage, Some("/git/" | "/graphql"));
            if !has_file && !is_alone {
                // Without a file of sections, parallel jobs rely on responses that come in time.
                (state.faults.rate, state.faults.latency) = (0, 0);
            }
            has_file
        };
        self.scale = if has_file || is_alone { "50" } else { "4" };
        if is_rough && self.random.chance(8) {
            self.github.state().faults.moves_after = Some(self.random.below(30));
        }
        self.told.push(format!("preview by {} jobs", jobs.len()));
        let head = self.head.clone();
        let ended = self.run(jobs, "pull_request", &self.payload("synchronize", &head), &[]);
        self.rendered.extend(jobs.iter().map(|job| (*job, head.clone())));
        self.check_comment(&ended, is_calm);
        if !is_rough && self.may_comment {
            assert_eq!(self.reported.values().filter(|known| **known == head).count(), JOBS);
        }
    }

    /// A run for an older commit ends after those of the newest.
    fn late(&mut self) {
        let is_calm = self.weather(true);
        let older = self.heads[self.heads.len() - 2].clone();
        git(&self.folder.path().join("checkout"), &["checkout", "--quiet", &older]);
        self.told.push(format!("a late job for {}", &older[..7]));
        let ended = self.run(&[0], "pull_request", &self.payload("synchronize", &older), &[]);
        self.rendered.insert((0, older));
        git(&self.folder.path().join("checkout"), &["checkout", "--quiet", &self.head]);
        self.check_comment(&ended, is_calm);
    }

    /// The comment after jobs that preview.
    fn check_comment(&mut self, ended: &[Ended], is_calm: bool) {
        for one in ended {
            assert_eq!(one.run.code, 0, "whatever becomes of the comment, the videos are rendered");
            let has_reported = one.has_reported();
            let is_explained = one.says("cannot comment on the pull request")
                || one.says("already shows the results of a newer commit")
                || one.says("closed during the run");
            assert!(has_reported != is_explained, "{}", one.run.log);
            let is_newest = one.head == self.github.state().head;
            assert!(!is_calm || !is_newest || has_reported == self.may_comment, "{}", one.run.log);
            let is_published = !one.says("were not published") && !one.says("cannot publish the previews");
            assert!(!is_calm || is_published == self.may_publish, "{}", one.run.log);
            self.is_stored &= is_published || !has_reported;
            self.count(if has_reported { "comments written" } else { "comments not written" }, 1);
            // A commit that nobody has reported about is the newest: the older ones are alike.
            let is_moved = self.github.state().head != self.head;
            let known = self.reported.get(&one.job);
            let is_known_newer = known.is_some_and(|known| self.place(known) > self.place(&one.head));
            if has_reported && (is_moved || !is_known_newer) {
                self.reported.insert(one.job, one.head.clone());
            }
        }
        let all_reported = ended.iter().all(Ended::has_reported);
        let Some(comment) = self.comment() else {
            assert!(self.reported.is_empty() || !all_reported, "the comment is gone");
            return;
        };
        for (job, head) in &self.reported {
            let section =
                comment.split("<!-- section ").find(|part| part.contains(&format!("videos&#47;p{job}<")));
            let section = section.unwrap_or_else(|| panic!("the section of job {job} is gone: {comment}"));
            // A job that could not say so may have written a newer one.
            let commit = section.split(' ').nth(1).unwrap();
            assert!(self.place(commit) >= self.place(head), "job {job} has reported {head}: {comment}");
            assert!(section.contains(&format!("for {}", &commit[..7])), "{section}");
        }
        // What failed is repaired by the next run.
        if !all_reported || !is_calm {
            return;
        }
        let newest = self.github.state().head.clone();
        let outdated =
            comment.split("<!-- section ").skip(1).filter(|part| part.split(' ').nth(1) != Some(&newest));
        assert_eq!(comment.matches("**Out of date:**").count(), outdated.count(), "{newest}: {comment}");
        self.assert_no_dead_link(&comment);
        let published = self.github.branch(BRANCH);
        for one in ended.iter().filter(|one| self.may_publish && one.head == newest) {
            let section = comment
                .split("<!-- section ")
                .find(|part| part.contains(&format!("videos&#47;p{}<", one.job)));
            assert!(section.is_some_and(|section| section.contains("[download video]")), "{comment}");
        }
        let is_single = self.github.state().has_no_update_refs || self.github.history(BRANCH) == 1;
        assert!(is_single, "clones grow: {published:?}");
    }

    /// How many commits the pull request had before one.
    fn place(&self, head: &str) -> Option<usize> {
        self.heads.iter().position(|known| known == head)
    }

    fn assert_no_dead_link(&self, comment: &str) {
        let published = self.github.branch(BRANCH);
        for link in comment.split(&format!("/raw/{BRANCH}/")).skip(1) {
            let file = link.split(['"', ')', ' ']).next().unwrap();
            assert!(published.iter().any(|known| known == file), "{file} of {comment} in {published:?}");
        }
    }

    /// The pull request is closed while a job runs, and cleaned up; sometimes it is opened again.
    fn close(&mut self) {
        let is_calm = self.weather(true);
        if self.random.chance(50) {
            self.github.state().faults.closes_after = Some(self.random.below(25));
            self.told.push("closed during a preview".to_owned());
            let head = self.head.clone();
            let ended = self.run(&[0], "pull_request", &self.payload("synchronize", &head), &[]);
            assert_eq!(ended[0].run.code, 0, "{}", ended[0].run.log);
            self.rendered.insert((0, head));
        }
        self.github.state().is_closed = true;
        self.told.push("cleanup".to_owned());
        let head = self.head.clone();
        let had_files = self.github.branch(BRANCH).iter().any(|file| file.starts_with("pr/7/"));
        let ended = self.run(&[0], "pull_request", &self.payload("closed", &head), &[]);
        let run = &ended[0].run;
        let (files, comment) = (self.github.branch(BRANCH), self.comment().unwrap_or_default());
        let is_clean = !files.iter().any(|file| file.starts_with("pr/7/"));
        let has_links = comment.contains("/raw/");
        if is_calm {
            assert_eq!(run.code, 0, "{}", run.log);
            assert!(is_clean || !self.may_publish, "{files:?}");
            assert!(!has_links || !self.may_comment, "{comment}");
            let state = self.github.state();
            let is_active = state.deployments.iter().any(|deployment| deployment["state"] != "inactive");
            assert!(!is_active, "{:?}", state.deployments);
        }
        // It says what it could not do.
        let is_told = run.code == 1
            || run.log.contains("cannot delete the previews")
            || run.log.contains("cannot update the comment");
        assert!((is_clean && !has_links) || is_told, "{}", run.log);
        assert!(!run.log.contains("deleted the previews of #7") || is_clean, "{}", run.log);
        let is_denied = run.log.contains("cannot delete the previews");
        assert!(!(is_denied && had_files && is_clean), "they are deleted: {}", run.log);
        self.reported.clear();
        self.is_stored = self.may_publish;
        self.github.state().is_closed = false;
    }

    /// The scheduled cleanup, while the pull request is open.
    fn sweep(&mut self) {
        let is_calm = self.weather(true);
        let before = self.github.branch(BRANCH);
        self.told.push("scheduled cleanup".to_owned());
        let ended = self.run(&[9], "schedule", &json!({}), &[("mode", "cleanup")]);
        assert!(ended[0].run.code == 0 || !is_calm, "{}", ended[0].run.log);
        assert_eq!(self.github.branch(BRANCH), before, "all are open");
    }

    fn release(&mut self) {
        let is_calm = self.weather(true);
        self.github.state().races = u32::try_from(self.random.below(3)).unwrap();
        self.told.push("release".to_owned());
        let payload = json!({ "action": "published", "release": { "tag_name": "v1" } });
        let ended = self.run(&[1], "release", &payload, &[]);
        self.rendered.insert((1, self.head.clone()));
        let run = &ended[0].run;
        let may_attach = self.github.state().may_write;
        assert!(!is_calm || (run.code == 0) == may_attach, "{}", run.log);
        let state = self.github.state();
        let named = |wanted: &str| state.releases[0].assets.iter().find(|(_, name, _)| name == wanted);
        if run.code == 0 {
            assert!(run.log.contains("to the release v1"), "{}", run.log);
            assert!(named("videos-p1.mp4").is_some_and(|(_, _, bytes)| bytes == CLIP));
            for name in ["videos-p1.png", "hyperframes-provenance.json"] {
                assert!(named(name).is_some_and(|(_, _, bytes)| bytes != b"of another job"), "{name}");
            }
        } else {
            assert!(!run.log.contains("to the release v1"), "{}", run.log);
        }
        drop(state);
        self.count("releases", 1);
    }
}

/// A `PATH` with Git and without FFmpeg.
fn only_git(folder: &Path) -> String {
    let programs = folder.join("programs");
    std::fs::create_dir(&programs).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let git =
        std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.is_file()).unwrap();
    std::os::unix::fs::symlink(git, programs.join("git")).unwrap();
    programs.display().to_string()
}

/// A previews branch with files of others.
fn seed_branch(state: &mut State) {
    let mut tree = json!({});
    for name in FOREIGN {
        let text = if name.ends_with(".json") { "{\"sections\":[]}" } else { name };
        let blob = state.store(json!({ "content": base64(text.as_bytes()), "encoding": "base64" }));
        tree[name] = blob.into();
    }
    let tree = state.store(tree);
    let tip = state.store(json!({ "tree": tree, "parents": [], "n": "previews" }));
    state.references.insert(format!("heads/{BRANCH}"), tip);
}
