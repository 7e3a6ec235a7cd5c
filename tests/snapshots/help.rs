//! The help of every command, short and long.

use std::process::Output;

use crate::program::{check, command};

fn help(home: &std::path::Path, path: &[String], flag: &str) -> Output {
    command(home).args(path).arg(flag).output().unwrap()
}

/// Returns the names that may be commands: words in the first column of a help text.
fn names(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("  ")).filter_map(|line| {
        let name = line.split("  ").next()?.trim_end();
        let is_name = !name.is_empty()
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|character| character.is_ascii_lowercase() || character == '-');
        is_name.then(|| name.to_owned())
    });
    names.filter(|name| name != "help").collect()
}

#[test]
fn help_is_as_in_the_snapshots() {
    let home = tempfile::tempdir().unwrap();
    let mut left = vec![Vec::new()];
    let mut count = 0;
    while let Some(path) = left.pop() {
        let (short, long) = (help(home.path(), &path, "-h"), help(home.path(), &path, "--help"));
        if !short.status.success() {
            continue;
        }
        let [short, long] = [short, long].map(|output| String::from_utf8(output.stdout).unwrap());
        // Values of arguments are words in the first column as well: a command has its own usage.
        let line = ["hyperframes-ci".to_owned()].into_iter().chain(path.iter().cloned()).collect::<Vec<_>>();
        let line = line.join(" ");
        if !short.contains(&format!("Usage: {line}")) {
            continue;
        }
        count += 1;
        let name = line.replace(' ', "-");
        check(&format!("help/{name}.txt"), format!("$ {line} -h\n{short}\n$ {line} --help\n{long}"));
        for name in names(&short) {
            left.push([path.as_slice(), &[name]].concat());
        }
    }
    assert!(count > 15, "found {count} commands only");
}
