//! A job, and what happens to it.

use std::time::Duration;

use hyperframes_ci_core::api::{Product, Project, Request, Response, Target};
use hyperframes_ci_core::job::{
    Action, Event, Fact, Job, Keys, Limits, Plan, ProjectIdentity, RenderFact, RenderIdentity, RenderState,
    Reuse, Source, UploadRoute, Wait,
};
use serde_json::{Map, Value, json};

pub(crate) const LIST: &str = "GET /v3/hyperframes/renders?limit=100";
pub(crate) const SUBMIT: &str = "POST /v3/hyperframes/renders";
pub(crate) const POLL: &str = "GET /v3/hyperframes/renders/r1";

pub(crate) fn identity() -> RenderIdentity {
    RenderIdentity::new(ProjectIdentity::Asset("a1"), &Map::new())
}

pub(crate) fn key(generation: u32) -> String {
    identity().key(generation).to_string()
}

pub(crate) fn plan() -> Plan {
    Plan {
        product: Product::Render,
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
pub(crate) struct Scenario {
    pub(crate) job: Job,
    pub(crate) now: Duration,
    pub(crate) action: Action,
    pub(crate) facts: Vec<Fact>,
    pub(crate) notices: Vec<String>,
    pub(crate) submissions: Vec<String>,
}

impl Scenario {
    pub(crate) fn start(plan: Plan) -> Self {
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
    pub(crate) fn submitted(plan: Plan) -> Self {
        let mut scenario = Self::start(plan);
        scenario.answer_list(&[]);
        scenario.submit("r1");
        scenario
    }

    pub(crate) fn event(&mut self, event: Event) {
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
    pub(crate) fn settle(&mut self) {
        while let Action::Sleep(pause) = &self.action {
            self.now += pause.delay;
            self.event(Event::Woke);
        }
    }

    pub(crate) fn expect(&mut self, wanted: &str) {
        self.settle();
        let Action::Send(request) = &self.action else { panic!("wanted {wanted}, got {:?}", self.action) };
        assert_eq!(line(request), wanted);
    }

    pub(crate) fn answer(&mut self, status: u16, body: &Value) {
        self.answer_with(status, &[], &body.to_string());
    }

    pub(crate) fn answer_with(&mut self, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        self.event(Event::Answered(Response { status, headers, body: body.as_bytes().to_vec() }));
    }

    /// Answers the list with these ids, generations and statuses.
    pub(crate) fn answer_list(&mut self, renders: &[(&str, u32, &str)]) {
        self.expect(LIST);
        let data = renders.iter().map(|(id, generation, status)| {
            json!({"render_id": id, "status": status, "callback_id": key(*generation)})
        });
        self.answer(200, &json!({"data": data.collect::<Vec<_>>(), "has_more": false}));
    }

    pub(crate) fn submit(&mut self, id: &str) {
        self.expect(SUBMIT);
        self.answer(200, &json!({"data": {"render_id": id}}));
    }

    pub(crate) fn poll(&mut self, detail: &Value) {
        self.expect(POLL);
        self.answer(200, &json!({ "data": detail }));
    }

    pub(crate) fn failure(&self) -> &hyperframes_ci_core::job::Failure {
        match &self.action {
            Action::Fail(failure) => failure,
            other => panic!("wanted a failure, got {other:?}"),
        }
    }

    pub(crate) fn states(&self) -> Vec<RenderState> {
        let renders = self
            .facts
            .iter()
            .filter_map(|fact| if let Fact::Render(fact) = fact { Some(fact.state) } else { None });
        renders.collect()
    }
}

pub(crate) fn line(request: &Request) -> String {
    let target = match &request.target {
        Target::Api(path) => path,
        Target::Presigned(url) => url,
    };
    format!("{} {target}", request.method.as_str())
}

pub(crate) fn completed() -> Value {
    json!({"render_id": "r1", "status": "completed", "video_url": "https://cdn.example/v"})
}

pub(crate) fn with_ledger(generation: u32, state: RenderState) -> Plan {
    let render = RenderFact { identity: key(0), generation, render_id: "r1".to_owned(), state };
    Plan { reuse: Reuse { render: Some(render), ..Reuse::default() }, ..plan() }
}

pub(crate) fn with_chosen_key() -> Plan {
    let keys = Keys { chosen: "my-key".parse().ok(), ..plan().keys };
    Plan { keys, ..plan() }
}

pub(crate) fn error(code: &str) -> Value {
    json!({"error": {"code": code, "message": "no"}})
}

impl Scenario {
    /// Answers polls with "not found" until something else is done.
    pub(crate) fn answer_not_found(&mut self) {
        self.expect(POLL);
        while matches!(&self.action, Action::Send(request) if line(request) == POLL) {
            self.answer(404, &error("hyperframes_render_not_found"));
            self.settle();
        }
    }
}
