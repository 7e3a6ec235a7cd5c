//! The suite bites: what it is to find is found.

use std::time::Duration;

use crate::faults::{Fault, Site};
use crate::property::violations;
use crate::run::{Evidence, play_and};
use crate::server::{KEY, Server, title};
use crate::story::{Decision, Keys, Story};

/// A story in which nothing goes wrong: a single render.
fn quiet() -> Story {
    let story = (0..).map(Story::draw).find(|story| {
        let shape = story.shape;
        !story.is_batch() && !shape.is_impatient && !shape.has_chosen_key && shape.upload == "auto"
    });
    story.unwrap().with(&[])
}

/// Sends a request as a client of the API does.
fn post(server: &Server, path: &str, key: &str, body: &serde_json::Value) -> serde_json::Value {
    let request = ureq::post(&format!("{}{path}", server.url)).header("x-api-key", KEY);
    let request = request.header("idempotency-key", key).header("content-type", "application/json");
    let text = request.send(body.to_string()).unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

fn submit(server: &Server, key: &str) {
    let body = serde_json::json!({ "project": { "type": "asset_id", "asset_id": "asset_0" },
        "variables": { "title": title(0) } });
    assert!(post(server, "/v3/hyperframes/renders", key, &body)["data"]["render_id"].is_string());
}

#[test]
fn a_render_that_is_paid_twice_is_found() {
    let story = quiet();
    assert_eq!(violations(&story, &play_and(&story, |_| {})), Vec::<String>::new());
    let found = violations(&story, &play_and(&story, |server| submit(server, "another")));
    assert_eq!(found, ["row 0 was charged 2 times, and 0 times for failed renders"]);
}

#[test]
fn keys_count_as_the_story_says() {
    for (keys, most) in [(Keys::Replayed, 1), (Keys::Ignored, 3)] {
        let story = quiet().with(&[Decision::Keys(keys)]);
        let evidence = play_and(&story, |server| {
            let key = server.tally().journal.iter().find_map(|line| {
                let (_, key) = line.strip_prefix("Submit")?.split_once("key ")?;
                Some(key.to_owned())
            });
            let key = key.unwrap();
            (0..2).for_each(|_| submit(server, &key));
        });
        assert_eq!(evidence.charged[&title(0)], (0, most), "{keys:?}");
    }
}

#[test]
fn every_promise_that_is_broken_is_named() {
    let story = quiet();
    let kept = play_and(&story, |_| {});
    let broken = |damage: &dyn Fn(&mut Evidence)| {
        let mut evidence = kept.clone();
        damage(&mut evidence);
        violations(&story, &evidence).join("; ")
    };
    for (damage, words) in [
        (&(|it: &mut Evidence| it.delivered = 0) as &dyn Fn(&mut Evidence), "0 of 1 videos"),
        (&|it: &mut Evidence| it.assets = 2, "2 assets"),
        (&|it: &mut Evidence| it.charged.clear(), "charged 0 times"),
        (&|it: &mut Evidence| it.runs[0].processes[0].code = Some(101), "code Some(101)"),
        (&|it: &mut Evidence| it.runs[0].processes[0].code = Some(1), "met nothing"),
        (&|it: &mut Evidence| it.runs[0].processes[0].took = Duration::from_secs(50), "50s"),
        (&|it: &mut Evidence| it.leaks.push("log".to_owned()), "secret"),
        (&|it: &mut Evidence| it.leftovers.push(".hyperframes-ci-x.part".to_owned()), "left over"),
        (&|it: &mut Evidence| it.bad_files.push("half a file".to_owned()), "half a file"),
        (&|it: &mut Evidence| it.tally.offences.push("a key for the storage".to_owned()), "a key for"),
    ] {
        let found = broken(damage);
        assert!(found.contains(words), "{words:?} in {found:?}");
    }
}

#[test]
fn a_seed_is_always_the_same_story_and_every_fault_is_drawn() {
    let (mut faults, mut sites) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for seed in 0..3000 {
        let story = Story::draw(seed);
        assert_eq!(story.decisions, Story::draw(seed).decisions);
        assert!(story.is_possible());
        for decision in &story.decisions {
            if let Decision::Fault { site, fault, .. } = decision {
                let name = format!("{fault:?}");
                faults.insert(name.split([' ', '(']).next().unwrap_or_default().to_owned());
                sites.insert(*site);
            }
        }
        // A part of a possible story is possible.
        assert!(story.with(&story.decisions[..story.decisions.len() / 2]).is_possible());
    }
    assert_eq!(sites.len(), 9, "{sites:?}");
    assert_eq!(faults.len(), 21, "{faults:?}");
    let page = Fault::Page(crate::faults::When::After);
    let hidden =
        [Decision::Keys(Keys::Ignored), Decision::Fault { site: Site::List, ordinal: 0, fault: page }];
    assert!(!quiet().with(&hidden).is_possible());
}
