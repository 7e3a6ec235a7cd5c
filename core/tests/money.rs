//! Decisions about money: what is paid, what is waited for, and what is fetched.
#![allow(clippy::panic, reason = "a test helper that cannot go on has no better way to say so")]

use std::time::Duration;

use hyperframes_ci_core::api::{Project, Request, Response, Target};
use hyperframes_ci_core::job::{
    Action, Event, Fact, FailureKind, Job, Keys, Limits, Plan, ProjectIdentity, RenderIdentity, RenderState,
    Reuse, Source, UploadRoute, Wait,
};
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

    /// Up to the first poll of `r1`, which was submitted by this job.
    fn submitted(plan: Plan) -> Self {
        let mut scenario = Self::start(plan);
        scenario.answer_list(&[]);
        scenario.submit("r1");
        scenario
    }

    fn event(&mut self, event: Event) {
        let step = self.job.step(event, self.now);
        self.facts.extend(step.fact);
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
        let state = |fact: &Fact| match fact {
            Fact::Render(fact) => Some(fact.state),
            Fact::Asset(_) => None,
        };
        self.facts.iter().filter_map(state).collect()
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
