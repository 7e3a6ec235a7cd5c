//! The npm package: built and packed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::command::{root, succeed};
use crate::dist::target::TARGETS;
use crate::provision::{self, cache, npm_tool};
use crate::wasm;

/// The versions of Node that the package promises to run on.
pub(crate) const NODES: &[&str] = &["20.20.2", "22.23.3"];

/// The version of the official packages that the checks follow.
const OFFICIAL: &str = "0.8.64";

/// The version of esbuild, which writes the bundle for `require`.
pub(crate) const ESBUILD: &str = "0.28.2";

/// The dependency of the package.
pub(crate) const SMOL_TOML: &str = "smol-toml@1.4.2";

/// Builds the package and returns its directory.
pub(crate) fn package() -> Result<PathBuf> {
    let folder = root().join("target/wasm/package");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    wasm::module(&folder)?;
    for entry in fs::read_dir(root().join("wasm/npm"))? {
        let entry = entry?;
        fs::copy(entry.path(), folder.join(entry.file_name()))?;
    }
    fs::copy(root().join("docs/hyperframes-ci.schema.json"), folder.join("hyperframes-ci.schema.json"))?;
    // The programs that the command prefers are those of the same release.
    let version = env!("CARGO_PKG_VERSION");
    let text = fs::read_to_string(folder.join("package.json"))?;
    let mut manifest = serde_json::from_str::<Map<String, Value>>(&text)?;
    ensure!(manifest["version"] == version, "wasm/npm/package.json must have the version {version}");
    let programs = TARGETS.iter().map(|target| (target.npm_package(), json!(version)));
    manifest.insert("optionalDependencies".to_owned(), Value::Object(programs.collect()));
    fs::write(folder.join("package.json"), serde_json::to_string_pretty(&manifest)? + "\n")?;
    inline(&folder)?;
    fs::copy(folder.join("index.d.ts"), folder.join("index.d.cts"))?;
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root().join(license), folder.join(license))?;
    }
    Ok(folder)
}

/// Writes the module as a script, and a bundle with it for `require`.
fn inline(folder: &Path) -> Result<()> {
    let module = STANDARD.encode(fs::read(folder.join("wasm_bg.wasm"))?);
    let script = format!(
        "// The bytes of wasm_bg.wasm.\nconst BASE64 =\n  \"{module}\";\n\nexport function bytes() {{\n  \
         return Uint8Array.from(atob(BASE64), (letter) => letter.charCodeAt(0));\n}}\n"
    );
    fs::write(folder.join("bytes.js"), script)?;
    let esbuild = npm_tool("esbuild", ESBUILD, "bin/esbuild")?;
    let mut bundle = Command::new("node");
    bundle.arg(esbuild).args(["inline.js", "--bundle", "--format=cjs", "--platform=neutral"]);
    bundle.args(["--log-level=warning", "--outfile=inline.cjs"]);
    succeed(bundle.current_dir(folder))
}

/// Packs the package as it would be published, once, and returns the archive.
pub(crate) fn pack() -> Result<PathBuf> {
    static PACKED: OnceLock<PathBuf> = OnceLock::new();
    if let Some(archive) = PACKED.get() {
        return Ok(archive.clone());
    }
    let folder = package()?;
    let output = Command::new("npm").args(["pack", "--silent"]).current_dir(&folder).output()?;
    ensure!(output.status.success(), "npm pack failed: {}", String::from_utf8_lossy(&output.stderr));
    let archive = folder.join(String::from_utf8(output.stdout)?.trim());
    Ok(PACKED.get_or_init(|| archive).clone())
}

/// Node at a fixed version.
pub(crate) fn node(version: &str) -> Result<PathBuf> {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win",
        other => other,
    };
    let machine = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x64" };
    let program = format!("bin/node{}", std::env::consts::EXE_SUFFIX);
    npm_tool(&format!("node-{system}-{machine}"), version, &program)
}

/// Returns a directory with the official packages that validate values. They are installed without their dependencies,
/// which are large and not needed.
pub(crate) fn official() -> Result<PathBuf> {
    let folder = cache()?.join("tools").join(format!("hyperframes-core-{OFFICIAL}"));
    let done = folder.join("done");
    if !done.is_file() {
        let _ = fs::remove_dir_all(&folder);
        let scope = folder.join("node_modules/@hyperframes");
        fs::create_dir_all(&scope)?;
        fs::write(folder.join("package.json"), "{ \"private\": true }")?;
        let npm = |arguments: &[&str]| {
            let mut command = Command::new("npm");
            succeed(
                command.args(arguments).arg("--loglevel=error").current_dir(&folder).stdout(Stdio::null()),
            )
            .with_context(|| provision::Missing::new(&["@hyperframes/core"], "npm cannot fetch it"))
        };
        npm(&["install", "--ignore-scripts", "--no-audit", "--no-fund", "acorn@8", "acorn-walk@8"])?;
        for name in ["core", "parsers"] {
            npm(&["pack", &format!("@hyperframes/{name}@{OFFICIAL}")])?;
            let into = scope.join(name);
            fs::create_dir_all(&into)?;
            let archive = folder.join(format!("hyperframes-{name}-{OFFICIAL}.tgz"));
            succeed(
                Command::new("tar").arg("-xzf").arg(archive).args(["--strip-components=1", "-C"]).arg(into),
            )?;
        }
        fs::write(done, "")?;
    }
    Ok(folder.join("node_modules/@hyperframes"))
}
