//! Shows that `core/clippy.toml` bites.
//!
//! A rule with a typing error in its path, or a configuration that clippy does not read, is silent: everything
//! passes. So a probe does, one line each, what the core must not do, and clippy has to object to every line.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, ensure};

use super::suite::Outcome;
use crate::command::{cargo, root};

/// What the core must not do: at least one deed of every kind that the rules are about.
const FORBIDDEN: &[&str] = &[
    "let _ = std::time::Instant::now();",
    "let _ = std::time::SystemTime::now();",
    "let _ = std::fs::File::open(\"x\");",
    "let _ = std::fs::OpenOptions::new();",
    "let _ = std::fs::read_to_string(\"x\");",
    "let _ = std::fs::write(\"x\", \"x\");",
    "let _ = std::fs::remove_file(\"x\");",
    "let _ = std::path::Path::new(\"x\").exists();",
    "let _ = std::path::PathBuf::from(\"x\").is_file();",
    "let _ = std::env::args();",
    "let _ = std::env::var(\"X\");",
    "let _ = std::env::current_dir();",
    "let _ = std::net::TcpStream::connect(\"localhost:1\");",
    "let _ = std::net::ToSocketAddrs::to_socket_addrs(\"localhost:1\");",
    "let _ = std::process::Command::new(\"x\");",
    "if true { std::process::exit(1) }",
    "let _ = std::thread::spawn(|| ());",
    "std::thread::sleep(std::time::Duration::ZERO);",
    "let _ = std::sync::Mutex::new(());",
    "let _ = std::io::stdout();",
    "println!();",
    "eprintln!();",
];

/// What the core may do, so that a probe to which clippy objects as a whole is no proof.
const ALLOWED: &str = "let _ = std::path::Path::new(\"x\").join(\"y\");";

/// The suite.
pub(super) fn test() -> Result<Outcome> {
    let folder = root().join("target/boundary");
    fs::create_dir_all(folder.join("src"))?;
    // A workspace of its own, without dependencies: nothing is fetched.
    let manifest = "[workspace]\n[package]\nname = \"boundary\"\nedition = \"2024\"\n";
    fs::write(folder.join("Cargo.toml"), manifest)?;
    let lines = [&["pub fn probe() {", ALLOWED], FORBIDDEN, &["}"]].concat();
    fs::write(folder.join("src/lib.rs"), lines.join("\n"))?;
    let output = cargo(&["clippy", "--message-format=short", "--quiet", "--", "-D", "warnings"])
        .current_dir(&folder)
        .env("CLIPPY_CONF_DIR", root().join("core"))
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let refused = refused_lines(&text);
    for (number, line) in (1..).zip(&lines) {
        let forbidden = FORBIDDEN.contains(line);
        ensure!(
            refused.contains(&number) == forbidden,
            "core/clippy.toml {} `{line}`:\n{text}",
            if forbidden { "does not refuse" } else { "refuses" }
        );
    }
    Ok(Outcome::Passed)
}

/// The lines, from 1, to which clippy's short messages object because of its configuration.
fn refused_lines(messages: &str) -> BTreeSet<usize> {
    let line = |message: &str| {
        let place = message.strip_prefix("src/lib.rs:").or_else(|| message.strip_prefix("src\\lib.rs:"))?;
        place.contains("disallowed").then(|| place.split(':').next()?.parse().ok())?
    };
    messages.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::refused_lines;

    #[test]
    fn only_disallowed_things_count() {
        let messages = "src/lib.rs:3:9: error: use of a disallowed type `std::fs::File`: the shell\n\
            src/lib.rs:4:1: error: unused variable\n\
            error: could not compile `boundary`: disallowed";
        assert_eq!(refused_lines(messages).into_iter().collect::<Vec<_>>(), [3]);
    }
}
