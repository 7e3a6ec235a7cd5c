//! Options of renders in a container.

use std::str::FromStr;

use hyperframes_ci_core::options::UnknownValue;

use crate::system::sandbox::Network;

/// Options of renders in a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DockerOptions {
    /// The image: `NAME@sha256:DIGEST`, or the ID of an image of this machine.
    pub(crate) image: Option<String>,
    /// The program that runs containers; the first one that is installed if absent.
    pub(crate) program: Option<ContainerProgram>,
    /// What pages reach; nothing if absent.
    pub(crate) network: Option<Network>,
}

/// A program that runs containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerProgram {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

impl ContainerProgram {
    /// All of them; the first one that is installed is used.
    pub(super) const ALL: [Self; 2] = [Self::Docker, Self::Podman];

    /// The names.
    pub(crate) const NAMES: &[&str] = &["docker", "podman"];

    /// Returns the name of the program.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

impl FromStr for ContainerProgram {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        let known = Self::ALL.into_iter().find(|program| program.as_str() == text);
        known.ok_or_else(|| UnknownValue { given: text.to_owned(), allowed: Self::NAMES })
    }
}

/// Validates an image: it must be named by a digest, so that every machine renders with the same programs and fonts.
///
/// # Errors
/// Returns the end of a sentence if it is not.
pub(crate) fn image(text: &str) -> Result<String, String> {
    let (name, digest) = match text.rsplit_once('@') {
        Some((name, digest)) => (Some(name), digest),
        None => (None, text),
    };
    let is_digest = digest.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    });
    let is_name = name.is_none_or(|name| {
        name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte))
    });
    if is_digest && is_name {
        Ok(text.to_owned())
    } else {
        Err("must be an image with its digest, such as NAME@sha256:…, or the ID of an image".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_named_by_digests() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for good in
            [digest.clone(), format!("registry.example:5000/a/b-c@{digest}"), format!("a:v1@{digest}")]
        {
            assert_eq!(image(&good).as_ref(), Ok(&good));
        }
        for bad in
            ["a", "a:latest", "a@sha256:0a", "sha256:", "", &format!("-v@{digest}"), &format!("a b@{digest}")]
        {
            assert!(image(bad).is_err(), "{bad}");
        }
    }
}
