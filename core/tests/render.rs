//! Scenarios of the render job: a script of answers against the actions that it takes.
#![allow(
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test helper that cannot go on has no better way to say so"
)]

use std::time::Duration;

use hyperframes_ci_core::{
    Action, Archive, Body, Event, FailureKind, Job, Outcome, Plan, Request, Response, SaveError, Source,
    Stage, Target, UploadRoute, Wait,
};
use serde_json::{Map, json};

fn plan(source: Source) -> Plan {
    Plan {
        source,
        body: Map::from_iter([("fps".to_owned(), json!(24))]),
        key: "run-1".parse().expect("a key"),
        route: UploadRoute::Auto,
        wait: Some(Wait {
            poll_interval: Duration::from_secs(10),
            max_wait: Duration::from_secs(60),
            download: true,
        }),
        max_retries: 2,
        seed: 7,
    }
}

fn archive(size: u64) -> Source {
    Source::Archive(Archive { filename: "p.zip".to_owned(), size, sha256: "ab".repeat(32) })
}

/// A job with a clock that its own pauses advance.
struct Scenario {
    job: Job,
    now: Duration,
    action: Action,
}

impl Scenario {
    fn start(plan: Plan) -> Self {
        let mut job = Job::new(plan);
        let action = job.step(Event::Start, Duration::ZERO);
        Self { job, now: Duration::ZERO, action }
    }

    fn event(&mut self, event: Event) {
        self.action = self.job.step(event, self.now);
    }

    /// Waits out pauses, then checks that the next request is `method path` and gives the request back.
    fn expect(&mut self, line: &str) -> Request {
        while let Action::Sleep(delay) = self.action {
            self.now += delay;
            self.event(Event::Woke);
        }
        let Action::Send(request) = &self.action else { panic!("wanted {line}, got {:?}", self.action) };
        let target = match &request.target {
            Target::Api(path) => path.clone(),
            Target::Presigned(url) => url.clone(),
        };
        assert_eq!(format!("{} {target}", request.method.as_str()), line);
        request.clone()
    }

    fn answer(&mut self, status: u16, body: serde_json::Value) {
        self.answer_with(status, &[], body.to_string());
    }

    fn answer_with(&mut self, status: u16, headers: &[(&str, &str)], body: String) {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        self.event(Event::Answered(Response { status, headers, body: body.into_bytes() }));
    }

    fn failure(&self) -> &hyperframes_ci_core::Failure {
        match &self.action {
            Action::Fail(failure) => failure,
            other => panic!("wanted a failure, got {other:?}"),
        }
    }

    /// Up to the first poll.
    fn submitted() -> Self {
        let mut scenario = Self::start(plan(Source::Project(hyperframes_ci_core::Project::AssetId {
            asset_id: "a1".to_owned(),
        })));
        scenario.expect("POST /v3/hyperframes/renders");
        scenario.answer(200, json!({"data": {"render_id": "r1"}}));
        scenario
    }
}

const POLL: &str = "GET /v3/hyperframes/renders/r1";

fn detail(status: &str) -> serde_json::Value {
    json!({"data": {"render_id": "r1", "status": status, "format": "mp4", "video_url": "https://cdn.example/v?sig=1"}})
}

#[test]
fn the_whole_flow() {
    let mut scenario = Scenario::start(plan(archive(10)));
    let request = scenario.expect("POST /v3/assets/direct-uploads");
    assert!(request.headers.contains(&("idempotency-key".to_owned(), "run-1".to_owned())));
    scenario.answer(
        200,
        json!({"data": {"asset_id": "a1", "upload_url": "https://s3.example/k?sig=1",
        "upload_headers": {"x-amz-checksum-sha256": "q="}, "max_bytes": 100, "status": "pending_upload"}}),
    );
    let put = scenario.expect("PUT https://s3.example/k?sig=1");
    assert!(put.headers.iter().all(|(name, _)| name != "idempotency-key"));
    scenario.answer_with(200, &[], String::new());
    scenario.expect("POST /v3/assets/a1/complete");
    scenario.answer(409, json!({"error": {"code": "conflict", "message": "object not visible yet"}}));
    assert!(matches!(scenario.action, Action::Sleep(_)));
    scenario.expect("POST /v3/assets/a1/complete");
    scenario.answer(200, json!({"data": {"asset_id": "a1"}}));
    let submit = scenario.expect("POST /v3/hyperframes/renders");
    let Body::Bytes(body) = submit.body else { panic!("a JSON body") };
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(body, json!({"fps": 24, "project": {"type": "asset_id", "asset_id": "a1"}}));
    scenario.answer(200, json!({"data": {"render_id": "r1"}}));
    for status in ["queued", "rendering", "polishing"] {
        scenario.expect(POLL);
        scenario.answer(200, detail(status));
    }
    scenario.expect(POLL);
    scenario.answer(200, detail("completed"));
    assert!(matches!(&scenario.action, Action::Save(url) if url == "https://cdn.example/v?sig=1"));
    scenario.event(Event::Saved);
    assert!(matches!(&scenario.action, Action::Done(Outcome::Completed(detail)) if detail.render_id == "r1"));
}

#[test]
fn without_direct_uploads_a_small_archive_goes_through_the_api() {
    let mut scenario = Scenario::start(plan(archive(10)));
    scenario.expect("POST /v3/assets/direct-uploads");
    scenario.answer_with(404, &[], String::new());
    scenario.expect("POST /v3/assets");
    scenario.answer(200, json!({"data": {"asset_id": "a1", "url": "x", "mime_type": "y", "size_bytes": 10}}));
    scenario.expect("POST /v3/hyperframes/renders");
}

#[test]
fn without_direct_uploads_a_large_archive_fails_before_it_is_sent() {
    let mut scenario = Scenario::start(plan(archive(33 * 1024 * 1024)));
    scenario.expect("POST /v3/assets/direct-uploads");
    scenario.answer_with(404, &[], String::new());
    assert_eq!(scenario.failure().code(), "archive_too_large");
}

#[test]
fn the_route_that_the_user_set_is_kept() {
    let mut scenario = Scenario::start(Plan { route: UploadRoute::Direct, ..plan(archive(10)) });
    scenario.expect("POST /v3/assets/direct-uploads");
    scenario.answer_with(404, &[], String::new());
    assert_eq!(scenario.failure().stage, Stage::CreateUpload);
    let mut scenario = Scenario::start(Plan { route: UploadRoute::Proxy, ..plan(archive(10)) });
    scenario.expect("POST /v3/assets");
}

#[test]
fn no_wait_ends_with_the_submission() {
    let source =
        Source::Project(hyperframes_ci_core::Project::Url { url: "https://x.example/p.zip".to_owned() });
    let mut scenario = Scenario::start(Plan { wait: None, ..plan(source) });
    scenario.expect("POST /v3/hyperframes/renders");
    scenario.answer(200, json!({"data": {"render_id": "r1"}}));
    assert!(matches!(&scenario.action, Action::Done(Outcome::Submitted { render_id }) if render_id == "r1"));
}

#[test]
fn transient_errors_are_repeated_a_bounded_number_of_times() {
    let mut scenario = Scenario::start(plan(archive(10)));
    for status in [429, 503] {
        scenario.expect("POST /v3/assets/direct-uploads");
        scenario.answer_with(status, &[], String::new());
    }
    scenario.expect("POST /v3/assets/direct-uploads");
    scenario.event(Event::Unreachable("connection refused".to_owned()));
    assert!(matches!(scenario.failure().kind, FailureKind::Unreachable(_)));
}

#[test]
fn retry_after_is_kept() {
    let mut scenario = Scenario::start(plan(archive(10)));
    scenario.answer_with(429, &[("Retry-After", "9")], String::new());
    assert!(matches!(scenario.action, Action::Sleep(delay) if delay == Duration::from_secs(9)));
}

#[test]
fn permanent_errors_are_not_repeated() {
    for status in [400, 401, 402, 403, 413, 422] {
        let mut scenario = Scenario::start(plan(archive(10)));
        scenario.answer(status, json!({"error": {"code": "nope", "message": "no"}}));
        assert_eq!(scenario.failure().code(), "nope", "{status}");
    }
}

#[test]
fn polls_outlive_every_transient_error_until_the_time_is_over() {
    let mut scenario = Scenario::submitted();
    let mut polls = 0;
    while !matches!(scenario.action, Action::Fail(_)) {
        scenario.expect(POLL);
        polls += 1;
        match polls % 3 {
            0 => scenario.answer_with(502, &[], "<html>".to_owned()),
            1 => scenario.event(Event::Unreachable("reset".to_owned())),
            _ => scenario.answer_with(200, &[], "{\"data\":".to_owned()),
        }
    }
    assert!(matches!(scenario.failure().kind, FailureKind::TimedOut(_)));
    assert!(scenario.failure().is_resumable());
    assert!(polls > 5 && scenario.now >= Duration::from_secs(60), "{polls} polls until {:?}", scenario.now);
    assert!(scenario.now < Duration::from_secs(61), "the last poll comes at the end of the time");
}

#[test]
fn a_deleted_render_ends_the_poll() {
    let mut scenario = Scenario::submitted();
    scenario.answer(404, json!({"error": {"code": "hyperframes_render_not_found", "message": "gone"}}));
    assert!(matches!(scenario.failure().kind, FailureKind::Deleted));
    assert!(!scenario.failure().is_resumable());
}

#[test]
fn a_failed_render_says_why() {
    let mut scenario = Scenario::submitted();
    scenario
        .answer(200, json!({"data": {"render_id": "r1", "status": "failed", "failure_message": "no fonts"}}));
    assert_eq!(scenario.failure().to_string(), "the render failed: no fonts");
}

#[test]
fn an_expired_url_is_fetched_again() {
    let mut scenario = Scenario::submitted();
    scenario.answer(200, detail("completed"));
    let expired = || Event::NotSaved(SaveError { message: "HTTP 403".to_owned(), transient: true });
    scenario.event(expired());
    assert!(matches!(scenario.action, Action::Send(_)), "the first time at once: {:?}", scenario.action);
    scenario.expect(POLL);
    scenario.answer(200, detail("completed"));
    assert!(matches!(scenario.action, Action::Save(_)));
    scenario.event(Event::Saved);
    assert!(matches!(scenario.action, Action::Done(_)));
}

#[test]
fn a_download_that_never_works_ends_and_can_be_resumed() {
    let mut scenario = Scenario::submitted();
    let mut downloads = 0;
    while !matches!(scenario.action, Action::Fail(_)) {
        scenario.expect(POLL);
        scenario.answer(200, detail("completed"));
        downloads += 1;
        scenario.event(Event::NotSaved(SaveError { message: "cut".to_owned(), transient: true }));
    }
    assert_eq!((downloads, scenario.failure().code()), (6, "download_failed"));
    assert!(scenario.failure().is_resumable());
}

#[test]
fn a_full_disk_is_not_tried_again() {
    let mut scenario = Scenario::submitted();
    scenario.answer(200, detail("completed"));
    scenario.event(Event::NotSaved(SaveError { message: "no space".to_owned(), transient: false }));
    assert_eq!(scenario.failure().to_string(), "the video could not be saved: no space");
}

#[test]
fn a_render_that_exists_is_only_polled() {
    let mut scenario = Scenario::start(plan(Source::Render("r1".to_owned())));
    scenario.expect(POLL);
    scenario.answer(200, detail("completed"));
    assert!(matches!(scenario.action, Action::Save(_)));
}
