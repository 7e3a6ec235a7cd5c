//! `hyperframes-preflight`: the core of hyperframes-ci for Node and browsers.
//!
//! A thin facade over the core: `wasm/npm/api.js` validates arguments and passes them on, and results are returned as
//! JSON. Invalid input is thrown as an `Error` with a `code`; nothing panics.

mod normal_form;
mod problem;
mod severities;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use hyperframes_ci_core::archive::{ArchiveError, ArchiveWriter, hex};
use hyperframes_ci_core::check::{CheckOptions, Values, check};
use hyperframes_ci_core::composition::Composition;
use hyperframes_ci_core::findings::{Diagnostic, Levels, Rule, Severity};
use hyperframes_ci_core::job::{ProjectIdentity, RenderIdentity};
use hyperframes_ci_core::lang::json::json_object;
use hyperframes_ci_core::project::{BundledFile, Contents, MemoryTree, Tree, contained, resolve};
use hyperframes_ci_core::report::{ReportFormat, render_at_most};
use hyperframes_ci_core::variables::Declarations;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::*;

use problem::Problem;

/// The files of a repository or a part of it, and the options of a check.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Preflight {
    contents: BTreeMap<String, Contents>,
    project: String,
    options: CheckOptions,
    levels: Levels,
    /// Severities before a change of the configuration.
    previous: Option<Levels>,
    /// Changed files; findings about others are left out.
    changed: Option<BTreeSet<String>>,
    untracked: BTreeSet<String>,
    /// Links that lead outside of the repository.
    outside: Vec<String>,
    findings: Vec<Diagnostic>,
}

#[wasm_bindgen]
impl Preflight {
    /// Creates an instance without files.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        normal_form::set();
        Self::default()
    }

    /// Adds a file with arbitrary contents. `api.js` checks the path: names with `/` between them, and not twice.
    pub fn bytes(&mut self, path: String, bytes: Vec<u8>) {
        self.contents.insert(path, Contents::Whole(bytes));
    }

    /// Adds a file of which only the size, and the first and last bytes are known.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "api.js rejects sizes that are not integers"
    )]
    pub fn stub(&mut self, path: String, size: f64, head: Vec<u8>, tail: Vec<u8>) {
        self.contents.insert(path, Contents::Stub { size: size as u64, head, tail });
    }

    /// Sets the project directory.
    ///
    /// # Errors
    /// Throws `invalid_options` if an argument is invalid.
    pub fn project(&mut self, path: &str) -> Result<(), Problem> {
        self.project = resolve("", path)
            .ok_or_else(|| option(format!("the project {path:?} is outside the root of the files")))?;
        Ok(())
    }

    /// Adds a path: an entry (`c`), a file that exists, but is not part of the commit that is checked (`u`), a link that leads
    /// outside of the repository, with a `/` at its end (`o`), or a changed file, which limits findings to compositions that use
    /// one (others). With `p`, the entries are parts that are not rendered on their own.
    pub fn path(&mut self, kind: char, path: Option<String>) {
        match kind {
            'c' => self.options.compositions.extend(path),
            'u' => self.untracked.extend(path),
            'o' => self.outside.extend(path),
            'p' => self.options.is_partial = true,
            _ => self.changed.get_or_insert_default().extend(path),
        }
    }

    /// Sets the requested aspect ratio.
    ///
    /// # Errors
    /// Throws `invalid_options` if an argument is invalid.
    #[wasm_bindgen(js_name = aspectRatio)]
    pub fn aspect_ratio(&mut self, ratio: &str) -> Result<(), Problem> {
        self.options.aspect_ratio =
            Some(ratio.parse().map_err(|error| option(format!("aspectRatio {error}")))?);
        Ok(())
    }

    /// Sets the requested container.
    ///
    /// # Errors
    /// Throws `invalid_options` if an argument is invalid.
    #[wasm_bindgen(js_name = videoFormat)]
    pub fn video_format(&mut self, format: &str) -> Result<(), Problem> {
        self.options.format = Some(format.parse().map_err(|error| option(format!("videoFormat {error}")))?);
        Ok(())
    }

    /// Adds values that are not in a file, as a JSON object.
    ///
    /// # Errors
    /// Throws `invalid_options` if an argument is invalid.
    pub fn variables(&mut self, json: &str) -> Result<(), Problem> {
        let values = json_object(json).map_err(|error| option(format!("variables {error}")))?;
        self.options.values.push(Values::Inline(values));
        Ok(())
    }

    /// Adds a file with one set of values, or with rows.
    pub fn values(&mut self, path: String, text: String, rows: bool) {
        self.options.values.push(if rows {
            Values::Rows { path, text }
        } else {
            Values::Object { path, text }
        });
    }

    /// Sets the severities of several renders of the project: a JSON array with an array of layers for each, objects with
    /// `deny`, `warn`, `allow` and `strict`. The highest severity counts.
    ///
    /// # Errors
    /// Throws `invalid_options` if an argument is invalid.
    pub fn severities(&mut self, json: &str, previous: bool) -> Result<(), Problem> {
        let levels = Levels::highest(severities::parse(json)?);
        if previous {
            self.previous = levels;
        } else {
            self.levels = levels.unwrap_or_default();
        }
        Ok(())
    }

    /// Adds a finding about a path that is not a file.
    ///
    /// # Errors
    /// Throws `invalid_options` if an argument is invalid.
    pub fn finding(
        &mut self,
        code: &str,
        path: String,
        message: String,
        help: String,
    ) -> Result<(), Problem> {
        let rule = code.parse::<Rule>().map_err(|error| option(error.to_string()))?;
        self.findings.push(Diagnostic::new(rule, path, message).help(help));
        Ok(())
    }

    /// Checks the project and returns a `CheckResult` as JSON.
    ///
    /// # Errors
    /// Throws `invalid_options` if an argument is invalid.
    pub fn check(self, format: &str) -> Result<String, Problem> {
        let format = format.parse::<ReportFormat>().map_err(|error| option(format!("format {error}")))?;
        let tree = MemoryTree::new(self.contents, &self.project)
            .with_untracked(self.untracked)
            .with_links(self.outside, self.findings);
        let mut report = check(&tree, &self.options);
        let levels = self.levels;
        let used = self.changed.as_ref().map(|_| Value::from_iter(report.used()));
        if let Some(changed) = &self.changed {
            let previous = self.previous.as_ref();
            report.limit_to_or(changed, &|found| {
                let has_other = previous.is_some_and(|old| old.severity(found) != levels.severity(found));
                has_other || changed.contains(&found.path)
            });
        }
        report.findings.set_levels(&levels);
        let mut result = report.findings.to_json();
        result["compositions"] = report.compositions.into();
        // The limit for people is that of api.js.
        result["text"] = render_at_most(&report.findings, format, false, None).into();
        result["missing"] = report.missing.iter().map(String::as_str).collect();
        if let Some(used) = used {
            result["used"] = used;
        }
        Ok(result.to_string())
    }

    /// Packs the project and returns an `ArchiveDigest` as JSON.
    ///
    /// # Errors
    /// Throws `invalid_path` if a path cannot be packed, or `archive_failed` if the archive cannot be created.
    pub fn digest(self) -> Result<String, Problem> {
        pack(&MemoryTree::new(self.contents, &self.project)).map(|digest| digest.to_string())
    }

    /// Returns the manifest digest of the project as JSON, with the number and the size of its files. `hashes` is a JSON
    /// object with the SHA-256 of the files whose contents are not known, by path.
    ///
    /// # Errors
    /// Throws `invalid_path` if a path cannot be packed, or `archive_failed` if contents are missing.
    pub fn manifest(self, hashes: &str) -> Result<String, Problem> {
        let hashes = json_object(hashes).map_err(option)?;
        let tree = MemoryTree::new(self.contents, &self.project);
        let mut lines = "hyperframes-ci manifest 1\n".to_owned();
        let (mut count, mut size) = (0, 0);
        for (path, file) in &packed(&tree)? {
            let rewritten = file.rewritten.as_ref();
            let known = hashes.get(&file.source).and_then(Value::as_str);
            let (hash, length) = match (rewritten, tree.contents(&file.source), known) {
                (Some(bytes), ..) | (None, Some(Contents::Whole(bytes)), _) => {
                    (hex(&Sha256::digest(bytes)), bytes.len() as u64)
                }
                (None, Some(Contents::Stub { size, .. }), Some(hash)) => (hash.to_owned(), *size),
                _ => return Err(archive_failed(format!("the contents of {path} are missing"))),
            };
            lines.push_str(&format!("{hash} {length} {path}\n"));
            count += 1;
            size += length;
        }
        let digest = hex(&Sha256::digest(lines));
        Ok(json!({ "digest": digest, "fileCount": count, "contentBytes": size }).to_string())
    }
}

/// Hashes a file piece by piece, so that it need not be in memory.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Hasher(Sha256);

#[wasm_bindgen]
impl Hasher {
    /// Creates a hasher.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// Returns the SHA-256 in hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

fn option(message: String) -> Problem {
    Problem::new("invalid_options", message)
}

fn archive_failed(message: String) -> Problem {
    Problem::new("archive_failed", message)
}

/// Returns the files of the archive, sorted by path.
fn packed(tree: &MemoryTree) -> Result<BTreeMap<String, BundledFile>, Problem> {
    if let Some(found) = tree.diagnostics().iter().find(|found| found.severity == Severity::Error) {
        return Err(Problem::new("invalid_path", format!("{:?}: {}", found.path, found.message)));
    }
    contained(tree).ok_or_else(|| archive_failed("the contents of a text file are missing".to_owned()))
}

fn pack(tree: &MemoryTree) -> Result<Value, Problem> {
    let files = packed(tree)?;
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
    for (path, file) in &files {
        let bytes = match tree.contents(&file.source) {
            Some(Contents::Whole(bytes)) => file.rewritten.as_ref().unwrap_or(bytes),
            _ => return Err(archive_failed(format!("the contents of {path} are missing"))),
        };
        let added = writer.add(path, bytes.len() as u64, &mut bytes.as_slice());
        added.map_err(|error: ArchiveError| archive_failed(format!("{path} {error}")))?;
    }
    let (archive, manifest) = writer.finish().map_err(|error| archive_failed(error.to_string()))?;
    let archive = archive.into_inner();
    Ok(json!({
        "digest": manifest.digest(),
        "sha256": hex(&Sha256::digest(&archive)),
        "fileCount": manifest.entries().len(),
        "contentBytes": manifest.size(),
        "sizeBytes": archive.len(),
    }))
}

/// The declarations of a composition, which are parsed once and check any number of values.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Variables(Declarations);

#[wasm_bindgen]
impl Variables {
    /// Parses the declarations in `html`.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(html: &str) -> Self {
        Self(composition(html).declarations)
    }

    /// Returns the JSON Schema of the variables, as JSON.
    #[must_use]
    pub fn schema(&self) -> String {
        self.0.schema().to_string()
    }

    /// Checks values (a JSON object) and returns `VariableIssue[]` as JSON.
    ///
    /// # Errors
    /// Throws `invalid_values` if an argument is invalid.
    pub fn check(&self, values: &str) -> Result<String, Problem> {
        let values = json_object(values)
            .map_err(|error| Problem::new("invalid_values", format!("the JSON of the values {error}")))?;
        let issues = self.0.check(&values).into_iter().map(|issue| {
            json!({
                "code": issue.rule,
                "severity": issue.rule.severity(),
                "variable": issue.variable,
                "message": issue.message,
                "help": issue.help,
            })
        });
        Ok(Value::from(issues.collect::<Vec<_>>()).to_string())
    }
}

/// Returns the render key of `request` (a JSON object); `kind` is the kind of `id`: `digest` or `assetId`.
///
/// # Errors
/// Throws `invalid_request` if an argument is invalid.
#[wasm_bindgen(js_name = renderKey)]
pub fn render_key(kind: &str, id: &str, request: &str, generation: u32) -> Result<String, Problem> {
    let body = json_object(request)
        .map_err(|error| Problem::new("invalid_request", format!("the JSON of the request {error}")))?;
    let project = match kind {
        "digest" => ProjectIdentity::Digest(id),
        _ => ProjectIdentity::Asset(id),
    };
    Ok(RenderIdentity::new(project, &body).key(generation).to_string())
}

/// Returns the explanation of a check as JSON.
///
/// # Errors
/// Throws `invalid_options` if there is no such check.
#[wasm_bindgen]
pub fn explain(code: &str) -> Result<String, Problem> {
    let rule = code.parse::<Rule>().map_err(|error| option(error.to_string()))?;
    let explanation = json!({
        "code": rule.code(),
        "severity": rule.severity(),
        "group": rule.group().title(),
        "summary": rule.summary(),
        "explanation": rule.explanation(),
        "url": rule.url(),
    });
    Ok(explanation.to_string())
}

/// Returns the codes of all checks in the order of reports, with spaces between them.
#[wasm_bindgen]
#[must_use]
pub fn codes() -> String {
    Rule::ALL.iter().map(|rule| rule.code()).collect::<Vec<_>>().join(" ")
}

/// Returns whether `html` has a root element, so that its directory may be a project.
#[wasm_bindgen(js_name = hasRoot)]
#[must_use]
pub fn has_root(html: &str) -> bool {
    composition(html).root.is_some()
}

fn composition(html: &str) -> Composition {
    Composition::parse("index.html", html)
}
