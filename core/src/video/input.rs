//! Buffered reads from a file.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::model::VideoError;

/// A reader that keeps its buffer when it seeks within it: headers are many short reads close together. [`BufReader`] alone
/// discards its buffer at every seek to an absolute position.
pub(super) struct Buffered<R> {
    inner: BufReader<R>,
    position: u64,
}

impl<R: Read + Seek> Buffered<R> {
    /// Starts at the first byte of `file`.
    pub(super) fn new(mut file: R) -> io::Result<Self> {
        file.rewind()?;
        Ok(Self { inner: BufReader::new(file), position: 0 })
    }
}

impl<R: Read> Read for Buffered<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Buffered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let relative = match to {
            SeekFrom::Start(offset) => i64::try_from(i128::from(offset) - i128::from(self.position)).ok(),
            SeekFrom::End(_) | SeekFrom::Current(_) => None,
        };
        self.position = match (to, relative) {
            (SeekFrom::Start(offset), Some(relative)) => {
                self.inner.seek_relative(relative)?;
                offset
            }
            _ => self.inner.seek(to)?,
        };
        Ok(self.position)
    }
}

/// Reads exactly `N` bytes at `offset`.
pub(super) fn bytes_at<const N: usize>(
    file: &mut (impl Read + Seek),
    offset: u64,
) -> Result<[u8; N], VideoError> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Counts the reads that reach the file.
    struct Counted(Cursor<Vec<u8>>, usize);

    impl Read for Counted {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            self.0.read(bytes)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn short_reads_close_together_read_the_file_once() {
        let bytes: Vec<u8> = (0..=255).cycle().take(50_000).collect();
        let mut file = Counted(Cursor::new(bytes.clone()), 0);
        let mut buffered = Buffered::new(&mut file).expect("a file");
        for offset in (0..4000).chain((0..4000).rev()) {
            let read = bytes_at::<4>(&mut buffered, offset).expect("inside");
            let offset = usize::try_from(offset).expect("small");
            assert_eq!(read, bytes[offset..offset + 4]);
        }
        assert_eq!(bytes_at::<2>(&mut buffered, 40_000).expect("inside"), bytes[40_000..40_002]);
        assert_eq!(buffered.seek(SeekFrom::End(-1)).expect("inside"), 49_999);
        assert_eq!(bytes_at::<2>(&mut buffered, 7).expect("inside"), bytes[7..9]);
        assert!(bytes_at::<4>(&mut buffered, u64::MAX).is_err());
        drop(buffered);
        assert!(file.1 <= 4, "{} reads", file.1);
    }
}
