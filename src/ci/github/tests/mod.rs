//! Jobs that run at the same time, against the fake of GitHub that the tests of the action use.

use std::path::PathBuf;
use std::time::Duration;

use super::GitHub;
use crate::ci::error::ProviderError;
use crate::ci::event::PullRequest;
use crate::ci::provider::{CiProvider, Media, Publication, Published, Settings, Written};
use crate::system::secret::Secret;

#[path = "../../../../tests/integration/action/checks.rs"]
mod checks;
#[allow(dead_code)]
#[path = "../../../../tests/integration/action/faults.rs"]
mod faults;
#[path = "../../../../tests/integration/action/git_api.rs"]
mod git_api;
#[allow(dead_code)]
#[path = "../../../../tests/integration/action/github.rs"]
mod github;
#[path = "../../../../tests/integration/action/graph.rs"]
mod graph;
#[path = "../../../../tests/integration/action/release_api.rs"]
mod release_api;
#[allow(dead_code)]
#[path = "../../../../tests/integration/action/server.rs"]
mod server;

/// Jobs of a run, and runs.
const JOBS: usize = 20;
const RUNS: usize = 50;

const BRANCH: &str = "previews";

/// The service and a folder with a video for each job.
struct Stage {
    fake: github::GitHub,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("event.json"), "{}").expect("written");
        Self { fake: github::GitHub::start(), folder }
    }

    fn request(&self) -> PullRequest {
        let head = self.fake.state().head.clone();
        PullRequest { number: 7, head, base: "b".repeat(40), is_fork: false, is_closed: false }
    }

    fn provider(&self) -> GitHub {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let environment = |name: &str| match name {
            "GITHUB_API_URL" => Some(self.fake.url.clone()),
            "GITHUB_SERVER_URL" => Some("https://github.example".to_owned()),
            "GITHUB_REPOSITORY" => Some("o/r".to_owned()),
            "GITHUB_EVENT_NAME" => Some("push".to_owned()),
            "GITHUB_EVENT_PATH" => Some(path("event.json")),
            "GITHUB_SHA" => Some("c".repeat(40)),
            _ => None,
        };
        let settings = Settings {
            token: Some(Secret::new("ghs_token".to_owned())),
            preview_branch: BRANCH.to_owned(),
            output_dir: PathBuf::new(),
            has_secrets: false,
        };
        GitHub::connect(&environment, &settings).expect("a run")
    }

    /// Publishes a video of a job, and its section.
    fn publish(&self, job: usize, round: usize) -> Result<Published, ProviderError> {
        let (provider, request) = (self.provider(), self.request());
        let _ = provider.mark_out_of_date(&request);
        let path = self.folder.path().join(format!("{job}.mp4"));
        std::fs::write(&path, format!("video {job} {round}")).expect("written");
        let media = [Media { name: media_name(job, round), path }];
        let key = format!("job{job}");
        let publication =
            Publication { key: &key, commit: &request.head, media: &media, ..Publication::default() };
        let mut section = |urls: &[(String, String)]| vec![format!("of {key}: {}", urls[0].1)];
        provider.publish(Some(&request), publication, Some(&mut section))
    }

    /// Asserts that the only comment shows what these jobs have published, and that every file of it exists.
    fn assert_true(&self, jobs: &[usize], round: usize) {
        let comments = self.fake.state().comments.clone();
        assert_eq!(comments.len(), 1, "one comment");
        let published = self.fake.media(BRANCH);
        assert_eq!(published.len(), jobs.len(), "{published:?}");
        for job in jobs {
            let file = format!("pr/7/{}", media_name(*job, round));
            let text = format!("of job{job}: https://github.example/o/r/raw/{BRANCH}/{file}");
            assert!(comments[0].body.contains(&text), "{text} in {}", comments[0].body);
            assert!(published.contains(&file), "{file} in {published:?}");
        }
        assert_eq!(comments[0].body.matches("<!-- section ").count(), jobs.len());
    }
}

fn media_name(job: usize, round: usize) -> String {
    format!("{job:04}-{round}.mp4")
}

fn is_written(published: &Result<Published, ProviderError>) -> bool {
    matches!(published, Ok(Published { comment: Some(Ok(Written::At(url))), .. }) if url.contains("#issuecomment-"))
}

fn run_parallel_jobs(runs: usize, prepare: impl Fn(&Stage)) {
    let (mut requests, mut created) = (0, 0);
    for round in 0..runs {
        let stage = Stage::new();
        stage.fake.state().latency = (Duration::from_millis(1), Duration::from_millis(4));
        prepare(&stage);
        std::thread::scope(|scope| {
            for job in 0..JOBS {
                let stage = &stage;
                scope.spawn(move || {
                    // Jobs do not end at the very same time.
                    std::thread::sleep(Duration::from_millis(crate::system::random() % 60));
                    let published = stage.publish(job, round);
                    assert!(is_written(&published), "{published:?}");
                });
            }
        });
        stage.assert_true(&(0..JOBS).collect::<Vec<_>>(), round);
        requests += stage.fake.state().requests.len();
        created += stage.fake.count("POST", "/issues/7/comments");
    }
    // A new comment notifies people.
    assert!(created <= runs + runs / 10, "{created} comments in {runs} runs");
    assert!(requests / runs / JOBS <= 40, "{} requests a run", requests / runs);
}

#[test]
fn twenty_parallel_jobs_lose_nothing() {
    run_parallel_jobs(RUNS, |_| {});
}

#[test]
fn parallel_jobs_lose_nothing_where_references_are_updated_along_their_history() {
    run_parallel_jobs(4, |stage| stage.fake.state().has_no_update_refs = true);
}

#[test]
fn parallel_jobs_of_a_newer_push_replace_everything() {
    let stage = Stage::new();
    for round in 0..3 {
        stage.fake.state().head = format!("{round}").repeat(40);
        std::thread::scope(|scope| {
            for job in 0..6 {
                let stage = &stage;
                scope.spawn(move || assert!(is_written(&stage.publish(job, round))));
            }
        });
        stage.assert_true(&[0, 1, 2, 3, 4, 5], round);
    }
}

/// It has stored its section, and not written the comment.
#[test]
fn the_section_of_a_job_that_is_killed_is_written_by_the_next() {
    let stage = Stage::new();
    stage.fake.state().may_comment = false;
    let published = stage.publish(0, 0).expect("published");
    assert!(matches!(published.comment, Some(Err(ProviderError::Forbidden(_)))), "{published:?}");
    assert!(stage.fake.state().comments.is_empty());
    stage.fake.state().may_comment = true;
    assert!(is_written(&stage.publish(1, 0)));
    stage.assert_true(&[0, 1], 0);
}

#[test]
fn a_comment_that_was_edited_or_deleted_is_written_again() {
    let stage = Stage::new();
    for job in 0..3 {
        assert!(is_written(&stage.publish(job, 0)));
    }
    for edited in ["<!-- hyperframes-ci -->\nmine", "<!-- hyperframes-ci -->\n<!-- section job1 x -->\n"] {
        stage.fake.state().comments[0].body = edited.to_owned();
        assert!(is_written(&stage.publish(2, 0)));
        stage.assert_true(&[0, 1, 2], 0);
    }
    stage.fake.state().comments.clear();
    assert!(is_written(&stage.publish(2, 0)));
    stage.assert_true(&[0, 1, 2], 0);
}

#[test]
fn a_cleanup_at_the_same_time_leaves_nothing() {
    for round in 0..RUNS {
        let stage = Stage::new();
        stage.fake.state().latency = (Duration::from_millis(1), Duration::from_millis(4));
        assert!(is_written(&stage.publish(9, round)));
        std::thread::scope(|scope| {
            for job in 0..4 {
                let stage = &stage;
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(crate::system::random() % 60));
                    stage.publish(job, round).expect("published, or taken back");
                });
            }
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(crate::system::random() % 120));
                stage.fake.state().is_closed = true;
                let request = stage.request();
                stage.provider().clean_up(Some(&request)).expect("cleaned up").comment.expect("written");
            });
        });
        assert!(stage.fake.branch(BRANCH).is_empty(), "{:?}", stage.fake.branch(BRANCH));
        let comments = stage.fake.state().comments.clone();
        assert!(comments.len() == 1 && !comments[0].body.contains("/raw/"), "{}", comments[0].body);
    }
}

#[test]
fn files_that_no_job_shows_are_deleted() {
    let stage = Stage::new();
    for round in 0..3 {
        let provider = stage.provider();
        let path = stage.folder.path().join("base.mp4");
        std::fs::write(&path, format!("{round}")).expect("written");
        let media = [Media { name: format!("base-{round}.mp4"), path }];
        let publication = Publication { key: "base", commit: "c", media: &media, ..Publication::default() };
        provider.publish(None, publication, None).expect("published");
        assert!(is_written(&stage.publish(0, round)));
        let expected = [format!("base/base-{round}.mp4"), format!("pr/7/{}", media_name(0, round))];
        let mut published = stage.fake.media(BRANCH);
        published.sort();
        assert_eq!(published, expected);
    }
    let parents = stage.fake.history(BRANCH);
    assert_eq!(parents, 1, "clones do not grow");
}

#[test]
fn a_branch_of_another_size_is_read_all_the_same() {
    let stage = Stage::new();
    let big = "x".repeat(60_000);
    for job in 0..12 {
        let (provider, request) = (stage.provider(), stage.request());
        let key = format!("job{job}");
        let publication =
            Publication { key: &key, commit: &request.head, media: &[], ..Publication::default() };
        let mut section = |_: &[(String, String)]| vec![big.clone(), format!("short {job}")];
        let published = provider.publish(Some(&request), publication, Some(&mut section));
        assert!(is_written(&published), "{published:?}");
    }
    let body = stage.fake.state().comments[0].body.clone();
    assert!(
        body.len() < 65_536 && (1..12).all(|job| body.contains(&format!("short {job}"))),
        "{}",
        body.len()
    );
}
