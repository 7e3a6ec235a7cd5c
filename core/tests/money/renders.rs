//! Renders that exist, or seem not to.

use std::time::Duration;

use hyperframes_ci_core::job::{Action, Event, FailureKind, GONE_GRACE, Origin, Plan, RenderState, Wait};
use hyperframes_ci_core::time::format_http_date;
use serde_json::json;

use crate::scenario::*;

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
fn an_answer_about_another_render_is_none() {
    let mut scenario = Scenario::submitted(plan());
    for status in ["completed", "failed"] {
        scenario.poll(&json!({"render_id": "r9", "status": status, "video_url": "https://cdn.example/9"}));
    }
    scenario.poll(&completed());
    assert!(matches!(&scenario.action, Action::Save(url) if !url.ends_with('9')), "{:?}", scenario.action);
    assert_eq!(scenario.states(), [RenderState::Submitted, RenderState::Completed]);
}

#[test]
fn a_render_that_the_list_calls_failed_is_asked_about() {
    let listed = |status: &str| {
        let detail = json!({"render_id": "r1", "status": status});
        Event::Seen(Box::new(serde_json::from_value(detail).expect("a detail")))
    };
    let mut scenario = Scenario::submitted(plan());
    scenario.poll(&json!({"render_id": "r1", "status": "rendering"}));
    scenario.event(listed("failed"));
    scenario.poll(&json!({"render_id": "r1", "status": "failed", "failure_message": "no fonts"}));
    assert!(scenario.failure().to_string().contains("no fonts"), "{}", scenario.failure());
    // The list was wrong.
    let mut scenario = Scenario::submitted(plan());
    scenario.poll(&json!({"render_id": "r1", "status": "rendering"}));
    scenario.event(listed("failed"));
    scenario.poll(&completed());
    assert!(matches!(scenario.action, Action::Save(_)));
    assert_eq!(scenario.states(), [RenderState::Submitted, RenderState::Completed]);
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
fn a_timeout_says_what_is_known_about_the_render() {
    let wait = Wait { poll_interval: Duration::from_secs(10), download: true, is_watched: false };
    let given = || Plan::existing("r1".to_owned(), wait, Duration::from_secs(12), 2, 7);
    let unknown = error("hyperframes_render_not_found");
    for (status, body, expected, is_resumable) in [
        (404, &unknown, "timed out after 12 s; the API does not know a render with this ID", false),
        (503, &error("busy"), "timed out after 12 s; the status of the render is unknown", true),
    ] {
        let mut scenario = Scenario::start(given());
        while matches!(scenario.action, Action::Send(_)) {
            scenario.answer(status, body);
            scenario.settle();
        }
        let failure = scenario.failure();
        assert!(failure.to_string().starts_with(expected), "{failure}");
        assert_eq!((failure.code(), failure.is_resumable()), ("timeout", is_resumable));
    }
    let mut scenario = Scenario::start(given());
    while matches!(scenario.action, Action::Send(_)) {
        scenario.answer(200, &json!({ "data": { "render_id": "r1", "status": "rendering" } }));
        scenario.settle();
    }
    assert_eq!(scenario.failure().to_string(), "timed out after 12 s; the render is still running");
}

#[test]
fn a_failure_without_a_reason_says_so() {
    for message in [json!(null), json!(" ")] {
        let mut scenario = Scenario::submitted(plan());
        scenario.poll(&json!({ "render_id": "r1", "status": "failed", "failure_message": message }));
        assert_eq!(scenario.failure().to_string(), "the render failed; the server gave no reason");
    }
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
fn the_number_of_generations_has_no_limit() {
    // A project that does not change, and a run with --no-reuse for each push.
    for generation in [62, 63, 64, 65, 500] {
        let mut none = with_ledger(generation, RenderState::Completed);
        none.reuse.none = true;
        let mut scenario = Scenario::start(none);
        scenario.answer_list(&[("r1", generation, "completed")]);
        scenario.submit("r2");
        assert_eq!(scenario.submissions, [key(generation + 1)]);
        scenario.expect("GET /v3/hyperframes/renders/r2");
        scenario.answer(
            200,
            &json!({"data": {"render_id": "r2", "status": "completed",
            "callback_id": key(generation + 1), "video_url": "https://cdn.example/v"}}),
        );
        assert!(matches!(scenario.action, Action::Save(_)), "{generation}: {:?}", scenario.action);
    }
    // Another machine knows them from the list.
    let renders = (0..100).rev().map(|generation| ("r1", generation, "completed")).collect::<Vec<_>>();
    let mut none = plan();
    none.reuse.none = true;
    let mut scenario = Scenario::start(none);
    scenario.answer_list(&renders);
    scenario.expect(SUBMIT);
    assert_eq!(scenario.submissions, [key(100)]);
    let mut scenario = Scenario::start(with_ledger(99, RenderState::Gone));
    scenario.answer_list(&renders);
    scenario.poll(&json!({"render_id": "r1", "status": "completed", "callback_id": key(99),
        "video_url": "https://cdn.example/v"}));
    assert!(matches!(scenario.action, Action::Save(_)), "{:?}", scenario.action);
}
