//! Decisions about money: what is paid, what is waited for, and what is fetched.
#![allow(clippy::panic, reason = "a test helper that cannot go on has no better way to say so")]

use std::time::Duration;

use hyperframes_ci_core::api::{Project, Request, Response, Target};
use hyperframes_ci_core::job::{
    Action, Event, Fact, FailureKind, GONE_GRACE, Job, Keys, Limits, Origin, Plan, ProjectIdentity,
    RenderFact, RenderIdentity, RenderState, Reuse, Source, UploadRoute, Wait,
};
use hyperframes_ci_core::time::format_http_date;
use serde_json::{Map, Value, json};

const LIST: &str = "GET /v3/hyperframes/renders?limit=100";
const SUBMIT: &str = "POST /v3/hyperframes/renders";
const POLL: &str = "GET /v3/hyperframes/renders/r1";

fn identity() -> RenderIdentity {
    RenderIdentity::new(ProjectIdentity::Asset("a1"), &Map::new())
}

fn key(generation: u32) -> String {
    identity().key(generation).to_string()
}

fn plan() -> Plan {
    Plan {
        source: Source::Project(Project::AssetId { asset_id: "a1".to_owned() }),
        body: Map::new(),
        keys: Keys { identity: Some(identity()), ..Keys::default() },
        reuse: Reuse::default(),
        limits: Limits::default(),
        route: UploadRoute::Auto,
        wait: Some(Wait { poll_interval: Duration::from_secs(10), download: true, is_watched: false }),
        max_wait: Duration::from_secs(600),
        max_retries: 2,
        seed: 7,
    }
}

/// A job whose clock its own pauses advance.
struct Scenario {
    job: Job,
    now: Duration,
    action: Action,
    facts: Vec<Fact>,
    notices: Vec<String>,
    submissions: Vec<String>,
}

impl Scenario {
    fn start(plan: Plan) -> Self {
        let mut scenario = Self {
            job: Job::new(plan),
            now: Duration::ZERO,
            action: Action::Save(String::new()),
            facts: Vec::new(),
            notices: Vec::new(),
            submissions: Vec::new(),
        };
        scenario.event(Event::Start);
        scenario
    }

    /// Up to the first poll of `r1`.
    fn submitted(plan: Plan) -> Self {
        let mut scenario = Self::start(plan);
        scenario.answer_list(&[]);
        scenario.submit("r1");
        scenario
    }

    fn event(&mut self, event: Event) {
        let step = self.job.step(event, self.now);
        self.facts.extend(step.facts);
        self.notices.extend(step.notice);
        self.action = step.action;
        if let Action::Send(request) = &self.action
            && line(request) == SUBMIT
        {
            let key = request.headers.iter().find(|(name, _)| name == "idempotency-key");
            self.submissions.push(key.map(|(_, key)| key.clone()).unwrap_or_default());
        }
    }

    /// Waits out pauses until there is something else to do.
    fn settle(&mut self) {
        while let Action::Sleep(pause) = &self.action {
            self.now += pause.delay;
            self.event(Event::Woke);
        }
    }

    fn expect(&mut self, wanted: &str) {
        self.settle();
        let Action::Send(request) = &self.action else { panic!("wanted {wanted}, got {:?}", self.action) };
        assert_eq!(line(request), wanted);
    }

    fn answer(&mut self, status: u16, body: &Value) {
        self.answer_with(status, &[], &body.to_string());
    }

    fn answer_with(&mut self, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        self.event(Event::Answered(Response { status, headers, body: body.as_bytes().to_vec() }));
    }

    /// Answers the list with these ids, generations and statuses.
    fn answer_list(&mut self, renders: &[(&str, u32, &str)]) {
        self.expect(LIST);
        let data = renders.iter().map(|(id, generation, status)| {
            json!({"render_id": id, "status": status, "callback_id": key(*generation)})
        });
        self.answer(200, &json!({"data": data.collect::<Vec<_>>(), "has_more": false}));
    }

    fn submit(&mut self, id: &str) {
        self.expect(SUBMIT);
        self.answer(200, &json!({"data": {"render_id": id}}));
    }

    fn poll(&mut self, detail: &Value) {
        self.expect(POLL);
        self.answer(200, &json!({ "data": detail }));
    }

    fn failure(&self) -> &hyperframes_ci_core::job::Failure {
        match &self.action {
            Action::Fail(failure) => failure,
            other => panic!("wanted a failure, got {other:?}"),
        }
    }

    fn states(&self) -> Vec<RenderState> {
        let renders = self
            .facts
            .iter()
            .filter_map(|fact| if let Fact::Render(fact) = fact { Some(fact.state) } else { None });
        renders.collect()
    }
}

fn line(request: &Request) -> String {
    let target = match &request.target {
        Target::Api(path) => path,
        Target::Presigned(url) => url,
    };
    format!("{} {target}", request.method.as_str())
}

fn completed() -> Value {
    json!({"render_id": "r1", "status": "completed", "video_url": "https://cdn.example/v"})
}

#[test]
fn every_word_for_an_end_is_an_end_and_says_what_the_server_said() {
    for status in ["canceled", "cancelled", "expired", "error", "FAILED", " Failed "] {
        let mut scenario = Scenario::submitted(plan());
        scenario.poll(&json!({"render_id": "r1", "status": status, "failure_message": "no fonts"}));
        assert!(matches!(scenario.failure().kind, FailureKind::RenderFailed(_)), "{status}");
        assert!(!scenario.failure().is_resumable(), "{status}");
        assert_eq!(scenario.states(), [RenderState::Submitted, RenderState::Failed], "{status}");
        let text = scenario.failure().to_string();
        assert!(text.contains("no fonts"), "{text}");
        let is_told =
            status.trim().eq_ignore_ascii_case("failed") || text.contains(&format!("(status {status})"));
        assert!(is_told, "{text}");
    }
    let mut scenario = Scenario::submitted(plan());
    scenario.poll(&json!({"render_id": "r1", "status": "Completed", "video_url": "https://cdn.example/v"}));
    assert!(matches!(scenario.action, Action::Save(_)));
}

#[test]
fn an_unknown_status_is_polled_and_reported_once() {
    let mut scenario = Scenario::submitted(plan());
    for status in ["polishing", "polishing", "shining"] {
        scenario.poll(&json!({"render_id": "r1", "status": status}));
    }
    scenario.poll(&completed());
    assert!(matches!(scenario.action, Action::Save(_)));
    assert_eq!(scenario.notices.len(), 1, "{:?}", scenario.notices);
    assert!(scenario.notices[0].contains("\"polishing\""), "{:?}", scenario.notices);
}

#[test]
fn a_completed_render_without_a_url_is_polled_for_a_while() {
    let without = json!({"render_id": "r1", "status": "completed", "video_url": null});
    let mut scenario = Scenario::submitted(plan());
    scenario.poll(&without);
    scenario.poll(&without);
    scenario.poll(&completed());
    assert!(matches!(scenario.action, Action::Save(_)));
    let mut scenario = Scenario::submitted(plan());
    while !matches!(scenario.action, Action::Fail(_)) {
        scenario.poll(&without);
    }
    assert!(matches!(scenario.failure().kind, FailureKind::NoVideo) && scenario.failure().is_resumable());
    assert!(scenario.now >= Duration::from_secs(30) && scenario.now < Duration::from_secs(60));
}

/// A plan whose ledger knows `r1` in this generation and state.
fn with_ledger(generation: u32, state: RenderState) -> Plan {
    let render = RenderFact { identity: key(0), generation, render_id: "r1".to_owned(), state };
    Plan { reuse: Reuse { render: Some(render), ..Reuse::default() }, ..plan() }
}

fn with_chosen_key() -> Plan {
    let keys = Keys { chosen: "my-key".parse().ok(), ..plan().keys };
    Plan { keys, ..plan() }
}

fn error(code: &str) -> Value {
    json!({"error": {"code": code, "message": "no"}})
}

impl Scenario {
    /// Answers polls with "not found" until something else is done.
    fn answer_not_found(&mut self) {
        self.expect(POLL);
        while matches!(&self.action, Action::Send(request) if line(request) == POLL) {
            self.answer(404, &error("hyperframes_render_not_found"));
            self.settle();
        }
    }
}

#[test]
fn no_clock_makes_a_new_render_an_old_one() {
    let noon = 1_795_176_000;
    for (created, status) in
        [(noon - 3_000_000, "failed"), (noon - 90, "failed"), (noon + 90, "failed"), (noon, "error")]
    {
        let mut scenario = Scenario::start(plan());
        scenario.answer_list(&[]);
        scenario.expect(SUBMIT);
        let date = format_http_date(noon);
        scenario.answer_with(200, &[("Date", &date)], r#"{"data": {"render_id": "r1"}}"#);
        scenario.poll(&json!({"render_id": "r1", "status": status, "created_at": created}));
        assert!(matches!(scenario.failure().kind, FailureKind::RenderFailed(_)), "{created}");
        assert_eq!(scenario.submissions.len(), 1, "{created}");
    }
    // The clock of this machine is a month ahead: the render is older than the window from its beginning.
    let mut late = plan();
    late.reuse.since = Some(noon + 86_400);
    let mut scenario = Scenario::submitted(late);
    scenario.poll(&json!({"render_id": "r1", "status": "completed", "video_url": "u", "created_at": noon}));
    assert!(matches!(scenario.action, Action::Save(_)) && scenario.submissions.len() == 1);
}

#[test]
fn a_submission_that_is_answered_with_a_known_render_is_no_new_one() {
    // The ledger knows it.
    let mut scenario = Scenario::start(with_ledger(0, RenderState::Failed));
    scenario.answer_list(&[]);
    scenario.submit("r1");
    assert_eq!(scenario.job.render(), Some(("r1", Origin::Ledger)));
    scenario.poll(&json!({"render_id": "r1", "status": "failed"}));
    assert_eq!(scenario.states().last(), Some(&RenderState::Failed));
    scenario.expect(SUBMIT);
    assert_eq!(scenario.submissions, [key(1), key(2)]);
    scenario.answer(200, &json!({"data": {"render_id": "r2"}}));
    assert_eq!(scenario.job.render(), Some(("r2", Origin::Submitted)));
    // The list has it, under a key that the user chose: it is theirs.
    let mut scenario = Scenario::start(with_chosen_key());
    scenario.answer_list(&[("r1", 0, "failed")]);
    scenario.submit("r1");
    assert_eq!(scenario.job.render(), Some(("r1", Origin::Account)));
    scenario.poll(&json!({"render_id": "r1", "status": "failed"}));
    assert!(matches!(scenario.failure().kind, FailureKind::RenderFailed(_)));
    assert_eq!(scenario.submissions, ["my-key"]);
}

#[test]
fn an_answer_without_the_render_is_not_the_end_of_it() {
    let page = "<html>not found</html>";
    for (status, body) in [
        (404, error("hyperframes_render_not_found").to_string()),
        (404, page.to_owned()),
        (404, error("not_found").to_string()),
    ] {
        let mut scenario = Scenario::submitted(plan());
        for _ in 0..4 {
            scenario.expect(POLL);
            scenario.answer_with(status, &[("Content-Type", "text/html")], &body);
        }
        assert!(scenario.now < GONE_GRACE);
        scenario.poll(&completed());
        assert!(matches!(scenario.action, Action::Save(_)), "{body}");
        assert_eq!(scenario.submissions.len(), 1, "{body}");
    }
    // A page never says that a render is gone.
    let mut scenario = Scenario::submitted(plan());
    while !matches!(scenario.action, Action::Fail(_)) {
        scenario.expect(POLL);
        scenario.answer_with(404, &[("Content-Type", "text/html")], page);
    }
    assert_eq!((scenario.failure().code(), scenario.failure().is_resumable()), ("timeout", true));
}

#[test]
fn a_render_is_gone_if_neither_its_id_nor_the_list_leads_to_it() {
    let mut scenario = Scenario::submitted(plan());
    scenario.answer_not_found();
    assert!(scenario.now >= GONE_GRACE && scenario.now < GONE_GRACE * 2, "{:?}", scenario.now);
    scenario.answer_list(&[]);
    assert!(matches!(scenario.failure().kind, FailureKind::Deleted));
    assert_eq!(scenario.states(), [RenderState::Submitted, RenderState::Gone]);
    assert_eq!(scenario.submissions.len(), 1);
    // The list has it after all.
    let mut scenario = Scenario::submitted(plan());
    scenario.answer_not_found();
    scenario.answer_list(&[("r1", 0, "rendering")]);
    scenario.poll(&completed());
    assert!(matches!(scenario.action, Action::Save(_)));
    assert_eq!(
        (scenario.submissions.len(), scenario.states()),
        (1, vec![RenderState::Submitted, RenderState::Completed])
    );
    // Without the list nobody knows.
    let mut scenario = Scenario::submitted(plan());
    while !matches!(scenario.action, Action::Fail(_)) {
        scenario.settle();
        let Action::Send(request) = &scenario.action else { break };
        let body = if line(request) == LIST { error("busy") } else { error("hyperframes_render_not_found") };
        scenario.answer(404, &body);
    }
    assert_eq!(scenario.failure().code(), "timeout", "{:?}", scenario.action);
    assert_eq!(scenario.submissions.len(), 1);
}

#[test]
fn a_render_that_the_user_names_may_be_unknown_for_a_while() {
    let wait = Wait { poll_interval: Duration::from_secs(10), download: true, is_watched: false };
    let given = || Plan::existing("r1".to_owned(), wait, Duration::from_secs(600), 2, 7);
    let mut scenario = Scenario::start(given());
    for _ in 0..3 {
        scenario.expect(POLL);
        scenario.answer(404, &error("hyperframes_render_not_found"));
    }
    scenario.poll(&completed());
    assert!(matches!(scenario.action, Action::Save(_)));
    // The list has it.
    let mut scenario = Scenario::start(given());
    scenario.answer_not_found();
    scenario.answer_list(&[("r1", 0, "rendering")]);
    scenario.poll(&completed());
    assert!(matches!(scenario.action, Action::Save(_)));
    let mut scenario = Scenario::start(given());
    scenario.answer_not_found();
    assert!(scenario.now >= GONE_GRACE && scenario.now < GONE_GRACE * 2, "{:?}", scenario.now);
    scenario.answer_list(&[]);
    let failure = scenario.failure();
    assert!(matches!(failure.kind, FailureKind::NotFound) && !failure.is_resumable());
    let help = failure.help().unwrap_or_default();
    assert!(help.contains("hyperframes-ci list") && !help.contains("--no-reuse"), "{help}");
    assert!(scenario.submissions.is_empty() && scenario.facts.is_empty());
}

#[test]
fn a_deleted_render_of_an_earlier_run_is_rendered_again() {
    let mut scenario = Scenario::start(with_ledger(0, RenderState::Completed));
    scenario.answer_not_found();
    scenario.answer_list(&[]);
    assert_eq!(scenario.states(), [RenderState::Gone]);
    scenario.expect(SUBMIT);
    assert_eq!(scenario.submissions, [key(1)], "the server remembers what it answered to the first");
    // With --no-reuse also one that the server has just answered the key with.
    let mut none = plan();
    none.reuse.none = true;
    let mut scenario = Scenario::submitted(none);
    scenario.answer_not_found();
    scenario.answer_list(&[]);
    scenario.expect(SUBMIT);
    assert_eq!(scenario.submissions, [key(0), key(1)]);
}

#[test]
fn a_render_that_the_ledger_calls_gone_is_looked_for_before_another_is_paid_for() {
    let mut scenario = Scenario::start(with_ledger(1, RenderState::Gone));
    scenario.answer_list(&[("r1", 1, "completed")]);
    scenario.poll(&completed());
    assert!(matches!(scenario.action, Action::Save(_)));
    let mut scenario = Scenario::start(with_ledger(1, RenderState::Gone));
    scenario.answer_list(&[("r9", 1, "failed"), ("r1", 0, "completed")]);
    scenario.expect(POLL);
    let mut scenario = Scenario::start(with_ledger(1, RenderState::Gone));
    scenario.answer_list(&[("r9", 0, "failed")]);
    scenario.expect(SUBMIT);
    assert_eq!(scenario.submissions, [key(2)]);
    // Where the list cannot be had, its id is asked about once more.
    let mut scenario = Scenario::start(with_ledger(1, RenderState::Gone));
    scenario.expect(LIST);
    scenario.answer(404, &error("no_such_endpoint"));
    scenario.expect(POLL);
}

#[test]
fn a_generation_that_cannot_be_is_none() {
    for state in [RenderState::Submitted, RenderState::Completed, RenderState::Failed, RenderState::Gone] {
        let mut scenario = Scenario::start(with_ledger(u32::MAX, state));
        scenario.answer_list(&[("r0", 0, "failed")]);
        scenario.expect(SUBMIT);
        assert_eq!(scenario.submissions, [key(1)], "{state:?}");
    }
    // One that many runs with --no-reuse have led to is.
    let mut scenario = Scenario::start(with_ledger(200, RenderState::Completed));
    scenario.poll(&completed());
    assert!(matches!(scenario.action, Action::Save(_)));
}

#[test]
fn a_submission_without_an_answer_is_looked_for_before_it_is_repeated() {
    let lose: [&dyn Fn(&mut Scenario); 8] = [
        &|scenario| scenario.event(Event::Unreachable("reset".to_owned())),
        &|scenario| scenario.answer(500, &error("internal")),
        &|scenario| scenario.answer_with(502, &[], "<html>"),
        &|scenario| scenario.answer(408, &error("timeout")),
        &|scenario| scenario.answer_with(200, &[], "{\"data\":"),
        &|scenario| scenario.answer(200, &json!({"data": {"render_id": ""}})),
        &|scenario| scenario.answer(200, &json!({"data": {"render_id": 7}})),
        &|scenario| scenario.answer(200, &json!({"data": null})),
    ];
    for (number, lose) in lose.iter().enumerate() {
        let mut scenario = Scenario::start(plan());
        scenario.answer_list(&[("r0", 99, "completed")]);
        scenario.expect(SUBMIT);
        lose(&mut scenario);
        scenario.answer_list(&[("r1", 0, "rendering")]);
        assert_eq!(scenario.job.render(), Some(("r1", Origin::Submitted)), "{number}");
        assert_eq!(scenario.states(), [RenderState::Submitted], "{number}");
        scenario.poll(&completed());
        assert!(matches!(scenario.action, Action::Save(_)), "{number}");
        assert_eq!(scenario.submissions.len(), 1, "{number}");
        // Not there: the same key once more.
        let mut scenario = Scenario::start(plan());
        scenario.answer_list(&[]);
        scenario.expect(SUBMIT);
        lose(&mut scenario);
        scenario.answer_list(&[]);
        scenario.expect(SUBMIT);
        assert_eq!(scenario.submissions, [key(0), key(0)], "{number}");
        // Nobody knows: nothing more is paid.
        let mut scenario = Scenario::start(plan());
        scenario.answer_list(&[]);
        scenario.expect(SUBMIT);
        lose(&mut scenario);
        scenario.expect(LIST);
        scenario.answer(400, &error("invalid_parameter"));
        assert_eq!(
            (scenario.failure().code() == "invalid_parameter", scenario.submissions.len()),
            (false, 1)
        );
    }
}

#[test]
fn the_last_lost_answer_is_looked_for_too() {
    // What was not processed is no lost answer.
    for status in [425, 429] {
        let mut scenario = Scenario::start(plan());
        scenario.answer_list(&[]);
        scenario.expect(SUBMIT);
        scenario.answer(status, &error("later"));
        scenario.expect(SUBMIT);
    }
    for found in [true, false] {
        let mut scenario = Scenario::start(plan());
        scenario.answer_list(&[]);
        for attempt in 1..=3 {
            scenario.expect(SUBMIT);
            scenario.answer(503, &error("busy"));
            let renders: &[_] = if found && attempt == 3 { &[("r1", 0, "queued")] } else { &[] };
            scenario.answer_list(renders);
        }
        if found {
            scenario.expect(POLL);
        } else {
            assert_eq!(scenario.failure().code(), "busy");
        }
        assert_eq!(scenario.submissions.len(), 3);
    }
}

#[test]
fn a_key_in_use_is_waited_for_and_then_looked_up() {
    for plan in [plan(), with_chosen_key()] {
        for (status, code) in [(409, "request_in_progress"), (422, "idempotency_key_reused")] {
            let mut scenario = Scenario::start(plan.clone());
            scenario.answer_list(&[]);
            scenario.expect(SUBMIT);
            scenario.answer_with(status, &[("Retry-After", "3")], &error(code).to_string());
            assert!(
                matches!(&scenario.action, Action::Sleep(pause) if pause.delay == Duration::from_secs(3))
            );
            scenario.answer_list(&[("r1", 0, "queued")]);
            scenario.poll(&completed());
            assert!(matches!(scenario.action, Action::Save(_)) && scenario.submissions.len() == 1);
        }
    }
    // As long as there is time, the same key and no other.
    let mut scenario = Scenario::start(plan());
    scenario.answer_list(&[]);
    while !matches!(scenario.action, Action::Fail(_)) {
        scenario.expect(SUBMIT);
        scenario.answer(409, &error("request_in_progress"));
        scenario.settle();
        if matches!(scenario.action, Action::Send(_)) {
            scenario.answer_list(&[]);
        }
    }
    assert_eq!(scenario.failure().code(), "timeout");
    assert!(scenario.now > Duration::from_secs(500), "{:?}", scenario.now);
    assert!(scenario.submissions.iter().all(|sent| *sent == key(0)));
    // A key that was used for another body ends after the tries.
    let mut scenario = Scenario::start(plan());
    scenario.answer_list(&[]);
    for _ in 0..3 {
        scenario.expect(SUBMIT);
        scenario.answer(409, &error("idempotency_conflict"));
        scenario.answer_list(&[]);
    }
    assert_eq!(scenario.failure().code(), "idempotency_conflict");
}

#[test]
fn an_upload_whose_key_is_in_use_is_waited_for() {
    let mut upload = plan();
    upload.source = Source::Archive(hyperframes_ci_core::job::Archive {
        size: 10,
        sha256: "ab".repeat(32),
        digest: "cd".repeat(32),
    });
    let mut scenario = Scenario::start(upload);
    scenario.answer_list(&[]);
    for _ in 0..6 {
        scenario.expect("POST /v3/assets/direct-uploads");
        scenario.answer(409, &error("request_in_progress"));
    }
    scenario.expect("POST /v3/assets/direct-uploads");
    let Action::Send(request) = &scenario.action else { panic!("a request") };
    let key = request.headers.iter().find(|(name, _)| name == "idempotency-key").map(|(_, key)| key.clone());
    assert_eq!(key, Some(format!("hfci_asset_{}", "ab".repeat(32))), "one key, one asset");
}
