//! A render from its upload to its video.

use std::time::Duration;

use hyperframes_ci_core::api::{Body, Request};
use hyperframes_ci_core::archive::INLINE_UPLOAD_LIMIT;
use hyperframes_ci_core::job::{
    Action, AssetFact, AssetState, Event, Fact, FailureKind, Outcome, Plan, Remedy, SaveError, Source, Stage,
    UploadRoute,
};
use serde_json::json;

use crate::scenario::{CREATE, POLL, Scenario, archive, detail, key, key_of, known_plan, plan};

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

/// The JSON of a submission that includes the archive, whose bytes are `archive`.
fn inline_body(request: &Request) -> serde_json::Value {
    let Body::Encoded { prefix, suffix } = &request.body else { panic!("not inline: {:?}", request.body) };
    serde_json::from_slice(&[prefix.as_slice(), b"archive", suffix].concat()).expect("JSON")
}

#[test]
fn an_inline_archive_is_a_part_of_the_submission_and_the_repeat_is_the_same_request() {
    let mut scenario = Scenario::start(Plan { route: UploadRoute::Inline, ..known_plan() });
    scenario.answer_list(&[]);
    let first = scenario.expect("POST /v3/hyperframes/renders");
    let project = json!({"type": "base64", "media_type": "application/zip", "data": "archive"});
    assert_eq!(inline_body(&first), json!({"fps": 24, "callback_id": key(0), "project": project}));
    assert_eq!(key_of(&first), key(0), "the key of the render, as with an uploaded archive");
    scenario.event(Event::Unreachable("connection reset".to_owned()));
    scenario.answer_list(&[]);
    assert_eq!(scenario.expect("POST /v3/hyperframes/renders"), first);
    scenario.answer(200, json!({"data": {"render_id": "r1"}}));
    scenario.expect(POLL);
    assert!(!scenario.facts.iter().any(|fact| matches!(fact, Fact::Asset(_))), "{:?}", scenario.facts);
}

#[test]
fn an_inline_archive_of_a_body_without_options_is_valid_json() {
    let plan = Plan { route: UploadRoute::Inline, body: serde_json::Map::new(), ..plan(archive(10)) };
    let mut scenario = Scenario::start(plan);
    let request = scenario.expect("POST /v3/hyperframes/renders");
    assert_eq!(inline_body(&request).as_object().expect("an object").len(), 1);
}

#[test]
fn a_known_asset_is_used_instead_of_an_inline_archive_until_it_is_refused() {
    let mut plan = Plan { route: UploadRoute::Inline, ..known_plan() };
    let asset = |state| AssetFact { digest: "cd".repeat(32), asset_id: "a0".to_owned(), state };
    plan.reuse.asset = Some(asset(AssetState::Announced));
    let mut scenario = Scenario::start(plan.clone());
    scenario.answer_list(&[]);
    inline_body(&scenario.expect("POST /v3/hyperframes/renders"));
    plan.reuse.asset = Some(asset(AssetState::Ready));
    let mut scenario = Scenario::start(plan);
    scenario.answer_list(&[]);
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a0");
    scenario
        .answer(400, json!({"error": {"code": "hyperframes_project_invalid", "message": "no such asset"}}));
    inline_body(&scenario.expect("POST /v3/hyperframes/renders"));
    scenario.answer(400, json!({"error": {"code": "hyperframes_project_invalid", "message": "no base64"}}));
    assert_eq!(scenario.failure().code(), "hyperframes_project_invalid");
}

#[test]
fn an_archive_that_is_too_large_to_be_inline_is_not_sent() {
    let limit = INLINE_UPLOAD_LIMIT;
    let mut scenario = Scenario::start(Plan { route: UploadRoute::Inline, ..plan(archive(limit)) });
    scenario.expect("POST /v3/hyperframes/renders");
    let scenario = Scenario::start(Plan { route: UploadRoute::Inline, ..plan(archive(limit + 1)) });
    let failure = scenario.failure();
    assert_eq!(failure.code(), "archive_too_large");
    assert!(failure.help().is_some_and(|help| help.contains("--upload auto")), "{failure}");
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
    let failure = scenario.failure();
    assert_eq!(failure.code(), "timeout", "there is no such time left");
    assert!(failure.to_string().contains("http_429"), "{failure}");
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
    assert!(matches!(scenario.failure().kind, FailureKind::TimedOut { .. }));
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
    assert_eq!(scenario.failure().to_string(), "cannot save the video: no space");
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
