//! `cargo xtask upstream`: what a newer release of the official package changes that concerns this project.
//!
//! Compared are commands and their flags, lint codes, paths of the API, the default ignore rules, and the types of
//! variables. All are read from the texts of the package; nothing of it runs.

mod package;
mod script;
mod surface;

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::command::{root, say};
use package::Release;
use surface::Surface;

/// Two releases, for the test.
const TESTED: [(&str, &str); 2] = [
    (
        "0.8.150",
        "sha512-XnT0rVgZqebsCmPoDUt7xiKVspQZYmQqxWkjPXR1LWSA4p+YdLiXe79PXb+7GwFqDPhFLkC/RDydOrYBWpCFrw==",
    ),
    (
        "0.8.170",
        "sha512-4In43ONNCEBNcDqLzS1VR/MVkiCMW7Wi0ZSXbv2rGijog4Xex8G6ZuY8Aekaqz7jhzVeA5iR9vv7Q3WdUNRajw==",
    ),
];

/// Compares the pinned release with the newest one, or two given ones, and prints the changes as Markdown. Prints a line
/// without a heading if there are none.
///
/// # Errors
/// Returns an error if the registry does not answer, or an archive does not have its hash.
pub(crate) fn compare(versions: &[&str]) -> Result<()> {
    let pinned = pinned()?;
    let (old, new) = match versions {
        [] => (pinned, Release::newest()?),
        [new] => (pinned, Release::named(new)?),
        [old, new, ..] => (Release::named(old)?, Release::named(new)?),
    };
    if old.version == new.version {
        say(&format!("hyperframes {} is pinned and the newest release", old.version));
        return Ok(());
    }
    say(&report(&old, &new)?);
    Ok(())
}

/// Returns the release that the lock file of the engine pins.
fn pinned() -> Result<Release> {
    let text = fs::read_to_string(root().join("src/engine/lock/package-lock.json"))?;
    let lock = serde_json::from_str::<Value>(&text)?;
    let package = &lock["packages"]["node_modules/hyperframes"];
    let member = |name: &str| package[name].as_str().with_context(|| format!("no {name} in the lock file"));
    Ok(Release { version: member("version")?.to_owned(), integrity: member("integrity")?.to_owned() })
}

fn report(old: &Release, new: &Release) -> Result<String> {
    let (before, after) = (surface(old)?, surface(new)?);
    let changes = before.changes(&after);
    if changes.is_empty() {
        return Ok(format!(
            "hyperframes {}: no change to {} that concerns this project",
            new.version, old.version
        ));
    }
    Ok(format!("## hyperframes {}\n\nChanges since {}:\n{changes}", new.version, old.version))
}

fn surface(release: &Release) -> Result<Surface> {
    let surface = Surface::of(&release.scripts()?);
    let missing = surface.missing();
    ensure!(
        missing.is_empty(),
        "hyperframes {}: cannot find {}; adapt xtask/src/upstream/surface.rs",
        release.version,
        missing.join(", ")
    );
    Ok(surface)
}

/// Compares two pinned releases, and checks what is known about them.
///
/// # Errors
/// Returns an error if a release cannot be loaded, or the comparison is wrong.
pub(crate) fn test() -> Result<()> {
    let [old, new] = TESTED
        .map(|(version, integrity)| Release { version: version.to_owned(), integrity: integrity.to_owned() });
    let surface = surface(&new)?;
    for (kind, name) in [
        ("command", "lint"),
        ("flag", "lint --json"),
        ("flag", "render --quality"),
        ("lint code", "self_closing_media_tag"),
        ("lint code", "missing_gsap_script"),
        ("API path", "/v3/hyperframes/renders"),
        ("API path", "/v3/assets/{}/complete"),
        ("default ignore rule", "/renders/"),
        ("default ignore rule", "node_modules"),
        ("variable type", "image"),
    ] {
        ensure!(surface.has(kind, name), "no {kind} {name}");
    }
    ensure!(surface.changes(&surface).is_empty(), "a release differs from itself");
    let report = report(&old, &new)?;
    ensure!(report.starts_with("## hyperframes 0.8.170\n"), "{report}");
    ensure!(report.contains("### New lint codes\n\n- `"), "{report}");
    let damaged = Release { integrity: old.integrity.clone(), ..new };
    ensure!(damaged.scripts().is_err(), "an archive with another hash was accepted");
    Ok(())
}
