//! The repository on GitHub that a Git remote leads to, and the token for it.
//!
//! The variables are those of the GitHub CLI; source: cli.github.com/manual, "gh help environment". A token for one host is never
//! sent to another.

use super::client::Client;
use super::release_store::ReleaseStore;
use crate::ci::error::ProviderError;
use crate::ci::provider::{Environment, FileStore, variable};
use crate::system::secret::Secret;

/// The host of the public service.
const PUBLIC: &str = "github.com";

/// The host for SSH where port 22 is blocked; source: docs.github.com, "Using SSH over the HTTPS port".
const SSH_OVER_HTTPS: &str = "ssh.github.com";

/// The end of hosts of GitHub Enterprise Cloud with data residency.
const TENANTS: &str = ".ghe.com";

/// The longest part of a URL in a message, in characters.
const MAX_SHOWN: usize = 100;

/// Variables with tokens for the public service and its tenants, and for other hosts; the first that is set is used.
const TOKENS: [&[&str]; 2] =
    [&["GH_TOKEN", "GITHUB_TOKEN"], &["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"]];

/// Returns the store of generated media in a release of the repository at the URL of a remote.
///
/// # Errors
/// Returns [`ProviderError::NotAService`] if the URL is not that of a repository on GitHub, and [`ProviderError::Event`] if a
/// variable has an API that is not a safe origin.
pub(in crate::ci) fn release_store(
    environment: &Environment<'_>,
    url: &str,
) -> Result<Box<dyn FileStore>, ProviderError> {
    Ok(Box::new(ReleaseStore::new(client(environment, url)?)))
}

fn client(environment: &Environment<'_>, url: &str) -> Result<Client, ProviderError> {
    let refused = |part: &str| ProviderError::NotAService(part.chars().take(MAX_SHOWN).collect());
    let Remote { host, repository } = parse(url).ok_or_else(|| refused("its URL is not supported"))?;
    let host = if host == SSH_OVER_HTTPS { PUBLIC.to_owned() } else { host };
    let is_public = host == PUBLIC || host.ends_with(TENANTS);
    // In a job, the service says where its API is, and its token is for this host.
    let server = variable(environment, "GITHUB_SERVER_URL")
        .filter(|server| authority(server).is_some_and(|known| known == host));
    let names = match (is_public, &server) {
        (true, _) => TOKENS[0].to_vec(),
        (false, Some(_)) => [TOKENS[1], TOKENS[0]].concat(),
        (false, None) if variable(environment, "GH_HOST").is_some_and(|known| known == host) => {
            TOKENS[1].to_vec()
        }
        (false, None) => return Err(refused(&host)),
    };
    let token = names.into_iter().find_map(|name| variable(environment, name));
    let token = token.and_then(|token| Secret::for_header(token.trim().to_owned()));
    let base = match variable(environment, "GITHUB_API_URL").filter(|_| server.is_some()) {
        Some(base) => base,
        None if is_public => format!("https://api.{host}"),
        None => format!("https://{host}/api/v3"),
    };
    let server = server.unwrap_or_else(|| format!("https://{host}"));
    Client::new(&base, &server, &repository, token)
}

/// A repository of a host.
#[derive(Debug, PartialEq, Eq)]
struct Remote {
    /// In lowercase, with the port of an HTTP URL.
    host: String,
    /// `owner/name`.
    repository: String,
}

/// Reads the URL of a remote, in one of the forms that Git takes: `https://host/o/r.git`, `ssh://git@host/o/r` and `git@host:o/r`.
fn parse(url: &str) -> Option<Remote> {
    let (host, path) = match url.split_once("://") {
        Some(("https" | "http", _)) => (authority(url)?, path(url)?),
        // The port is that of SSH.
        Some(("ssh", _)) => (authority(url)?.split(':').next()?.to_owned(), path(url)?),
        Some(_) => return None,
        None => {
            let (host, path) = url.split_once(':')?;
            (host.rsplit('@').next()?.to_ascii_lowercase(), path)
        }
    };
    let path = path.trim_matches('/');
    let (owner, name) = path.strip_suffix(".git").unwrap_or(path).split_once('/')?;
    let is_plain = |part: &str| {
        let is_kept = |one: char| one.is_ascii_alphanumeric() || "-_.".contains(one);
        !part.is_empty() && !part.starts_with('.') && part.chars().all(is_kept)
    };
    let is_valid = is_plain(owner) && is_plain(name) && !host.is_empty();
    is_valid.then(|| Remote { host, repository: format!("{owner}/{name}") })
}

/// Returns host and port of a URL, without user and password.
fn authority(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split('/').next()?;
    Some(authority.rsplit('@').next()?.to_ascii_lowercase())
}

/// Returns what follows the host of a URL.
fn path(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split_once('/').map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_urls_of_remotes_lead_to_repositories() {
        for url in [
            "https://github.com/o/r",
            "https://github.com/o/r.git",
            "https://user:hunter2@GitHub.com/o/r.git/",
            "git@github.com:o/r.git",
            "github.com:o/r",
            "ssh://git@github.com/o/r.git",
            "ssh://git@github.com:22/o/r",
        ] {
            let expected = Remote { host: "github.com".to_owned(), repository: "o/r".to_owned() };
            assert_eq!(parse(url), Some(expected), "{url}");
        }
        for url in [
            "",
            "/srv/r.git",
            "file:///srv/r.git",
            "https://github.com",
            "https://github.com/o",
            "git@github.com:r",
        ] {
            assert_eq!(parse(url), None, "{url}");
        }
        for url in
            ["https://github.com/o/r/pulls", "https://github.com/o/..", "git@github.com:o/r?x", "C:\\a\\b"]
        {
            assert_eq!(parse(url), None, "{url}");
        }
    }

    /// The addresses and the token of the store for a remote.
    fn store(variables: &[(&str, &str)], url: &str) -> Result<(String, bool), String> {
        let environment = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let client = client(&environment, url).map_err(|error| error.to_string())?;
        let token = ["public", "enterprise"].into_iter().find(|start| client.api.token_starts_with(start));
        Ok((
            format!("{} {} {}", client.api.base(), client.web, token.unwrap_or("none")),
            client.api.has_token(),
        ))
    }

    #[test]
    fn a_token_goes_to_its_own_host_only() {
        let tokens = [("GITHUB_TOKEN", "public-1"), ("GH_ENTERPRISE_TOKEN", "enterprise-1")];
        let of = |variables: &[(&str, &str)], url| {
            store(&[&tokens[..], variables].concat(), url).map(|(text, _)| text)
        };
        let public = "https://api.github.com https://github.com/o/r public";
        assert_eq!(of(&[], "git@github.com:o/r.git").as_deref(), Ok(public));
        assert_eq!(of(&[("GH_HOST", "ghe.example")], "https://ssh.github.com/o/r").as_deref(), Ok(public));
        let tenant = "https://api.acme.ghe.com https://acme.ghe.com/o/r public";
        assert_eq!(of(&[], "https://acme.ghe.com/o/r").as_deref(), Ok(tenant));
        let own = "https://ghe.example/api/v3 https://ghe.example/o/r enterprise";
        assert_eq!(of(&[("GH_HOST", "ghe.example")], "git@ghe.example:o/r").as_deref(), Ok(own));
        let job =
            [("GITHUB_SERVER_URL", "https://ghe.example"), ("GITHUB_API_URL", "https://ghe.example/api/v3")];
        assert_eq!(of(&job, "https://ghe.example/o/r").as_deref(), Ok(own));
        // The job of an Enterprise server, and a remote on the public one.
        assert_eq!(of(&job, "https://github.com/o/r").as_deref(), Ok(public));
        for url in ["https://evil.example/o/r", "https://github.com.evil.example/o/r", "git@gitlab.com:o/r"] {
            let error = of(&[("GH_HOST", "ghe.example")], url).expect_err("another host");
            assert!(error.starts_with("the remote is not a repository on GitHub: "), "{error}");
        }
        let none = store(&[("GH_ENTERPRISE_TOKEN", "enterprise-1")], "https://github.com/o/r");
        assert_eq!(none.map(|(_, has_token)| has_token), Ok(false));
    }
}
