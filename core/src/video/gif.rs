//! Animated GIF; source: the GIF89a specification.

use std::io::{Read, Seek};

use super::model::{Container, Video, VideoError};

/// Introduces an extension, an image, and the end of the file.
const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;

/// Label of the extension that has the delay of the next image.
const GRAPHIC_CONTROL: u8 = 0xf9;

/// Reads the size, and the number of images with their delays, up to the trailer. The images are not decoded.
///
/// # Errors
/// Returns [`VideoError::Damaged`] if the file ends before its trailer or has no image.
pub(super) fn read(file: &mut (impl Read + Seek)) -> Result<Video, VideoError> {
    file.rewind()?;
    let header = bytes::<13>(file)?;
    let side = |at: usize| u32::from(u16::from_le_bytes([header[at], header[at + 1]]));
    skip_colors(file, header[10])?;
    let (mut frames, mut hundredths, mut delay) = (0_u32, 0_u64, 0);
    loop {
        match bytes::<1>(file)? {
            [EXTENSION] => {
                let [label] = bytes::<1>(file)?;
                let first = read_blocks(file)?;
                if let (GRAPHIC_CONTROL, [_, low, high, ..]) = (label, first) {
                    delay = u16::from_le_bytes([low, high]);
                }
            }
            [IMAGE] => {
                let descriptor = bytes::<9>(file)?;
                skip_colors(file, descriptor[8])?;
                // The size of the first codes.
                bytes::<1>(file)?;
                read_blocks(file)?;
                frames = frames.saturating_add(1);
                hundredths += u64::from(std::mem::take(&mut delay));
            }
            [TRAILER] => break,
            _ => return Err(VideoError::Damaged("a block of the GIF is of an unknown kind")),
        }
    }
    if frames == 0 {
        return Err(VideoError::Damaged("the GIF has no image"));
    }
    #[expect(clippy::cast_precision_loss, reason = "delays of a file are far below 2^53")]
    let duration = (hundredths > 0).then_some(hundredths as f64 / 100.0);
    Ok(Video {
        container: Container::Gif,
        codec: "gif".to_owned(),
        width: side(6),
        height: side(8),
        fps: duration.map(|seconds| f64::from(frames) / seconds),
        duration,
        alpha: false,
        audio: None,
    })
}

/// Skips a table of colors, if the flags in `packed` say that there is one.
fn skip_colors(file: &mut impl Read, packed: u8) -> Result<(), VideoError> {
    if packed & 0x80 == 0 {
        return Ok(());
    }
    skip(file, 3 << ((packed & 7) + 1))
}

/// Skips blocks up to the one without contents, and returns the first bytes of the first one.
fn read_blocks(file: &mut impl Read) -> Result<[u8; 4], VideoError> {
    let mut first = None;
    loop {
        let [length] = bytes::<1>(file)?;
        if length == 0 {
            return Ok(first.unwrap_or_default());
        }
        let mut block = [0; 255];
        let block = &mut block[..usize::from(length)];
        file.read_exact(block)?;
        first.get_or_insert_with(|| {
            let mut start = [0; 4];
            let count = block.len().min(start.len());
            start[..count].copy_from_slice(&block[..count]);
            start
        });
    }
}

fn bytes<const N: usize>(file: &mut impl Read) -> Result<[u8; N], VideoError> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn skip(file: &mut impl Read, count: u64) -> Result<(), VideoError> {
    let skipped = std::io::copy(&mut file.take(count), &mut std::io::sink())?;
    if skipped == count { Ok(()) } else { Err(VideoError::Damaged("it is truncated")) }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::check_whole;
    use super::*;

    /// Two images of 2 by 1 pixels, which are shown for 0.2 s each.
    fn gif() -> Vec<u8> {
        let image =
            [&b"\x21\xf9\x04\x00\x14\x00\x00\x00"[..], b"\x2c\0\0\0\0\x02\0\x01\0\x00\x02\x02\x44\x01\x00"]
                .concat();
        let loops = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00";
        [b"GIF89a\x02\0\x01\0\x80\0\0\0\0\0\xff\xff\xff", &loops[..], &image, &image, b"\x3b"].concat()
    }

    #[test]
    fn size_rate_and_duration_are_read() {
        let video = Video::read(&mut Cursor::new(gif())).expect("a GIF");
        assert_eq!((video.container, video.width, video.height), (Container::Gif, 2, 1));
        assert_eq!((video.fps, video.duration), (Some(5.0), Some(0.4)));
    }

    #[test]
    fn a_truncated_one_is_not_whole() {
        let gif = gif();
        assert!(check_whole(&mut Cursor::new(&gif)).is_ok());
        for length in 6..gif.len() {
            assert!(check_whole(&mut Cursor::new(&gif[..length])).is_err(), "{length}");
        }
        let empty = [&gif[..19], b"\x3b"].concat();
        assert!(matches!(
            Video::read(&mut Cursor::new(empty)),
            Err(VideoError::Damaged("the GIF has no image"))
        ));
    }
}
