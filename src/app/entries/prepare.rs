//! Prepares entries: everything that can fail before the first one is rendered.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hyperframes_ci_core::options::Format;
use hyperframes_ci_core::variables::{Row, fill};
use serde_json::Map;

use crate::app::budget::LimitOptions;
use crate::app::config::{Entry, Settings};
use crate::app::options::Given;
use crate::app::render::PreparedRender;
use crate::app::request::RequestBody;
use crate::app::spec::RenderSpec;
use crate::fault::Error;
use crate::project::resolved_paths::ResolvedPaths;
use crate::system::output::OutputError;
use crate::system::output_place::OutputTarget;
use crate::ui::Console;

/// Output of an entry that renders one video, below the root of the repository.
const OUTPUT: &str = "renders/{entry}.{ext}";

/// Output of an entry that renders the rows of a file.
const BATCH_OUTPUT: &str = "renders/{entry}/{index}.{ext}";

/// An entry that can be rendered.
pub(super) struct PreparedEntry<'a> {
    pub(super) entry: &'a Entry,
    /// The limits of this entry alone.
    pub(super) limits: LimitOptions,
    pub(super) render: PreparedRender,
}

/// Prepares the entries of one run.
pub(super) struct Preparer<'s> {
    settings: &'s Settings,
    base: &'s RenderSpec,
    given: &'s [Given],
    /// Outputs and manifests of all entries, selected or not.
    all_outputs: ResolvedPaths,
    /// Hashes of the outputs of the entries so far: no two may be the same file.
    outputs: BTreeSet<u64>,
}

impl<'s> Preparer<'s> {
    /// Returns a preparer that puts `given` over the settings of each entry, and these over `base`.
    pub(super) fn new(settings: &'s Settings, base: &'s RenderSpec, given: &'s [Given]) -> Self {
        let mut preparer =
            Self { settings, base, given, all_outputs: ResolvedPaths::default(), outputs: BTreeSet::new() };
        let entries = settings.file.entries.iter().zip(0..);
        let outputs = entries.flat_map(|(entry, index)| preparer.outputs_of(entry, index));
        preparer.all_outputs = ResolvedPaths::new(outputs);
        preparer
    }

    /// Returns the output and the manifest of an entry; nothing for an invalid one, which is reported when it is its turn.
    fn outputs_of(&self, entry: &Entry, index: u64) -> Vec<PathBuf> {
        let Ok((mut spec, _)) = self.settings.resolve(self.base.clone(), self.given, Some(entry)) else {
            return Vec::new();
        };
        let Ok(request) = RequestBody::new(&spec) else { return Vec::new() };
        let output = self.output(&mut spec, &request, entry, index).ok().map(PathBuf::from);
        output.into_iter().chain(spec.batch.manifest).collect()
    }

    /// Prepares the entry at `index` of the run.
    ///
    /// # Errors
    /// Returns an error if the options of the entry are invalid, its output is that of an earlier entry, or its project
    /// does not pass the checks.
    pub(super) fn prepare<'a>(
        &mut self,
        entry: &'a Entry,
        index: u64,
        console: &mut Console,
    ) -> Result<PreparedEntry<'a>, Error> {
        let (mut spec, _) = self.settings.resolve(self.base.clone(), self.given, Some(entry))?;
        spec.severities.validate()?;
        let request = RequestBody::new(&spec)?;
        if request.uploaded.is_some() {
            return Err(Error::usage(
                "an entry requires a project directory",
                "remove the project from --data",
            ));
        }
        let output = self.output(&mut spec, &request, entry, index)?;
        let target = OutputTarget::of(Path::new(&output));
        let target = target.map_err(|refusal| OutputError::Refused(PathBuf::from(&output), refusal))?;
        if !self.outputs.insert(target.folded_hash()) {
            let message = format!("output {output} is already used by another entry");
            return Err(Error::usage(message, "add {entry} to the output, or set a different output"));
        }
        spec.output = Some(PathBuf::from(output));
        spec.other_outputs.clone_from(&self.all_outputs);
        console.step(&format!("Checking {}", spec.directory().display()));
        let limits = spec.limits;
        Ok(PreparedEntry { entry, limits, render: PreparedRender::new(spec, console)? })
    }

    /// Returns the output of an entry, for a batch with the placeholders of its rows; sets the manifest of a batch.
    fn output(
        &self,
        spec: &mut RenderSpec,
        request: &RequestBody,
        entry: &Entry,
        index: u64,
    ) -> Result<String, Error> {
        let root = &self.settings.root;
        let is_batch = spec.batch.rows.is_some();
        let default = || root.join(if is_batch { BATCH_OUTPUT } else { OUTPUT });
        let pattern = spec.output.clone().unwrap_or_else(default).display().to_string();
        let pattern = pattern.replace("{entry}", &entry.name);
        if is_batch {
            let manifest = || root.join(format!("renders/{}.manifest.jsonl", entry.name));
            spec.batch.manifest.get_or_insert_with(manifest);
            return Ok(pattern);
        }
        let ext = request.options.format.unwrap_or(Format::Mp4);
        let variables = request.options.variables.clone().unwrap_or_default();
        let row = Row { index, line: 0, variables, options: Map::new(), output: None };
        fill(&pattern, &row, ext.as_str()).map_err(|message| Error::usage(message, "change the output"))
    }
}
