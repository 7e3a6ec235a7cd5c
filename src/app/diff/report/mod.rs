//! The report: one HTML file with the videos, and pictures next to it.

mod data;
mod page;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::DiffError;
use super::file::VideoFile;
use super::{Compared, DiffOptions};
use crate::app::config::slug;
use crate::app::outcome::{DiffImages, DiffOutcome, DiffReport};
use crate::fault::Error;
use crate::system::gate::{self, Reach};
use crate::system::output::OutputFile;
use data::ViewerData;

/// Total size of two videos in bytes up to which they are inside of the page.
const MAX_INLINE: u64 = 5 * 1024 * 1024;

/// Total size of all videos inside of a page in bytes; those beyond it are separate files.
const MAX_INLINE_TOTAL: u64 = 40 * 1024 * 1024;

/// Collects the comparisons of a report, and writes it.
pub(crate) struct Report {
    directory: PathBuf,
    reach: Reach,
    /// File names that are used.
    names: BTreeSet<String>,
    /// The viewers, by the number of their comparison.
    viewers: Vec<(usize, ViewerData)>,
    inline: u64,
    /// Whether a picture with everything is written as well.
    pub(super) has_sheets: bool,
}

impl Report {
    /// Returns a report in `directory`, which must be in `reach`.
    pub(crate) fn new(directory: &Path, reach: &Reach) -> Self {
        Self {
            directory: directory.to_owned(),
            reach: reach.clone(),
            names: BTreeSet::new(),
            viewers: Vec::new(),
            inline: 0,
            has_sheets: false,
        }
    }

    /// Adds the comparison with this number. Returns the pictures that were written.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written or read.
    pub(super) fn add(
        &mut self,
        number: usize,
        name: &str,
        compared: &Compared,
        options: &DiffOptions,
    ) -> Result<DiffImages, Error> {
        let mut images = DiffImages { strip: None, filmstrip: None, sheet: None };
        let stem = self.unique(name);
        let pictures = compared.pictures(options, self.has_sheets);
        if let Some(strip) = &pictures.strip {
            images.strip = Some(self.write(&format!("{stem}-strip.png"), strip)?);
        }
        if let Some(filmstrip) = &pictures.filmstrip {
            images.filmstrip = Some(self.write(&format!("{stem}-filmstrip.png"), filmstrip)?);
        }
        if let Some(sheet) = &pictures.sheet {
            images.sheet = Some(self.write(&format!("{stem}-sheet.png"), sheet)?);
        }
        let [base, head] = &compared.files;
        let sources = self.sources(&stem, [base, head])?;
        self.viewers.push((number, ViewerData::new(number, compared, &options.ignore, sources)));
        Ok(images)
    }

    /// Writes the page.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub(crate) fn finish(self, outcome: &DiffOutcome) -> Result<DiffReport, Error> {
        let page = page::page(outcome, &self.viewers);
        let page = self.write("index.html", page.as_bytes())?;
        Ok(DiffReport { directory: self.directory, page })
    }

    /// Returns a file name for a comparison, without extension.
    fn unique(&mut self, name: &str) -> String {
        let stem = slug(name);
        let numbered = (2_usize..).map(|number| format!("{stem}-{number}"));
        let mut names = std::iter::once(stem.clone()).chain(numbered);
        let name = names.find(|name| !self.names.contains(name)).unwrap_or(stem);
        self.names.insert(name.clone());
        name
    }

    /// Returns the URLs of two videos in the page: with their bytes, or of files next to the page.
    fn sources(&mut self, stem: &str, files: [&VideoFile; 2]) -> Result<[String; 2], Error> {
        use base64::Engine as _;

        let total = files[0].size + files[1].size;
        let is_inline = total <= MAX_INLINE && self.inline + total <= MAX_INLINE_TOTAL;
        self.inline += if is_inline { total } else { 0 };
        let mut sources = [String::new(), String::new()];
        for ((file, side), source) in files.iter().zip(["base", "head"]).zip(&mut sources) {
            let unreadable = |error| DiffError::Unreadable(file.input.path.clone(), error);
            let mut opened = gate::open(&file.input.path, &file.input.reach).map_err(unreadable)?;
            let container = file.video.container.as_str();
            if is_inline {
                let mut bytes = Vec::new();
                (&opened).take(MAX_INLINE).read_to_end(&mut bytes).map_err(unreadable)?;
                let kind = if container == "webm" { "webm" } else { "mp4" };
                let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
                *source = format!("data:video/{kind};base64,{encoded}");
            } else {
                let name = format!("{stem}-{side}.{container}");
                let path = self.directory.join(&name);
                let mut output = OutputFile::prepare(Some(&path), &self.reach)?;
                std::io::copy(&mut opened, output.file()).map_err(unreadable)?;
                output.keep(&name)?;
                *source = name;
            }
        }
        Ok(sources)
    }

    fn write(&self, name: &str, contents: &[u8]) -> Result<PathBuf, Error> {
        use std::io::Write as _;

        let path = self.directory.join(name);
        let mut output = OutputFile::prepare(Some(&path), &self.reach)?;
        output.file().write_all(contents).map_err(|error| DiffError::Report(path.clone(), error))?;
        let (path, _) = output.keep(name)?;
        Ok(path)
    }
}
