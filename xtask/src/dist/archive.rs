//! Release archives: the program, its licences, the README, manual pages and completions. The same files give the same
//! bytes on every system.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};

use super::target::Target;
use crate::command::{root, target as build_folder};

/// Contents of files by their path in the archive.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Modification time of all entries, in seconds: 1980-01-01, the oldest that ZIP can express. GNU tar warns about 1970.
const OLDEST: u64 = 315_532_800;

/// Shells and the names under which they find completions.
pub(crate) const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "completions/hyperframes-ci.bash"),
    ("elvish", "completions/hyperframes-ci.elv"),
    ("fish", "completions/hyperframes-ci.fish"),
    ("powershell", "completions/_hyperframes-ci.ps1"),
    ("zsh", "completions/_hyperframes-ci"),
];

/// Writes the archives of `target` with `program` to the folder `dist`.
///
/// # Errors
/// Returns an error if the program does not run or a file cannot be written.
pub(crate) fn write(target: &Target, program: &Path, dist: &Path) -> Result<Vec<PathBuf>> {
    let files = files(target, program)?;
    fs::create_dir_all(dist)?;
    let mut written = vec![(dist.join(target.archive()), tar_gz(&files, target)?)];
    if let Some(name) = target.zip() {
        written.push((dist.join(name), zip(&files, target)?));
    }
    written
        .into_iter()
        .map(|(path, bytes)| {
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path)
        })
        .collect()
}

/// Collects the files of an archive; the program itself writes its manual pages and completions.
fn files(target: &Target, program: &Path) -> Result<Files> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let mut files = Files::from([(target.program().to_owned(), read(program)?)]);
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
        files.insert(name.to_owned(), read(&root().join(name))?);
    }
    let pages = build_folder().join("man").join(target.triple);
    let _ = fs::remove_dir_all(&pages);
    fs::create_dir_all(&pages)?;
    run(Command::new(program).arg("man").arg(&pages))?;
    for entry in fs::read_dir(&pages)? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().context("a page has an invalid name")?;
        files.insert(format!("man/man1/{name}"), read(&entry.path())?);
    }
    for (shell, name) in COMPLETIONS {
        let script = run(Command::new(program).args(["completions", shell]))?;
        files.insert((*name).to_owned(), script);
    }
    Ok(files)
}

/// Runs the program; returns its output.
fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

fn mode(name: &str, target: &Target) -> u32 {
    if name == target.program() { 0o755 } else { 0o644 }
}

/// Returns the bytes of a `.tar.gz`.
///
/// # Errors
/// Returns an error if a path is too long.
pub(crate) fn tar_gz(files: &Files, target: &Target) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzBuilder::new().write(Vec::new(), Compression::best()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode(name, target));
        header.set_mtime(OLDEST);
        archive.append_data(&mut header, name, bytes.as_slice())?;
    }
    Ok(archive.into_inner()?.finish()?)
}

/// Returns the bytes of a `.zip`.
///
/// # Errors
/// Returns an error if a path or a file is too long.
pub(crate) fn zip(files: &Files, target: &Target) -> Result<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default()
            .unix_permissions(mode(name, target))
            .last_modified_time(zip::DateTime::default());
        archive.start_file(name.as_str(), options)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Reads a `.tar.gz`.
///
/// # Errors
/// Returns an error if `path` cannot be read or is not such an archive.
pub(crate) fn read(path: &Path) -> Result<Files> {
    let file = fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut files = Files::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_str().context("an entry has an invalid name")?.to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.insert(name, bytes);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::{Files, tar_gz, zip};
    use crate::dist::target::TARGETS;

    #[test]
    fn equal_files_give_equal_archives() {
        let target = TARGETS.last().expect("a target");
        let files = Files::from([
            ("hyperframes-ci.exe".to_owned(), b"x".repeat(99)),
            ("README.md".to_owned(), vec![]),
        ]);
        assert_eq!(tar_gz(&files, target).expect("an archive"), tar_gz(&files, target).expect("an archive"));
        assert_eq!(zip(&files, target).expect("an archive"), zip(&files, target).expect("an archive"));
    }
}
