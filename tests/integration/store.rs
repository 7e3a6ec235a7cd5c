//! Media that is kept on a branch of the remote, ignored by Git, and fetched by its digest.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::generation::sound;
use crate::support::{Ran, clean, command, html, write};

const CONFIG: &str = "[[media]]\nfile = \"video/assets/voice.wav\"\nscript = \"script.txt\"\nvoice = \"v1\"\nstore = \"branch\"\n";

/// The file, below the repository.
const VOICE: &str = "video/assets/voice.wav";

/// The user name and the password that the remote asks for, as a header has them.
const LOGIN: &str = "Basic dTpw";

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    clean(&mut git);
    git.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(arguments);
    let output = git.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A repository, its remote, which asks for a password, and a user who has it.
struct Stage {
    folder: tempfile::TempDir,
    /// Bytes that the remote has answered with.
    sent: Arc<Mutex<usize>>,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stage = Self { folder, sent: Arc::default() };
        let (repository, remote) = (stage.repository(), stage.remote());
        for made in [&repository, &remote, &stage.home()] {
            fs::create_dir(made).unwrap();
        }
        git(&remote, &["init", "--quiet", "--bare", "--initial-branch=main"]);
        git(&remote, &["config", "uploadpack.allowFilter", "true"]);
        git(&remote, &["config", "http.receivepack", "true"]);
        let url = serve(stage.folder.path().to_owned(), Arc::clone(&stage.sent));
        write(
            &stage.home(),
            ".gitconfig",
            "[credential]\n\thelper = \"!f() { echo username=u; echo password=p; }; f\"\n",
        );

        let audio = "<audio id=\"voice\" src=\"assets/voice.wav\" data-start=\"0\" data-duration=\"0.5\" data-track-index=\"1\"></audio>";
        write(&repository, "video/index.html", &html(1280, 720, audio));
        write(&repository, "hyperframes-ci.toml", CONFIG);
        write(&repository, "script.txt", "Hello, world.\n");
        write(&repository, ".gitignore", "*.wav\n");
        fs::create_dir_all(repository.join("video/assets")).unwrap();
        fs::write(repository.join(VOICE), sound()).unwrap();
        git(&repository, &["init", "--quiet", "--initial-branch=main"]);
        git(&repository, &["remote", "add", "origin", &format!("{url}/remote")]);
        stage.run(&["media", "adopt"]).ok();
        git(&repository, &["add", "--all"]);
        git(&repository, &["commit", "--quiet", "-m", "x"]);
        assert!(!git(&repository, &["ls-files"]).contains("voice.wav"));
        stage
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    fn remote(&self) -> PathBuf {
        self.folder.path().join("remote")
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Makes the branch of the store with these files in the folder `media`, and a large preview.
    fn store(&self, files: &[(&str, &[u8])]) {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "--quiet", "--initial-branch=hyperframes-previews"]);
        for (name, bytes) in files {
            fs::create_dir_all(folder.path().join("media")).unwrap();
            fs::write(folder.path().join("media").join(name), bytes).unwrap();
        }
        fs::create_dir_all(folder.path().join("pr/7")).unwrap();
        // It cannot be compressed.
        let mut state = 1_u64;
        let noise = (0..4_000_000).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u8::try_from(state >> 56).unwrap()
        });
        fs::write(folder.path().join("pr/7/a.mp4"), noise.collect::<Vec<_>>()).unwrap();
        git(folder.path(), &["add", "--all"]);
        git(folder.path(), &["commit", "--quiet", "-m", "previews"]);
        let remote = self.remote().display().to_string();
        git(folder.path(), &["push", "--quiet", "--force", &remote, "hyperframes-previews"]);
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = command();
        command.current_dir(self.repository()).env("HOME", self.home()).args(arguments);
        Ran::of(&mut command)
    }

    fn fetch(&self, flags: &[&str]) -> (i32, Value) {
        let ran = self.run(&[&["media", "fetch", "--json"], flags].concat());
        (ran.code, ran.json())
    }

    fn voice(&self) -> Option<Vec<u8>> {
        fs::read(self.repository().join(VOICE)).ok()
    }

    /// Files that a run has left next to the voice.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.repository().join("video/assets")).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name != "voice.wav").collect()
    }
}

/// Serves the repositories in a folder by HTTP with Git's own server, to whoever has the password.
fn serve(folder: PathBuf, sent: Arc<Mutex<usize>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (folder, sent) = (folder.clone(), Arc::clone(&sent));
            std::thread::spawn(move || answer(stream.unwrap(), &folder, &sent));
        }
    });
    url
}

fn answer(mut stream: TcpStream, folder: &Path, sent: &Mutex<usize>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) < 3 {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let Some(first) = lines.first() else { return };
    let mut parts = first.split(' ');
    let (method, target) = (parts.next().unwrap(), parts.next().unwrap());
    let header = |name: &str| {
        let lines = lines.iter().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    };
    if header("authorization").as_deref() != Some(LOGIN) {
        let refused = "HTTP/1.1 401 X\r\nwww-authenticate: Basic realm=\"x\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let _ = stream.write_all(refused.as_bytes());
        return;
    }
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut server = Command::new("git");
    clean(&mut server);
    server.arg("http-backend").env("GIT_PROJECT_ROOT", folder).env("GIT_HTTP_EXPORT_ALL", "1");
    server.env("REQUEST_METHOD", method).env("PATH_INFO", path).env("QUERY_STRING", query);
    server.env("REMOTE_USER", "u").env("CONTENT_LENGTH", body.len().to_string());
    for (variable, name) in [
        ("CONTENT_TYPE", "content-type"),
        ("HTTP_CONTENT_ENCODING", "content-encoding"),
        ("GIT_PROTOCOL", "git-protocol"),
    ] {
        if let Some(value) = header(name) {
            server.env(variable, value);
        }
    }
    let mut server =
        server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    server.stdin.take().unwrap().write_all(&body).unwrap();
    let output = server.wait_with_output().unwrap().stdout;
    *sent.lock().unwrap() += output.len();
    let status =
        output.strip_prefix(b"Status: ").map_or("200", |rest| std::str::from_utf8(&rest[..3]).unwrap());
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n");
    let _ = stream.write_all(&[head.as_bytes(), &output].concat());
}

#[test]
fn files_are_fetched_with_the_users_credentials_and_nothing_else() {
    let stage = Stage::new();
    let name = format!("{}.wav", sha256(&sound()));
    // The configuration of the repository names programs; none of them runs.
    let planted = stage.folder.path().join("planted");
    let plant = format!("!touch {}", planted.display());
    git(&stage.repository(), &["config", "credential.helper", &plant]);
    stage.store(&[(&name, &sound())]);
    fs::remove_file(stage.repository().join(VOICE)).unwrap();

    let missing = stage.run(&["media", "check"]);
    assert_eq!(missing.code, 5, "{missing:?}");
    assert!(
        missing.stdout.contains("was not fetched from its store (branch) [media-missing]"),
        "{missing:?}"
    );
    assert!(missing.stdout.contains("help: run `hyperframes-ci media fetch`"), "{missing:?}");
    let found = stage.run(&["check", "video", "--json"]).json();
    let codes = found["diagnostics"].as_array().unwrap().iter().map(|found| &found["code"]);
    assert!(codes.clone().any(|code| code == "media-missing"), "{found}");

    let (code, fetched) = stage.fetch(&[]);
    assert_eq!((code, &fetched["transferred"]), (0, &1.into()), "{fetched}");
    assert_eq!(fetched["media"][0]["status"], "fetched");
    assert_eq!(stage.voice(), Some(sound()));
    assert_eq!((stage.left(), planted.exists()), (Vec::new(), false));
    stage.run(&["media", "check"]).ok();
    stage.run(&["check", "video"]).ok();
    // The hook judges what a commit leaves out on purpose by the working tree.
    write(
        &stage.repository(),
        "video/index.html",
        &html(
            1280,
            720,
            "<i>x</i><audio id=\"v\" src=\"assets/voice.wav\" data-start=\"0\" data-duration=\"0.5\"></audio>",
        ),
    );
    git(&stage.repository(), &["add", "--all"]);
    stage.run(&["check", "--staged"]).ok();
    let sent = *stage.sent.lock().unwrap();
    assert!(sent < 100_000, "{sent} bytes: the previews were fetched as well");

    let (code, present) = stage.fetch(&[]);
    assert_eq!((code, &present["present"]), (0, &1.into()), "{present}");
    assert_eq!(*stage.sent.lock().unwrap(), sent, "nothing is missing, so there is no request");
}

#[test]
fn what_the_store_has_is_verified_and_other_files_are_kept() {
    let stage = Stage::new();
    let name = format!("{}.wav", sha256(&sound()));
    let path = stage.repository().join(VOICE);
    let fetch = |flags: &[&str]| {
        let (code, outcome) = stage.fetch(flags);
        (code, outcome["media"][0]["status"].as_str().unwrap_or_default().to_owned())
    };
    // The branch does not exist, and then it does not have the file.
    fs::remove_file(&path).unwrap();
    assert_eq!(fetch(&[]), (1, "not-stored".to_owned()));
    stage.store(&[]);
    assert_eq!(fetch(&[]), (1, "not-stored".to_owned()));
    let other = [&sound()[..4043], b"x"].concat();
    for damaged in [&other[..], &sound()[..4000], &[&sound()[..], &[0; 9]].concat(), &[]] {
        stage.store(&[(&name, damaged)]);
        assert_eq!(fetch(&[]), (1, "damaged".to_owned()), "{} bytes", damaged.len());
        assert_eq!((stage.voice(), stage.left()), (None, Vec::new()));
    }
    // A machine that has the file repairs the store.
    fs::write(&path, sound()).unwrap();
    let pushed = stage.run(&["media", "push", "--json"]).ok().json();
    assert_eq!(pushed["media"][0]["status"], "uploaded");
    fs::remove_file(&path).unwrap();
    assert_eq!(fetch(&[]), (0, "fetched".to_owned()));
    fs::write(&path, "my own recording").unwrap();
    assert_eq!(fetch(&[]), (1, "changed".to_owned()));
    assert_eq!(stage.voice().unwrap(), b"my own recording");
    assert_eq!(fetch(&["--overwrite"]), (0, "replaced".to_owned()));
    assert_eq!(stage.voice(), Some(sound()));

    // A folder of the way that is a link out of the repository is not followed.
    let outside = stage.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir_all(stage.repository().join("video/assets")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&outside, stage.repository().join("video/assets")).unwrap();
    #[cfg(unix)]
    {
        let ran = stage.run(&["media", "fetch"]);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains("points outside the repository"), "{ran:?}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }
}

/// A pull request may change the lock file without the configuration.
#[test]
fn a_lock_file_names_no_file_that_the_entry_does_not_declare() {
    let stage = Stage::new();
    let lock = stage.repository().join("hyperframes-ci.lock");
    let text = fs::read_to_string(&lock).unwrap();
    for path in ["../../etc/passwd", "/etc/passwd", ".git/config", "", "script.txt"] {
        let more = format!("words = {path:?}\nwords-sha256 = \"00\"\n");
        fs::write(&lock, format!("{text}{more}")).unwrap();
        let ran = stage.run(&["media", "check"]).ok();
        assert!(ran.stdout.is_empty(), "{path}: {ran:?}");
    }
    // Lengths are values of variables.
    fs::write(&lock, text.replace("duration = ", "duration = -")).unwrap();
    let ran = stage.run(&["media", "check"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("hyperframes-ci.lock:8: the line is invalid"), "{ran:?}");
}

#[test]
fn a_remote_that_cannot_be_read_is_an_error_that_asks_nothing() {
    let stage = Stage::new();
    fs::remove_file(stage.repository().join(VOICE)).unwrap();
    fs::remove_file(stage.home().join(".gitconfig")).unwrap();
    let ran = stage.run(&["media", "fetch", "--json"]);
    assert_eq!((ran.code, &ran.error()["code"]), (1, &"remote_failed".into()), "{ran:?}");
    let ran = stage.run(&["media", "fetch", "--json", "--remote", "upstream"]);
    assert_eq!((ran.code, &ran.error()["code"]), (2, &"no_remote".into()), "{ran:?}");
    for name in ["--upload-pack=x", "a b", "../x"] {
        let ran = stage.run(&["media", "fetch", &format!("--remote={name}")]);
        assert_eq!(ran.code, 2, "{ran:?}");
    }
    // The password of a URL is not shown.
    git(&stage.repository(), &["remote", "set-url", "origin", "http://u:hunter2@127.0.0.1:1/remote"]);
    let ran = stage.run(&["media", "fetch"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
    // Neither are other protocols used.
    let program = format!("ext::touch {}", stage.folder.path().join("planted").display());
    git(&stage.repository(), &["remote", "set-url", "origin", &program]);
    assert_eq!(stage.run(&["media", "fetch"]).code, 1);
    assert!(!stage.folder.path().join("planted").exists());
}

#[test]
fn a_file_that_was_not_fetched_is_never_generated_again() {
    let stage = Stage::new();
    fs::remove_file(stage.repository().join(VOICE)).unwrap();
    let plan = stage.run(&["media", "plan", "--json"]).ok().json();
    assert_eq!((&plan["media"][0]["status"], &plan["estimated_usd"]), (&"not-fetched".into(), &0.0.into()));
    let ran = stage.run(&["media", "generate", "--dry-run"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stdout.contains("[media-missing]") && ran.stdout.contains("media fetch"), "{ran:?}");
    // Of another script, it is.
    write(&stage.repository(), "script.txt", "Another script.\n");
    let plan = stage.run(&["media", "plan", "--json"]).ok().json();
    assert_eq!(plan["media"][0]["status"], "outdated");
}

#[test]
fn a_file_that_git_would_commit_is_noted() {
    let stage = Stage::new();
    assert!(!stage.run(&["media", "check"]).ok().stderr.contains("Git would commit"));
    fs::remove_file(stage.repository().join(".gitignore")).unwrap();
    let ran = stage.run(&["media", "check"]).ok();
    assert!(
        ran.stderr.contains("video/assets/voice.wav is kept in a store, but Git would commit it"),
        "{ran:?}"
    );
    let json = stage.run(&["media", "check", "--json"]).ok().json();
    assert_eq!(json["not_ignored"], serde_json::json!([VOICE]));
}

#[test]
fn a_file_is_uploaded_once_and_found_by_others() {
    let stage = Stage::new();
    let name = format!("media/{}.wav", sha256(&sound()));
    let files = || git(&stage.remote(), &["ls-tree", "-r", "--name-only", "hyperframes-previews"]);
    let push = |flags: &[&str]| {
        let ran = stage.run(&[&["media", "push", "--json"], flags].concat());
        (ran.code, ran.json()["media"][0]["status"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(push(&[]), (0, "uploaded".to_owned()), "onto a branch that did not exist");
    assert_eq!(files(), name);
    // With previews of others, which were not downloaded.
    stage.store(&[]);
    *stage.sent.lock().unwrap() = 0;
    assert_eq!(push(&[]), (0, "uploaded".to_owned()));
    assert_eq!(files(), format!("{name}\npr/7/a.mp4"));
    assert_eq!(git(&stage.remote(), &["rev-list", "--count", "hyperframes-previews"]), "1");
    git(&stage.remote(), &["fsck", "--connectivity-only", "hyperframes-previews"]);
    let sent = *stage.sent.lock().unwrap();
    assert!(sent < 100_000, "{sent} bytes");
    assert_eq!(push(&[]), (0, "present".to_owned()));
    fs::write(stage.repository().join(VOICE), "another recording").unwrap();
    assert_eq!(push(&[]), (0, "present".to_owned()), "what is recorded is in the store");
    fs::remove_file(stage.repository().join(VOICE)).unwrap();
    assert_eq!(stage.fetch(&[]).0, 0);
    assert_eq!(stage.voice(), Some(sound()));

    stage.store(&[]);
    fs::write(stage.repository().join(VOICE), "another recording").unwrap();
    assert_eq!(push(&[]), (1, "changed".to_owned()));
    fs::remove_file(stage.repository().join(VOICE)).unwrap();
    assert_eq!(push(&[]), (1, "missing".to_owned()));
    assert_eq!(files(), "pr/7/a.mp4");
    // A branch with other files is not replaced.
    fs::write(stage.repository().join(VOICE), sound()).unwrap();
    git(&stage.repository(), &["push", "--quiet", &stage.remote().display().to_string(), "main"]);
    let main = git(&stage.remote(), &["rev-parse", "main"]);
    let ran = stage.run(&["media", "push", "--json", "--branch", "main"]);
    assert_eq!((ran.code, &ran.error()["code"]), (2, &"branch_of_others".into()), "{ran:?}");
    assert_eq!(git(&stage.remote(), &["rev-parse", "main"]), main);
}

/// Each of them reads the branch before the others have written it.
#[test]
fn uploads_at_the_same_time_lose_nothing() {
    let stage = Stage::new();
    let count = 6;
    let users = (0..count).map(|number| {
        let copy = stage.folder.path().join(format!("copy-{number}"));
        git(stage.folder.path(), &["clone", "--quiet", "repository", &copy.display().to_string()]);
        let url = git(&stage.repository(), &["remote", "get-url", "origin"]);
        git(&copy, &["remote", "set-url", "origin", &url]);
        fs::create_dir_all(copy.join("video/assets")).unwrap();
        let mut voice = sound();
        voice[50] = number;
        fs::write(copy.join(VOICE), &voice).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = command();
            command.current_dir(&copy).env("HOME", stage.home()).args(arguments);
            command
        };
        fs::remove_file(copy.join("hyperframes-ci.lock")).unwrap();
        Ran::of(&mut run(&["media", "adopt"])).ok();
        run(&["media", "push"])
    });
    let users = users.collect::<Vec<_>>();
    std::thread::scope(|scope| {
        for mut user in users {
            scope.spawn(move || Ran::of(&mut user).ok());
        }
    });
    let files = git(&stage.remote(), &["ls-tree", "-r", "--name-only", "hyperframes-previews"]);
    assert_eq!(files.lines().count(), usize::from(count), "{files}");
    assert_eq!(git(&stage.remote(), &["rev-list", "--count", "hyperframes-previews"]), "1");
}
