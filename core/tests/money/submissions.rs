//! Submissions whose answer is lost, or whose key is in use.

use std::time::Duration;

use hyperframes_ci_core::job::{Action, Event, FileKind, Origin, RenderState, Source};
use serde_json::json;

use crate::scenario::*;

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
fn a_server_that_requests_no_delay_is_not_asked_for_ever() {
    for (status, code) in
        [(409, "request_in_progress"), (422, "idempotency_key_reused"), (429, "rate_limit_exceeded")]
    {
        let mut scenario = Scenario::start(plan());
        scenario.answer_list(&[]);
        for _ in 0..5_000 {
            match &scenario.action {
                Action::Send(request) if line(request) == SUBMIT => {
                    // An answer takes time.
                    scenario.now += Duration::from_millis(1);
                    scenario.answer_with(status, &[("Retry-After", "0")], &error(code).to_string());
                }
                Action::Send(_) => scenario.answer_list(&[]),
                _ => scenario.settle(),
            }
        }
        let tries = scenario.submissions.len();
        assert!(matches!(scenario.action, Action::Fail(_)) && tries < 1_300, "{code}: {tries}");
        assert!(scenario.now <= Duration::from_secs(601), "{code}: {:?}", scenario.now);
    }
}

#[test]
fn an_upload_whose_key_is_in_use_is_waited_for() {
    let mut upload = plan();
    upload.source = Source::Archive(hyperframes_ci_core::job::Archive {
        size: 10,
        sha256: "ab".repeat(32),
        digest: "cd".repeat(32),
        kind: FileKind::Zip,
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
