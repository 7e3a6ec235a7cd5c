//! install.ps1, on Windows.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use super::sandbox::{expect_version, printed, scratch};
use super::server::{Reply, Routes, Server};
use crate::dist::project::VERSION;
use crate::dist::target::Target;

pub(super) fn test(dist: &Path) -> Result<()> {
    let host = Target::host()?;
    let zip = host.zip().context("no zip for this platform")?;
    let server = Server::start(|_| {
        let bytes = fs::read(dist.join(&zip))?;
        let sums = fs::read(dist.join("SHA256SUMS"))?;
        let mut routes = Routes::new();
        for (version, archive) in [(VERSION, bytes.clone()), ("9.0.1", bytes[..bytes.len() / 2].to_vec())] {
            routes.insert(format!("/v{version}/SHA256SUMS"), Reply::Whole(sums.clone()));
            routes.insert(format!("/v{version}/{zip}"), Reply::Whole(archive));
        }
        Ok(routes)
    })?;
    let folder = scratch("install")?;
    let run = |to: &str, arguments: &[&str]| -> Result<Output> {
        let mut command = Command::new("powershell");
        command.args(["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"]);
        command.arg(dist.join("install.ps1")).arg("-To").arg(folder.join(to)).args(arguments);
        Ok(command.env("HYPERFRAMES_CI_DOWNLOAD_URL", server.url()).output()?)
    };
    let output = run("my bin", &[])?;
    ensure!(output.status.success(), "{}", printed(&output));
    expect_version(&folder.join("my bin/hyperframes-ci.exe"))?;
    for (version, message) in [("9.0.1", "checksum mismatch"), ("9.0.7", "cannot download")] {
        let output = run("refused", &["-Version", version])?;
        ensure!(!output.status.success() && printed(&output).contains(message), "{}", printed(&output));
        ensure!(!folder.join("refused").exists(), "{version} was installed");
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}
