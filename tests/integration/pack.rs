//! Archives: equal for equal trees, and nothing in them that is not the repository's.

use std::path::Path;

use crate::support::{html, names, project, run_in, write};

fn digest(folder: &Path) -> (String, String) {
    let archive = run_in(folder, &["pack", "--json"]).ok().json()["archive"].clone();
    let text = |name: &str| archive[name].as_str().unwrap().to_owned();
    (text("digest"), text("sha256"))
}

#[test]
fn equal_trees_give_equal_bytes() {
    let (one, two) = (project(), project());
    let files = ["b.css", "a/z.txt", "a/é.txt", "Z.txt", "图/x.svg", "with space.js"];
    for file in files {
        write(one.path(), file, file);
    }
    for file in files.iter().rev() {
        write(two.path(), file, file);
    }
    // Another time, other permissions, a folder that is empty, a file that is ignored.
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let file = std::fs::File::options().write(true).open(two.path().join("b.css")).unwrap();
    file.set_modified(old).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::create_dir(two.path().join("empty")).unwrap();
    write(two.path(), ".env", "SECRET=1");
    assert_eq!(digest(one.path()), digest(two.path()));
    write(two.path(), "b.css", "other");
    assert_ne!(digest(one.path()).0, digest(two.path()).0);
}

#[test]
fn the_archive_is_written_with_a_list() {
    let folder = project();
    write(folder.path(), "a.css", "x{}");
    let ran = run_in(folder.path(), &["pack", "-o", "dist/p.zip", "--list", "--json"]).ok().json();
    let files = ran["archive"]["files"].as_array().unwrap();
    assert_eq!(
        files.iter().map(|file| file["path"].as_str().unwrap()).collect::<Vec<_>>(),
        ["a.css", "index.html"]
    );
    assert_eq!(files[0]["size_bytes"], 3);
    let size = std::fs::metadata(folder.path().join("dist/p.zip")).unwrap().len();
    assert_eq!(ran["archive"]["size_bytes"].as_u64(), Some(size));
    assert_eq!(names(&folder.path().join("dist")), ["p.zip"]);
}

fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "repo/.git/config", "");
    write(folder.path(), "outside/secret.txt", "secret");
    write(folder.path(), "repo/shared/logo.svg", "<svg/>");
    write(
        folder.path(),
        "repo/shared/theme.css",
        "a{background:url('../fonts/x.woff2')} b{background:url(logo.svg?v=1)}",
    );
    write(folder.path(), "repo/fonts/x.woff2", "wOF2");
    write(folder.path(), "repo/.env", "SECRET=1");
    folder
}

fn unzipped(archive: &Path, name: &str) -> String {
    use std::io::Read;
    let mut archive = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn files_of_the_repository_are_carried_along() {
    let folder = repository();
    let inside = "<link rel=stylesheet href=\"../../shared/theme.css\"><img src='../../shared/logo.svg#x'>\
                  <p style=\"background: url(&quot;../../shared/logo.svg&quot;)\">Gr&uuml;&szlig;e</p>";
    let source = html(1280, 720, inside);
    write(folder.path(), "repo/videos/launch/index.html", &source);
    let project = folder.path().join("repo/videos/launch");
    let ran = run_in(&project, &["pack", "-o", "p.zip", "--list", "--json"]).ok().json();
    let paths = ran["archive"]["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
    assert_eq!(
        paths.collect::<Vec<_>>(),
        ["_ext/fonts/x.woff2", "_ext/shared/logo.svg", "_ext/shared/theme.css", "index.html"]
    );
    let packed = unzipped(&project.join("p.zip"), "index.html");
    let expected = source
        .replace("../../shared/theme.css", "_ext/shared/theme.css")
        .replace("../../shared/logo.svg", "_ext/shared/logo.svg");
    assert_eq!(packed, expected, "only the references change");
    let theme = unzipped(&project.join("p.zip"), "_ext/shared/theme.css");
    assert_eq!(theme, "a{background:url('../fonts/x.woff2')} b{background:url(logo.svg?v=1)}");
}

#[test]
fn references_out_of_the_repository_are_refused_with_their_place() {
    for (reference, code) in [
        ("../../../outside/secret.txt", "escaping-reference"),
        ("..\\..\\..\\outside\\secret.txt", "escaping-reference"),
        ("%2e%2e/%2e%2e/%2e%2e/outside/secret.txt", "escaping-reference"),
        ("../../.env", "escaping-reference"),
        ("../../.git/config", "escaping-reference"),
        ("file:///etc/passwd", "local-file-url"),
    ] {
        let folder = repository();
        write(
            folder.path(),
            "repo/videos/launch/index.html",
            &html(1280, 720, &format!("\n  <img src='{reference}'>")),
        );
        let ran = run_in(&folder.path().join("repo/videos/launch"), &["pack", "--json", "-o", "p.zip"]);
        assert_eq!(ran.code, 5, "{reference}: {ran:?}");
        let found = ran.error()["diagnostics"][0].clone();
        assert_eq!(found["code"], code, "{reference}");
        assert_eq!(
            (&found["path"], &found["position"]["line"]),
            (&"index.html".into(), &2.into()),
            "{reference}"
        );
        assert!(!folder.path().join("repo/videos/launch/p.zip").exists());
    }
}

#[cfg(unix)]
#[test]
fn links_out_of_the_repository_are_refused() {
    use std::os::unix::fs::symlink;
    let folder = repository();
    let project = folder.path().join("repo/videos/launch");
    write(&project, "index.html", &html(1280, 720, "<img src='../../shared/way-out.svg'>"));
    symlink("../../outside/secret.txt", folder.path().join("repo/shared/way-out.svg")).unwrap();
    let ran = run_in(&project, &["pack", "--json"]);
    assert_eq!((ran.code, ran.error()["diagnostics"][0]["code"].as_str()), (5, Some("escaping-reference")));
    write(&project, "index.html", &html(1280, 720, ""));
    symlink("../../../outside", project.join("assets")).unwrap();
    let ran = run_in(&project, &["pack", "--json"]);
    assert_eq!((ran.code, ran.error()["diagnostics"][0]["code"].as_str()), (5, Some("escaping-link")));
}

#[test]
fn what_is_written_into_the_project_is_no_part_of_it() {
    let folder = project();
    let pack = |output: &str| {
        let ran = run_in(folder.path(), &["pack", "--json", "-o", output]).ok().json();
        ran["archive"]["digest"].as_str().unwrap().to_owned()
    };
    let first = pack("out.zip");
    assert_eq!(pack("out.zip"), first);
    let whole = folder.path().join("out.zip");
    for same in ["./out.zip", whole.to_str().unwrap()] {
        assert_eq!(pack(same), first, "{same}");
    }
    assert_ne!(pack("other.zip"), first, "the archive of another name is a file like any other");
    // A page that needs what would be overwritten is told so.
    write(folder.path(), "index.html", &html(1280, 720, "<img src=\"a.png\">"));
    write(folder.path(), "a.png", "x");
    let ran = run_in(folder.path(), &["pack", "--json", "-o", "a.png"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.contains("output files and rows files of the command are never packed"), "{ran:?}");
}

/// Linux says on which processors a process runs.
#[test]
#[cfg(target_os = "linux")]
fn the_bytes_do_not_depend_on_the_processors() {
    let folder = project();
    for number in 0..300 {
        let text = format!("const value_{number} = {number};\n").repeat(number * 7 + 1);
        write(folder.path(), &format!("scripts/s{number:03}.js"), &text);
    }
    std::fs::write(folder.path().join("large.bin"), vec![7; 9_000_000]).unwrap();
    let packed = |command: &mut std::process::Command| {
        let ran = crate::support::Ran::of(command.current_dir(folder.path())).ok();
        let digest = ran.json()["archive"]["sha256"].as_str().unwrap().to_owned();
        (digest, std::fs::read(folder.path().join("renders/p.zip")).unwrap())
    };
    let arguments = ["pack", "-o", "renders/p.zip", "--json"];
    let many = packed(crate::support::command().args(arguments));
    let mut one = std::process::Command::new("taskset");
    one.args(["-c", "0"]).arg(crate::support::command().get_program());
    let one = packed(one.args(arguments));
    assert!(many == one, "{} and {}", many.0, one.0);
}
