//! Names of files and directories that hold credentials.

use crate::text::lower;

/// Names, in lower case and without the dot, of hidden directories and files that often contain credentials. They are
/// never packed, even if `.hyperframesignore` negates a rule about them, because workflows also pack untrusted pull
/// requests. So is everything that starts with `.env`.
const HIDDEN: &[&str] = &[
    "aws",
    "azure",
    "docker",
    "git-credentials",
    "gnupg",
    "heygen",
    "kube",
    "netrc",
    "npmrc",
    "pypirc",
    "ssh",
];

/// Names of files, in lower case.
const NAMES: &[&str] =
    &["_netrc", "netrc", "npmrc", "pypirc", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa", "kubeconfig"];

/// Beginnings and ends of names, in lower case. `gha-creds-<random>.json` is what google-github-actions/auth writes.
const PARTS: &[(&str, &str)] = &[
    ("gha-creds-", ".json"),
    ("", ".env"),
    ("env.local", ""),
    ("", ".jks"),
    ("", ".kdbx"),
    ("", ".keystore"),
    ("", ".p12"),
    ("", ".pfx"),
    ("", ".ppk"),
];

/// Returns whether a file or directory with this name is hidden and often contains credentials.
pub(super) fn is_hidden_credential(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name.starts_with("env") || HIDDEN.contains(&name.as_str())
    })
}

/// Returns whether a file with this name, which need not be hidden, holds credentials.
pub(super) fn is_credential(name: &str) -> bool {
    let name = name.chars().map(lower).collect::<String>();
    let has_parts = |(start, end): &(&str, &str)| name.starts_with(start) && name.ends_with(end);
    NAMES.contains(&name.as_str()) || PARTS.iter().any(has_parts)
}
