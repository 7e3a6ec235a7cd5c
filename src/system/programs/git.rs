//! Git, run so that nothing in a repository starts a program.
//!
//! The configuration of a repository can name programs for hooks, filters, monitors, pagers, credentials and transports,
//! and repositories are untrusted: [`git`] is the one place that makes a Git command.

use std::path::Path;
use std::process::Command;

use super::process::with_variables;

/// Whether a Git command may use the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GitNetwork {
    /// No protocol is allowed, and missing objects of a partial clone are not fetched.
    Off,
    /// HTTP and SSH are allowed.
    On,
}

/// Settings of every command. Sources: gitprotocol and git-config(1).
const SETTINGS: &[(&str, &str)] = &[
    // A directory in the checkout that looks like a bare repository is not one.
    ("safe.bareRepository", "explicit"),
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.pager", "cat"),
    ("core.editor", "true"),
    ("core.askPass", ""),
    // An empty command would run the path of the alternate repository.
    ("core.alternateRefsCommand", "true"),
    // An empty value removes the helpers that were configured before, including those for single URLs.
    ("credential.helper", ""),
    ("diff.external", ""),
    ("diff.ignoreSubmodules", "dirty"),
    ("diff.submodule", "short"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("log.showSignature", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("protocol.allow", "never"),
    ("protocol.ext.allow", "never"),
    ("protocol.file.allow", "never"),
    ("protocol.git.allow", "never"),
];

/// Protocols of [`GitNetwork::On`]: those that start no program that a repository names.
const PROTOCOLS: &[&str] = &["https", "http", "ssh"];

/// Sections of the configuration whose subsections name programs, and the settings that turn them off. The names of
/// subsections are the repository's choice, so they are listed first.
const SECTIONS: &[(&str, &[(&str, &str)])] = &[
    ("filter", &[("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")]),
    ("hook", &[("enabled", "false")]),
    ("remote", &[("uploadpack", "git-upload-pack"), ("receivepack", "git-receive-pack")]),
];

/// Returns a Git command for the repository at `root`; its arguments are to be added. Repositories above `root` are not
/// found.
///
/// The command gets the allowed variables only, asks nothing, and starts no hook, filter, monitor, pager, credential
/// helper, or transport that the repository configures. A `diff` also needs the arguments of [`PLAIN_DIFF`], since
/// drivers have no setting that turns all of them off.
pub(crate) fn git(root: &Path, network: GitNetwork) -> Command {
    let mut command = base(root, network);
    let mut settings = settings(network);
    for (section, overrides) in SECTIONS {
        for name in subsections(root, section) {
            settings.extend(overrides.iter().map(|(key, value)| {
                let key = format!("{section}.{name}.{key}");
                (key, (*value).to_owned())
            }));
        }
    }
    configure(&mut command, &settings);
    command
}

/// Returns a Git command for the bare repository at `root`, which this program has made in a temporary folder; its arguments are to
/// be added. `more` are settings of this command.
///
/// As no stranger has written the configuration of that repository, credentials are those of the user: the helpers that the
/// configuration of the user or the system names, and the SSH agent. The command asks nothing and starts no hook.
pub(crate) fn own_git(root: &Path, more: &[(&str, &str)]) -> Command {
    let mut command = base(root, GitNetwork::On);
    // Helpers may need the session's keyring.
    if let Some(bus) = std::env::var_os("DBUS_SESSION_BUS_ADDRESS") {
        command.env("DBUS_SESSION_BUS_ADDRESS", bus);
    }
    command.env("GIT_DIR", root);
    let mut settings = settings(GitNetwork::On);
    settings.retain(|(key, _)| key != "credential.helper");
    settings.extend(OWN.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    configure(&mut command, &settings);
    command
}

/// Settings of [`own_git`]: a transfer below 1 kB/s for a minute has failed, and a server is not told what the repository has, as
/// it would leave out the contents of commits that were fetched without them.
const OWN: &[(&str, &str)] =
    &[("http.lowSpeedLimit", "1000"), ("http.lowSpeedTime", "60"), ("fetch.negotiationAlgorithm", "noop")];

/// Arguments of `git diff` that turn off drivers and do not look into submodules.
pub(crate) const PLAIN_DIFF: &[&str] = &["--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"];

/// Returns whether a name can be that of a branch or a remote, and of nothing else: it has only letters, digits, `-`, `_`, `.` and `/`.
pub(crate) fn is_plain_branch(name: &str) -> bool {
    let has_plain_bytes = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    has_plain_bytes
        && !name.is_empty()
        && !name.contains("..")
        && !name.contains("//")
        && !name.starts_with(['/', '-', '.'])
        && !name.ends_with(['/', '.'])
}

fn settings(network: GitNetwork) -> Vec<(String, String)> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let mut settings = SETTINGS.iter().map(owned).collect::<Vec<_>>();
    let allowed = if network == GitNetwork::On { "always" } else { "never" };
    settings
        .extend(PROTOCOLS.iter().map(|protocol| (format!("protocol.{protocol}.allow"), allowed.to_owned())));
    settings
}

/// Returns a Git command without settings.
fn base(root: &Path, network: GitNetwork) -> Command {
    let mut command = Command::new("git");
    command.args(["--no-pager", "--no-optional-locks", "-C"]).arg(root);
    let agent: &[&str] = if network == GitNetwork::On { &["SSH_AUTH_SOCK"] } else { &[] };
    let mut command = with_variables(command, agent);
    // Git compares the ceiling with the real path of the current directory.
    let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    command.env("GIT_CEILING_DIRECTORIES", real.parent().unwrap_or(&real));
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ATTR_NOSYSTEM", "1");
    // Takes precedence over `core.sshCommand`.
    command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes").env("GIT_SSH_VARIANT", "ssh");
    if network == GitNetwork::Off {
        command.env("GIT_NO_LAZY_FETCH", "1");
    }
    command
}

/// Sets the configuration by variables: unlike `-c`, they take names with `=`.
fn configure(command: &mut Command, settings: &[(String, String)]) {
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (index, (key, value)) in settings.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
}

/// Returns the names of the subsections of a section. Reading the configuration starts no program.
fn subsections(root: &Path, section: &str) -> Vec<String> {
    let mut command = base(root, GitNetwork::Off);
    configure(&mut command, &settings(GitNetwork::Off));
    let pattern = format!("^{section}\\..*\\.");
    command.args(["config", "--includes", "-z", "--name-only", "--get-regexp", &pattern]);
    let Ok(output) = command.output() else { return Vec::new() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = |key: &str| {
        let (name, _) = key.strip_prefix(section)?.strip_prefix('.')?.rsplit_once('.')?;
        Some(name.to_owned())
    };
    let mut names = text.split('\0').filter_map(name).collect::<Vec<_>>();
    names.sort();
    names.dedup();
    names
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    /// Keys of the configuration that name a program.
    const PLANTED: &[&str] = &[
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.sshCommand",
        "core.gitProxy",
        "core.alternateRefsCommand",
        "credential.helper",
        "credential.http://127.0.0.1:1.helper",
        "diff.external",
        "diff.planted.command",
        "diff.planted.textconv",
        "filter.planted.clean",
        "filter.planted.smudge",
        "filter.last.process",
        "filter.a=b.c.clean",
        "filter.a=b.c.smudge",
        "merge.planted.driver",
        "gpg.program",
        "pager.diff",
        "pager.ls-files",
        "sequence.editor",
        "interactive.diffFilter",
        "remote.origin.uploadpack",
        "remote.planted.uploadpack",
        "hook.planted.command",
        "alias.diff",
        "alias.status",
        "uploadpack.packObjectsHook",
    ];

    /// Hooks that reading, fetching and checking out may run.
    const HOOKS: &[&str] = &[
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "pre-auto-gc",
        "post-merge",
        "fsmonitor-watchman",
    ];

    struct Hostile {
        folder: tempfile::TempDir,
    }

    impl Hostile {
        fn new() -> Self {
            let hostile = Self { folder: tempfile::tempdir().expect("a folder") };
            let repository = hostile.repository();
            fs::create_dir_all(hostile.seen()).expect("made");
            fs::create_dir(&repository).expect("made");
            let plain = |arguments: &[&str]| hostile.plain(arguments);
            plain(&["init", "--quiet", "--initial-branch=main"]);
            fs::write(repository.join("a.txt"), "one\n").expect("written");
            fs::write(repository.join("b.bin"), "one\n").expect("written");
            // A filter of this kind that does not answer ends Git, so its file is the last.
            fs::write(repository.join("z"), "one\n").expect("written");
            fs::write(
                repository.join(".gitattributes"),
                "*.txt filter=planted diff=planted\n*.bin filter=a=b.c\nz filter=last\n",
            )
            .expect("written");
            plain(&["add", "--all"]);
            plain(&["-c", "user.name=t", "-c", "user.email=t@t.invalid", "commit", "--quiet", "-m", "one"]);
            for key in PLANTED {
                plain(&["config", key, &hostile.program(key)]);
            }
            plain(&["config", "hook.planted.event", "post-checkout"]);
            for hook in HOOKS {
                let path = repository.join(".git/hooks").join(hook);
                fs::create_dir_all(path.parent().expect("a folder")).expect("made");
                fs::copy(hostile.program(&format!("hook {hook}")), path).expect("written");
            }
            plain(&["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"]);
            // Another size and date, so that Git has to read and clean the files.
            fs::write(repository.join("a.txt"), "two two\n").expect("written");
            fs::write(repository.join("b.bin"), "two two\n").expect("written");
            fs::write(repository.join("z"), "two two\n").expect("written");
            hostile
        }

        fn repository(&self) -> PathBuf {
            self.folder.path().join("repository")
        }

        fn seen(&self) -> PathBuf {
            self.folder.path().join("seen")
        }

        /// Makes a program that leaves a file when it runs.
        fn program(&self, name: &str) -> String {
            let name = name.replace(['/', ':', ' ', '='], "_");
            let path = self.folder.path().join(format!("run-{name}"));
            let text = format!("#!/bin/sh\n: >'{}'\n", self.seen().join(name).display());
            fs::write(&path, text).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("changed");
            path.display().to_string()
        }

        fn plain(&self, arguments: &[&str]) {
            let mut command = Command::new("git");
            command.arg("-C").arg(self.repository()).args(arguments);
            command.stdin(std::process::Stdio::null());
            command.output().expect("started");
        }

        fn ran(&self) -> Vec<String> {
            let entries = fs::read_dir(self.seen()).expect("listed").flatten();
            let mut names = entries
                .map(|entry| {
                    fs::remove_file(entry.path()).expect("removed");
                    entry.file_name().display().to_string()
                })
                .collect::<Vec<_>>();
            names.sort();
            names
        }

        /// Runs everything that the program asks of Git, and a few commands more.
        fn exercise(&self, run: &dyn Fn(&[&str])) {
            let checkout = self.folder.path().join("checkout").display().to_string();
            let external = format!("ext::{}", self.program("ext"));
            let file = format!("file://{}", self.repository().display());
            run(&["rev-parse", "--verify", "HEAD"]);
            run(&["merge-base", "HEAD", "HEAD"]);
            run(&[&["diff", "--name-only"], PLAIN_DIFF, &["HEAD"]].concat());
            run(&[&["diff"], PLAIN_DIFF, &["HEAD"]].concat());
            run(&["ls-files", "--others", "--exclude-standard", "-z"]);
            run(&["status", "--porcelain"]);
            run(&["worktree", "add", "--detach", "--force", &checkout, "HEAD"]);
            run(&["worktree", "remove", "--force", &checkout]);
            run(&["fetch", &external, "main"]);
            run(&["fetch", "ssh://127.0.0.1:1/x", "main"]);
            run(&["fetch", "http://127.0.0.1:1/x", "main"]);
            for url in [external.as_str(), file.as_str(), "ssh://127.0.0.1:1/x"] {
                self.plain(&["config", "remote.origin.url", url]);
                run(&["fetch", "origin", "main"]);
            }
        }
    }

    #[test]
    fn a_hostile_repository_runs_nothing() {
        let hostile = Hostile::new();
        hostile.ran();
        for network in [GitNetwork::Off, GitNetwork::On] {
            hostile.exercise(&|arguments| {
                let mut command = git(&hostile.repository(), network);
                command.args(arguments).output().expect("started");
                let ran = hostile.ran();
                assert!(ran.is_empty(), "{arguments:?} ran {ran:?}");
            });
        }
        // Without the settings, the same commands run what is planted.
        hostile.exercise(&|arguments| hostile.plain(arguments));
        let ran = hostile.ran();
        for key in [
            "core.fsmonitor",
            "core.sshCommand",
            "filter.planted.clean",
            "filter.last.process",
            "filter.a_b.c.clean",
            "hook_reference-transaction",
            "remote.origin.uploadpack",
        ] {
            assert!(ran.iter().any(|name| name == key), "{key} is not planted well: {ran:?}");
        }
    }

    #[test]
    fn commands_work_and_see_no_secrets() {
        let hostile = Hostile::new();
        let mut command = git(&hostile.repository(), GitNetwork::Off);
        let output = command.args(["diff", "--name-only"]).args(PLAIN_DIFF).arg("HEAD").output();
        assert_eq!(String::from_utf8_lossy(&output.expect("started").stdout), "a.txt\nb.bin\nz\n");
        let names = command.get_envs().map(|(name, _)| name.to_string_lossy().into_owned());
        let names = names.collect::<Vec<_>>();
        assert!(!names.iter().any(|name| name.starts_with("CARGO")), "{names:?}");
    }

    #[test]
    fn repositories_above_and_bare_ones_inside_are_not_found() {
        let hostile = Hostile::new();
        let inside = hostile.repository().join("videos");
        fs::create_dir(&inside).expect("made");
        let is_found = |root: &Path| {
            let output = git(root, GitNetwork::Off).args(["rev-parse", "--git-dir"]).output();
            output.expect("started").status.success()
        };
        assert!(is_found(&hostile.repository()));
        assert!(!is_found(&inside), "above");
        hostile.plain(&["init", "--bare", "--quiet", "videos"]);
        assert!(!is_found(&inside), "a bare one");
    }
}
