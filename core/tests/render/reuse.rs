//! Renders that may exist already, and limits on new ones.

use hyperframes_ci_core::job::{
    Action, AssetFact, AssetState, Event, Fact, FailureKind, Limits, Origin, Plan, ProjectIdentity, Refusal,
    RenderFact, RenderIdentity, RenderState, Replacement, Reuse, Stage, UploadRoute,
};
use hyperframes_ci_core::time::format_http_date;
use serde_json::json;

use crate::scenario::{
    CREATE, LIST, NOON, SUBMIT, Scenario, key, key_of, known_plan, with_asset, with_render,
};

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
fn an_asset_that_the_server_has_dropped_is_uploaded_again_through_the_api() {
    let mut scenario = Scenario::start(Plan { route: UploadRoute::Proxy, ..with_asset(AssetState::Ready) });
    scenario.answer_list(&[]);
    scenario.submission();
    scenario
        .answer(400, json!({"error": {"code": "hyperframes_project_invalid", "message": "no such asset"}}));
    let first = scenario.expect("POST /v3/assets");
    scenario.answer(200, json!({"data": {"asset_id": "a0"}}));
    let second = scenario.expect("POST /v3/assets");
    assert_ne!(key_of(&first), key_of(&second));
    scenario.answer(200, json!({"data": {"asset_id": "a1"}}));
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a1");
}

#[test]
fn an_upload_that_is_answered_with_a_dropped_asset_comes_to_an_end() {
    let mut scenario = Scenario::start(with_asset(AssetState::Stored));
    scenario.answer_list(&[]);
    let complete = |scenario: &mut Scenario| {
        let request = scenario.expect("POST /v3/assets/a0/complete");
        assert!(key_of(&request).ends_with(".a0"), "{}", key_of(&request));
        scenario.answer(200, json!({"data": {"asset_id": "old"}}));
    };
    complete(&mut scenario);
    assert_eq!(scenario.submission().0["project"]["asset_id"], "old");
    scenario.answer(400, json!({"error": {"code": "invalid_parameter", "message": "no such asset"}}));
    complete(&mut scenario);
    scenario.upload();
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a1");
}

#[test]
fn a_key_for_many_renders_is_one_for_each_in_submissions_only() {
    let submitted = |title: &str| {
        let mut plan = known_plan();
        plan.keys.chosen = "mine".parse().ok();
        plan.keys.is_chosen_for_many = true;
        let body = json!({ "variables": { "title": title } });
        let body = body.as_object().expect("an object");
        plan.keys.identity = Some(RenderIdentity::new(ProjectIdentity::Digest("d"), body));
        let mut scenario = Scenario::start(plan);
        scenario.answer_list(&[]);
        let upload = scenario.expect(CREATE);
        assert_eq!(key_of(&upload), "mine");
        scenario.upload();
        scenario.submission().1
    };
    let keys = ["a", "b", "a"].map(submitted);
    assert!(keys[0] == keys[2] && keys[0] != keys[1], "{keys:?}");
    assert!(keys[0].starts_with("mine.") && keys[0].len() == 21, "{keys:?}");
}

#[test]
fn a_job_asks_before_it_replaces_an_asset_that_others_use() {
    let refused = || {
        let mut plan = with_asset(AssetState::Ready);
        plan.reuse.is_asset_shared = true;
        let mut scenario = Scenario::start(plan);
        scenario.answer_list(&[]);
        scenario.submission();
        scenario.answer(400, json!({"error": {"code": "invalid_parameter", "message": "no such asset"}}));
        assert!(matches!(&scenario.action, Action::ReplaceAsset(id) if id == "a0"), "{:?}", scenario.action);
        assert!(scenario.facts.is_empty(), "another job may have replaced it already");
        scenario
    };
    let mut scenario = refused();
    scenario.event(Event::Replaced(Replacement::Upload));
    assert!(matches!(&scenario.facts[0], Fact::Asset(fact) if fact.state == AssetState::Refused));
    scenario.upload();
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a1");
    let mut scenario = refused();
    scenario.event(Event::Replaced(Replacement::Use("a9".to_owned())));
    assert_eq!(scenario.submission().0["project"]["asset_id"], "a9");
    scenario.answer(400, json!({"error": {"code": "invalid_parameter", "message": "no such asset"}}));
    assert_eq!(scenario.failure().code(), "invalid_parameter", "the asset is not the reason");
    let mut scenario = refused();
    scenario.event(Event::Replaced(Replacement::None));
    assert_eq!(scenario.failure().code(), "invalid_parameter");
}

#[test]
fn a_refusal_that_is_not_about_the_asset_uploads_nothing() {
    let mut scenario = Scenario::start(with_asset(AssetState::Ready));
    scenario.answer_list(&[]);
    scenario.submission();
    scenario
        .answer(400, json!({"error": {"code": "invalid_parameter", "message": "too fast", "param": "fps"}}));
    assert_eq!(scenario.failure().code(), "invalid_parameter");
    // A proxy's page is about nothing that the server has.
    for known in [AssetState::Ready, AssetState::Stored] {
        let mut scenario = Scenario::start(with_asset(known));
        scenario.answer_list(&[]);
        scenario.answer_with(404, &[("content-type", "text/html")], "<h1>not here</h1>".to_owned());
        assert_eq!(scenario.failure().code(), "http_404", "{known:?}");
    }
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
        Scenario::start(limited(Limits { exceeded: Some(exceeded.clone()), ..Limits::default() }));
    scenario.answer_list(&[]);
    assert!(matches!(&scenario.failure().kind, FailureKind::Limit(refusal) if *refusal == exceeded));
    let mut scenario = Scenario::start(limited(Limits { exceeded: Some(exceeded), ..Limits::default() }));
    scenario.answer_list(&[(Some(0), "completed", 1)]);
    scenario.poll_answer("completed", NOON);
    assert!(matches!(scenario.action, Action::Save(_)));
    for (left, is_enough) in [(json!(4.99), false), (json!(5), true), (json!(null), false)] {
        let mut scenario = Scenario::start(limited(Limits { min_balance: Some(5.0), ..Limits::default() }));
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
fn a_clock_that_is_a_month_off_pays_nothing_again() {
    // This machine takes today for a month from now: its window begins tomorrow.
    for (offset, is_reused) in [(-31 * 86_400, true), (0, false)] {
        let reuse = Reuse { since: Some(NOON + 86_400), ..Reuse::default() };
        let mut scenario = Scenario::start(Plan { reuse, ..known_plan() });
        scenario.expect(LIST);
        scenario.job.set_clock_offset(offset);
        let render =
            json!({"render_id": "r0", "status": "completed", "created_at": NOON, "callback_id": key(0)});
        scenario.answer(200, json!({"data": [render], "has_more": false}));
        if is_reused {
            assert_eq!(scenario.job.render().map(|(id, _)| id), Some("r0"));
        } else {
            scenario.expect(CREATE);
        }
    }
}
