//! The store of generated media in a release: files that are named by their contents, attached to the release of one tag. What is
//! read from it is verified by whoever asked for it.
//!
//! With a token, the API lists and sends the files. Without one, the files of a public repository are read from its web pages, which
//! have no rate limit worth mentioning.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::path::Path;

use hyperframes_ci_core::generated::{STORE_TAG, is_stored_name};
use hyperframes_ci_core::report::plain;
use serde_json::{Value, json};

use super::client::Client;
use super::release::{assets, attach_to, is_complete, is_immutable};
use crate::ci::error::ProviderError;
use crate::ci::provider::{FileStore, Media};
use crate::ci::rest::{Body, Rest};
use crate::system::abort::abort_at;

/// The media type of the bytes of a file; source: docs.github.com, "Get a release asset".
const BYTES: &str = "application/octet-stream";

/// The name of the release.
const TITLE: &str = "Generated media";

/// The notes of the release.
const NOTES: &str = "Files of `hyperframes-ci media`, named by their SHA-256. Do not edit: hyperframes-ci.lock refers to them.";

/// The store in a release of a repository.
pub(super) struct ReleaseStore<C> {
    client: C,
    /// The release with its files, once it is known; `None` if it does not exist.
    known: RefCell<Option<Option<Known>>>,
}

/// A release and its files, as the API describes them.
struct Known {
    release: Value,
    files: Vec<Value>,
}

impl<C: Borrow<Client>> ReleaseStore<C> {
    /// Returns the store of the repository of a client.
    pub(super) fn new(client: C) -> Self {
        Self { client, known: RefCell::default() }
    }

    fn client(&self) -> &Client {
        self.client.borrow()
    }

    /// Reads the release and its files, unless they are known.
    fn load(&self) -> Result<(), ProviderError> {
        if self.known.borrow().is_none() {
            let read = self.read()?;
            self.known.replace(Some(read));
        }
        Ok(())
    }

    fn read(&self) -> Result<Option<Known>, ProviderError> {
        let client = self.client();
        let response = client.call("GET", &format!("/releases/tags/{STORE_TAG}"), &Body::None)?;
        if response.status == 404 {
            // That is the status of a repository that the token may not read as well.
            client.get("", "the repository")?;
            // A second release of the tag would hide the files of the draft.
            let releases = client.list("/releases?per_page=100", "the releases")?;
            return match releases.iter().any(|release| release["tag_name"] == STORE_TAG) {
                true => Err(ProviderError::NotFound(
                    format!("the release of the tag {STORE_TAG} is a draft, whose files cannot be fetched"),
                    "publish it again as a prerelease",
                )),
                false => Ok(None),
            };
        }
        let release = response.ok("the release of generated media")?;
        let files = assets(client, &release)?;
        Ok(Some(Known { release, files }))
    }

    /// Returns the file of a name whose upload was completed.
    fn find(&self, name: &str) -> Result<Option<Value>, ProviderError> {
        self.load()?;
        let known = self.known.borrow();
        let found = known.iter().flatten().flat_map(|known| &known.files).find(|asset| asset["name"] == name);
        Ok(found.filter(|asset| asset["state"] == "uploaded").cloned())
    }

    /// Creates the release, unless another job has. It is a prerelease, so that it is never the latest one.
    fn create(&self) -> Result<Known, ProviderError> {
        let body = json!({ "tag_name": STORE_TAG, "name": TITLE, "body": NOTES, "draft": false,
            "prerelease": true, "make_latest": "false" });
        let response = self.client().call("POST", "/releases", &Body::Json(&body))?;
        if !response.is_already_there() {
            return Ok(Known { release: response.ok("the release of generated media")?, files: Vec::new() });
        }
        let missing = || ProviderError::Failed(format!("the release of the tag {STORE_TAG} was not found"));
        self.read()?.ok_or_else(missing)
    }

    fn attach(&self, files: &[Media]) -> Result<(), ProviderError> {
        self.load()?;
        // It is out of date after this.
        let Known { release, files: known } = match self.known.take().flatten() {
            Some(known) => known,
            None => self.create()?,
        };
        let immutable = || {
            ProviderError::Immutable(
                format!("the release of the tag {STORE_TAG} is immutable: media cannot be attached to it"),
                "turn off the immutability of releases in the settings of the repository and delete this release, or keep the files with store = \"branch\"",
            )
        };
        abort_at("released");
        if let Some(reason) = foreign(&release, &known) {
            return Err(ProviderError::Foreign(
                format!("the release of the tag {STORE_TAG} is not a store of generated media: {reason}"),
                "nothing was changed; give that release another tag, or keep the files with store = \"branch\"",
            ));
        }
        if is_immutable(&release) {
            return Err(immutable());
        }
        attach_to(self.client(), &release, &known, files, immutable).map(|_| ())
    }
}

/// Returns why a release is not one that this program has made: nothing is added to one of somebody else, and nothing deleted.
fn foreign(release: &Value, files: &[Value]) -> Option<String> {
    if release["prerelease"] != true {
        return Some("it is not a prerelease".to_owned());
    }
    let names = files.iter().filter_map(|file| file["name"].as_str());
    let other = names.into_iter().find(|name| !is_stored_name(name))?;
    Some(format!("it has the file {}", plain(other)))
}

impl<C: Borrow<Client>> FileStore for ReleaseStore<C> {
    fn has(&self, name: &str) -> Result<bool, ProviderError> {
        self.client().require_token()?;
        let sha256 = name.split('.').next().unwrap_or_default();
        Ok(self.find(name)?.is_some_and(|asset| is_complete(&asset, sha256)))
    }

    fn download(&self, name: &str, limit: u64, path: &Path) -> Result<bool, ProviderError> {
        let client = self.client();
        if client.api.has_token() {
            let Some(asset) = self.find(name)? else { return Ok(false) };
            let address = format!("{}/releases/assets/{}", client.path, asset["id"]);
            return Ok(client.api.download_at_most(&address, Some(BYTES), limit, path)?.is_some());
        }
        let web = Rest::new(&client.web, None, ("authorization", "Bearer "), &[])?;
        let address = format!("/releases/download/{STORE_TAG}/{name}");
        if web.download_at_most(&address, None, limit, path)?.is_some() {
            return Ok(true);
        }
        match client.call("GET", "", &Body::None)?.status {
            404 => Err(ProviderError::Forbidden(
                "the repository cannot be read without a token; set GH_TOKEN or GITHUB_TOKEN".to_owned(),
            )),
            _ => Ok(false),
        }
    }

    fn add(&self, files: &[Media]) -> Result<(), ProviderError> {
        self.client().require_token()?;
        self.attach(files).map_err(|error| match error {
            ProviderError::Forbidden(message) => {
                ProviderError::Forbidden(format!("files of the release require contents: write: {message}"))
            }
            error => error,
        })
    }
}
