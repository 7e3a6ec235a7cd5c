//! Spellings, links and special files: which of them are the same file, and which are refused.

use std::fs;

use super::*;

/// The first bytes of a video.
const VIDEO: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0";

/// A folder `work` with a place `out` in it, and a folder beside `work`.
struct World {
    folder: tempfile::TempDir,
    place: OutputPlace,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["work/out/deep", "elsewhere"] {
            fs::create_dir_all(folder.path().join(name)).expect("folders");
        }
        let place =
            OutputPlace::below(&folder.path().join("work/out"), "out", &Reach::anywhere()).expect("a place");
        Self { folder, place }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("work").join(path)
    }

    fn check(&self, path: &str) -> Result<OutputTarget, OutputRefusal> {
        self.place.check(&self.path(path), Format::Mp4, &mut ResolvedFolders::default())
    }

    /// The reason against a path, without its details.
    fn refusal(&self, path: &str) -> String {
        let refusal = self.check(path).map(|target| target.path).expect_err(path);
        format!("{refusal:?}").split('(').next().unwrap_or_default().to_owned()
    }

    #[cfg(unix)]
    fn link(&self, target: &str, link: &str) {
        std::os::unix::fs::symlink(target, self.path(link)).expect("a link");
    }
}

#[test]
fn spellings_of_one_file_are_one_file() {
    let world = World::new();
    let plain = world.check("out/a.mp4").expect("a file");
    for spelling in [
        "./out/a.mp4",
        "out//a.mp4",
        "out/./a.mp4",
        "out/deep/../a.mp4",
        "out//missing/../a.mp4",
        "out/missing/deeper/../../a.mp4",
        "../work/out/a.mp4",
        "elsewhere/../out/a.mp4",
    ] {
        assert_eq!(world.check(spelling).as_ref(), Ok(&plain), "{spelling}");
    }
    let upper = world.check("out/A.MP4").expect("a file");
    assert_eq!(upper.folded_hash(), plain.folded_hash());
    assert_ne!(upper.exact_hash(), plain.exact_hash());
    let other = world.check("out/b.mp4").expect("a file");
    assert_ne!(other.folded_hash(), plain.folded_hash());
}

#[test]
fn relative_and_absolute_spellings_are_one_file() {
    let place =
        OutputPlace::below(Path::new(""), "the current directory", &Reach::anywhere()).expect("a place");
    let mut folders = ResolvedFolders::default();
    let current = std::env::current_dir().expect("a directory");
    let relative = place.check(Path::new("no-such-folder/a.mp4"), Format::Mp4, &mut folders).expect("a file");
    let absolute =
        place.check(&current.join("no-such-folder/a.mp4"), Format::Mp4, &mut folders).expect("a file");
    assert_eq!(relative, absolute);
    let refusal = place.check(Path::new("/etc/passwd"), Format::Mp4, &mut folders).expect_err("outside");
    assert_eq!(refusal.to_string(), "is outside the current directory");
}

#[test]
fn files_outside_and_hidden_ones_are_refused() {
    let world = World::new();
    for (path, refusal) in [
        ("../elsewhere/a.mp4", "LeadsOut"),
        ("out/../a.mp4", "LeadsOut"),
        ("out/../../elsewhere/a.mp4", "LeadsOut"),
        ("out/../out2/a.mp4", "LeadsOut"),
        ("out/.a.mp4", "Hidden"),
        ("out/.git/hooks/a.mp4", "Hidden"),
        ("out/deep/.x/../.y/a.mp4", "Hidden"),
        ("out/deep", "Directory"),
        ("out/deep/..", "Directory"),
    ] {
        assert_eq!(world.refusal(path), refusal, "{path}");
    }
    // What is above the place has any name.
    fs::create_dir(world.path(".hidden")).expect("a folder");
    let place = OutputPlace::below(&world.path(".hidden"), ".hidden", &Reach::anywhere()).expect("a place");
    assert!(place.check(&world.path(".hidden/a.mp4"), Format::Mp4, &mut ResolvedFolders::default()).is_ok());
}

#[test]
fn only_videos_and_empty_files_are_replaced() {
    let world = World::new();
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0".as_slice();
    for (contents, is_ok) in [
        (VIDEO, true),
        (b"\x1a\x45\xdf\xa3more".as_slice(), true),
        (b"", true),
        (b"<html>", false),
        (b"{\"a\": 1}", false),
        (b"x", false),
        (heic, false),
    ] {
        fs::write(world.path("out/a.mp4"), contents).expect("written");
        assert_eq!(world.check("out/a.mp4").is_ok(), is_ok, "{contents:?}");
        let anywhere = OutputPlace::default();
        let found = anywhere.check(&world.path("out/a.mp4"), Format::Mp4, &mut ResolvedFolders::default());
        assert_eq!(found.is_ok(), is_ok, "{contents:?}");
    }
    assert_eq!(world.refusal("out/a.mp4/b.mp4"), "BelowFile");
    assert_eq!(world.refusal("out/a.mp4/deep/b.mp4"), "BelowFile");
}

#[test]
fn reserved_files_and_sources_are_refused_in_every_spelling() {
    let world = World::new();
    fs::write(world.path("out/clip.mp4"), VIDEO).expect("written");
    let place = world.place.clone().reserving(&world.path("out/deep/../list/manifest.jsonl"), "the manifest");
    let place = place.with_sources(std::iter::once(world.check("out/clip.mp4").expect("a file").path));
    let world = World { place, ..world };
    for path in [
        "out/list/manifest.jsonl",
        "./out//list/manifest.jsonl",
        "out/LIST/Manifest.jsonl",
        "out/list",
        "out/list/manifest.jsonl/a.mp4",
    ] {
        assert_eq!(world.refusal(path), "Reserved", "{path}");
    }
    assert_eq!(world.refusal("out/deep/../clip.mp4"), "Source");
    assert!(world.check("out/list/manifest.mp4").is_ok());
}

#[cfg(unix)]
#[test]
fn links_count_as_what_they_lead_to() {
    let world = World::new();
    fs::write(world.path("out/a.mp4"), VIDEO).expect("written");
    fs::write(world.path("../elsewhere/a.mp4"), VIDEO).expect("written");
    fs::write(world.path("out/text"), "text").expect("written");
    world.link("deep", "out/inner");
    world.link("../../elsewhere", "out/outer");
    world.link("../out", "out/around");
    world.link("a.mp4", "out/file.mp4");
    world.link("../../elsewhere/a.mp4", "out/escaping.mp4");
    world.link("nowhere.mp4", "out/dangling.mp4");
    world.link("nowhere", "out/gone");
    world.link("loop.mp4", "out/loop.mp4");
    world.link("text", "out/text.mp4");
    world.link("deep", "out/folder.mp4");
    world.link("out", "place");
    let plain = world.check("out/a.mp4").expect("a file");
    for spelling in
        ["out/file.mp4", "out/around/a.mp4", "place/a.mp4", "out/inner/../a.mp4", "out/around/file.mp4"]
    {
        assert_eq!(world.check(spelling).as_ref(), Ok(&plain), "{spelling}");
    }
    assert_eq!(world.check("out/inner/b.mp4"), world.check("out/deep/b.mp4"));
    for (path, refusal) in [
        ("out/outer/b.mp4", "LeadsOut"),
        // As the system resolves it: back from where the link leads.
        ("out/outer/../b.mp4", "LeadsOut"),
        ("out/escaping.mp4", "LeadsOut"),
        ("out/dangling.mp4", "DanglingLink"),
        ("out/gone/a.mp4", "DanglingLink"),
        ("out/loop.mp4", "DanglingLink"),
        ("out/text.mp4", "NotAVideo"),
        ("out/folder.mp4", "Directory"),
        ("out/text.mp4/a.mp4", "BelowFile"),
    ] {
        assert_eq!(world.refusal(path), refusal, "{path}");
    }
    let anywhere = OutputPlace::default();
    let mut folders = ResolvedFolders::default();
    assert!(
        anywhere.check(&world.path("out/dangling.mp4"), Format::Mp4, &mut folders).is_ok(),
        "the link is replaced"
    );
    assert!(anywhere.check(&world.path("out/outer/b.mp4"), Format::Mp4, &mut folders).is_ok());
}

#[cfg(unix)]
#[test]
fn special_files_are_refused_in_every_spelling() {
    let world = World::new();
    let fifo = world.path("out/fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(world.path("out/socket")).expect("a socket");
    world.link("fifo", "out/fifo.mp4");
    world.link("/dev/null", "out/null.mp4");
    for path in ["out/fifo", "./out/deep/../fifo", "out/fifo.mp4", "out/socket"] {
        assert_eq!(world.refusal(path), "NotAFile", "{path}");
    }
    assert_eq!(world.refusal("out/null.mp4"), "LeadsOut");
    let refusal =
        OutputPlace::default().check(Path::new("/dev/null"), Format::Mp4, &mut ResolvedFolders::default());
    assert_eq!(refusal.expect_err("a device").to_string(), "is a device");
}

#[test]
fn names_that_no_file_can_have_are_refused() {
    let world = World::new();
    let long = "x".repeat(252);
    assert!(world.check(&format!("out/{}.mp4", &long[..251])).is_ok());
    let wide = "\u{e9}".repeat(126);
    for (path, refusal) in [
        (format!("out/{long}.mp4"), "BadName"),
        (format!("out/missing/{long}.mp4"), "BadName"),
        (format!("out/{long}long/a.mp4"), "BadName"),
        #[cfg(unix)]
        (format!("out/{wide}.mp4"), "BadName"),
        ("out/a\0.mp4".to_owned(), "BadName"),
        ("out/missing\0/a.mp4".to_owned(), "BadName"),
        #[cfg(unix)]
        (format!("out/{}a.mp4", "deep/".repeat(1000)), "BadName"),
        ("out/a.mp4/".to_owned(), "Directory"),
        ("out/a.mp4//".to_owned(), "Directory"),
        ("out/a.mp4/.".to_owned(), "Directory"),
    ] {
        assert_eq!(world.refusal(&path), refusal, "{path} {wide}");
    }
    assert!(world.check("out/a.").is_ok());
}

#[cfg(unix)]
#[test]
fn folders_that_cannot_be_written_are_found_where_they_are_tried_out() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let set_mode = |mode| {
        fs::set_permissions(world.path("out/deep"), fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let mut folders = ResolvedFolders::trying();
    assert!(world.place.check(&world.path("out/deep/a.mp4"), Format::Mp4, &mut folders).is_ok());
    assert!(world.place.check(&world.path("out/deep/new/a.mp4"), Format::Mp4, &mut folders).is_ok());
    assert_eq!(fs::read_dir(world.path("out/deep")).expect("a folder").count(), 0, "nothing stays");
    assert_eq!(folders.tried.as_ref().map(HashMap::len), Some(1), "each folder once");
    set_mode(0o555);
    if fs::File::create(world.path("out/deep/probe")).is_ok() {
        // Skipped: this user, such as root, may write to every folder.
        return;
    }
    let mut folders = ResolvedFolders::trying();
    for path in ["out/deep/a.mp4", "out/deep/new/a.mp4"] {
        let refusal =
            world.place.check(&world.path(path), Format::Mp4, &mut folders).expect_err("not writable");
        assert!(matches!(refusal, OutputRefusal::NotWritable(..)), "{refusal}");
    }
    assert!(world.check("out/deep/a.mp4").is_ok(), "a dry run writes nothing");
    set_mode(0o755);
}
