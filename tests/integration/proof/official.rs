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

#[test]
#[ignore = "needs GSAP: cargo xtask test proof"]
fn the_table_tells_what_the_official_linter_finds() {
    let folder = tempfile::tempdir().unwrap();
    let rendered = || cases("").into_iter().filter(|case| case.engine() != "none");
    let mut places = BTreeMap::new();
    for case in rendered() {
        for fixed in [false, true] {
            let project = case.unpack(&folder.path().join(format!("{}-{fixed}", case.name)), fixed);
            places.insert(project.to_string_lossy().into_owned(), (case.name.clone(), fixed));
        }
    }
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for finding in official(&places.keys().cloned().collect::<Vec<_>>(), folder.path()) {
        let place = places[finding["directory"].as_str().unwrap()].clone();
        found.entry(place).or_default().insert(finding["code"].as_str().unwrap().to_owned());
    }
    let mut text = String::new();
    for case in rendered() {
        let mut of = |fixed| found.remove(&(case.name.clone(), fixed)).unwrap_or_default();
        let (broken, twin) = (of(false), of(true));
        let codes = broken.difference(&twin).map(|code| format!("`{code}`")).collect::<Vec<_>>();
        let codes = if codes.is_empty() { "finds nothing".to_owned() } else { codes.join(", ") };
        writeln!(text, "{}: {codes}", case.name).unwrap();
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(path(), &text).unwrap();
    }
    assert_eq!(fs::read_to_string(path()).unwrap(), text, "run with BLESS=1 to update the file");
}

#[test]
fn the_table_has_a_line_for_every_case() {
    let cases = cases("").into_iter().filter(|case| case.engine() != "none").map(|case| case.name);
    assert_eq!(cases.collect::<BTreeSet<_>>(), found().into_keys().collect());
}
