//! `hyperframes-ci pack`

use std::path::PathBuf;

use hyperframes_ci_core::archive::{DIRECT_UPLOAD_LIMIT, hex};
use hyperframes_ci_core::check::CheckOptions;
use hyperframes_ci_core::findings::Levels;

use super::levels::LevelArgs;
use super::preflight::{Prepared, archive_json, largest_lines};
use crate::fault::Error;
use crate::project::collect::Project;
use crate::system::output::{OutputError, OutputFile};
use crate::ui::{Console, bytes, plain, table};

/// Pack a project as the cloud would get it
///
/// Equal contents give equal bytes on every machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The project directory
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where the archive goes; without it nothing is written, and only the figures are shown
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// List every file with its size and SHA-256
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    levels: LevelArgs,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    args.levels.validate()?;
    let levels = |project: &Project| args.levels.levels(&project.boundary, Levels::default());
    let prepared = Prepared::new(
        &args.dir,
        args.output.as_deref().as_slice(),
        &CheckOptions::default(),
        levels,
        console,
    )?;
    let target = args.output.as_deref().map(|path| OutputFile::prepare(Some(path))).transpose()?;
    let packed = prepared.pack(console)?;
    let mut result = archive_json(prepared.project(), &packed, DIRECT_UPLOAD_LIMIT);
    if args.list {
        let entries = packed.manifest.entries();
        let rows =
            entries.iter().map(|entry| vec![hex(&entry.sha256), bytes(entry.size), plain(&entry.path)]);
        console.result(&table(&rows.collect::<Vec<_>>()));
        result["files"] = entries
            .iter()
            .map(|entry| serde_json::json!({ "path": entry.path, "size_bytes": entry.size, "sha256": hex(&entry.sha256) }))
            .collect();
    } else {
        console.detail("largest files:");
        for line in largest_lines(&packed) {
            console.detail(&line);
        }
    }
    if packed.size > DIRECT_UPLOAD_LIMIT {
        console.warning(&format!("the archive exceeds the upload limit of {}", bytes(DIRECT_UPLOAD_LIMIT)));
    }
    if let Some(target) = target {
        std::fs::copy(packed.path(), target.temporary_path())
            .map_err(|error| OutputError::NotKept(format!("the archive cannot be written: {error}")))?;
        let (path, size) = target.keep("unused")?;
        console.done(&format!("{} ({})", path.display(), bytes(size)));
        result["output_path"] = path.display().to_string().into();
    }
    console.json(&serde_json::json!({ "archive": result, "diagnostics": prepared.findings.diagnostics }));
    Ok(())
}
