//! Findings as a Code Quality report of GitLab, which a merge request shows; source: docs.gitlab.com, "Code Quality report
//! format".

use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::plain::disarm_json;
use crate::archive::hex;
use crate::findings::{Findings, Severity};

/// Returns the findings as the JSON array of a Code Quality report, in a text that ends with a newline.
#[must_use]
pub fn code_quality(findings: &Findings) -> String {
    let mut counts = BTreeMap::new();
    let issues = findings.diagnostics.iter().map(|found| {
        // GitLab compares reports by it. Lines move with every edit, and are no part of it.
        let kind = (found.path.as_str(), found.rule.code(), found.message.as_str());
        let count = counts.entry(kind).or_insert(0_u64);
        *count += 1;
        let (path, code, message) = kind;
        let identity = format!("{path}\0{code}\0{message}\0{count}");
        let description = match &found.help {
            Some(help) => format!("{message} (help: {help})"),
            None => message.to_owned(),
        };
        json!({
            "description": description,
            "check_name": code,
            "fingerprint": hex(&Sha256::digest(identity)),
            "severity": severity(found.severity),
            "location": {
                "path": path,
                "lines": { "begin": found.position.map_or(1, |position| position.line) },
            },
            "content": { "body": found.rule.url() },
        })
    });
    disarm_json(&format!("{:#}\n", issues.collect::<serde_json::Value>()))
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "major",
        Severity::Warning => "minor",
        Severity::Note => "info",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::findings::{Diagnostic, Rule};

    #[test]
    fn fingerprints_tell_equal_findings_apart() {
        let found = Diagnostic::new(Rule::MissingAsset, "a.html", "file not found: x.png");
        let mut findings = Findings::default();
        assert_eq!(code_quality(&findings), "[]\n");
        findings.diagnostics.extend([found.clone(), found]);
        let issues = serde_json::from_str::<Value>(&code_quality(&findings)).expect("JSON");
        assert_ne!(issues[0]["fingerprint"], issues[1]["fingerprint"]);
        assert_eq!(issues[0]["severity"], "major");
        assert_eq!(issues[1]["location"], json!({ "path": "a.html", "lines": { "begin": 1 } }));
    }
}
