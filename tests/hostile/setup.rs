//! Who runs the program, and in which layers.

use std::path::{Path, PathBuf};
use std::process::Command;

/// `nobody`, on all usual distributions.
const NOBODY: &str = "65534";

/// Forbids user namespaces for a program and what it starts, from a user namespace that has none below it.
const WITHOUT_NAMESPACES: &str = "echo 0 > /proc/sys/user/max_user_namespaces && \
    exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all \"$0\" \"$@\"";

/// How the program runs.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    /// Name in the table.
    pub(crate) name: &'static str,
    /// Whether no layer is there, by `--allow-unsandboxed`.
    pub(crate) is_off: bool,
    /// The only layers of the kernel, for `HYPERFRAMES_CI_TEST_LAYERS`; all that work if absent.
    pub(crate) layers: Option<&'static str>,
    /// The hosts of `HYPERFRAMES_CI_TEST_HOSTS`.
    pub(crate) hosts: String,
    /// The program and the cache for a user without privileges, who cannot read those of root.
    pub(crate) other_user: Option<(PathBuf, PathBuf)>,
    /// Whether user namespaces are forbidden.
    pub(crate) forbids_namespaces: bool,
}

impl Setup {
    /// The user of the test, in all layers.
    pub(crate) fn usual(name: &'static str, hosts: &str) -> Self {
        Self { name, hosts: hosts.to_owned(), ..Self::default() }
    }

    /// A user without privileges, with copies in `folder`; where that cannot be tried, the reason.
    pub(crate) fn unprivileged(
        name: &'static str,
        hosts: &str,
        folder: &Path,
        forbids_namespaces: bool,
    ) -> Result<Self, String> {
        let id = Command::new("id").arg("-u").output().map_err(|error| error.to_string())?;
        if id.stdout != b"0\n" {
            return Err("only root can become another user".to_owned());
        }
        let (program, cache) = (folder.join("hyperframes-ci"), folder.join("cache"));
        if !cache.is_dir() {
            std::fs::copy(env!("CARGO_BIN_EXE_hyperframes-ci"), &program).unwrap();
            std::fs::create_dir(&cache).unwrap();
            for prefix in ["engine-", "node-"] {
                let Some(installed) = newest(&own_cache(), prefix) else { continue };
                let copied = Command::new("cp").arg("-r").arg(installed).arg(&cache).status().unwrap();
                assert!(copied.success());
            }
        }
        let setup =
            Self { other_user: Some((program, cache)), forbids_namespaces, ..Self::usual(name, hosts) };
        let tried = setup.command(folder).arg("--version").output().map_err(|error| error.to_string())?;
        match tried.status.success() {
            true => Ok(setup),
            false => Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned()),
        }
    }

    /// Returns why the layers of the kernel are not those of the setup, as the doctor tells it.
    pub(crate) fn lacking(&self) -> Option<String> {
        let layers = self.layers.filter(|layers| *layers != "none")?;
        let folder = tempfile::tempdir().unwrap();
        let output = self.command(folder.path()).args(["doctor", "--json"]).output().unwrap();
        let found = serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
        let sandbox = &found["sandbox"];
        let has = |name| {
            sandbox["layers"].as_array().is_some_and(|all| all.iter().any(|layer| layer["name"] == name))
        };
        (!layers.split(',').all(has)).then(|| sandbox["missing"].to_string())
    }

    /// Returns the program, with a home directory in `folder`, which belongs to its user then.
    pub(crate) fn command(&self, folder: &Path) -> Command {
        let own = PathBuf::from(env!("CARGO_BIN_EXE_hyperframes-ci"));
        let (program, cache) = self.other_user.clone().unwrap_or((own, own_cache()));
        let mut command = match (&self.other_user, self.forbids_namespaces) {
            (None, _) => Command::new(&program),
            (Some(_), forbids_namespaces) => {
                let owned = Command::new("chown").args(["-R", NOBODY]).arg(folder).status().unwrap();
                assert!(owned.success());
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}")]);
                command.args(["--clear-groups", "--inh-caps=-all"]);
                if forbids_namespaces {
                    command.args(["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c"]);
                    command.arg(WITHOUT_NAMESPACES);
                }
                command.arg(&program);
                command
            }
        };
        let kept = ["PATH", "TMPDIR", "HYPERFRAMES_BROWSER_PATH"];
        let network = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.ends_with("_proxy") || name.contains("cert") || name.starts_with("npm_config_")
        };
        let kept = std::env::vars_os()
            .filter(|(name, _)| name.to_str().is_some_and(|name| kept.contains(&name) || network(name)))
            .collect::<Vec<_>>();
        command
            .env_clear()
            .envs(kept)
            .env("HOME", folder)
            .env("HYPERFRAMES_CI_TEST_HOSTS", &self.hosts)
            .env("HYPERFRAMES_CI_CACHE", cache)
            .env("HYPERFRAMES_CI_LEDGER", folder.join("ledger.jsonl"));
        if let Some(layers) = self.layers {
            command.env("HYPERFRAMES_CI_TEST_LAYERS", layers);
        }
        command
    }
}

/// The cache of the user of the test.
fn own_cache() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    set("HYPERFRAMES_CI_CACHE")
        .or_else(|| Some(set("XDG_CACHE_HOME")?.join("hyperframes-ci")))
        .unwrap_or_else(|| set("HOME").unwrap_or_default().join(".cache/hyperframes-ci"))
}

/// Returns the directory with this prefix that was changed last.
fn newest(folder: &Path, prefix: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    let folders = named.map(|entry| entry.path()).filter(|path| path.is_dir());
    folders.max_by_key(|path| path.metadata().and_then(|metadata| metadata.modified()).ok())
}
