//! MP4 and QuickTime; source: ISO/IEC 14496-12, and Apple's QuickTime File Format Specification.

use std::io::{Read, Seek};

use super::input::bytes_at;
use super::model::{Audio, Container, Tracks, Video, VideoError};

/// Maximum number of boxes that are read in one file: each fragment has a few.
const MOST_BOXES: usize = 200_000;

/// Maximum number of entries that are read of one table.
const MOST_ENTRIES: u32 = 1_000_000;

/// A box: its type and the range of its contents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Atom {
    pub(super) kind: [u8; 4],
    pub(super) start: u64,
    pub(super) end: u64,
}

pub(super) struct Reader<'a, R> {
    file: &'a mut R,
    boxes: usize,
}

/// The properties of a track.
#[derive(Debug, Default)]
pub(super) struct Track {
    id: u32,
    handler: [u8; 4],
    pub(super) timescale: u32,
    duration: u64,
    entry: Option<Atom>,
    /// Samples and their durations, in units of the timescale.
    samples: u64,
    pub(super) ticks: u64,
    /// The offset of the first sample.
    first_sample: Option<u64>,
    /// Offset where the last sample ends.
    last_sample_end: Option<u64>,
}

pub(super) fn read(file: &mut (impl Read + Seek), end: u64) -> Result<Video, VideoError> {
    let mut reader = Reader::new(file);
    let top = reader.children(0, end)?;
    let find = |kind: &[u8; 4]| top.iter().find(|atom| atom.kind == *kind).copied();
    let brand = match find(b"ftyp") {
        Some(ftyp) => reader.at::<4>(ftyp.start)?,
        None => *b"qt  ",
    };
    let movie = reader.whole_movie(&top)?;
    let picture = movie.tracks.iter().find(|track| track.handler == *b"vide");
    let picture = picture.ok_or(VideoError::Damaged("it has no video track"))?;
    let entry =
        picture.entry.ok_or(VideoError::Damaged("its video track has no sample description (stsd)"))?;
    let (width, height) = reader.picture_size(entry)?;
    let depth = u16::from_be_bytes(reader.at::<2>(entry.start + 74)?);
    let alpha = match &entry.kind {
        b"ap4h" | b"ap4x" => reader.prores_alpha(picture.first_sample)?,
        b"png " | b"rle " | b"raw " => depth == 32,
        _ => false,
    };
    let fps = seconds(picture.ticks, picture.timescale).map(|length| picture.samples as f64 / length);
    let duration = movie.length(picture);
    let sound = movie.tracks.iter().find(|track| track.handler == *b"soun");
    let audio = sound.and_then(|track| track.entry).map(|entry| reader.audio(entry)).transpose()?;
    Ok(Video {
        container: if brand == *b"qt  " { Container::Mov } else { Container::Mp4 },
        codec: codec(entry.kind),
        width,
        height,
        fps,
        duration,
        alpha,
        audio,
    })
}

/// See [`super::read::tracks`].
pub(super) fn tracks(file: &mut (impl Read + Seek), end: u64) -> Result<Tracks, VideoError> {
    let mut reader = Reader::new(file);
    let top = reader.children(0, end)?;
    let movie = reader.whole_movie(&top)?;
    let of_kind = |kind: &[u8; 4]| movie.tracks.iter().find(|track| track.handler == *kind);
    let (picture, sound) = (of_kind(b"vide"), of_kind(b"soun"));
    let video = picture.and_then(|track| track.entry).map(|entry| {
        let (width, height) = reader.picture_size(entry)?;
        Ok::<_, VideoError>((codec(entry.kind), width, height))
    });
    let duration = picture.or(sound).and_then(|track| movie.length(track));
    Ok(Tracks { duration, video: video.transpose()?, has_sound: sound.is_some() })
}

/// Returns the sound of a file, which need not have a video track.
pub(super) fn sound(file: &mut (impl Read + Seek), end: u64) -> Result<Option<Audio>, VideoError> {
    let mut reader = Reader::new(file);
    let top = reader.children(0, end)?;
    let movie = reader.whole_movie(&top)?;
    let sound = movie.tracks.iter().find(|track| track.handler == *b"soun");
    sound.and_then(|track| track.entry).map(|entry| reader.audio(entry)).transpose()
}

fn seconds(ticks: u64, timescale: u32) -> Option<f64> {
    (timescale > 0 && ticks > 0).then(|| ticks as f64 / f64::from(timescale))
}

/// See [`super::check_whole`]. Returns the boxes at the top and the movie, whose fragments are not checked.
pub(super) fn check_whole(
    reader: &mut Reader<'_, impl Read + Seek>,
    end: u64,
) -> Result<(Vec<Atom>, Movie), VideoError> {
    let top = reader.children(0, end)?;
    let last = top.last().map_or(0, |atom| atom.end);
    let mut rest = last;
    // Some writers pad the file with zeroes.
    while rest < end {
        let is_cut = end - rest < 8 && reader.at::<1>(rest)? != [0];
        if is_cut || end - last >= 8 {
            return Err(VideoError::Damaged("its last box is truncated"));
        }
        rest += 1;
    }
    let moov = top.iter().find(|atom| atom.kind == *b"moov");
    let moov = *moov.ok_or(VideoError::Damaged("it has no index (moov)"))?;
    let movie = reader.movie(moov)?;
    if movie.tracks.iter().any(|track| track.last_sample_end.is_some_and(|samples| samples > end)) {
        return Err(VideoError::Damaged("its samples extend beyond the end of the file"));
    }
    Ok((top, movie))
}

#[derive(Debug, Default)]
pub(super) struct Movie {
    pub(super) timescale: u32,
    pub(super) duration: u64,
    /// Whether the file is fragmented (`mvex`), and the duration of the fragments with that of the movie, 0 if unknown.
    pub(super) is_fragmented: bool,
    pub(super) fragments_duration: u64,
    pub(super) tracks: Vec<Track>,
    /// Default durations of samples in fragments, by track.
    defaults: Vec<(u32, u32)>,
}

impl Movie {
    /// Returns the length in seconds of a file with this track.
    fn length(&self, track: &Track) -> Option<f64> {
        seconds(self.duration, self.timescale)
            .or_else(|| seconds(track.ticks, track.timescale))
            .or_else(|| seconds(track.duration, track.timescale))
    }
}

impl<'a, R: Read + Seek> Reader<'a, R> {
    pub(super) fn new(file: &'a mut R) -> Self {
        Self { file, boxes: 0 }
    }

    pub(super) fn at<const N: usize>(&mut self, offset: u64) -> Result<[u8; N], VideoError> {
        bytes_at(self.file, offset)
    }

    pub(super) fn u32(&mut self, offset: u64) -> Result<u32, VideoError> {
        Ok(u32::from_be_bytes(self.at(offset)?))
    }

    /// Returns the boxes between two offsets.
    pub(super) fn children(&mut self, start: u64, end: u64) -> Result<Vec<Atom>, VideoError> {
        let mut atoms = Vec::new();
        let mut offset = start;
        while end.saturating_sub(offset) >= 8 {
            self.boxes += 1;
            if self.boxes > MOST_BOXES {
                return Err(VideoError::Damaged("it has too many boxes"));
            }
            let head = self.at::<8>(offset)?;
            let kind = [head[4], head[5], head[6], head[7]];
            let (header, size) = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
                0 => (8, end - offset),
                1 => (16, u64::from_be_bytes(self.at(offset + 8)?)),
                size => (8, u64::from(size)),
            };
            if size < header || size > end - offset {
                // Some writers pad a container with zeroes, and a truncated file ends in the middle of its last box.
                if kind == *b"mdat" || head == [0; 8] {
                    break;
                }
                return Err(VideoError::Damaged("a box extends beyond the end of the file"));
            }
            atoms.push(Atom { kind, start: offset + header, end: offset + size });
            offset += size;
        }
        Ok(atoms)
    }

    /// Returns the movie of a file with these boxes, fragments included.
    fn whole_movie(&mut self, top: &[Atom]) -> Result<Movie, VideoError> {
        let moov = top.iter().find(|atom| atom.kind == *b"moov");
        let mut movie = self.movie(*moov.ok_or(VideoError::Damaged("it has no index (moov)"))?)?;
        for moof in top.iter().filter(|atom| atom.kind == *b"moof") {
            self.fragment(*moof, &mut movie)?;
        }
        Ok(movie)
    }

    /// Returns width and height of a sample description.
    fn picture_size(&mut self, entry: Atom) -> Result<(u32, u32), VideoError> {
        let [a, b, c, d] = self.at(entry.start + 24)?;
        Ok((u32::from(u16::from_be_bytes([a, b])), u32::from(u16::from_be_bytes([c, d]))))
    }

    fn movie(&mut self, moov: Atom) -> Result<Movie, VideoError> {
        let mut movie = Movie::default();
        for atom in self.children(moov.start, moov.end)? {
            match &atom.kind {
                b"mvhd" => (movie.timescale, movie.duration) = self.times(atom.start)?,
                b"trak" => {
                    let track = self.track(atom)?;
                    movie.tracks.push(track);
                }
                b"mvex" => {
                    movie.is_fragmented = true;
                    for atom in self.children(atom.start, atom.end)? {
                        match &atom.kind {
                            b"trex" => {
                                let default = (self.u32(atom.start + 4)?, self.u32(atom.start + 12)?);
                                movie.defaults.push(default);
                            }
                            b"mehd" if self.at::<1>(atom.start)? == [1] => {
                                movie.fragments_duration = u64::from_be_bytes(self.at(atom.start + 4)?);
                            }
                            b"mehd" => movie.fragments_duration = u64::from(self.u32(atom.start + 4)?),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(movie)
    }

    /// Returns timescale and duration of a `mvhd` or `mdhd`; an unknown duration is 0.
    fn times(&mut self, start: u64) -> Result<(u32, u64), VideoError> {
        if self.at::<1>(start)? == [1] {
            let duration = u64::from_be_bytes(self.at(start + 24)?);
            return Ok((self.u32(start + 20)?, if duration == u64::MAX { 0 } else { duration }));
        }
        let duration = self.u32(start + 16)?;
        Ok((self.u32(start + 12)?, if duration == u32::MAX { 0 } else { u64::from(duration) }))
    }

    fn track(&mut self, trak: Atom) -> Result<Track, VideoError> {
        let mut track = Track::default();
        for atom in self.children(trak.start, trak.end)? {
            match &atom.kind {
                b"tkhd" => {
                    let offset = if self.at::<1>(atom.start)? == [1] { 20 } else { 12 };
                    track.id = self.u32(atom.start + offset)?;
                }
                b"mdia" => {
                    for atom in self.children(atom.start, atom.end)? {
                        match &atom.kind {
                            b"mdhd" => (track.timescale, track.duration) = self.times(atom.start)?,
                            b"hdlr" => track.handler = self.at(atom.start + 8)?,
                            b"minf" => self.tables(atom, &mut track)?,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(track)
    }

    /// Reads `minf/stbl`.
    fn tables(&mut self, minf: Atom, track: &mut Track) -> Result<(), VideoError> {
        let tables = self.children(minf.start, minf.end)?;
        let Some(stbl) = tables.into_iter().find(|atom| atom.kind == *b"stbl") else { return Ok(()) };
        let tables = self.children(stbl.start, stbl.end)?;
        track.last_sample_end = self.last_sample_end(&tables)?;
        for atom in tables {
            match &atom.kind {
                b"stsd" => track.entry = self.children(atom.start + 8, atom.end)?.first().copied(),
                b"stts" => {
                    let room = (atom.end - atom.start).saturating_sub(8) / 8;
                    let count = u64::from(self.u32(atom.start + 4)?.min(MOST_ENTRIES)).min(room);
                    for index in 0..count {
                        let entry = self.at::<8>(atom.start + 8 + index * 8)?;
                        let [a, b, c, d, e, f, g, h] = entry;
                        let (samples, delta) =
                            (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
                        track.add(u64::from(samples), u64::from(samples) * u64::from(delta));
                    }
                }
                b"stco" if self.u32(atom.start + 4)? > 0 => {
                    track.first_sample = Some(u64::from(self.u32(atom.start + 8)?));
                }
                b"co64" if self.u32(atom.start + 4)? > 0 => {
                    track.first_sample = Some(u64::from_be_bytes(self.at(atom.start + 8)?));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns the offset where the last chunk of a track ends, from its start, its number of samples and their sizes; `None` if the tables
    /// have no chunks.
    fn last_sample_end(&mut self, tables: &[Atom]) -> Result<Option<u64>, VideoError> {
        let find = |kind: &[u8; 4]| tables.iter().find(|atom| atom.kind == *kind).copied();
        // Reads the last entry of a table that starts after `head` bytes and has `width` bytes per entry.
        let last = |atom: Atom, head: u64, width: u64, count: u32| {
            let offset = u64::from(count).checked_sub(1).map(|index| atom.start + head + index * width);
            offset.filter(|offset| offset + width <= atom.end)
        };
        let chunk = match (find(b"stco"), find(b"co64")) {
            (Some(stco), _) => {
                let count = self.u32(stco.start + 4)?;
                last(stco, 8, 4, count).map(|offset| self.u32(offset).map(u64::from)).transpose()?
            }
            (None, Some(co64)) => {
                let count = self.u32(co64.start + 4)?;
                last(co64, 8, 8, count).map(|offset| self.at(offset).map(u64::from_be_bytes)).transpose()?
            }
            (None, None) => None,
        };
        let (Some(chunk), Some(stsc), Some(stsz)) = (chunk, find(b"stsc"), find(b"stsz")) else {
            return Ok(chunk);
        };
        let runs = self.u32(stsc.start + 4)?;
        let samples = match last(stsc, 8, 12, runs) {
            Some(offset) => self.u32(offset + 4)?,
            None => 0,
        };
        let (uniform, count) = (self.u32(stsz.start + 4)?, self.u32(stsz.start + 8)?);
        let mut end = chunk;
        if uniform > 0 {
            end = end.saturating_add(u64::from(uniform) * u64::from(samples));
        } else {
            for back in 0..samples.min(count).min(MOST_ENTRIES) {
                let Some(offset) = last(stsz, 12, 4, count - back) else { break };
                end = end.saturating_add(u64::from(self.u32(offset)?));
            }
        }
        Ok(Some(end))
    }

    /// Adds the samples of a `moof`.
    pub(super) fn fragment(&mut self, moof: Atom, movie: &mut Movie) -> Result<(), VideoError> {
        for traf in self.children(moof.start, moof.end)? {
            if traf.kind != *b"traf" {
                continue;
            }
            let mut id = 0;
            let mut default = 0;
            for atom in self.children(traf.start, traf.end)? {
                match &atom.kind {
                    b"tfhd" => {
                        id = self.u32(atom.start + 4)?;
                        let known = movie.defaults.iter().find(|(track, _)| *track == id);
                        default = known.map_or(0, |(_, duration)| *duration);
                        let flags = self.u32(atom.start)? & 0x00ff_ffff;
                        if flags & 8 != 0 {
                            // Skips the optional base offset and the optional description index.
                            let offset = 8 + u64::from(flags & 1) * 8 + u64::from(flags >> 1 & 1) * 4;
                            default = self.u32(atom.start + offset)?;
                        }
                    }
                    b"trun" => {
                        let (samples, ticks) = self.run(atom, default)?;
                        if let Some(track) = movie.tracks.iter_mut().find(|track| track.id == id) {
                            track.add(samples, ticks);
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Samples of a `trun`, and their duration.
    fn run(&mut self, trun: Atom, default: u32) -> Result<(u64, u64), VideoError> {
        let flags = self.u32(trun.start)? & 0x00ff_ffff;
        let count = self.u32(trun.start + 4)?;
        if flags & 0x100 == 0 {
            return Ok((u64::from(count), u64::from(count) * u64::from(default)));
        }
        let first = trun.start + 8 + u64::from(flags & 1) * 4 + u64::from(flags >> 2 & 1) * 4;
        // Duration, size, flags and composition offset are optional and have four bytes each.
        let width = u64::from((flags >> 8 & 0xf).count_ones()) * 4;
        let room = trun.end.saturating_sub(first) / width;
        let mut ticks = 0_u64;
        let count = u64::from(count.min(MOST_ENTRIES)).min(room);
        for index in 0..count {
            ticks = ticks.saturating_add(u64::from(self.u32(first + index * width)?));
        }
        Ok((count, ticks))
    }

    /// Returns whether a ProRes frame has an alpha channel; source: SMPTE RDD 36, `alpha_channel_type` of the frame header.
    fn prores_alpha(&mut self, frame: Option<u64>) -> Result<bool, VideoError> {
        let Some(frame) = frame else { return Ok(false) };
        let header = self.at::<26>(frame)?;
        Ok(header[4..8] == *b"icpf" && header[25] & 0xf != 0)
    }

    fn audio(&mut self, entry: Atom) -> Result<Audio, VideoError> {
        let fields = self.at::<20>(entry.start + 8)?;
        let channels = u32::from(u16::from_be_bytes([fields[8], fields[9]]));
        let sample_rate = u32::from(u16::from_be_bytes([fields[16], fields[17]]));
        let mut audio = Audio { codec: codec(entry.kind), channels, sample_rate };
        // In MP4, AAC ignores the fields above; later versions of QuickTime use them and have more fields.
        if entry.kind == *b"mp4a" && fields[..2] == [0, 0] {
            let inside = self.children(entry.start + 28, entry.end)?;
            if let Some(esds) = inside.into_iter().find(|atom| atom.kind == *b"esds")
                && let Some((sample_rate, channels)) = self.aac(esds)?
            {
                (audio.sample_rate, audio.channels) = (sample_rate, channels);
            }
        }
        Ok(audio)
    }

    /// Returns sample rate and channels of an `esds` with AAC, if they have the usual form; source: ISO/IEC
    /// 14496-1, section 7.2.6, and 14496-3, section 1.6.2.
    fn aac(&mut self, esds: Atom) -> Result<Option<(u32, u32)>, VideoError> {
        const RATES: [u32; 13] =
            [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
        let mut offset = esds.start + 4;
        // The stream's descriptor contains the decoder's, which contains the codec's; each starts with its own fields.
        for (tag, fields) in [(3, 3), (4, 13), (5, 0)] {
            if offset + 2 > esds.end || self.at::<1>(offset)? != [tag] {
                return Ok(None);
            }
            offset += 1;
            // A size has seven bits per byte; the eighth bit is set in all bytes but the last.
            for _ in 0..4 {
                let [byte] = self.at::<1>(offset)?;
                offset += 1;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            if tag == 3 && self.at::<1>(offset + 2)?[0] & 0xe0 != 0 {
                return Ok(None);
            }
            offset += fields;
        }
        if offset + 2 > esds.end {
            return Ok(None);
        }
        // Five bits for the object type, four for the sample rate, four for the channels.
        let config = u16::from_be_bytes(self.at(offset)?);
        let rate = RATES.get(usize::from(config >> 7 & 0xf)).copied();
        let channels = match config >> 3 & 0xf {
            channels @ 1..=6 => Some(u32::from(channels)),
            7 => Some(8),
            _ => None,
        };
        Ok(rate.zip(channels))
    }
}

impl Track {
    fn add(&mut self, samples: u64, ticks: u64) {
        self.samples = self.samples.saturating_add(samples);
        self.ticks = self.ticks.saturating_add(ticks);
    }
}

/// Returns the usual name of a codec.
fn codec(kind: [u8; 4]) -> String {
    match &kind {
        b"avc1" | b"avc3" => "h264",
        b"hvc1" | b"hev1" => "hevc",
        b"av01" => "av1",
        b"vp09" => "vp9",
        b"vp08" => "vp8",
        b"ap4h" | b"ap4x" | b"apch" | b"apcn" | b"apcs" | b"apco" => "prores",
        b"mp4v" => "mpeg4",
        b"mp4a" => "aac",
        b"Opus" => "opus",
        b"fLaC" => "flac",
        b"sowt" | b"twos" | b"lpcm" | b"ipcm" => "pcm",
        _ => return String::from_utf8_lossy(&kind).trim().escape_default().to_string(),
    }
    .to_owned()
}
