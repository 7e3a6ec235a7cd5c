//! What the official package makes must pass: a false error would block the first workflow of a new project.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::real::provisioned;
use crate::support::{Ran, clean, names, root, run_in, write};

/// Checks a project as `check` and as a render does; returns the errors.
fn errors(folder: &Path, project: &str) -> Vec<String> {
    let found = run_in(folder, &["check", "--json", project]).json();
    let errors = found["diagnostics"].as_array().unwrap().iter();
    let errors = errors.filter(|found| found["severity"] == "error").map(Value::to_string);
    let packed = run_in(folder, &["pack", project, "-o", "project.zip"]);
    errors.chain((packed.code != 0).then_some(packed.stderr)).collect()
}

#[test]
fn projects_of_the_official_command_have_no_errors() {
    let (node, script) = provisioned();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    for (name, recipe) in [
        ("a.mp4", "-f lavfi -i testsrc=s=64x64:r=10:d=2 -pix_fmt yuv420p"),
        ("a.mp3", "-f lavfi -i sine=d=2"),
    ] {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error"]).args(recipe.split_whitespace()).arg(folder.path().join(name));
        assert!(ffmpeg.status().unwrap().success());
    }
    // Other examples are downloaded.
    let makings: &[(&str, &[&str])] = &[
        ("blank", &["--example=blank"]),
        ("portrait", &["--example=blank", "--resolution=portrait"]),
        ("tailwind", &["--example=blank", "--tailwind"]),
        ("grain", &["--example=warm-grain"]),
        ("video", &["--example=blank", "--video=a.mp4", "--keep-original", "--skip-transcribe"]),
        ("grain-video", &["--example=warm-grain", "--video=a.mp4", "--keep-original", "--skip-transcribe"]),
        ("sound", &["--example=blank", "--audio=a.mp3", "--skip-transcribe"]),
    ];
    for (name, flags) in makings {
        let mut command = Command::new(&node);
        clean(&mut command);
        let silent =
            ["HYPERFRAMES_NO_UPDATE_CHECK", "HYPERFRAMES_NO_TELEMETRY", "HYPERFRAMES_SKIP_SKILLS", "CI"];
        command.envs(silent.map(|name| (name, "1"))).arg(&script).args(["init", name, "--non-interactive"]);
        let ran = Ran::from(command.args(*flags).current_dir(folder.path()).output().unwrap());
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
        assert_eq!(errors(folder.path(), name), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn templates_and_documents_of_the_official_package_have_no_errors() {
    let (_, script) = provisioned();
    let dist = script.ancestors().nth(2).unwrap().join("dist");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let templates = names(&dist.join("templates"));
    let mut checked = 0;
    for name in templates.iter().filter(|name| dist.join("templates").join(name).join("index.html").is_file())
    {
        copy(&dist.join("templates").join(name), &folder.path().join(name));
        assert_eq!(errors(folder.path(), name), Vec::<String>::new(), "{name}");
        checked += 1;
    }
    assert!(checked >= 3, "{templates:?}");
}

/// The examples of this repository are as good.
#[test]
fn examples_have_no_errors() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    copy(&root().join("examples"), folder.path());
    let examples = names(folder.path());
    for name in examples.iter().filter(|name| folder.path().join(name).join("index.html").is_file()) {
        assert_eq!(errors(folder.path(), name), Vec::<String>::new(), "{name}");
    }
}

/// A part that others mount uses the libraries and the duration of its host, although its document has its id as well.
#[test]
fn parts_are_checked_without_their_host() {
    let folder = tempfile::tempdir().unwrap();
    let part = "<!doctype html><html data-composition-id=\"part\"><body><template><div data-composition-id=\"part\"><p>Hi</p>\
                <script>gsap.set(\"p\", { x: 1 }); window.__timelines[\"part\"] = gsap.timeline({ paused: true })\
                .to(\"p\", { x: 2, repeat: -1 });</script></div></template></body></html>";
    write(folder.path(), "blocks/part.html", part);
    let ran = run_in(folder.path(), &["check", "blocks"]);
    assert_eq!((ran.code, ran.stdout.contains("error[")), (0, false), "{ran:?}");
    write(folder.path(), "blocks/whole.html", &part.replace("<template>", "").replace("</template>", ""));
    assert!(run_in(folder.path(), &["check", "blocks"]).stdout.contains("error[library-not-loaded]"));
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in names(from) {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(source, target).unwrap();
        }
    }
}
