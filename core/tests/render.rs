//! Scenarios of the render job: a script of answers against the actions that it takes.
#![allow(
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test helper that cannot go on has no better way to say so"
)]

use std::time::Duration;

use hyperframes_ci_core::api::{Body, Request, Response, Target};
use hyperframes_ci_core::job::{
    Action, Archive, AssetFact, AssetState, Event, Fact, FailureKind, Job, Keys, Limits, Origin, Outcome,
    Plan, ProjectIdentity, Refusal, Remedy, RenderFact, RenderIdentity, RenderState, Reuse, SaveError,
    Source, Stage, UploadRoute, Wait,
};
use hyperframes_ci_core::time::format_http_date;
use serde_json::{Map, json};

fn plan(source: Source) -> Plan {
    Plan {
        source,
        body: Map::from_iter([("fps".to_owned(), json!(24))]),
        keys: Keys { fallback: "run-1".parse().ok(), ..Keys::default() },
        reuse: Reuse::default(),
        limits: Limits::default(),
        route: UploadRoute::Auto,
        wait: Some(Wait { poll_interval: Duration::from_secs(10), download: true, is_watched: false }),
        max_wait: Duration::from_secs(60),
        max_retries: 2,
        seed: 7,
    }
}

fn archive(size: u64) -> Source {
    Source::Archive(Archive { size, sha256: "ab".repeat(32), digest: "cd".repeat(32) })
}

/// A job with a clock that its own pauses advance.
struct Scenario {
    job: Job,
    now: Duration,
    action: Action,
    /// What the ledger was told.
    facts: Vec<Fact>,
}

impl Scenario {
    fn start(plan: Plan) -> Self {
        let mut job = Job::new(plan);
        let step = job.step(Event::Start, Duration::ZERO);
        Self { job, now: Duration::ZERO, action: step.action, facts: Vec::from_iter(step.fact) }
    }

    fn event(&mut self, event: Event) {
        let step = self.job.step(event, self.now);
        self.facts.extend(step.fact);
        self.action = step.action;
    }

    /// Waits out pauses, then checks that the next request is `method path` and gives the request back.
    fn expect(&mut self, line: &str) -> Request {
        while let Action::Sleep(pause) = &self.action {
            self.now += pause.delay;
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

    fn failure(&self) -> &hyperframes_ci_core::job::Failure {
        match &self.action {
            Action::Fail(failure) => failure,
            other => panic!("wanted a failure, got {other:?}"),
        }
    }

    /// Up to the first poll.
    fn submitted() -> Self {
        let mut scenario = Self::start(plan(Source::Project(hyperframes_ci_core::api::Project::AssetId {
            asset_id: "a1".to_owned(),
        })));
        scenario.expect("POST /v3/hyperframes/renders");
        scenario.answer(200, json!({"data": {"render_id": "r1"}}));
        scenario
    }
}

/// The idempotency key of a request.
fn key_of(request: &Request) -> &str {
    let header = request.headers.iter().find(|(name, _)| name == "idempotency-key");
    header.map(|(_, key)| key.as_str()).expect("every POST has a key")
}

const POLL: &str = "GET /v3/hyperframes/renders/r1";

fn detail(status: &str) -> serde_json::Value {
    json!({"data": {"render_id": "r1", "status": status, "format": "mp4", "video_url": "https://cdn.example/v?sig=1"}})
}

#[test]
fn the_whole_flow() {
    let mut scenario = Scenario::start(plan(archive(10)));
    let request = scenario.expect("POST /v3/assets/direct-uploads");
    assert_eq!(key_of(&request), format!("hfci_asset_{}", "ab".repeat(32)), "made of the archive");
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
fn where_the_storage_cannot_be_reached_a_small_archive_goes_through_the_api() {
    for (size, next) in [(10, Some("POST /v3/assets")), (33 * 1024 * 1024, None)] {
        let mut scenario = Scenario::start(plan(archive(size)));
        scenario.expect(CREATE);
        scenario.answer(
            200,
            json!({"data": {"asset_id": "a1", "upload_url": "https://s3.example/k", "upload_headers": {}}}),
        );
        for _ in 0..3 {
            scenario.expect("PUT https://s3.example/k");
            scenario.event(Event::Unreachable("the host is not known".to_owned()));
        }
        match next {
            Some(next) => drop(scenario.expect(next)),
            None => assert_eq!(scenario.failure().stage, Stage::Upload),
        }
    }
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
        Source::Project(hyperframes_ci_core::api::Project::Url { url: "https://x.example/p.zip".to_owned() });
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
fn a_rate_limit_is_waited_out_as_long_as_there_is_time() {
    let mut scenario = Scenario::start(plan(archive(10)));
    for _ in 0..20 {
        scenario.expect("POST /v3/assets/direct-uploads");
        scenario.answer_with(429, &[("Retry-After", "1")], String::new());
    }
    scenario.expect("POST /v3/assets/direct-uploads");
    scenario.answer_with(429, &[("Retry-After", "59")], String::new());
    assert_eq!(scenario.failure().code(), "http_429", "there is no such time left");
}

#[test]
fn what_a_list_shows_counts_as_a_poll() {
    let seen = |status: &str, with_url: bool| {
        let mut detail = detail(status)["data"].clone();
        if !with_url {
            detail["video_url"] = serde_json::Value::Null;
        }
        Event::Seen(Box::new(serde_json::from_value(detail).expect("a detail")))
    };
    let mut scenario = Scenario::submitted();
    scenario.expect(POLL);
    scenario.answer(200, detail("queued"));
    scenario.event(seen("rendering", false));
    assert!(matches!(&scenario.action, Action::Sleep(pause) if pause.retry.is_none()));
    scenario.event(seen("completed", false));
    scenario.expect(POLL);
    scenario.answer(200, detail("rendering"));
    scenario.event(seen("completed", true));
    assert!(matches!(scenario.action, Action::Save(_)));
}

#[test]
fn retry_after_is_kept() {
    let mut scenario = Scenario::start(plan(archive(10)));
    scenario.answer_with(429, &[("Retry-After", "9")], String::new());
    assert!(matches!(&scenario.action, Action::Sleep(pause) if pause.delay == Duration::from_secs(9)));
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
    let expired = || {
        Event::NotSaved(SaveError {
            message: "HTTP 403".to_owned(),
            remedy: Remedy::FreshUrl,
            progressed: false,
        })
    };
    scenario.event(expired());
    assert!(
        matches!(&scenario.action, Action::Sleep(pause) if pause.delay.is_zero() && pause.retry.is_some()),
        "the first time at once: {:?}",
        scenario.action
    );
    scenario.expect(POLL);
    scenario.answer(200, detail("completed"));
    assert!(matches!(scenario.action, Action::Save(_)));
    scenario.event(expired());
    assert_eq!(scenario.failure().code(), "download_failed", "a fresh one that is refused is not too old");
}

#[test]
fn a_download_that_never_works_ends_and_can_be_resumed() {
    let mut scenario = Scenario::submitted();
    let mut downloads = 0;
    while !matches!(scenario.action, Action::Fail(_)) {
        scenario.expect(POLL);
        scenario.answer(200, detail("completed"));
        downloads += 1;
        scenario.event(Event::NotSaved(SaveError {
            message: "cut".to_owned(),
            remedy: Remedy::Retry,
            progressed: false,
        }));
    }
    assert_eq!((downloads, scenario.failure().code()), (6, "download_failed"));
    assert!(scenario.failure().is_resumable());
}

#[test]
fn a_full_disk_is_not_tried_again() {
    let mut scenario = Scenario::submitted();
    scenario.answer(200, detail("completed"));
    scenario.event(Event::NotSaved(SaveError {
        message: "no space".to_owned(),
        remedy: Remedy::None,
        progressed: false,
    }));
    assert_eq!(scenario.failure().to_string(), "the video could not be saved: no space");
}

#[test]
fn a_render_that_exists_is_only_polled() {
    let mut scenario = Scenario::start(plan(Source::Render("r1".to_owned())));
    scenario.expect(POLL);
    scenario.answer(200, detail("completed"));
    assert!(matches!(scenario.action, Action::Save(_)));
}

#[test]
fn a_download_that_gets_on_is_never_given_up() {
    let mut scenario = Scenario::submitted();
    for _ in 0..50 {
        scenario.expect(POLL);
        scenario.answer(200, detail("completed"));
        let cut = SaveError { message: "cut".to_owned(), remedy: Remedy::Retry, progressed: true };
        scenario.event(Event::NotSaved(cut));
    }
    scenario.expect(POLL);
}

/// Everything from here on is about renders that may exist already.
fn identity() -> RenderIdentity {
    RenderIdentity::new(ProjectIdentity::Digest(&"cd".repeat(32)), &plan(archive(10)).body)
}

fn key(generation: u32) -> String {
    identity().key(generation).as_str().to_owned()
}

fn known_plan() -> Plan {
    let keys = Keys { identity: Some(identity()), ..Keys::default() };
    Plan { keys, ..plan(archive(10)) }
}

fn with_render(generation: u32, state: RenderState) -> Plan {
    let fact = RenderFact { identity: key(0), generation, render_id: "r1".to_owned(), state };
    Plan { reuse: Reuse { render: Some(fact), ..Reuse::default() }, ..known_plan() }
}

fn with_asset(state: AssetState) -> Plan {
    let fact = AssetFact { digest: "cd".repeat(32), asset_id: "a0".to_owned(), state };
    Plan { reuse: Reuse { asset: Some(fact), ..Reuse::default() }, ..known_plan() }
}

const LIST: &str = "GET /v3/hyperframes/renders?limit=100";
const CREATE: &str = "POST /v3/assets/direct-uploads";
const SUBMIT: &str = "POST /v3/hyperframes/renders";
/// 2026-11-20 12:00:00Z
const NOON: i64 = 1_795_176_000;

impl Scenario {
    /// Answers the list with renders of these generations (`None` for a stranger), statuses and ages in seconds.
    fn answer_list(&mut self, renders: &[(Option<u32>, &str, i64)]) {
        self.expect(LIST);
        let data = renders.iter().enumerate().map(|(index, (generation, status, age))| {
            let callback_id = generation.map_or("other".to_owned(), key);
            json!({"render_id": format!("r{}", index + 1), "status": status, "callback_id": callback_id, "created_at": NOON - age})
        });
        self.answer(200, json!({"data": data.collect::<Vec<_>>(), "has_more": false, "next_token": null}));
    }

    /// From the announcement of an upload to the asset.
    fn upload(&mut self) {
        self.expect(CREATE);
        self.answer(
            200,
            json!({"data": {"asset_id": "a1", "upload_url": "https://s3.example/k", "upload_headers": {}}}),
        );
        self.expect("PUT https://s3.example/k");
        self.answer_with(200, &[], String::new());
        self.expect("POST /v3/assets/a1/complete");
        self.answer(200, json!({"data": {"asset_id": "a1"}}));
    }

    /// The body and the key of the submission that is due.
    fn submission(&mut self) -> (serde_json::Value, String) {
        let request = self.expect(SUBMIT);
        let Body::Bytes(body) = &request.body else { panic!("a JSON body") };
        (serde_json::from_slice(body).expect("JSON"), key_of(&request).to_owned())
    }

    fn poll_answer(&mut self, status: &str, created: i64) {
        self.expect(POLL);
        let mut body = detail(status);
        body["data"]["created_at"] = created.into();
        self.answer(200, body);
    }
}

#[test]
fn the_key_is_that_of_the_submission_and_its_callback_id() {
    let mut scenario = Scenario::start(known_plan());
    scenario.answer_list(&[(None, "completed", 5)]);
    scenario.upload();
    let (body, sent) = scenario.submission();
    assert_eq!((body["callback_id"].as_str(), sent.as_str()), (Some(key(0).as_str()), key(0).as_str()));
    let mut own = known_plan();
    own.body.insert("callback_id".to_owned(), "mine".into());
    own.keys.chosen = "my-key".parse().ok();
    let mut scenario = Scenario::start(own);
    let create = scenario.expect(CREATE);
    assert_eq!(key_of(&create), "my-key", "a chosen callback_id cannot be looked for");
    scenario.upload();
    let (body, sent) = scenario.submission();
    assert_eq!((body["callback_id"].as_str(), sent.as_str()), (Some("mine"), "my-key"));
}

#[test]
fn what_was_paid_for_is_in_the_ledger_before_it_is_needed() {
    let mut scenario = Scenario::start(known_plan());
    scenario.answer_list(&[]);
    scenario.expect(CREATE);
    scenario.answer(
        200,
        json!({"data": {"asset_id": "a1", "upload_url": "https://s3.example/k", "upload_headers": {}}}),
    );
    let asset = |state| Fact::Asset(AssetFact { digest: "cd".repeat(32), asset_id: "a1".to_owned(), state });
    let render = |state| {
        Fact::Render(RenderFact { identity: key(0), generation: 0, render_id: "r1".to_owned(), state })
    };
    assert_eq!(scenario.facts, [asset(AssetState::Announced)]);
    scenario.expect("PUT https://s3.example/k");
    scenario.answer_with(200, &[], String::new());
    assert_eq!(scenario.facts[1..], [asset(AssetState::Stored)]);
    scenario.answer(200, json!({"data": {"asset_id": "a1"}}));
    assert_eq!(scenario.facts[2..], [asset(AssetState::Ready)]);
    scenario.expect(SUBMIT);
    scenario.answer(200, json!({"data": {"render_id": "r1"}}));
    assert_eq!(scenario.facts[3..], [render(RenderState::Submitted)]);
    scenario.poll_answer("rendering", NOON);
    scenario.poll_answer("completed", NOON);
    assert_eq!(scenario.facts[4..], [render(RenderState::Completed)]);
}

#[test]
fn a_render_of_the_ledger_is_fetched_or_waited_for() {
    let mut scenario = Scenario::start(with_render(0, RenderState::Completed));
    scenario.poll_answer("completed", NOON);
    assert!(matches!(scenario.action, Action::Save(_)));
    assert_eq!(scenario.job.render(), Some(("r1", Origin::Ledger)));
    let mut scenario = Scenario::start(with_render(0, RenderState::Submitted));
    scenario.poll_answer("rendering", NOON);
    scenario.poll_answer("completed", NOON);
    assert!(matches!(scenario.action, Action::Save(_)));
}

#[test]
fn a_render_of_the_account_is_found_by_its_callback_id() {
    for status in ["completed", "rendering", "queued"] {
        let mut scenario = Scenario::start(known_plan());
        scenario.answer_list(&[(None, "completed", 1), (None, "failed", 2), (Some(0), status, 3)]);
        scenario.expect("GET /v3/hyperframes/renders/r3");
        assert_eq!(scenario.job.render(), Some(("r3", Origin::Account)));
    }
}

#[test]
fn pages_are_followed_to_a_bound_and_to_the_window() {
    let since = |since| Plan { reuse: Reuse { since, ..Reuse::default() }, ..known_plan() };
    let page = |age: i64, next: u32| {
        json!({"data": [{"render_id": "x", "status": "completed", "created_at": NOON - age}],
            "has_more": true, "next_token": format!("t{next}")})
    };
    let mut scenario = Scenario::start(since(None));
    scenario.expect(LIST);
    for next in 1..10 {
        scenario.answer(200, page(0, next));
        scenario.expect(&format!("{LIST}&token=t{next}"));
    }
    scenario.answer(200, page(0, 10));
    scenario.expect(CREATE);
    // A cursor that comes again is the end.
    let mut scenario = Scenario::start(since(None));
    scenario.answer(200, page(0, 1));
    scenario.answer(200, page(0, 1));
    scenario.expect(CREATE);
    let mut scenario = Scenario::start(since(Some(NOON - 100)));
    scenario.expect(LIST);
    scenario.answer(200, page(101, 1));
    scenario.expect(CREATE);
    let mut scenario = Scenario::start(since(Some(NOON - 100)));
    scenario.answer_list(&[(Some(0), "completed", 101)]);
    scenario.expect(CREATE);
}

#[test]
fn a_failed_render_is_followed_by_the_next_generation() {
    // As the account tells it, in the order of generations.
    let mut scenario = Scenario::start(known_plan());
    scenario.answer_list(&[(Some(2), "failed", 1), (Some(1), "failed", 2), (Some(0), "failed", 3)]);
    scenario.upload();
    assert_eq!(scenario.submission().1, key(3));
    // As the ledger tells it; another machine has gone on meanwhile.
    let mut scenario = Scenario::start(with_render(0, RenderState::Failed));
    scenario.answer_list(&[(Some(1), "rendering", 1), (Some(0), "failed", 3)]);
    scenario.poll_answer("completed", NOON);
    assert_eq!(scenario.job.key().expect("a key").as_str(), key(1));
    // As the render itself tells it.
    let mut scenario = Scenario::start(with_render(4, RenderState::Submitted));
    scenario.poll_answer("failed", NOON);
    assert!(matches!(&scenario.facts[0], Fact::Render(fact) if fact.state == RenderState::Failed));
    scenario.answer_list(&[]);
    scenario.upload();
    assert_eq!(scenario.submission().1, key(5));
}

#[test]
fn a_render_that_fails_now_is_not_paid_for_again_in_the_same_run() {
    let mut scenario = Scenario::start(known_plan());
    scenario.answer_list(&[]);
    scenario.upload();
    scenario.expect(SUBMIT);
    let date = format_http_date(NOON);
    scenario.answer_with(200, &[("Date", &date)], json!({"data": {"render_id": "r1"}}).to_string());
    scenario.poll_answer("failed", NOON - 1);
    assert!(matches!(scenario.failure().kind, FailureKind::RenderFailed(_)));
}

#[test]
fn no_reuse_goes_beyond_everything_that_is_known() {
    let none = |plan: Plan| Plan { reuse: Reuse { none: true, ..plan.reuse.clone() }, ..plan };
    let mut scenario = Scenario::start(none(with_render(1, RenderState::Completed)));
    scenario.answer_list(&[(Some(3), "rendering", 5)]);
    scenario.upload();
    assert_eq!(scenario.submission().1, key(4));
    let mut scenario = Scenario::start(none(known_plan()));
    scenario.answer_list(&[]);
    scenario.upload();
    assert_eq!(scenario.submission().1, key(0));
}

#[test]
fn a_known_asset_is_not_uploaded_again() {
    let mut scenario = Scenario::start(with_asset(AssetState::Ready));
    scenario.answer_list(&[]);
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a0");
    // One that was being stored when its run was killed.
    let mut scenario = Scenario::start(with_asset(AssetState::Stored));
    scenario.answer_list(&[]);
    scenario.expect("POST /v3/assets/a0/complete");
    scenario.answer(200, json!({"data": {"asset_id": "a0"}}));
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a0");
    // One that was not stored after all.
    let mut scenario = Scenario::start(with_asset(AssetState::Announced));
    scenario.answer_list(&[]);
    scenario.expect("POST /v3/assets/a0/complete");
    scenario.answer(409, json!({"error": {"code": "conflict", "message": "object not visible yet"}}));
    scenario.upload();
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a1");
}

#[test]
fn an_asset_that_the_server_has_dropped_is_uploaded_again() {
    let mut scenario = Scenario::start(with_asset(AssetState::Ready));
    scenario.answer_list(&[]);
    scenario.submission();
    scenario.answer(
        400,
        json!({"error": {"code": "invalid_parameter", "message": "no such asset", "param": "project"}}),
    );
    assert!(matches!(&scenario.facts[0], Fact::Asset(fact) if fact.state == AssetState::Refused));
    let first = scenario.expect(CREATE);
    // The key is remembered, and answered with the asset that is gone.
    scenario.answer(
        200,
        json!({"data": {"asset_id": "a0", "upload_url": "https://s3.example/old", "upload_headers": {}}}),
    );
    let second = scenario.expect(CREATE);
    assert_ne!(key_of(&first), key_of(&second));
    scenario.upload();
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a1");
    scenario.answer(
        400,
        json!({"error": {"code": "invalid_parameter", "message": "no such asset", "param": "project"}}),
    );
    assert_eq!(scenario.failure().code(), "invalid_parameter", "a fresh asset is not the reason");
}

#[test]
fn a_refusal_that_is_not_about_the_asset_uploads_nothing() {
    let mut scenario = Scenario::start(with_asset(AssetState::Ready));
    scenario.answer_list(&[]);
    scenario.submission();
    scenario
        .answer(400, json!({"error": {"code": "invalid_parameter", "message": "too fast", "param": "fps"}}));
    assert_eq!(scenario.failure().code(), "invalid_parameter");
}

#[test]
fn an_expired_upload_url_leads_to_the_asset_or_to_a_fresh_url() {
    let refused = || {
        let mut scenario = Scenario::start(known_plan());
        scenario.answer_list(&[]);
        scenario.expect(CREATE);
        scenario.answer(
            200,
            json!({"data": {"asset_id": "a0", "upload_url": "https://s3.example/old", "upload_headers": {}}}),
        );
        scenario.expect("PUT https://s3.example/old");
        scenario.answer_with(403, &[], "<Error><Code>AccessDenied</Code></Error>".to_owned());
        scenario.expect("POST /v3/assets/a0/complete");
        scenario
    };
    let mut scenario = refused();
    scenario.answer(200, json!({"data": {"asset_id": "a0"}}));
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a0");
    let mut scenario = refused();
    scenario.answer(409, json!({"error": {"code": "conflict", "message": "not there"}}));
    scenario.upload();
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a1");
}

#[test]
fn a_list_that_is_refused_costs_the_search_only() {
    let mut scenario = Scenario::start(known_plan());
    scenario.expect(LIST);
    scenario.answer(404, json!({"error": {"code": "not_found", "message": "no such endpoint"}}));
    scenario.expect(CREATE);
    let mut scenario = Scenario::start(known_plan());
    scenario.expect(LIST);
    scenario.answer(200, json!({"data": {"renders": "elsewhere"}}));
    scenario.expect(CREATE);
    let mut scenario = Scenario::start(known_plan());
    scenario.expect(LIST);
    scenario.answer(401, json!({"error": {"code": "authentication_failed", "message": "no"}}));
    assert_eq!(scenario.failure().stage, Stage::Lookup);
}

#[test]
fn limits_hold_before_anything_is_uploaded_and_not_for_what_is_there() {
    let exceeded = Refusal::Renders { renders: 1, most: 0 };
    let limited = |limits: Limits| Plan { limits, ..known_plan() };
    let mut scenario =
        Scenario::start(limited(Limits { exceeded: Some(exceeded.clone()), min_balance: None }));
    scenario.answer_list(&[]);
    assert!(matches!(&scenario.failure().kind, FailureKind::Limit(refusal) if *refusal == exceeded));
    let mut scenario = Scenario::start(limited(Limits { exceeded: Some(exceeded), min_balance: None }));
    scenario.answer_list(&[(Some(0), "completed", 1)]);
    scenario.poll_answer("completed", NOON);
    assert!(matches!(scenario.action, Action::Save(_)));
    for (left, is_enough) in [(json!(4.99), false), (json!(5), true), (json!(null), false)] {
        let mut scenario = Scenario::start(limited(Limits { exceeded: None, min_balance: Some(5.0) }));
        scenario.answer_list(&[]);
        scenario.expect("GET /v3/users/me");
        scenario
            .answer(200, json!({"data": {"billing_type": "wallet", "wallet": {"remaining_balance": left}}}));
        if is_enough {
            scenario.expect(CREATE);
        } else {
            assert_eq!(scenario.failure().code(), "min_balance");
        }
    }
}

#[test]
fn a_pause_says_what_is_tried_again_and_how_long() {
    let mut scenario = Scenario::start(plan(archive(10)));
    scenario.answer(503, json!({"error": {"code": "busy", "message": "try later"}}));
    let Action::Sleep(pause) = &scenario.action else { panic!("a pause") };
    let retry = pause.retry.as_ref().expect("a repeat");
    assert_eq!((retry.attempt, retry.of, retry.left), (2, Some(3), Duration::from_secs(60)));
    assert_eq!(retry.reason, "try later (HTTP 503, busy)");
}

#[test]
fn repeats_end_with_the_time_to_wait() {
    let mut scenario = Scenario::start(Plan { max_retries: 1000, ..plan(archive(10)) });
    while !matches!(scenario.action, Action::Fail(_)) {
        scenario.expect(CREATE);
        scenario.event(Event::Unreachable("connection refused".to_owned()));
    }
    assert!(scenario.now <= Duration::from_secs(60), "{:?}", scenario.now);
    assert!(matches!(scenario.failure().kind, FailureKind::Unreachable(_)));
}
