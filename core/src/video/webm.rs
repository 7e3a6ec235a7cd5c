//! WebM; source: RFC 9559 (Matroska).

use std::io::{Read, Seek};

use super::ebml::{Element, Reader};
use super::fragments::is_shorter;
use super::model::{Audio, Container, Tracks, Video, VideoError};

pub(super) const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TIMESTAMP_SCALE: u32 = 0x002a_d7b1;
const DURATION: u32 = 0x4489;
pub(super) const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
pub(super) const TRACK_TYPE: u32 = 0x83;
const CODEC_ID: u32 = 0x86;
const DEFAULT_DURATION: u32 = 0x0023_e383;
pub(super) const VIDEO: u32 = 0xe0;
const PIXEL_WIDTH: u32 = 0xb0;
const PIXEL_HEIGHT: u32 = 0xba;
const ALPHA_MODE: u32 = 0x53c0;
const AUDIO: u32 = 0xe1;
const SAMPLING_FREQUENCY: u32 = 0xb5;
const CHANNELS: u32 = 0x9f;
const SEEK_HEAD: u32 = 0x114d_9b74;
const SEEK: u32 = 0x4dbb;
const SEEK_POSITION: u32 = 0x53ac;
const CUES: u32 = 0x1c53_bb6b;
const CUE_POINT: u32 = 0xbb;
const CUE_TRACK_POSITIONS: u32 = 0xb7;
const CUE_CLUSTER_POSITION: u32 = 0xf1;
pub(super) const CLUSTER: u32 = 0x1f43_b675;
const TIMESTAMP: u32 = 0xe7;
const SIMPLE_BLOCK: u32 = 0xa3;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;

pub(super) const PICTURE: u64 = 1;
const SOUND: u64 = 2;

/// A track.
#[derive(Debug, Default)]
struct Track {
    number: u64,
    kind: u64,
    codec: String,
    /// Default duration of a frame in nanoseconds.
    frame: u64,
    width: u64,
    height: u64,
    alpha: bool,
    channels: u64,
    sample_rate: f64,
}

/// The contents of the clusters for one track.
#[derive(Debug, Default)]
struct Blocks {
    count: u64,
    /// Times of the first and the last block, in units of the timestamp scale.
    first: Option<u64>,
    last: u64,
}

/// The headers before the clusters.
struct Headers {
    /// Seconds per unit of the timestamp scale.
    unit: f64,
    /// The length that the file declares, in seconds.
    duration: Option<f64>,
    tracks: Vec<Track>,
    /// The range from the first cluster to the end of the segment.
    clusters: Option<Element>,
}

fn headers(reader: &mut Reader<'_, impl Read + Seek>, end: u64) -> Result<Headers, VideoError> {
    let head = reader.element(0, end)?.ok_or(VideoError::Damaged("it is empty"))?;
    let segment = reader.element(head.end, end)?.filter(|element| element.id == SEGMENT);
    let segment = segment.ok_or(VideoError::Damaged("it has no segment"))?;
    let mut scale = 1_000_000;
    let mut duration = 0.0;
    let mut tracks = Vec::new();
    let mut clusters = None;
    let mut offset = segment.start;
    while let Some(element) = reader.element(offset, segment.end)? {
        offset = element.end;
        match element.id {
            INFO => {
                for field in reader.children(element)? {
                    match field.id {
                        TIMESTAMP_SCALE => scale = reader.integer(field)?,
                        DURATION => duration = reader.float(field)?,
                        _ => {}
                    }
                }
            }
            TRACKS => {
                for entry in reader.children(element)?.into_iter().filter(|entry| entry.id == TRACK_ENTRY) {
                    tracks.push(track(reader, entry)?);
                }
            }
            CLUSTER => {
                clusters = Some(Element { end: segment.end, ..element });
                break;
            }
            _ => {}
        }
    }
    let unit = scale as f64 / 1e9;
    let duration = (duration.is_finite() && duration > 0.0).then_some(duration * unit);
    Ok(Headers { unit, duration, tracks, clusters })
}

impl Headers {
    fn picture(&self) -> Result<&Track, VideoError> {
        let picture = self.tracks.iter().find(|track| track.kind == PICTURE);
        picture.ok_or(VideoError::Damaged("it has no video track"))
    }
}

pub(super) fn read(file: &mut (impl Read + Seek), end: u64) -> Result<Video, VideoError> {
    let mut reader = Reader::new(file);
    let headers = headers(&mut reader, end)?;
    let picture = headers.picture()?;
    let Headers { unit, duration, ref tracks, clusters } = headers;
    let mut seconds = duration;
    let mut fps = (picture.frame > 0).then(|| 1e9 / picture.frame as f64);
    // A live recording has neither; its blocks are counted.
    if let (true, Some(clusters)) = (fps.is_none() || seconds.is_none(), clusters) {
        let blocks = count(&mut reader, clusters, picture.number)?;
        let span = blocks.last.saturating_sub(blocks.first.unwrap_or_default()) as f64 * unit;
        if blocks.count > 1 && span > 0.0 {
            fps = fps.or(Some((blocks.count - 1) as f64 / span));
            seconds = seconds.or(fps.map(|fps| blocks.count as f64 / fps));
        }
    }
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let sound = tracks.iter().find(|track| track.kind == SOUND);
    Ok(Video {
        container: Container::Webm,
        codec: codec(&picture.codec),
        width: small(picture.width),
        height: small(picture.height),
        fps,
        duration: seconds,
        alpha: picture.alpha,
        audio: sound.map(|track| Audio {
            codec: codec(&track.codec),
            channels: small(track.channels.max(1)),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "casts saturate, and no sound is that high"
            )]
            sample_rate: track.sample_rate as u32,
        }),
    })
}

/// See [`super::read::tracks`].
pub(super) fn tracks(file: &mut (impl Read + Seek), end: u64) -> Result<Tracks, VideoError> {
    let headers = headers(&mut Reader::new(file), end)?;
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let picture = headers.picture().ok();
    Ok(Tracks {
        duration: headers.duration,
        video: picture.map(|track| (codec(&track.codec), small(track.width), small(track.height))),
        has_sound: headers.tracks.iter().any(|track| track.kind == SOUND),
    })
}

/// See [`super::check_whole`]. Elements of unknown size are entered; all others must end inside their parent.
pub(super) fn check_whole(
    file: &mut (impl Read + Seek),
    duration: Option<f64>,
    end: u64,
) -> Result<(), VideoError> {
    let mut reader = Reader::new(file);
    let head = reader.element(0, end)?.ok_or(VideoError::Damaged("it is empty"))?;
    let segment = reader.element(head.end, end)?.filter(|element| element.id == SEGMENT);
    let segment = segment.ok_or(VideoError::Damaged("it has no segment"))?;
    let (mut offset, mut has_tracks, mut has_clusters) = (segment.start, false, false);
    // An element of unknown size may extend to the end of the file.
    let mut is_live = segment.is_open;
    while let Some(element) = reader.element(offset, segment.end)? {
        has_tracks |= element.id == TRACKS;
        has_clusters |= element.id == CLUSTER;
        is_live |= element.is_open;
        if segment.is_open && matches!(element.id, SEEK_HEAD | CUES) && !element.is_open {
            let last = last_position(&mut reader, element)?;
            if segment.start.saturating_add(last) >= end {
                return Err(VideoError::Damaged("its last clusters are missing"));
            }
        }
        offset = if element.is_open { element.start } else { element.end };
    }
    match (has_tracks && has_clusters, segment.end - offset) {
        (true, 0) if is_live => check_length(file, duration, end),
        (true, 0) => Ok(()),
        (true, _) => Err(VideoError::Damaged("its last element is truncated")),
        (false, _) => Err(VideoError::Damaged("it has no frames")),
    }
}

/// Returns the largest position in the segment that a `SeekHead` or `Cues` contains, at most two levels down. No other
/// elements in them have the ids of positions.
fn last_position(reader: &mut Reader<'_, impl Read + Seek>, parent: Element) -> Result<u64, VideoError> {
    let mut last = 0;
    for entry in reader.children(parent)?.into_iter().filter(|entry| matches!(entry.id, SEEK | CUE_POINT)) {
        for field in reader.children(entry)? {
            match field.id {
                SEEK_POSITION => last = last.max(reader.integer(field)?),
                CUE_TRACK_POSITIONS => {
                    for field in reader.children(field)? {
                        if field.id == CUE_CLUSTER_POSITION {
                            last = last.max(reader.integer(field)?);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    Ok(last)
}

/// Checks that the blocks of a live recording reach the length that the file declares, or else `duration`.
fn check_length(file: &mut (impl Read + Seek), duration: Option<f64>, end: u64) -> Result<(), VideoError> {
    let mut reader = Reader::new(file);
    let headers = headers(&mut reader, end)?;
    let number = headers.picture()?.number;
    let (Some(promised), Some(clusters)) = (headers.duration.or(duration), headers.clusters) else {
        return Ok(());
    };
    let blocks = count(&mut reader, clusters, number)?;
    let span = blocks.last.saturating_sub(blocks.first.unwrap_or_default()) as f64 * headers.unit;
    // Assumes that the last frame is as long as the others.
    let frame = span / blocks.count.saturating_sub(1).max(1) as f64;
    let is_cut = is_shorter(span + frame, promised);
    if is_cut { Err(VideoError::Damaged("its last clusters are missing")) } else { Ok(()) }
}

fn track(reader: &mut Reader<'_, impl Read + Seek>, entry: Element) -> Result<Track, VideoError> {
    // Source of the default: RFC 9559, section 5.1.4.1.29.1.
    let mut track = Track { sample_rate: 8000.0, ..Track::default() };
    for field in reader.children(entry)? {
        match field.id {
            TRACK_NUMBER => track.number = reader.integer(field)?,
            TRACK_TYPE => track.kind = reader.integer(field)?,
            CODEC_ID => track.codec = reader.text(field)?,
            DEFAULT_DURATION => track.frame = reader.integer(field)?,
            VIDEO | AUDIO => {
                for field in reader.children(field)? {
                    match field.id {
                        PIXEL_WIDTH => track.width = reader.integer(field)?,
                        PIXEL_HEIGHT => track.height = reader.integer(field)?,
                        ALPHA_MODE => track.alpha = reader.integer(field)? == 1,
                        SAMPLING_FREQUENCY => track.sample_rate = reader.float(field)?,
                        CHANNELS => track.channels = reader.integer(field)?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(track)
}

/// Counts the blocks of a track, starting at the first cluster. Clusters are entered instead of skipped, so that the end of a
/// cluster of unknown size need not be known.
fn count(
    reader: &mut Reader<'_, impl Read + Seek>,
    clusters: Element,
    track: u64,
) -> Result<Blocks, VideoError> {
    let mut blocks = Blocks::default();
    let (mut offset, mut time) = (clusters.start, 0);
    while let Some(element) = reader.element(offset, clusters.end)? {
        offset = element.end;
        match element.id {
            CLUSTER | BLOCK_GROUP => offset = element.start,
            _ if element.is_open => offset = element.start,
            TIMESTAMP => time = reader.integer(element)?,
            SIMPLE_BLOCK | BLOCK if element.end - element.start >= 4 => {
                // The number of the track (one byte if below 128), and the time relative to the cluster.
                let head = reader.integer(Element { end: element.start + 4, ..element })?;
                if head >> 24 & 0x7f == track {
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "two bytes are meant, and their sign"
                    )]
                    let relative = (head >> 8) as u16 as i16;
                    let at = time.saturating_add_signed(i64::from(relative));
                    blocks.count += 1;
                    blocks.first = Some(blocks.first.map_or(at, |first| first.min(at)));
                    blocks.last = blocks.last.max(at);
                }
            }
            _ => {}
        }
    }
    Ok(blocks)
}

/// Returns the usual name of a codec.
fn codec(id: &str) -> String {
    match id {
        "V_VP9" => "vp9",
        "V_VP8" => "vp8",
        "V_AV1" => "av1",
        "V_MPEG4/ISO/AVC" => "h264",
        "A_OPUS" => "opus",
        "A_VORBIS" => "vorbis",
        other => return other.escape_default().to_string(),
    }
    .to_owned()
}
