//! How players place the frames of a video on the screen, as far as no decoder tells; sources: ISO/IEC 14496-12, sections 8.2.2, 8.3.2
//! and 12.1.4, and RFC 9559, section 5.1.4.1.28.

use std::io::{Read, Seek};

use super::model::VideoError;
use super::read::open;
use super::signature::{Signature, with_gif};
use super::webm::{CLUSTER, PICTURE, SEGMENT, TRACK_TYPE, TRACKS, VIDEO};
use super::{ebml, mp4};

/// How the frames of a video are placed on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The matrices of the movie and of its picture that are not the identity: the factors a, b, c and d, in units of
    /// 1/65536. Players ignore translations.
    pub matrices: Vec<[i32; 4]>,
    /// The part of the frames that is shown, in the figures of the container; empty for all of it.
    pub crop: Vec<u64>,
}

/// The matrix that changes nothing.
const IDENTITY: [i32; 4] = [0x1_0000, 0, 0, 0x1_0000];

/// `PixelCrop` of the four edges.
const CROP: [u32; 4] = [0x54aa, 0x54bb, 0x54cc, 0x54dd];

impl Placement {
    /// Reads the placement of the first picture of a file.
    ///
    /// # Errors
    /// Returns [`VideoError`] as [`super::Video::read`] does.
    pub fn read(file: &mut (impl Read + Seek)) -> Result<Self, VideoError> {
        let (mut file, signature, end) = open(file, with_gif)?;
        match signature {
            Signature::IsoMedia => Self::of_mp4(&mut mp4::Reader::new(&mut file), end),
            Signature::Ebml => Self::of_webm(&mut ebml::Reader::new(&mut file), end),
            Signature::Gif => Ok(Self::default()),
        }
    }

    fn of_mp4(reader: &mut mp4::Reader<'_, impl Read + Seek>, end: u64) -> Result<Self, VideoError> {
        let mut placement = Self::default();
        let top = reader.children(0, end)?;
        let Some(moov) = top.iter().find(|atom| atom.kind == *b"moov") else { return Ok(placement) };
        let movie = reader.children(moov.start, moov.end)?;
        for atom in movie.iter().filter(|atom| atom.kind == *b"mvhd") {
            placement.add_matrix(reader, *atom, [36, 48])?;
        }
        for trak in movie.iter().filter(|atom| atom.kind == *b"trak") {
            let track = reader.children(trak.start, trak.end)?;
            let Some(entry) = picture(reader, &track)? else { continue };
            for atom in track.iter().filter(|atom| atom.kind == *b"tkhd") {
                placement.add_matrix(reader, *atom, [40, 52])?;
            }
            // Behind the fields of a picture; some writers leave a few bytes that are no box.
            let inside = reader.children(entry.start + 78, entry.end).unwrap_or_default();
            if let Some(clap) = inside.iter().find(|atom| atom.kind == *b"clap") {
                for at in (clap.start..clap.end.min(clap.start + 32)).step_by(4) {
                    placement.crop.push(reader.u32(at)?.into());
                }
            }
            break;
        }
        Ok(placement)
    }

    /// Adds the matrix of a box, which is at one of these places in versions 0 and 1.
    fn add_matrix(
        &mut self,
        reader: &mut mp4::Reader<'_, impl Read + Seek>,
        atom: mp4::Atom,
        places: [u64; 2],
    ) -> Result<(), VideoError> {
        let start = atom.start + places[usize::from(reader.at::<1>(atom.start)? == [1])];
        if start + 36 > atom.end {
            return Ok(());
        }
        let mut matrix = IDENTITY;
        // Rows have three factors, of which the third one is for translations.
        for (factor, place) in matrix.iter_mut().zip([0, 4, 12, 16]) {
            *factor = reader.u32(start + place)?.cast_signed();
        }
        // Zeros are written by programs that do not know about matrices.
        if matrix != IDENTITY && matrix != [0; 4] {
            self.matrices.push(matrix);
        }
        Ok(())
    }

    fn of_webm(reader: &mut ebml::Reader<'_, impl Read + Seek>, end: u64) -> Result<Self, VideoError> {
        let mut crop = [0; 4];
        if let Some(tracks) = tracks(reader, end)? {
            for entry in reader.children(tracks)? {
                let fields = reader.children(entry)?;
                let kind = fields.iter().find(|field| field.id == TRACK_TYPE).copied();
                if kind.map(|kind| reader.integer(kind)).transpose()? != Some(PICTURE) {
                    continue;
                }
                for video in fields.into_iter().filter(|field| field.id == VIDEO) {
                    for field in reader.children(video)? {
                        if let Some(edge) = CROP.iter().position(|id| *id == field.id) {
                            crop[edge] = reader.integer(field)?;
                        }
                    }
                }
                break;
            }
        }
        let crop = if crop == [0; 4] { Vec::new() } else { crop.to_vec() };
        Ok(Self { matrices: Vec::new(), crop })
    }
}

/// Returns the tracks of a WebM.
fn tracks(
    reader: &mut ebml::Reader<'_, impl Read + Seek>,
    end: u64,
) -> Result<Option<ebml::Element>, VideoError> {
    let Some(head) = reader.element(0, end)? else { return Ok(None) };
    let segment = reader.element(head.end, end)?.filter(|element| element.id == SEGMENT);
    let Some(segment) = segment else { return Ok(None) };
    let mut offset = segment.start;
    while let Some(element) = reader.element(offset, segment.end)?.filter(|element| element.id != CLUSTER) {
        if element.id == TRACKS {
            return Ok(Some(element));
        }
        offset = element.end;
    }
    Ok(None)
}

/// Returns the sample description of a track, if it is a picture.
fn picture(
    reader: &mut mp4::Reader<'_, impl Read + Seek>,
    track: &[mp4::Atom],
) -> Result<Option<mp4::Atom>, VideoError> {
    let Some(mdia) = track.iter().find(|atom| atom.kind == *b"mdia") else { return Ok(None) };
    let media = reader.children(mdia.start, mdia.end)?;
    let Some(handler) = media.iter().find(|atom| atom.kind == *b"hdlr") else { return Ok(None) };
    if reader.at::<4>(handler.start + 8)? != *b"vide" {
        return Ok(None);
    }
    let mut inside = media;
    for kind in [b"minf", b"stbl", b"stsd"] {
        let Some(atom) = inside.iter().find(|atom| atom.kind == *kind).copied() else { return Ok(None) };
        // A list of descriptions begins with its length.
        let head = if kind == b"stsd" { 8 } else { 0 };
        inside = reader.children(atom.start + head, atom.end)?;
    }
    Ok(inside.first().copied())
}
