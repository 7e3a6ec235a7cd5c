//! What the official linter finds in the cases, for the documentation.

use super::*;
use crate::lint::official;

/// The file with a line for each case.
fn path() -> PathBuf {
    root().join("tests/proof/official.list")
}

/// Returns what the official linter finds in each case, and not in its twin.
pub(super) fn found() -> BTreeMap<String, String> {
    let text = fs::read_to_string(path()).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    lines.map(|(case, codes)| (case.to_owned(), codes.to_owned())).collect()
}

/// Returns the cases that are rendered, with their names: `accepted/NAME` for what must not be refused.
fn rendered() -> Vec<(String, Case)> {
    let broken = cases("").into_iter().filter(|case| case.engine() != "none");
    let accepted = cases("accepted").into_iter().map(|case| (format!("accepted/{}", case.name), case));
    broken.map(|case| (case.name.clone(), case)).chain(accepted).collect()
}

#[test]
#[ignore = "needs GSAP: cargo xtask test proof"]
fn the_table_tells_what_the_official_linter_finds() {
    let folder = tempfile::tempdir().unwrap();
    let mut places = BTreeMap::new();
    for (name, case) in rendered() {
        for fixed in [false, true] {
            let project =
                case.unpack(&folder.path().join(format!("{}-{fixed}", name.replace('/', "-"))), fixed);
            places.insert(project.to_string_lossy().into_owned(), (name.clone(), fixed));
        }
    }
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for finding in official(&places.keys().cloned().collect::<Vec<_>>(), folder.path()) {
        let place = places[finding["directory"].as_str().unwrap()].clone();
        // Nothing is expected of what is accepted, and its twin is another way to write it.
        if place.0.contains('/') && finding["severity"] != "error" {
            continue;
        }
        found.entry(place).or_default().insert(finding["code"].as_str().unwrap().to_owned());
    }
    let mut text = String::new();
    for (name, _) in rendered() {
        let mut of = |fixed| found.remove(&(name.clone(), fixed)).unwrap_or_default();
        let (broken, twin) = (of(false), of(true));
        let codes = broken.difference(&twin).map(|code| format!("`{code}`")).collect::<Vec<_>>();
        let codes = if codes.is_empty() { "finds nothing".to_owned() } else { codes.join(", ") };
        writeln!(text, "{name}: {codes}").unwrap();
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(path(), &text).unwrap();
    }
    assert_eq!(fs::read_to_string(path()).unwrap(), text, "run with BLESS=1 to update the file");
}

#[test]
fn the_table_has_a_line_for_every_case() {
    let names = rendered().into_iter().map(|(name, _)| name);
    assert_eq!(names.collect::<BTreeSet<_>>(), found().into_keys().collect());
}
