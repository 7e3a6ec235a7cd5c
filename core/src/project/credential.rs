//! Files that hold credentials, such as those that earlier steps of a job leave in a workspace. They are never packed.
//!
//! A file is recognised by its name or by its first bytes. Pages, style sheets, scripts and media are not examined: they are
//! parts of the video.

use super::credential_name::is_credential;
use super::reference::TextKind;
use super::tree::HEAD;
use crate::findings::{Diagnostic, Rule};

/// Extensions of media and fonts, which have no credentials in their first bytes.
const MEDIA: &[&str] = &[
    "aac", "apng", "avif", "eot", "flac", "gif", "ico", "jpeg", "jpg", "m4a", "m4v", "mkv", "mov", "mp3",
    "mp4", "oga", "ogg", "ogv", "opus", "otf", "png", "srt", "svg", "ttf", "vtt", "wasm", "wav", "webm",
    "webp", "woff", "woff2",
];

/// Texts that only credentials have.
const MARKS: &[(&str, &str)] = &[
    ("PRIVATE KEY-----", "a private key"),
    ("\"private_key\"", "a private key"),
    ("PuTTY-User-Key-File-", "a private key"),
    ("\"service_account\"", "a service account of Google Cloud"),
    ("\"external_account\"", "a credential of Google Cloud"),
    ("\"authorized_user\"", "a credential of Google Cloud"),
    ("aws_secret_access_key", "a credential of AWS"),
    ("\"auths\"", "credentials of a container registry"),
    ("_authToken", "a token of a package registry"),
];

/// The beginnings of tokens, and the number of characters that follow at least; sources: the documentation of GitHub,
/// GitLab, npm, PyPI, Slack, Stripe, Anthropic, AWS and HeyGen.
const TOKENS: &[(&str, usize)] = &[
    ("ghp_", 36),
    ("gho_", 36),
    ("ghu_", 36),
    ("ghs_", 36),
    ("ghr_", 36),
    ("github_pat_", 22),
    ("glpat-", 20),
    ("npm_", 36),
    ("pypi-", 50),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("sk_live_", 24),
    ("rk_live_", 24),
    ("sk-ant-", 24),
    ("sk_V2_", 20),
    ("AKIA", 16),
    ("ASIA", 16),
];

/// Returns a finding if the file at a project path holds a credential. `head` reads its first [`HEAD`] bytes, and is only
/// called if the name does not decide.
#[must_use]
pub fn credential(path: &str, head: impl FnOnce() -> Option<Vec<u8>>) -> Option<Diagnostic> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let what = if is_credential(name) {
        "a file with credentials"
    } else if is_examined(name) {
        by_content(&head()?)?
    } else {
        return None;
    };
    let help =
        "delete it, or move it out of the project; if a step of the job has written it, write it elsewhere";
    let message = format!("the file is not packed: it looks like {what}");
    Some(Diagnostic::new(Rule::CredentialFile, path, message).help(help))
}

fn is_examined(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    TextKind::of_path(name).is_none() && !MEDIA.iter().any(|media| extension.eq_ignore_ascii_case(media))
}

fn by_content(head: &[u8]) -> Option<&'static str> {
    let head = &head[..head.len().min(HEAD)];
    let has = |mark: &str| head.windows(mark.len()).any(|bytes| bytes == mark.as_bytes());
    let found = MARKS.iter().find(|(mark, _)| has(mark)).map(|(_, what)| *what);
    found.or_else(|| {
        TOKENS.iter().any(|(start, length)| has_token(head, start, *length)).then_some("an access token")
    })
}

/// Returns whether a token starts in the text, and not in the middle of a word.
fn has_token(head: &[u8], start: &str, length: usize) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    let starts = (0..head.len()).filter(|place| head[*place..].starts_with(start.as_bytes()));
    starts.filter(|place| *place == 0 || !is_token(&head[place - 1])).any(|place| {
        let rest = &head[place + start.len()..];
        // Cut off at the end of what is read.
        let known = rest.iter().take_while(|byte| is_token(byte)).count();
        known >= length || (known == rest.len() && head.len() == HEAD && known > 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(path: &str, text: &str) -> bool {
        credential(path, || Some(text.as_bytes().to_vec())).is_some()
    }

    #[test]
    fn credentials_are_known_by_name_or_first_bytes() {
        for path in ["gha-creds-0123456789abcdef.json", "a/prod.env", "ID_RSA", "key.P12", "netrc"] {
            assert!(is_found(path, ""), "{path}");
        }
        let token = format!("token = \"ghp_{}\"", "a1".repeat(18));
        for (path, text) in [
            ("deploy", "-----BEGIN OPENSSH PRIVATE KEY-----\n"),
            ("a.pem", "-----BEGIN PRIVATE KEY-----\n"),
            ("sa.json", "{\n  \"type\": \"service_account\","),
            ("config.json", "{\"auths\": {\"ghcr.io\": {}}}"),
            ("notes.txt", &token),
            ("aws.ini", "[default]\naws_secret_access_key = x"),
        ] {
            assert!(is_found(path, text), "{path}");
        }
    }

    #[test]
    fn parts_of_a_video_are_packed() {
        for (path, text) in [
            ("index.html", "-----BEGIN PRIVATE KEY-----"),
            ("data.json", "{\"title\": \"ghp_ is a prefix\"}"),
            ("cert.pem", "-----BEGIN CERTIFICATE-----\n"),
            ("environment.json", "{}"),
            ("env.js", "let a = 1"),
            ("AKIA.txt", "AKIA is not a key"),
            ("logo.png", "\u{89}PNG"),
        ] {
            assert!(!is_found(path, text), "{path}");
        }
    }
}
