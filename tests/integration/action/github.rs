//! A stateful fake of GitHub's API, as far as the action uses it: what it refuses, GitHub refuses as well.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

use super::faults::{Fault, Faults};
pub(super) use super::release_api::Release;
use super::server::{Answer, Request, base64, page, plain, refuse, serve, unbase64};

/// The fake; its thread ends with the process.
pub(super) struct GitHub {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
}

/// What it knows, and how it behaves.
pub(super) struct State {
    pub(super) comments: Vec<Comment>,
    /// Whether the pull request is closed.
    pub(super) is_closed: bool,
    /// The pull request's newest commit.
    pub(super) head: String,
    /// The files that the pull request changes.
    pub(super) files: Vec<String>,
    /// Files at the base.
    pub(super) base: BTreeMap<String, String>,
    pub(super) releases: Vec<Release>,
    /// Who the token belongs to; an app's cannot be asked.
    pub(super) login: Option<String>,
    pub(super) may_comment: bool,
    pub(super) may_write: bool,
    pub(super) may_check: bool,
    pub(super) may_deploy: bool,
    /// Deployments, with the state and the URL of their newest statuses.
    pub(super) deployments: Vec<Value>,
    /// Check runs, with all their annotations.
    pub(super) checks: Vec<Value>,
    /// Requests that are refused first: how many, and with which status.
    pub(super) busy: (u32, u16),
    /// Requests whose effect takes place and whose answer is lost, once each: the method and a part of the path.
    pub(super) lost: Vec<(&'static str, &'static str)>,
    /// A ruleset protects all branches.
    pub(super) has_ruleset: bool,
    /// A comment is deleted when it is read for the first time.
    pub(super) deletes_comment_once: bool,
    /// Updates of references that lose against somebody else first.
    pub(super) conflicts: u32,
    /// References can be updated by the REST API only.
    pub(super) has_no_update_refs: bool,
    /// The shortest and the longest time that a request takes before it has its effect, and again before it is answered.
    pub(super) latency: (Duration, Duration),
    /// Files of releases that another job attaches just before us: other ones, or the same.
    pub(super) races: u32,
    pub(super) same_races: u32,
    /// Another job creates the release just before us.
    pub(super) release_races: u32,
    /// Somebody deletes all releases before the next upload.
    pub(super) releases_vanish: bool,
    /// The server does not tell the digests of files, as older ones.
    pub(super) has_no_digests: bool,
    /// The token may not read the repository, and nobody may without one.
    pub(super) is_hidden: bool,
    /// URL for uploads, if it is another one.
    pub(super) uploads: Option<String>,
    /// What goes wrong at random.
    pub(super) faults: Faults,
    /// Other pull requests that are open.
    pub(super) neighbors: Vec<u64>,
    /// Method, path, body.
    pub(super) requests: Vec<(String, String, Value)>,
    pub(super) references: BTreeMap<String, String>,
    /// The pull request's repository, and the archive that run 55 left.
    pub(super) head_repository: String,
    pub(super) artifact: Vec<u8>,
    /// The archive of the base.
    pub(super) source: Vec<u8>,
    /// Run 55 has left the same archive of another use.
    pub(super) second_artifact: bool,
    pub(super) objects: BTreeMap<String, Value>,
    /// Users: name, id, and their permission.
    pub(super) users: Vec<(&'static str, u64, &'static str)>,
    /// Comments and reactions to them.
    pub(super) reactions: Vec<(u64, String)>,
    /// Commits that branches of the repository end at.
    pub(super) tips: Vec<String>,
    /// The commit of the pull request's target branch.
    pub(super) base_commit: String,
    /// Labels of the pull request that were set: the label, when, and by whom. The last ones of each are on it.
    pub(super) labels: Vec<(String, String, String)>,
    /// Pull requests that were opened, and whether the token may open some.
    pub(super) proposals: Vec<Value>,
    pub(super) may_propose: bool,
    /// When the branch of the pull request got its newest commit; unknown if the repository cannot be read.
    pub(super) pushed: Option<String>,
    serial: u64,
}

#[derive(Clone)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) login: String,
    pub(super) body: String,
}

impl GitHub {
    /// One with an open pull request 7 and nothing else.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            comments: Vec::new(),
            is_closed: false,
            head: "a".repeat(40),
            files: Vec::new(),
            base: BTreeMap::new(),
            releases: Vec::new(),
            login: None,
            may_comment: true,
            may_write: true,
            may_check: false,
            checks: Vec::new(),
            may_deploy: false,
            deployments: Vec::new(),
            busy: (0, 0),
            lost: Vec::new(),
            has_ruleset: false,
            deletes_comment_once: false,
            conflicts: 0,
            has_no_update_refs: false,
            latency: (Duration::ZERO, Duration::ZERO),
            races: 0,
            same_races: 0,
            release_races: 0,
            releases_vanish: false,
            has_no_digests: false,
            is_hidden: false,
            uploads: None,
            faults: Faults::default(),
            neighbors: Vec::new(),
            requests: Vec::new(),
            references: BTreeMap::new(),
            head_repository: "o/r".to_owned(),
            artifact: Vec::new(),
            source: Vec::new(),
            second_artifact: false,
            labels: Vec::new(),
            proposals: Vec::new(),
            may_propose: true,
            pushed: None,
            objects: BTreeMap::new(),
            users: Vec::new(),
            reactions: Vec::new(),
            tips: Vec::new(),
            base_commit: "b".repeat(40),
            serial: 100_000,
        }));
        let (shared, base) = (Arc::clone(&state), url.clone());
        serve(listener, move |request| {
            let (latency, extra) = {
                let state = shared.lock().unwrap();
                (state.latency, state.faults.pause(request))
            };
            pause(latency);
            std::thread::sleep(extra);
            let answer = handle(&mut shared.lock().unwrap(), request, &base);
            pause(latency);
            std::thread::sleep(extra);
            answer
        });
        Self { url, state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Requests with this method whose path holds this.
    pub(super) fn count(&self, method: &str, part: &str) -> usize {
        let state = self.state();
        state.requests.iter().filter(|(verb, path, _)| verb == method && path.contains(part)).count()
    }

    /// Updates of references by GraphQL, with those that were refused.
    pub(super) fn mutations(&self) -> usize {
        let state = self.state();
        let queries = state.requests.iter().filter_map(|(_, _, body)| body["query"].as_str());
        queries.filter(|query| query.starts_with("mutation")).count()
    }

    /// The files of a branch with their contents.
    pub(super) fn files(&self, name: &str) -> Vec<(String, Vec<u8>)> {
        let state = self.state();
        let tip = &state.references[&format!("heads/{name}")];
        let tree = state.objects[tip]["tree"].as_str().unwrap();
        let files = state.objects[tree].as_object().unwrap().iter().map(|(path, sha)| {
            let blob = &state.objects[sha.as_str().unwrap()];
            let content = blob["content"].as_str().unwrap();
            let is_text = blob["encoding"] == "utf-8";
            (path.clone(), if is_text { content.as_bytes().to_vec() } else { unbase64(content) })
        });
        files.collect()
    }

    /// The number of commits that a branch has.
    pub(super) fn history(&self, name: &str) -> usize {
        let state = self.state();
        let mut commit = state.references.get(&format!("heads/{name}"));
        let mut count = 0;
        while let Some(sha) = commit {
            count += 1;
            let parent = &state.objects[sha]["parents"][0];
            commit = state.objects.keys().find(|known| parent == known.as_str());
        }
        count
    }

    /// The images and videos of a branch.
    pub(super) fn media(&self, name: &str) -> Vec<String> {
        self.branch(name).into_iter().filter(|file| !file.ends_with("/sections.json")).collect()
    }

    /// The files of a branch.
    pub(super) fn branch(&self, name: &str) -> Vec<String> {
        let state = self.state();
        let Some(tip) = state.references.get(&format!("heads/{name}")) else { return Vec::new() };
        let tree = state.objects[tip]["tree"].as_str().unwrap().to_owned();
        state.objects[&tree].as_object().unwrap().keys().cloned().collect()
    }
}

/// Answers a request, with the faults that are drawn.
fn handle(state: &mut State, request: &Request, base: &str) -> Answer {
    state.requests.push((request.method.clone(), request.target.clone(), request.json()));
    state.happen();
    let fault = state.faults.meet(request);
    match fault.and_then(Fault::before) {
        Some(answer) => answer,
        None => {
            let answer = serve_request(state, request, base);
            fault.map_or(answer.clone(), |fault| fault.after(answer))
        }
    }
}

/// Answers a request, with the faults that are asked for.
fn serve_request(state: &mut State, request: &Request, base: &str) -> Answer {
    if let Some(answer) = state.without_token(request, base) {
        return answer;
    }
    if state.busy.0 > 0 {
        state.busy.0 -= 1;
        return (state.busy.1, json!({ "message": "slow down" }), "retry-after: 0\r\n".to_owned());
    }
    if !request.header("authorization").is_some_and(|token| token.starts_with("Bearer ghs_")) {
        return refuse(401, "Requires authentication");
    }
    let is_raw = request.header("accept") == Some("application/vnd.github.raw+json");
    if let Some((_, id)) = request.target.split_once("/releases/assets/").filter(|_| request.method == "GET")
    {
        assert_eq!(request.header("accept"), Some("application/octet-stream"));
        return (302, Value::Null, format!("location: {base}/storage/asset/{id}?sig=1\r\n"));
    }
    if let Some((_, sha)) = request.target.split_once("/git/blobs/").filter(|_| is_raw) {
        let bytes = unbase64(state.objects[sha]["content"].as_str().unwrap());
        return plain(200, json!({ "bytes": bytes }));
    }
    let answer = state.answer(&request.method, &request.target, &request.json(), &request.body, base);
    let body = String::from_utf8_lossy(&request.body);
    let is_lost = |(method, part): &(&str, &str)| {
        request.method == *method && (request.target.contains(part) || body.contains(part))
    };
    match state.lost.iter().position(is_lost) {
        Some(index) => {
            state.lost.remove(index);
            refuse(502, "Server Error")
        }
        None => answer,
    }
}

/// Waits for a random time.
fn pause((shortest, longest): (Duration, Duration)) {
    if !longest.is_zero() {
        let random = RandomState::new().build_hasher().finish() % 1000;
        std::thread::sleep(shortest + (longest - shortest) * u32::try_from(random).unwrap() / 1000);
    }
}

impl State {
    pub(super) fn fresh(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A git object, named by a hash of what is in it.
    pub(super) fn store(&mut self, object: Value) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in object.to_string().bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let sha = format!("{hash:016x}{hash:016x}{:08x}", object.to_string().len());
        self.objects.insert(sha.clone(), object);
        sha
    }

    fn answer(&mut self, method: &str, target: &str, body: &Value, bytes: &[u8], base: &str) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path == "/user" {
            return match &self.login {
                Some(login) => plain(200, json!({ "login": login })),
                None => refuse(403, "Resource not accessible by integration"),
            };
        }
        if (method, path) == ("POST", "/graphql") {
            return self.graph(body);
        }
        if let Some(repository) = path.strip_prefix("/repos/").and_then(|path| path.strip_suffix("/activity"))
        {
            assert!(query.contains("ref=refs%2Fheads%2Ffeature"), "{query}");
            return match &self.pushed {
                Some(time) if repository == self.head_repository => {
                    plain(200, json!([{ "after": self.head, "timestamp": time, "activity_type": "push" }]))
                }
                _ => refuse(404, "Not Found"),
            };
        }
        if path == "/repos/o/r" && !self.is_hidden {
            return plain(200, json!({ "full_name": "o/r" }));
        }
        let path = path.strip_prefix("/repos/o/r/").filter(|_| !self.is_hidden);
        let Some(path) = path else { return refuse(404, "Not Found") };
        let segments = path.split('/').collect::<Vec<_>>();
        let is_write = method != "GET";
        match (method, segments.as_slice()) {
            ("GET", ["pulls", "7"]) => {
                let state = if self.is_closed { "closed" } else { "open" };
                plain(200, self.pull(state))
            }
            ("GET", ["pulls"]) if query.contains("&base=") => {
                let head = query.split('&').find_map(|pair| pair.strip_prefix("head=o%3A")).unwrap();
                plain(200, self.proposals.iter().filter(|pull| pull["head"] == head).cloned().collect())
            }
            ("POST", ["pulls"]) if !self.may_propose => {
                refuse(403, "GitHub Actions is not permitted to create or approve pull requests.")
            }
            ("POST", ["pulls"]) => {
                let mut pull = body.clone();
                pull["html_url"] =
                    format!("https://github.example/o/r/pull/{}", 8 + self.proposals.len()).into();
                self.proposals.push(pull.clone());
                plain(201, pull)
            }
            ("GET", ["pulls"]) => {
                let others = self.neighbors.iter().map(|number| json!({ "number": number }));
                let own = (!self.is_closed).then(|| self.pull("open"));
                plain(200, own.into_iter().chain(others).collect())
            }
            ("GET", ["collaborators", login, "permission"]) => {
                let user = self.users.iter().find(|(known, ..)| known == login);
                user.map_or_else(
                    || refuse(404, "Not Found"),
                    |(login, id, permission)| {
                        plain(200, json!({ "permission": permission, "user": { "login": login, "id": id } }))
                    },
                )
            }
            ("GET", ["commits", sha, "branches-where-head"]) => {
                let tips = self.tips.iter().filter(|tip| tip == sha).map(|_| json!({ "name": "x" }));
                plain(200, tips.collect())
            }
            ("GET", ["actions", "runs", "55", "artifacts"]) => {
                let key = "0123456789abcdef";
                let mut names = vec![(8, format!("hyperframes-{key}")), (9, format!("hyperframes-{key}"))];
                names.extend((20..140).map(|id| (id, format!("other-{id}"))));
                names.extend(self.second_artifact.then(|| (19, format!("hyperframes-{key}-2"))));
                let artifacts = names.into_iter().map(|(id, name)| json!({ "id": id, "name": name }));
                let mut artifacts = artifacts.collect::<Vec<_>>();
                artifacts.push(json!({ "id": 10, "name": format!("hyperframes-{key}"), "expired": true }));
                let (status, list, headers) = page(&artifacts, target, query, base);
                (status, json!({ "total_count": artifacts.len(), "artifacts": list }), headers)
            }
            ("GET", ["actions", "artifacts", "9" | "19", "zip"]) => {
                (302, Value::Null, format!("location: {base}/storage/artifact?sig=1\r\n"))
            }
            ("GET", ["compare", range]) if range.contains("...") => {
                let files = self.files.iter().map(|name| json!({ "filename": name })).collect::<Vec<_>>();
                plain(200, json!({ "files": files }))
            }
            ("GET", ["zipball", _]) if !self.source.is_empty() => {
                (302, Value::Null, format!("location: {base}/storage/source?sig=1\r\n"))
            }
            ("GET", ["pulls", "7", "files"]) => {
                let files = self.files.iter().map(|name| json!({ "filename": name })).collect::<Vec<_>>();
                page(&files, target, query, base)
            }
            ("GET", ["contents", rest @ ..]) => match self.base.get(&rest.join("/")) {
                Some(text) => {
                    let encoded = text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",");
                    plain(200, json!({ "content": base64(text.as_bytes()), "debug": encoded }))
                }
                None => refuse(404, "Not Found"),
            },
            ("GET", ["issues", "7", "comments"]) => {
                let comments = self.comments.iter().map(show).collect::<Vec<_>>();
                self.delete_comment_once();
                page(&comments, target, query, base)
            }
            (_, ["issues", ..]) if is_write && !self.may_comment => {
                refuse(403, "Resource not accessible by integration")
            }
            ("POST", ["issues", "7", "comments"]) => {
                let id = self.fresh();
                let login = self.login.clone().unwrap_or_else(|| "github-actions[bot]".to_owned());
                let text = body["body"].as_str().unwrap().to_owned();
                if text.chars().count() > 65_536 {
                    return refuse(422, "body is too long (maximum is 65536 characters)");
                }
                let comment = Comment { id, login, body: text };
                self.comments.push(comment.clone());
                plain(201, show(&comment))
            }
            ("POST", ["issues", "comments", id, "reactions"]) => {
                self.reactions.push((id.parse().unwrap(), body["content"].as_str().unwrap().to_owned()));
                plain(201, json!({}))
            }
            ("PATCH" | "DELETE", ["issues", "comments", id]) => {
                let id = id.parse::<u64>().unwrap();
                let Some(place) = self.comments.iter().position(|comment| comment.id == id) else {
                    return refuse(404, "Not Found");
                };
                if method == "DELETE" {
                    self.comments.remove(place);
                    return plain(204, Value::Null);
                }
                let text = body["body"].as_str().unwrap().to_owned();
                if text.chars().count() > 65_536 {
                    return refuse(422, "body is too long (maximum is 65536 characters)");
                }
                self.comments[place].body = text;
                plain(200, show(&self.comments[place]))
            }
            (_, ["git", ..] | ["releases", ..]) if is_write && !self.may_write => {
                refuse(403, "Resource not accessible by integration")
            }
            ("POST" | "PATCH" | "DELETE", ["git", "refs", ..]) if self.has_ruleset => {
                refuse(422, "Repository rule violations found\n\nCannot update this protected ref.\n\n")
            }
            (_, ["git", rest @ ..]) => self.git(method, rest, query, body),
            (_, ["deployments", rest @ ..]) => self.deployment(method, rest, query, body),
            (_, ["check-runs", rest @ ..]) => self.check_run(method, rest, body),
            (_, ["releases", rest @ ..]) => self.release(method, rest, target, (body, bytes), base),
            _ => refuse(404, "Not Found"),
        }
    }

    /// Somebody deletes our comment after it was read, if that is asked for.
    pub(super) fn delete_comment_once(&mut self) {
        if std::mem::take(&mut self.deletes_comment_once) {
            let is_ours = |comment: &Comment| {
                comment.login != "someone" && comment.body.starts_with("<!-- hyperframes-ci")
            };
            self.comments.retain(|comment| !is_ours(comment));
        }
    }

    fn pull(&self, state: &str) -> Value {
        json!({ "number": 7, "state": state, "base": { "sha": self.base_commit },
            "head": { "sha": self.head, "repo": { "full_name": self.head_repository } } })
    }
}

fn show(comment: &Comment) -> Value {
    let kind = if comment.login.ends_with("[bot]") { "Bot" } else { "User" };
    json!({ "id": comment.id, "body": comment.body, "user": { "login": comment.login, "type": kind },
        "html_url": format!("https://github.example/o/r/pull/7#issuecomment-{}", comment.id) })
}
