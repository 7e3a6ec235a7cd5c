//! Code blocks that are files: workflows by schema and zizmor, configurations by our schema, data by their parsers, shell by
//! shellcheck.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Result;

use super::page::{Block, Page};
use super::pins;
use crate::command::{root, target};
use crate::provision::{SCHEMAS, SHELLCHECK, ZIZMOR, python_tool};

/// Stands for the commit of a release where the sources have the tag.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Schemas by what the path ends with. Files without a schema of their own need valid YAML only.
const KNOWN: &[(&str, &str)] = &[
    (".gitlab-ci.yml", "vendor.gitlab-ci"),
    (".circleci/config.yml", "vendor.circle-ci"),
    ("azure-pipelines.yml", "vendor.azure-pipelines"),
    ("bitbucket-pipelines.yml", "vendor.bitbucket-pipelines"),
    (".buildkite/pipeline.yml", "vendor.buildkite"),
    (".woodpecker.yml", "vendor.woodpecker-ci"),
];

/// A block as a file.
struct File {
    place: String,
    path: PathBuf,
}

/// Returns what is wrong with the blocks of all pages.
pub(super) fn problems(pages: &[Page]) -> Result<Vec<String>> {
    let folder = target().join("docs-blocks");
    let _ = fs::remove_dir_all(&folder);
    let mut problems = Vec::new();
    let mut files = BTreeMap::<String, Vec<File>>::new();
    for page in pages {
        for block in &page.blocks {
            let place = format!("{}:{}", page.path, block.line);
            match kind(page, block) {
                Ok(None) => {}
                Ok(Some((kind, name))) => {
                    let path = folder.join(place.replace(['/', ':'], "-")).join(name);
                    fs::create_dir_all(path.parent().unwrap_or(&folder))?;
                    fs::write(&path, pins::pinned(&block.text, COMMIT))?;
                    files.entry(kind).or_default().push(File { place, path });
                }
                Err(problem) => problems.push(format!("{place}: {problem}")),
            }
        }
    }
    for (kind, files) in &files {
        problems.extend(validate(kind, files)?);
    }
    Ok(problems)
}

/// Returns how a block is validated, and its name as a file; `None` if another part of the suite runs it, or nothing
/// can be wrong with it.
fn kind(page: &Page, block: &Block) -> Result<Option<(String, String)>, String> {
    if block.not_run().is_some() {
        return Ok(None);
    }
    // The changelog and the map of the sources have no blocks for readers to copy.
    let language = block.language.split(',').next().unwrap_or_default();
    let file = |kind: &str, name: &str| Ok(Some((kind.to_owned(), name.to_owned())));
    match language {
        "console" | "text" => Ok(None),
        "json" => match serde_json::from_str::<serde_json::Value>(&block.text) {
            Ok(_) => Ok(None),
            Err(error) => Err(format!("invalid JSON: {error}")),
        },
        "jsonl" => {
            let bad =
                block.text.lines().find_map(|line| serde_json::from_str::<serde_json::Value>(line).err());
            bad.map_or(Ok(None), |error| Err(format!("invalid JSON Lines: {error}")))
        }
        "csv" => {
            let columns = block.text.lines().map(|line| line.matches(',').count()).collect::<Vec<_>>();
            if columns.windows(2).all(|pair| pair[0] == pair[1]) {
                Ok(None)
            } else {
                Err("rows differ in length".to_owned())
            }
        }
        "yaml" => {
            let name = block
                .path()
                .ok_or("a YAML block starts with the path of its file: # .github/workflows/x.yml")?;
            let known = KNOWN.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, schema)| *schema);
            let is_workflow = name.starts_with(".github/workflows/");
            file(if is_workflow { "workflow" } else { known.unwrap_or("yaml") }, name)
        }
        "toml" => match (toml::from_str::<toml::Table>(&block.text), block.path()) {
            (Err(error), _) => Err(format!("invalid TOML: {error}")),
            (Ok(_), Some(name)) if name.ends_with("hyperframes-ci.toml") => {
                file("configuration", "hyperframes-ci.toml")
            }
            (Ok(_), Some(_)) => Ok(None),
            (Ok(_), None) if page.path == "docs/checks.md" => file("configuration", "hyperframes-ci.toml"),
            (Ok(_), None) => {
                Err("a TOML block starts with the path of its file: # hyperframes-ci.toml".to_owned())
            }
        },
        "sh" => file("sh", "script.sh"),
        "js" => file("js", "script.mjs"),
        "html" => file("html", "index.html"),
        // Jenkins has no schema; the integration tests run the commands of the file.
        "groovy" => Ok(None),
        "" if matches!(page.path.as_str(), "ARCHITECTURE.md") => Ok(None),
        other => Err(format!("nothing validates blocks of the language {other:?}")),
    }
}

/// Validates files of one kind; returns what is wrong.
fn validate(kind: &str, files: &[File]) -> Result<Vec<String>> {
    let schema = |name: &str| -> Result<Command> {
        let mut command = Command::new(python_tool(&SCHEMAS)?);
        command.args(["--builtin-schema", name]);
        if !name.starts_with("vendor.github") {
            // Patterns of other schemas are not all valid in the regular expressions of ECMAScript.
            command.args(["--regex-variant", "python"]);
        }
        if name == "vendor.gitlab-ci" {
            command.args(["--data-transform", "gitlab-ci"]);
        }
        if name == "vendor.azure-pipelines" {
            command.args(["--data-transform", "azure-pipelines"]);
        }
        Ok(command)
    };
    match kind {
        "workflow" => {
            let mut problems = run(schema("vendor.github-workflows")?, files)?;
            let mut timeouts = Command::new(python_tool(&SCHEMAS)?);
            timeouts.args(["--builtin-schema", "custom.github-workflows-require-timeout"]);
            problems.extend(run(timeouts, files)?);
            let mut zizmor = Command::new(python_tool(&ZIZMOR)?);
            zizmor.args(["--offline", "--no-progress", "--persona=pedantic", "--format=plain"]);
            problems.extend(run(zizmor, files)?);
            for file in files {
                let text = fs::read_to_string(&file.path)?;
                problems.extend(incomplete(&text).map(|missing| format!("{}: {missing}", file.place)));
            }
            Ok(problems)
        }
        "configuration" => {
            let mut command = Command::new(python_tool(&SCHEMAS)?);
            command.arg("--schemafile").arg(root().join("docs/hyperframes-ci.schema.json"));
            run(command, files)
        }
        "yaml" => {
            // Any document is valid by the schema `true`; what is not YAML is not a document.
            let anything = target().join("docs-blocks/anything.json");
            fs::write(&anything, "{}")?;
            let mut command = Command::new(python_tool(&SCHEMAS)?);
            command.arg("--schemafile").arg(anything);
            run(command, files)
        }
        "sh" => {
            let mut command = Command::new(python_tool(&SHELLCHECK)?);
            command.args(["--shell=bash", "--exclude=SC2148"]);
            run(command, files)
        }
        "js" => each(files, |path| Ok(Command::new("node").arg("--check").arg(path).output()?)),
        "html" => each(files, |path| {
            let folder = path.parent().unwrap_or(path);
            Ok(Command::new(crate::command::binary("debug"))
                .args(["check", "--strict"])
                .arg(folder)
                .output()?)
        }),
        schema_name => run(schema(schema_name)?, files),
    }
}

/// Returns what a workflow of the documentation must have and has not.
fn incomplete(text: &str) -> Option<String> {
    let runs_here = text.contains("uses: hyperframes-ci/hyperframes-ci@");
    let for_requests = text.lines().any(|line| line.trim() == "pull_request:");
    if !text.contains("\nconcurrency:\n") {
        return Some("the workflow has no concurrency group".to_owned());
    }
    if runs_here && for_requests && !text.contains("github.event.pull_request.number") {
        return Some("the concurrency group does not name github.event.pull_request.number".to_owned());
    }
    let is_limited = match () {
        () if text.contains("mode: collect") => true,
        () if text.contains("mode: media") => text.contains("max-cost:"),
        () => text.contains("max-renders:") && text.contains("max-seconds:"),
    };
    if text.contains("api-key:") && !is_limited {
        return Some("a workflow with a key sets max-renders and max-seconds, or max-cost".to_owned());
    }
    None
}

/// Runs a command once with all files.
fn run(mut command: Command, files: &[File]) -> Result<Vec<String>> {
    let output = command.args(files.iter().map(|file| &file.path)).output()?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let mut text = said(&output);
    for file in files {
        text = text.replace(&file.path.display().to_string(), &file.place);
    }
    Ok(vec![text])
}

/// Runs a command for each file.
fn each(files: &[File], run: impl Fn(&Path) -> Result<Output>) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in files {
        let output = run(&file.path)?;
        if !output.status.success() {
            problems.push(format!("{}: {}", file.place, said(&output)));
        }
    }
    Ok(problems)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_complete() {
        let good =
            "on:\n  pull_request:\nconcurrency:\n  group: x-${{ github.event.pull_request.number }}\njobs:\n";
        assert_eq!(incomplete(good), None);
        assert!(incomplete("on: push\n").is_some());
        assert!(incomplete(&format!("{good}api-key: x\n")).is_some());
        assert_eq!(incomplete(&format!("{good}api-key: x\nmax-renders: 1\nmax-seconds: 1\n")), None);
    }

    #[test]
    fn blocks_without_a_known_language_or_path_are_refused() {
        for text in
            ["```rust\nx\n```\n", "```yaml\non: push\n```\n", "```toml\na = 1\n```\n", "```json\n{\n```\n"]
        {
            let page = Page::parse("docs/a.md".to_owned(), text.to_owned());
            assert!(kind(&page, &page.blocks[0]).is_err(), "{text}");
        }
    }
}
