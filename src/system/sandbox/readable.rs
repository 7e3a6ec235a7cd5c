//! The files that a contained process may read.

use std::path::{Path, PathBuf};

/// The programs that run inside of the layers.
#[derive(Clone, Debug)]
pub(crate) struct ContainedPrograms {
    /// Node, which runs the engine.
    pub(crate) node: PathBuf,
    /// The browser.
    pub(crate) browser: PathBuf,
    /// FFmpeg, which the engine starts by name.
    pub(crate) ffmpeg: PathBuf,
    /// Directory of the engine.
    pub(crate) packages: PathBuf,
}

/// Files and directories of the system that programs need on Linux: libraries, fonts, certificates, the clock. Without the
/// cache of fontconfig, each start of a browser reads every font.
#[cfg(target_os = "linux")]
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/chromium",
    "/etc/chromium.d",
    "/etc/fonts",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/opt/chrome",
    "/etc/os-release",
    "/etc/pki/tls/certs",
    "/etc/resolv.conf",
    "/etc/ssl",
    "/etc/vulkan",
    "/proc",
    "/sys/devices",
    "/sys/fs/cgroup",
    "/var/cache/fontconfig",
];

/// Returns what a contained process may read, without its own files.
#[cfg(target_os = "linux")]
pub(super) fn readable(programs: &ContainedPrograms) -> Vec<PathBuf> {
    let system = SYSTEM.iter().map(PathBuf::from);
    system.chain(of_programs(programs)).collect()
}

/// Returns what the programs read: themselves, with the files next to them, and the directories of the engine.
pub(super) fn of_programs(programs: &ContainedPrograms) -> Vec<PathBuf> {
    let mut paths = vec![programs.packages.clone()];
    for program in [&programs.node, &programs.browser, &programs.ffmpeg] {
        let real = program.canonicalize().unwrap_or_else(|_| program.clone());
        paths.extend([program.clone(), real.clone()]);
        // A browser has its libraries and data beside it, FFmpeg has ffprobe.
        paths.extend(real.parent().filter(|folder| !is_of_the_user(folder)).map(Path::to_owned));
    }
    // Both may be links in a directory of the user.
    paths.push(programs.ffmpeg.with_file_name(format!("ffprobe{}", std::env::consts::EXE_SUFFIX)));
    let certificates =
        ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "FONTCONFIG_FILE", "FONTCONFIG_PATH"];
    paths.extend(certificates.iter().filter_map(std::env::var_os).map(PathBuf::from));
    let mut all = paths.clone();
    all.extend(paths.iter().filter_map(|path| path.canonicalize().ok()));
    all.sort();
    all.dedup();
    all
}

/// Returns whether a directory contains the user's own files: a program that lies directly in the home directory must
/// not open all of it.
fn is_of_the_user(folder: &Path) -> bool {
    let own = [std::env::home_dir(), std::env::current_dir().ok(), Some(std::env::temp_dir())];
    let own = own.into_iter().flatten().map(|path| path.canonicalize().unwrap_or(path));
    folder.parent().is_none() || own.into_iter().any(|path| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_the_home_directory_does_not_open_it() {
        let home = std::env::home_dir().expect("a home");
        assert!(is_of_the_user(&home) && is_of_the_user(Path::new("/")));
        assert!(!is_of_the_user(&home.join("chrome/linux")));
        let programs = ContainedPrograms {
            node: home.join("node"),
            browser: home.join("chrome"),
            ffmpeg: home.join("ffmpeg"),
            packages: home.join("packages"),
        };
        assert!(of_programs(&programs).iter().all(|path| !home.starts_with(path)));
    }
}
