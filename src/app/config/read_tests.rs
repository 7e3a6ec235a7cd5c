use super::*;
use hyperframes_ci_core::findings::{Diagnostic, Levels, Severity};

fn read(text: &str) -> Result<File, String> {
    parse(text, Path::new("hyperframes-ci.toml")).map_err(|error| error.to_string())
}

#[test]
fn severities_are_read() {
    let text = "[check]\ndeny = [\"unused-variable\"]\nallow = [\"missing-asset\"]\n";
    let mut levels = Levels::default();
    read(text).expect("valid").check.apply(&mut levels);
    let severity = |rule: Rule| levels.severity(&Diagnostic::new(rule, "a", "b"));
    assert_eq!(severity(Rule::UnusedVariable), Some(Severity::Error));
    assert_eq!(severity(Rule::MissingAsset), None);
    assert!(read("").is_ok());
    for end in ["\n", "\r\n", "\r"] {
        let text = ["\u{feff}[check]", "strict = true", ""].join(end);
        assert!(read(&text).expect("valid").check.strict, "{end:?}");
    }
}

#[test]
fn settings_of_comparisons_are_read() {
    let file = read(
        "[defaults.diff]\nsensitivity = \"high\"\nignore = [\"0,0,10%x40: clock\"]\n\n\
         [[render]]\nproject = \"a\"\ndiff = { instant = 8, fail-on-diff = \"changed\" }\n\n\
         [[render]]\nproject = \"b\"\ndiff = false\n\n[[render]]\nproject = \"c\"\n",
    )
    .expect("valid");
    let [a, b, c] = [0, 1, 2].map(|index| file.diff(file.entries.get(index)));
    assert_eq!((a.options().thresholds.instant, a.options().thresholds.sustained), (8.0, 1.9));
    assert_eq!((a.options().ignore.len(), a.gate().as_str(), a.line), (1, "changed", 7));
    assert!(b.is_off && !c.is_off);
    assert_eq!((c.gate().as_str(), c.line), ("never", 1));
    for (text, expected) in [
        ("sensitivity = \"loud\"", "sensitivity must be one of low, normal, high, not \"loud\""),
        ("instant = 0", "instant must be a number greater than 0"),
        ("ignore = [\"1,2\"]", "ignore must be X,Y,WIDTHxHEIGHT@FROM-TO: REASON"),
        ("ignroe = []", "unknown key \"ignroe\"; did you mean ignore?"),
    ] {
        let error = read(&format!("[defaults.diff]\n{text}\n")).expect_err("invalid");
        assert!(error.contains(expected), "{error}");
    }
    assert!(
        read("[defaults]\ndiff = true\n").expect_err("invalid").contains("diff must be a table or false")
    );
}

#[test]
fn values_of_entries_have_the_form_of_flags() {
    let file = read(
        "[defaults]\nfps = 24\nmax-wait = 1.50\nverify = true\n\n[[render]]\nproject = \"videos/a\"\n\
         on = [\"release\"]\nvariables = { title = \"a \\\"b\\\"\", size = 1.10, deep = [1, {x = true}] }\n\n\
         [[render]]\nname = \"b\"\nproject = \".\"\nrows = \"rows.csv\"\ncheck.strict = true\nfps = 0x1e\n",
    )
    .expect("valid");
    let [a, b] = &file.entries[..] else { panic!("{file:?}") };
    assert_eq!((a.name.as_str(), b.name.as_str()), ("videos-a", "b"));
    assert!(a.is_for("release") && !a.is_for("push") && b.is_for("push"));
    let variables = r#"{"deep":[1,{"x":true}],"size":1.1,"title":"a \"b\""}"#;
    assert_eq!(file.setting(a, "variables"), Some(variables));
    assert_eq!(
        ["fps", "max-wait", "verify"].map(|name| file.setting(a, name)),
        ["24", "1.5", "true"].map(Some)
    );
    assert_eq!((file.setting(b, "fps"), file.setting(b, "rows")), (Some("30"), Some("rows.csv")));
    assert!(b.check.strict && !a.check.strict && (a.line, b.line) == (6, 11));
    assert_eq!(file.defaults.iter().map(|setting| setting.line).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn all_mistakes_are_reported_with_their_positions() {
    for (text, parts) in [
        (
            "[check]\ndeny = [\"unused-variabel\"]",
            &[":2:9: ", "did you mean unused-variable?", "2 | deny"][..],
        ),
        ("[check]\nignore = []", &[":2:1: unknown key \"ignore\""]),
        ("[check\n", &[":1:7: "]),
        ("[default]", &["did you mean defaults?"]),
        (
            "[defaults]\nqualty = \"high\"\nfpps = 3",
            &[":2:1: ", "did you mean quality?", ":3:1: ", "did you mean fps?"],
        ),
        (
            "[defaults]\nquality = \"hihg\"",
            &[":2:11: quality must be one of draft, standard, high, looks, delivery; did you mean high?"],
        ),
        ("[defaults]\nfps = 300", &[":2:7: fps must be a whole number from 1 to 240"]),
        ("[defaults]\nfps = \"30\"", &["fps must be a whole number"]),
        ("[defaults]\nrows = \"x\"", &["rows is not allowed in [defaults], only in [[render]]"]),
        ("[render]\nproject = \"a\"", &["two brackets"]),
        ("[[render]]\nfps = 3", &[":1:1: the entry has no project"]),
        ("[[render]]\nproject = \"../x\"", &[":2:11: ", "inside the repository"]),
        (
            "[[render]]\nproject = \"x\"\noutput = \"/etc/x\"",
            &[":3:10: output must be a path inside the repository"],
        ),
        ("[[render]]\nproject = \"x\"\non = [\"relase\"]", &[":3:7: ", "did you mean release?"]),
        ("[[render]]\nproject = \"x\"\nname = \"a b\"", &["name must start with"]),
        ("[[render]]\nproject = \"x\"\n\n[[render]]\nproject = \"x\"", &[":4:1: ", "also used on line 1"]),
        ("[[render]]\nproject = \"x\"\nvariables = {d = 2020-01-01}", &["2020-01-01 is a date"]),
        ("[[render]]\nproject = \"x\"\nvariables = {d = nan}", &["nan cannot be represented in JSON"]),
        ("[[render]]\nproject = \"x\"\nvariables = {}\nvariables-file = \"v\"", &["cannot be used together"]),
    ] {
        let error = read(text).expect_err(text);
        assert!(parts.iter().all(|part| error.contains(part)), "{text}\n{error}");
    }
}

#[test]
fn the_first_mistakes_are_reported_and_the_others_counted() {
    let text = (0..20_000).map(|number| format!("bad{number} = 1\n")).collect::<String>();
    let error = read(&text).expect_err("mistakes");
    let lines = error.lines().collect::<Vec<_>>();
    assert!(lines[0].starts_with("hyperframes-ci.toml:1:1: unknown key \"bad0\""), "{}", lines[0]);
    assert_eq!(lines.last(), Some(&"hyperframes-ci.toml: and 19950 more mistakes"));
    let text = "[[render]]\nproject = \"a\"\nname = \"a\"\n".repeat(20_000);
    let error = read(&text).expect_err("mistakes");
    assert!(error.contains(":4:1: duplicate entry name \"a\", also used on line 1"), "{error}");
}
