//! Runs the binary, and the files that no page may read.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::process::Stdio;

use hyperframes_ci_core::findings::Rule;

use super::setup::Setup;

/// Files outside of every project.
pub(crate) struct Secrets {
    folder: PathBuf,
}

impl Secrets {
    pub(crate) fn write(folder: &Path) -> Self {
        let folder = folder.to_owned();
        for (name, text) in [
            ("canary.txt", "canary"),
            ("canary.js", "window.canary = 1"),
            ("canary.css", "p { color: red }"),
            ("canary.html", "<template><div data-composition-id=c>canary</div></template>"),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "color=white:s=64x64:d=2:r=30",
            "-pix_fmt",
            "yuv420p",
        ]);
        assert!(ffmpeg.arg(folder.join("canary.mp4")).status().unwrap().success());
        Self { folder }
    }

    /// The absolute path of a file, with `/`.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().replace('\\', "/")
    }

    /// A path that leads to a file from every project.
    pub(crate) fn climb(&self, name: &str) -> String {
        format!("{}{}", "../".repeat(16), self.path(name).trim_start_matches('/'))
    }
}

/// Renders `project` to `v.mp4` in `folder`, with every finding of the checks allowed; returns the exit code and what was
/// printed.
pub(crate) fn render(project: &Path, folder: &Path, setup: &Setup, arguments: &[&str]) -> (i32, String) {
    let allowed = Rule::ALL.iter().map(|rule| rule.code()).collect::<Vec<_>>().join(",");
    let mut command = setup.command(folder);
    let output = command
        .args(["render", "--renderer", "local", "--quality", "draft", "--json", "--allow", &allowed])
        .args(setup.is_off.then_some("--allow-unsandboxed"))
        .arg("-o")
        .arg(folder.join("v.mp4"))
        .args(arguments)
        .arg(project)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

/// A page with a root element.
pub(crate) fn page(content: &str) -> String {
    format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><style>body{{margin:0;background:#000}}</style></head>\
         <body><div data-composition-id=\"main\" data-width=\"640\" data-height=\"360\" data-start=\"0\" data-duration=\"1\" data-no-timeline \
         style=\"position:relative;width:640px;height:360px;background:#000\">{content}</div></body></html>"
    )
}
