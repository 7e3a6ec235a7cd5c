//! The interpreter against a scripted API: what one order meets does not harm the others.

mod server;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::job::{Limits, ProjectIdentity, RenderIdentity};
use hyperframes_ci_core::video::Expected;
use serde_json::{Map, json};

use self::server::{Reply, Server};
use super::CloudSession;
use crate::fault::{Error, Exit};
use crate::heygen::auth::{Credential, Provider, Secret};
use crate::heygen::transport::{ApiBase, Transport};
use crate::project::collect::Project;
use crate::project::pack::{ArchiveContents, Packed};
use crate::project::tree::DiskTree;
use crate::renderers::order::ReusePolicy;
use crate::renderers::{
    Event, Input, Order, OrderResult, OrderState, Output, Reporter, RunContext, RunOptions, Session,
};
use crate::system::gate::Reach;
use crate::ui::Console;

const SUBMIT: &str = "POST /v3/hyperframes/renders";
const CREATE: &str = "POST /v3/assets/direct-uploads";
const LIST: &str = "GET /v3/hyperframes/renders?";

/// A packed project, and a folder for videos and the ledger.
struct Fixture {
    folder: tempfile::TempDir,
    packed: Packed,
    options: RunOptions,
}

/// How an order ended, or that it is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Submitted,
    Completed,
    Failed,
}

/// Looks at the results so far, and says whether to go on.
type Look<'a> = dyn FnMut(&[(u64, Ended)]) -> bool + Send + 'a;

/// What was reported, in its order.
#[derive(Default)]
struct Heard<'a> {
    results: Vec<(u64, Ended)>,
    warnings: Vec<String>,
    look: Option<Box<Look<'a>>>,
}

impl Reporter for Heard<'_> {
    fn event(&mut self, event: Event) {
        if let Event::Warning(text) = event {
            self.warnings.push(text);
        }
    }

    fn result(&mut self, result: OrderResult) -> bool {
        let ended = match &result.state {
            OrderState::Submitted => Ended::Submitted,
            OrderState::Completed(video) => {
                assert!(video.as_ref().is_some_and(|video| video.path.is_file()), "{result:?}");
                Ended::Completed
            }
            OrderState::Failed { .. } => Ended::Failed,
        };
        self.results.push((result.index, ended));
        self.look.as_mut().is_none_or(|look| look(&self.results))
    }
}

impl<'a> Heard<'a> {
    fn looking(look: impl FnMut(&[(u64, Ended)]) -> bool + Send + 'a) -> Self {
        Self { look: Some(Box::new(look)), ..Self::default() }
    }

    fn count(&self, wanted: Ended) -> usize {
        count(&self.results, wanted)
    }
}

fn count(results: &[(u64, Ended)], wanted: Ended) -> usize {
    results.iter().filter(|(_, ended)| *ended == wanted).count()
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let project = folder.path().join("project");
        std::fs::create_dir_all(project.join(".git")).expect("a folder");
        std::fs::write(project.join("index.html"), "<html></html>").expect("written");
        let tree = DiskTree::open(Project::open(&project, None, &Reach::anywhere()).expect("a project"))
            .expect("a tree");
        let packed = ArchiveContents::of(&tree).expect("files").zip(&mut |_| {}).expect("an archive");
        let reuse =
            ReusePolicy { ledger: Some(folder.path().join("ledger.jsonl")), ..ReusePolicy::default() };
        let options = RunOptions {
            poll_interval: Duration::from_millis(100),
            max_wait: Duration::from_secs(30),
            reuse,
            ..RunOptions::default()
        };
        Self { folder, packed, options }
    }

    fn context(&self, is_batch: bool) -> RunContext<'_> {
        RunContext {
            input: Input::Archive(&self.packed),
            options: &self.options,
            name: "project",
            size: None,
            began: Instant::now(),
            is_batch,
            has_callback: false,
            max_failures: None,
        }
    }

    fn video(&self, index: u64) -> PathBuf {
        self.folder.path().join(format!("videos/{index}.mp4"))
    }

    fn order(&self, index: u64) -> Order {
        let body = Map::from_iter([("variables".to_owned(), json!({ "row": index }))]);
        let digest = self.packed.manifest.digest();
        Order {
            index,
            identity: Some(RenderIdentity::new(ProjectIdentity::Digest(&digest), &body)),
            body,
            options: RenderRequest::default(),
            idempotency_key: None,
            known: None,
            limits: Limits::default(),
            output: Output::Path(self.video(index), Reach::anywhere()),
            expected: Expected::default(),
        }
    }

    /// Renders so many rows, as a batch.
    fn batch(&self, server: &Server, rows: u64, heard: &mut Heard<'_>) -> Result<(), Error> {
        let session = self.session(server, rows);
        self.run(&session, &mut (0..rows).map(|index| self.order(index)), heard)
    }

    /// A session of a batch that has looked at what is there.
    fn session(&self, server: &Server, rows: u64) -> CloudSession {
        let mut session = CloudSession::new(transport(&server.url), true);
        session.prepare(&self.context(true), &mut Console::silent()).expect("ready");
        session.search_account(&self.context(true), rows, &mut Console::silent()).expect("a list");
        session
    }

    fn run(
        &self,
        session: &CloudSession,
        orders: &mut (dyn Iterator<Item = Order> + Send),
        heard: &mut Heard<'_>,
    ) -> Result<(), Error> {
        session.render(&self.context(true), orders, heard).map(|_| ())
    }
}

fn transport(url: &str) -> Transport {
    let key = Credential::ApiKey(Secret::new("key".to_owned()));
    let tokens = Provider::from_environment(&|_| None);
    Transport::new(ApiBase::parse(url).expect("loopback"), Some(key), tokens, Duration::from_secs(30))
}

/// Threads that have the name of this one, which its own inherit.
#[cfg(target_os = "linux")]
fn threads() -> usize {
    let name = |task: &Path| std::fs::read_to_string(task.join("comm")).unwrap_or_default();
    let own = name(Path::new("/proc/thread-self"));
    let tasks = std::fs::read_dir("/proc/self/task").expect("threads").flatten();
    tasks.filter(|task| name(&task.path()) == own).count()
}

/// The calls of a run, each kind once.
fn kinds(server: &Server) -> Vec<String> {
    let mut kinds = Vec::new();
    for call in &server.api().calls {
        let kind = call.line.split('?').next().unwrap_or_default();
        let kind = kind.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

#[test]
fn one_render_and_many_take_the_same_path() {
    let path = [
        "GET /v3/hyperframes/renders",
        CREATE,
        "PUT /put",
        "POST /v3/assets/a1/complete",
        SUBMIT,
        "GET /v3/hyperframes/renders/r",
        "GET /video/r",
    ];
    for (rows, is_batch) in [(1, false), (1, true), (30, true)] {
        let (server, fixture) = (Server::start(|_, _| None), Fixture::new());
        let mut heard = Heard::default();
        let mut session = CloudSession::new(transport(&server.url), true);
        session.prepare(&fixture.context(is_batch), &mut Console::silent()).expect("ready");
        if is_batch {
            session.search_account(&fixture.context(true), rows, &mut Console::silent()).expect("a list");
        }
        let mut orders = (0..rows).map(|index| fixture.order(index));
        session.render(&fixture.context(is_batch), &mut orders, &mut heard).expect("videos");
        assert_eq!(heard.count(Ended::Completed), usize::try_from(rows).expect("few"));
        // Many are asked about by the list, which has been called before.
        let expected = path.iter().filter(|line| rows == 1 || !line.ends_with("renders/r"));
        assert_eq!(kinds(&server), expected.copied().collect::<Vec<_>>(), "{rows} {is_batch}");
        assert_eq!(server.api().renders.len(), usize::try_from(rows).expect("few"));
        assert!((0..rows).all(|index| fixture.video(index).is_file()));
    }
}

#[test]
fn polls_that_hang_or_fail_delay_no_other() {
    let failing = json!({ "error": { "code": "internal", "message": "oops" } });
    for (slow, reply) in [(1, Reply::Held), (6, Reply::Held), (1, Reply::Status(500, "", failing))] {
        let server = Server::start(move |call, api| {
            // The last rows are slow: the list leaves them out, and they are polled one by one.
            let of_slow =
                api.renders.iter().filter(|render| render.2.as_u64().is_some_and(|row| row >= 30 - slow));
            api.unlisted = of_slow.map(|render| render.0.clone()).collect();
            let polls = api.unlisted.iter().map(|id| format!("GET /v3/hyperframes/renders/{id}"));
            let polls = polls.collect::<Vec<_>>();
            // The others are complete once as many polls hang as there are threads for.
            let begun = api.calls.iter().filter(|call| polls.contains(&call.line)).count();
            api.is_complete = begun >= usize::try_from(slow.min(4)).unwrap_or_default();
            (polls.contains(&call.line) && !api.is_released()).then(|| reply.clone())
        });
        let fixture = Fixture::new();
        // They are let go once all others have their videos: a run that waits for them never gets there.
        let others = usize::try_from(30 - slow).expect("few");
        let mut heard = Heard::looking(|results| {
            if count(results, Ended::Completed) == others {
                assert!(results.iter().all(|(row, ended)| *ended == Ended::Submitted || *row < 30 - slow));
                server.release();
            }
            true
        });
        fixture.batch(&server, 30, &mut heard).expect("videos");
        assert_eq!((heard.count(Ended::Completed), heard.count(Ended::Failed)), (30, 0));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn threads_are_few_while_hundreds_of_renders_are_waited_for() {
    let server = Server::start(|_, api| {
        api.is_complete = api.renders.len() >= 400;
        None
    });
    let fixture = Fixture::new();
    let (mut most, mut waiting) = (0, 0);
    let mut heard = Heard::looking(|results| {
        most = most.max(threads());
        let over = count(results, Ended::Completed);
        waiting = waiting.max(count(results, Ended::Submitted) - over);
        true
    });
    std::thread::scope(|scope| {
        // Threads of other tests have names that begin like this one's.
        let run = std::thread::Builder::new().name("counted".to_owned());
        let run = run.spawn_scoped(scope, || fixture.batch(&server, 500, &mut heard));
        run.expect("a thread").join().expect("no panic").expect("videos");
    });
    assert_eq!(heard.count(Ended::Completed), 500);
    drop(heard);
    assert!(waiting >= 400, "{waiting} at the same time");
    // 22 of the run: reporting, feeding, waking, 8 that submit, 4 that poll, 1 that lists, 6 that download. Each of those
    // 19 may have one that resolves a name, and one of these may not have ended yet.
    assert!((22..=60).contains(&most), "{most} threads");
}

#[test]
fn the_upload_is_made_once_whatever_the_order_of_answers() {
    for seed in 0..4_usize {
        let server = Server::start(move |call, api| {
            let is_first = api.calls.iter().filter(|known| known.line == call.line).count() == 1;
            if call.line.ends_with("/complete") && is_first && seed % 2 == 1 {
                let body = json!({ "error": { "code": "conflict", "message": "object not visible yet" } });
                return Some(Reply::Status(409, "", body));
            }
            // Some answers overtake others.
            Some(Reply::After(Duration::from_millis((api.calls.len() * 7 + seed * 11) as u64 % 23)))
        });
        let fixture = Fixture::new();
        let mut heard = Heard::default();
        fixture.batch(&server, 50, &mut heard).expect("videos");
        assert_eq!(heard.count(Ended::Completed), 50);
        assert_eq!((server.count(CREATE), server.count("PUT /put"), server.count(SUBMIT)), (1, 1, 50));
        assert!(
            server
                .api()
                .calls
                .iter()
                .all(|call| call.line != SUBMIT || call.body["project"]["asset_id"] == "a1")
        );
    }
}

#[test]
fn an_upload_that_fails_fails_once_for_all() {
    for rows in [8, 50] {
        let server = Server::start(|call, _| {
            let refused = json!({ "error": { "code": "invalid_parameter", "message": "no" } });
            (call.line == CREATE).then(|| {
                std::thread::sleep(Duration::from_millis(100));
                Reply::Status(400, "", refused)
            })
        });
        let fixture = Fixture::new();
        let mut heard = Heard::default();
        let error = fixture.batch(&server, rows, &mut heard).expect_err("no upload");
        assert!(error.to_string().contains("no"), "{error}");
        assert_eq!(heard.count(Ended::Completed), 0);
        assert_eq!((server.count(CREATE), server.count("PUT /put"), server.count(SUBMIT)), (1, 0, 0));
    }
}

#[test]
fn the_balance_is_asked_for_once_and_ends_the_run() {
    for (balance, is_enough) in [(5.0, true), (4.99, false)] {
        let server = Server::start(|_, _| None);
        server.api().balance = balance;
        let fixture = Fixture::new();
        let session = fixture.session(&server, 20);
        let mut orders = (0..20).map(|index| Order {
            limits: Limits { min_balance: Some(5.0), ..Limits::default() },
            ..fixture.order(index)
        });
        let mut heard = Heard::default();
        let ran = fixture.run(&session, &mut orders, &mut heard);
        assert_eq!(server.count("GET /v3/users/me"), 1);
        if is_enough {
            ran.expect("videos");
            assert_eq!((heard.count(Ended::Completed), server.count(SUBMIT)), (20, 20));
        } else {
            let error = ran.expect_err("a limit");
            assert_eq!((error.code(), error.exit()), ("min_balance", Exit::Limit));
            assert_eq!(heard.results, [], "no row has a result: nothing claims a submission");
            assert_eq!((server.count(CREATE), server.count(SUBMIT)), (0, 0));
        }
    }
}

#[test]
fn a_rate_limit_pauses_everybody_and_loses_nothing() {
    let server = Server::start(|call, api| {
        let submissions = api.calls.iter().filter(|known| known.line == SUBMIT).count();
        let busy = json!({ "error": { "code": "rate_limited", "message": "slow down" } });
        (call.line == SUBMIT && submissions == 12).then_some(Reply::Status(429, "retry-after: 1\r\n", busy))
    });
    server.api().is_complete = false;
    let fixture = Fixture::new();
    let mut heard = Heard::looking(|results| {
        server.api().is_complete = results.len() >= 30;
        true
    });
    fixture.batch(&server, 30, &mut heard).expect("videos");
    assert_eq!((heard.count(Ended::Completed), heard.count(Ended::Failed)), (30, 0));
    let api = server.api();
    assert_eq!(api.renders.len(), 30, "none is lost, and none is rendered twice");
    let submissions = api.calls.iter().filter(|call| call.line == SUBMIT).collect::<Vec<_>>();
    assert_eq!(submissions.len(), 31);
    // What was on its way arrives; after that there is silence for most of the second.
    let begin = submissions[11].at;
    let quiet = |call: &&server::Call| {
        let since = call.at.saturating_duration_since(begin);
        (Duration::from_millis(150)..Duration::from_millis(900)).contains(&since)
            && !call.line.contains("/video/")
    };
    let noise = api.calls.iter().filter(quiet).map(|call| &call.line).collect::<Vec<_>>();
    assert!(noise.is_empty(), "{noise:?}");
}

#[test]
fn a_pause_that_is_longer_than_the_time_limit_ends_in_time() {
    let server = Server::start(|call, _| {
        let busy = json!({ "error": { "code": "rate_limited", "message": "slow down" } });
        (call.line == SUBMIT).then_some(Reply::Status(429, "retry-after: 60\r\n", busy))
    });
    let mut fixture = Fixture::new();
    fixture.options.max_wait = Duration::from_secs(1);
    let (began, mut heard) = (Instant::now(), Heard::default());
    let error = fixture.batch(&server, 12, &mut heard).expect_err("no time");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!((error.exit(), heard.count(Ended::Completed)), (Exit::Timeout, 0), "{error}");
}

#[test]
fn enough_failures_end_the_feeding() {
    for most in [1, 3] {
        let server = Server::start(|call, _| {
            let refused = json!({ "error": { "code": "invalid_parameter", "message": "no" } });
            let row = call.body["variables"]["row"].as_u64().unwrap_or(u64::MAX);
            match row {
                _ if call.line != SUBMIT => None,
                3..6 => Some(Reply::Status(400, "", refused)),
                // The others are submitted once the run has heard of the failures.
                _ => Some(Reply::Later),
            }
        });
        let fixture = Fixture::new();
        let session = fixture.session(&server, 500);
        let fed = std::sync::atomic::AtomicUsize::new(0);
        let mut orders = (0..500).map(|index| fixture.order(index)).inspect(|_| {
            fed.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        });
        let mut heard = Heard::looking(|results| {
            let is_over = count(results, Ended::Failed) >= most;
            if is_over {
                server.release();
            }
            !is_over
        });
        fixture.run(&session, &mut orders, &mut heard).expect("an end");
        let fed = fed.into_inner();
        assert!(fed < 30, "{fed} of 500 were begun");
        // The last one that was read may have come too late to be begun.
        let ended = heard.count(Ended::Completed) + heard.count(Ended::Failed);
        assert!((fed - 1..=fed).contains(&ended), "{ended} of {fed} have a result");
        assert!(heard.count(Ended::Failed) >= most);
    }
}

#[test]
fn a_ledger_that_cannot_be_appended_to_warns_once() {
    let (server, fixture) = (Server::start(|_, _| None), Fixture::new());
    let session = fixture.session(&server, 20);
    let ledger = fixture.folder.path().join("ledger.jsonl");
    std::fs::remove_file(&ledger).expect("a ledger");
    std::fs::create_dir(&ledger).expect("a folder");
    let mut heard = Heard::default();
    fixture.run(&session, &mut (0..20).map(|index| fixture.order(index)), &mut heard).expect("videos");
    assert_eq!(heard.count(Ended::Completed), 20);
    assert_eq!(heard.warnings.len(), 1, "{:?}", heard.warnings);
    assert!(heard.warnings[0].contains("ledger"), "{:?}", heard.warnings);
}

#[test]
fn an_earlier_run_is_found_in_the_account() {
    let (server, fixture) = (Server::start(|_, _| None), Fixture::new());
    fixture.batch(&server, 5, &mut Heard::default()).expect("videos");
    std::fs::remove_file(fixture.folder.path().join("ledger.jsonl")).expect("a ledger");
    let session = fixture.session(&server, 5);
    let mut orders = (0..5).map(|index| {
        let order = fixture.order(index);
        let known = order.identity.as_ref().and_then(|identity| session.known(identity));
        assert!(known.is_some());
        Order { known, ..order }
    });
    let mut heard = Heard::default();
    fixture.run(&session, &mut orders, &mut heard).expect("videos");
    assert_eq!((heard.count(Ended::Completed), server.count(SUBMIT), server.count(CREATE)), (5, 5, 1));
    assert!(server.count(LIST) >= 2);
}
