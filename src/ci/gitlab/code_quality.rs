//! The Code Quality report, which a merge request shows; source: docs.gitlab.com, "Code Quality report format".

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::findings::{Findings, Severity};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The name of the report, in the output directory.
pub(super) const FILE: &str = "gl-code-quality-report.json";

/// Returns the report of all findings.
pub(super) fn report(findings: &Findings) -> Value {
    let issues = findings.diagnostics.iter().map(|found| {
        let line = found.position.map_or(1, |position| position.line);
        let identity = format!("{} {} {line} {}", found.rule, found.path, found.message);
        json!({
            "description": found.message,
            "check_name": found.rule.code(),
            "fingerprint": hex(&Sha256::digest(identity)),
            "severity": match found.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Note => "info",
            },
            "location": { "path": found.path, "lines": { "begin": line } },
        })
    });
    Value::Array(issues.collect())
}
