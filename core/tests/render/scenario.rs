//! Jobs with a script of answers.

use std::time::Duration;

use hyperframes_ci_core::api::{Body, Product, Request, Response, Target};
use hyperframes_ci_core::job::{
    Action, Archive, AssetFact, AssetState, Event, Fact, FileKind, Job, Keys, Limits, Plan, ProjectIdentity,
    RenderFact, RenderIdentity, RenderState, Reuse, Source, UploadRoute, Wait,
};
use serde_json::{Map, json};

pub(crate) fn plan(source: Source) -> Plan {
    Plan {
        product: Product::Render,
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

pub(crate) fn archive(size: u64) -> Source {
    Source::Archive(Archive { size, sha256: "ab".repeat(32), digest: "cd".repeat(32), kind: FileKind::Zip })
}

/// A job with a clock that its own pauses advance.
pub(crate) struct Scenario {
    pub(crate) job: Job,
    pub(crate) now: Duration,
    pub(crate) action: Action,
    /// What the ledger was told.
    pub(crate) facts: Vec<Fact>,
}

impl Scenario {
    pub(crate) fn start(plan: Plan) -> Self {
        let mut job = Job::new(plan);
        let step = job.step(Event::Start, Duration::ZERO);
        Self { job, now: Duration::ZERO, action: step.action, facts: step.facts }
    }

    pub(crate) fn event(&mut self, event: Event) {
        let step = self.job.step(event, self.now);
        self.facts.extend(step.facts);
        self.action = step.action;
    }

    /// Waits out pauses, then checks that the next request is `method path` and gives the request back.
    pub(crate) fn expect(&mut self, line: &str) -> Request {
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

    pub(crate) fn answer(&mut self, status: u16, body: serde_json::Value) {
        self.answer_with(status, &[], body.to_string());
    }

    pub(crate) fn answer_with(&mut self, status: u16, headers: &[(&str, &str)], body: String) {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        self.event(Event::Answered(Response { status, headers, body: body.into_bytes() }));
    }

    pub(crate) fn failure(&self) -> &hyperframes_ci_core::job::Failure {
        match &self.action {
            Action::Fail(failure) => failure,
            other => panic!("wanted a failure, got {other:?}"),
        }
    }

    /// Up to the first poll.
    pub(crate) fn submitted() -> Self {
        let mut scenario = Self::start(plan(Source::Project(hyperframes_ci_core::api::Project::AssetId {
            asset_id: "a1".to_owned(),
        })));
        scenario.expect("POST /v3/hyperframes/renders");
        scenario.answer(200, json!({"data": {"render_id": "r1"}}));
        scenario
    }
}

/// The idempotency key of a request.
pub(crate) fn key_of(request: &Request) -> &str {
    let header = request.headers.iter().find(|(name, _)| name == "idempotency-key");
    header.map(|(_, key)| key.as_str()).expect("every POST has a key")
}

pub(crate) const POLL: &str = "GET /v3/hyperframes/renders/r1";

pub(crate) fn detail(status: &str) -> serde_json::Value {
    json!({"data": {"render_id": "r1", "status": status, "format": "mp4", "video_url": "https://cdn.example/v?sig=1"}})
}

pub(crate) fn identity() -> RenderIdentity {
    RenderIdentity::new(ProjectIdentity::Digest(&"cd".repeat(32)), &plan(archive(10)).body)
}

pub(crate) fn key(generation: u32) -> String {
    identity().key(generation).as_str().to_owned()
}

pub(crate) fn known_plan() -> Plan {
    let keys = Keys { identity: Some(identity()), ..Keys::default() };
    Plan { keys, ..plan(archive(10)) }
}

pub(crate) fn with_render(generation: u32, state: RenderState) -> Plan {
    let fact = RenderFact { identity: key(0), generation, render_id: "r1".to_owned(), state };
    Plan { reuse: Reuse { render: Some(fact), ..Reuse::default() }, ..known_plan() }
}

pub(crate) fn with_asset(state: AssetState) -> Plan {
    let fact = AssetFact { digest: "cd".repeat(32), asset_id: "a0".to_owned(), state };
    Plan { reuse: Reuse { asset: Some(fact), ..Reuse::default() }, ..known_plan() }
}

pub(crate) const LIST: &str = "GET /v3/hyperframes/renders?limit=100";
pub(crate) const CREATE: &str = "POST /v3/assets/direct-uploads";
pub(crate) const SUBMIT: &str = "POST /v3/hyperframes/renders";
/// 2026-11-20 12:00:00Z
pub(crate) const NOON: i64 = 1_795_176_000;

impl Scenario {
    /// Answers the list with renders of these generations (`None` for a stranger), statuses and ages in seconds.
    pub(crate) fn answer_list(&mut self, renders: &[(Option<u32>, &str, i64)]) {
        self.expect(LIST);
        let data = renders.iter().enumerate().map(|(index, (generation, status, age))| {
            let callback_id = generation.map_or("other".to_owned(), key);
            json!({"render_id": format!("r{}", index + 1), "status": status, "callback_id": callback_id, "created_at": NOON - age})
        });
        self.answer(200, json!({"data": data.collect::<Vec<_>>(), "has_more": false, "next_token": null}));
    }

    /// From the announcement of an upload to the asset.
    pub(crate) fn upload(&mut self) {
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
    pub(crate) fn submission(&mut self) -> (serde_json::Value, String) {
        let request = self.expect(SUBMIT);
        let Body::Bytes(body) = &request.body else { panic!("a JSON body") };
        (serde_json::from_slice(body).expect("JSON"), key_of(&request).to_owned())
    }

    pub(crate) fn poll_answer(&mut self, status: &str, created: i64) {
        self.expect(POLL);
        let mut body = detail(status);
        body["data"]["created_at"] = created.into();
        self.answer(200, body);
    }
}
