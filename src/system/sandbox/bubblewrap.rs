//! Bubblewrap: the layer `bubblewrap`, namespaces of mounts, processes and shared memory.
//!
//! Files that a program may not read do not exist for it, nor do sockets of services and other processes. Landlock limits
//! neither of the latter two, and older kernels do not have it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::restriction::Restriction;
use crate::system::programs::find;

/// Path of this program in the namespace.
const LAUNCHER: &str = "/run/hyperframes-ci";

/// Directories that have file systems of their own in the namespace.
const OWN: &[&str] = &["/proc", "/dev"];

/// Returns the program, if it is installed.
pub(super) fn program() -> Option<PathBuf> {
    find("bwrap")
}

/// Returns a command that starts this program in namespaces with the files of `restriction`; its arguments follow.
pub(super) fn command(restriction: &Restriction) -> Command {
    let mut command = Command::new(program().unwrap_or_else(|| PathBuf::from("bwrap")));
    if restriction.relay.is_some() {
        command.arg("--unshare-net");
    }
    command.args(["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]);
    command.args(["--die-with-parent", "--proc", "/proc", "--dev", "/dev"]);
    for (option, paths) in [("--ro-bind-try", &restriction.readable), ("--bind", &restriction.writable)] {
        for path in outermost_first(paths) {
            match link(path, &restriction.readable) {
                Some(target) => command.arg("--symlink").arg(target).arg(path),
                None => command.arg(option).arg(path).arg(path),
            };
        }
    }
    // Where the file of this program was replaced meanwhile, it does not start.
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("hyperframes-ci"));
    command.arg("--ro-bind").arg(own).args([LAUNCHER, "--", LAUNCHER]);
    command
}

/// Returns the target of a link to a file that is readable by its own path, too. Mounted, it would no longer be a link:
/// the browser learns the time zone from the target of `/etc/localtime`, and otherwise compares it with all time zones,
/// for half a second.
fn link(path: &Path, readable: &[PathBuf]) -> Option<PathBuf> {
    let target = fs::read_link(path).ok().filter(|_| path.is_file())?;
    let folder = fs::canonicalize(path.parent()?.join(&target).parent()?).ok()?;
    readable.iter().any(|readable| folder.starts_with(readable)).then_some(target)
}

/// Returns the paths in an order in which no directory hides one that was mounted before.
fn outermost_first(paths: &[PathBuf]) -> Vec<&Path> {
    let is_bound = |path: &&Path| path.is_absolute() && !OWN.iter().any(|own| path.starts_with(own));
    let mut paths = paths.iter().map(PathBuf::as_path).filter(is_bound).collect::<Vec<_>>();
    paths.sort();
    paths.dedup();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_readable_file_stays_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("zones")).expect("created");
        fs::create_dir_all(at("etc")).expect("created");
        fs::write(at("zones/UTC"), "").expect("written");
        for (name, target) in [
            ("absolute", at("zones/UTC")),
            ("relative", PathBuf::from("../zones/UTC")),
            ("gone", at("zones/none")),
            ("folder", at("zones")),
        ] {
            std::os::unix::fs::symlink(target, at("etc").join(name)).expect("linked");
        }
        let target = |name: &str, readable: &str| link(&at("etc").join(name), &[at(readable)]);
        assert_eq!(target("absolute", "zones"), Some(at("zones/UTC")));
        assert_eq!(target("absolute", "etc"), None, "the target is not there");
        assert_eq!(target("relative", "zones"), Some(PathBuf::from("../zones/UTC")));
        for name in ["gone", "folder", "none"] {
            assert_eq!(target(name, "zones"), None, "{name}");
        }
    }

    #[test]
    fn directories_are_mounted_before_what_is_in_them() {
        let paths = ["/usr/bin/node", "/proc", "/usr", "relative", "/usr", "/dev/null"].map(PathBuf::from);
        assert_eq!(outermost_first(&paths), ["/usr", "/usr/bin/node"].map(Path::new));
        let restriction = Restriction { writable: vec!["/tmp/work".into()], ..Restriction::default() };
        let command = command(&restriction);
        let arguments = command.get_args().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>();
        assert!(arguments.ends_with(&["--".into(), LAUNCHER.into()]));
        assert!(arguments.windows(3).any(|words| *words == ["--bind", "/tmp/work", "/tmp/work"]));
    }
}
