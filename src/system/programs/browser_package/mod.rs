//! A browser from npm, for machines without one: chrome-headless-shell with its libraries, as the official renderer on AWS Lambda
//! uses it. Unlike packages of Debian, it needs no root, and the caches of CI services can keep it.
//!
//! A cache is not trusted, so the files are used only if they have the hashes below.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ProgramError;
use super::find::find;
use super::installer::run_installer;
use super::pinned_folder::{PinnedFile, PinnedFolder};
use super::process::without_secrets;
use crate::system::deadline::Deadline;

/// The package of npm, of the version that `@hyperframes/aws-lambda` depends on.
const PACKAGE: &str = "@sparticuz/chromium@148.0.0";

/// The file that `npm pack` writes.
const ARCHIVE: &str = "sparticuz-chromium-148.0.0.tgz";

/// Starts the browser. The name is the one by which the engine knows how it captures frames.
const LAUNCHER: &str = include_str!("chrome-headless-shell.sh");

/// Adds the fonts of the package to those of the machine.
const FONTS: &str = include_str!("fonts.conf");

static BROWSER: PinnedFolder = PinnedFolder {
    title: "chrome-headless-shell 148",
    name: "browser-148",
    files: &[
        PinnedFile {
            name: "chrome-headless-shell",
            sha256: "cec7d43cf196b8bd7990327a436cbc0bcfdf07a0ff54af43330a379c1435ba17",
        },
        PinnedFile {
            name: "headless_shell",
            sha256: "19d04ecc759247c060f0d581afd3b535bcf36570425f32ac7742d9b0be29afd5",
        },
        PinnedFile {
            name: "OpenSans-Bold.ttf",
            sha256: "27da758f4dcac9a65abe914c13b463b42982b9909bc65713424099f4810bd1e6",
        },
        PinnedFile {
            name: "OpenSans-Italic.ttf",
            sha256: "93bc1bb6abf4e6b7c75d7131714061d5b57cc478abcabe4cb3519bb38fb917aa",
        },
        PinnedFile {
            name: "OpenSans-Regular.ttf",
            sha256: "c53aceea2dcf5b4098099c0c4d0a061d17e178a049317b42a422b1a9f7f8eb59",
        },
        PinnedFile {
            name: "fonts.conf",
            sha256: "75e88a6ed00bbabac18ed0fc50ebd86ecb58bd11e2943baa0bb182878507a263",
        },
        PinnedFile {
            name: "libEGL.so",
            sha256: "8025c597e5647d7a45a2d59d9487bf45b110be751247c435a333859bd1558cb8",
        },
        PinnedFile {
            name: "libGLESv2.so",
            sha256: "69e2a1c88aec6d9cd8302c06e3158e27832d8068228c146fef1569155c7c78ca",
        },
        PinnedFile {
            name: "libexpat.so.1",
            sha256: "a42c73fa261c746045922f7a1631bb31989eb70aeed4766f26e9173cf655dd84",
        },
        PinnedFile {
            name: "libfreebl3.chk",
            sha256: "80a329bfb6616c408bb70a17710cd6a512100a6bb5f902abb6f5f988698e5a37",
        },
        PinnedFile {
            name: "libfreebl3.so",
            sha256: "1007112117baaee58ebf2f0b361bd1ed9e434d458117028ed01b17a6ca24d0e6",
        },
        PinnedFile {
            name: "libfreeblpriv3.chk",
            sha256: "3c153b3932171c30c40d50d1d613f5a39b685289a750df25fb6989440001cb32",
        },
        PinnedFile {
            name: "libfreeblpriv3.so",
            sha256: "67bff729addafde4b3c904716fccca876fc5637e8c475caca00ad60a08cc2313",
        },
        PinnedFile {
            name: "libnspr4.so",
            sha256: "b7ddec11e9e21e4025c0b911b55e880afbb04d12a00f1f3736245ce85f62827f",
        },
        PinnedFile {
            name: "libnss3.so",
            sha256: "1719436d5424fd9b2dece28435621198cca05d0ecc5539f443f090d411a460c0",
        },
        PinnedFile {
            name: "libnssutil3.so",
            sha256: "c2a72f8ebdf5629c7bde24db372bee5dcdd074a32cae3910ac4a2a85fd5485a4",
        },
        PinnedFile {
            name: "libplc4.so",
            sha256: "5ecfb0db51ce18c5ec6b187c3ccda03c467b2dfdaa939fe579f8a54531b9519f",
        },
        PinnedFile {
            name: "libplds4.so",
            sha256: "05eb3c4b52b5706a8c5535cc4fa39aaa9d26e02ecb9340b03d841bf038b73e21",
        },
        PinnedFile {
            name: "libsoftokn3.chk",
            sha256: "dc9160cb612d48e4c3a3209341db43ff27c8c3110bac26344f0bb8fb182ad6d6",
        },
        PinnedFile {
            name: "libsoftokn3.so",
            sha256: "d410831e2062ef05e6d5efdc69e159ace89d2f41670e0a859ea294d6f06c82de",
        },
        PinnedFile {
            name: "libvk_swiftshader.so",
            sha256: "3fbc23db5d4d5b16140031670918acff994247c1d3489a5a2674ac1c99243cec",
        },
        PinnedFile {
            name: "libvulkan.so.1",
            sha256: "db36e9ec5eb6244c78b75aa6f38e3672df2c5669d286c778a7f5816d5a40f974",
        },
        PinnedFile {
            name: "vk_swiftshader_icd.json",
            sha256: "c9eef28b6b984fec220ef0abfecc40b502d46946706e47bfe97707027cb818bd",
        },
    ],
};

/// Returns the browser of the cache.
pub(crate) fn packaged_browser(cache: &Path) -> Option<PathBuf> {
    BROWSER.in_cache(cache)
}

/// Returns the directory in the cache; `None` if there is no such browser for this system.
pub(crate) fn browser_folder(cache: &Path) -> Option<PathBuf> {
    cfg!(all(target_os = "linux", target_arch = "x86_64")).then(|| BROWSER.folder(cache))
}

/// Installs the browser into the cache, if Node and npm are there to fetch it. `announce` is called with its name.
///
/// # Errors
/// Returns [`ProgramError`] if npm fails, or the files are not those that are expected.
pub(crate) fn install_browser(
    cache: &Path,
    deadline: Deadline,
    announce: &mut dyn FnMut(&str),
) -> Result<(), ProgramError> {
    if browser_folder(cache).is_none() || BROWSER.in_cache(cache).is_some() {
        return Ok(());
    }
    let (Some(node), Some(npm)) = (find("node"), find("npm")) else { return Ok(()) };
    announce(BROWSER.title);
    BROWSER.install(cache, |root, files| {
        let mut pack = Command::new(npm);
        // Its dependencies are for programs that use it as a library.
        pack.args(["pack", "--silent", "--ignore-scripts", PACKAGE]).current_dir(root);
        run_installer(BROWSER.title, without_secrets(pack), deadline)?;
        let script = root.join("unpack.mjs");
        fs::write(&script, include_str!("unpack.mjs")).map_err(ProgramError::Folder)?;
        let mut unpack = Command::new(node);
        unpack.arg(script).arg(root.join(ARCHIVE)).arg(files).current_dir(root);
        run_installer(BROWSER.title, without_secrets(unpack), deadline)?;
        fs::write(files.join(BROWSER.files[0].name), LAUNCHER).map_err(ProgramError::Folder)?;
        fs::write(files.join("fonts.conf"), FONTS).map_err(ProgramError::Folder)
    })
}
