//! Writes ZIP archives whose bytes depend only on their entries; source: PKWARE's APPNOTE 6.3.
//!
//! It contains no times, no host information, no extra fields, and no extensions for more than 4 GB: uploads have at most
//! 200 MB. A test compares the bytes with those of the `zip` crate.

use std::io::{self, Seek, SeekFrom, Write};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// 1980-01-01, the earliest date of the format.
const DATE: u16 = 0x0021;

/// A regular file of mode 0644 on Unix.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// The default level of zlib. It must not change, nor may the backend, since the bytes depend on them.
const LEVEL: u32 = 6;

/// Bytes of compressed data that are written at a time.
const OUTPUT: usize = 32 * 1024;

/// Offset of the checksum in a local header, in bytes.
const CHECKSUM: u64 = 14;

/// The compression method of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Stored,
    Deflated,
}

/// The sizes and the checksum of encoded contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    method: Method,
    checksum: u32,
    compressed: u64,
    size: u64,
}

/// Encodes the contents of entries, one after the other.
#[derive(Debug)]
pub(crate) struct Encoder {
    compress: Compress,
    output: Vec<u8>,
    checksum: Crc,
    figures: Figures,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Self {
            compress: Compress::new(Compression::new(LEVEL), false),
            output: vec![0; OUTPUT],
            checksum: Crc::new(),
            figures: Figures { method: Method::Stored, checksum: 0, compressed: 0, size: 0 },
        }
    }

    /// Starts the contents of an entry.
    pub(crate) fn start(&mut self, method: Method) {
        self.compress.reset();
        self.checksum = Crc::new();
        self.figures = Figures { method, checksum: 0, compressed: 0, size: 0 };
    }

    /// Encodes a piece of the contents. The sizes of the pieces affect the compressed bytes: equal pieces produce equal
    /// bytes.
    pub(crate) fn write(&mut self, bytes: &[u8], sink: &mut dyn Write) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.checksum.update(bytes);
        self.figures.size += bytes.len() as u64;
        match self.figures.method {
            Method::Stored => {
                self.figures.compressed += bytes.len() as u64;
                sink.write_all(bytes)
            }
            Method::Deflated => self.deflate(bytes, FlushCompress::None, sink),
        }
    }

    /// Ends the contents.
    pub(crate) fn end(&mut self, sink: &mut dyn Write) -> io::Result<Figures> {
        if self.figures.method == Method::Deflated {
            self.deflate(&[], FlushCompress::Finish, sink)?;
        }
        Ok(Figures { checksum: self.checksum.sum(), ..self.figures })
    }

    fn deflate(&mut self, mut bytes: &[u8], flush: FlushCompress, sink: &mut dyn Write) -> io::Result<()> {
        loop {
            let (taken, given) = (self.compress.total_in(), self.compress.total_out());
            let status = self.compress.compress(bytes, &mut self.output, flush).map_err(io::Error::other)?;
            let count = |before: u64, after: u64| usize::try_from(after - before).unwrap_or_default();
            let (taken, given) =
                (count(taken, self.compress.total_in()), count(given, self.compress.total_out()));
            bytes = &bytes[taken..];
            sink.write_all(&self.output[..given])?;
            self.figures.compressed += given as u64;
            let is_done = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                // The output had room left, so no output is pending.
                _ => bytes.is_empty() && given < self.output.len(),
            };
            if is_done {
                return Ok(());
            }
        }
    }
}

/// The fields that both headers of an entry contain.
#[derive(Debug)]
struct Header {
    name: String,
    method: Method,
    checksum: u32,
    compressed: u32,
    size: u32,
    /// The offset of the local header, in bytes from the start of the archive.
    offset: u32,
}

/// Writes an archive.
#[derive(Debug)]
pub(crate) struct Writer<W: Write + Seek> {
    sink: W,
    /// Number of bytes written before the current entry.
    position: u64,
    done: Vec<Header>,
    encoder: Encoder,
    /// The entry that is being written.
    open: Option<Header>,
}

impl<W: Write + Seek> Writer<W> {
    pub(crate) fn new(sink: W) -> Self {
        Self { sink, position: 0, done: Vec::new(), encoder: Encoder::new(), open: None }
    }

    /// Begins an entry; the one before it must be ended.
    pub(crate) fn start(&mut self, name: &str, method: Method) -> io::Result<()> {
        let header =
            Header::new(name, self.position, Figures { method, checksum: 0, compressed: 0, size: 0 })?;
        self.sink.write_all(&header.local()?)?;
        self.encoder.start(method);
        self.open = Some(header);
        Ok(())
    }

    /// Adds to the current entry; see [`Encoder::write`].
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.open.is_none() {
            return Err(io::Error::other("no entry was started"));
        }
        self.encoder.write(bytes, &mut self.sink)
    }

    /// Ends the current entry and completes its header.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else {
            return Err(io::Error::other("no entry was started"));
        };
        let figures = self.encoder.end(&mut self.sink)?;
        let header = Header::new(&open.name, self.position, figures)?;
        self.sink.seek(SeekFrom::Start(self.position + CHECKSUM))?;
        self.sink.write_all(&header.sizes())?;
        self.position += header.local()?.len() as u64 + figures.compressed;
        self.sink.seek(SeekFrom::Start(self.position))?;
        self.done.push(header);
        Ok(())
    }

    /// Adds an encoded entry.
    pub(crate) fn put(&mut self, name: &str, figures: Figures, bytes: &[u8]) -> io::Result<()> {
        let header = Header::new(name, self.position, figures)?;
        let local = header.local()?;
        self.sink.write_all(&local)?;
        self.sink.write_all(bytes)?;
        self.position += local.len() as u64 + bytes.len() as u64;
        self.done.push(header);
        Ok(())
    }

    /// Returns the number of bytes that are final.
    pub(crate) fn written(&self) -> u64 {
        self.position
    }

    /// Writes all final bytes to the sink, and returns their number.
    pub(crate) fn flush(&mut self) -> io::Result<u64> {
        self.sink.flush()?;
        Ok(self.position)
    }

    /// Writes the directory and returns the sink.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let start = small(self.position)?;
        let count = u16::try_from(self.done.len()).ok().filter(|count| *count < u16::MAX);
        let count = count.ok_or_else(|| io::Error::other("an archive can contain at most 65534 files"))?;
        let mut directory = Vec::new();
        for header in std::mem::take(&mut self.done) {
            directory.extend(header.central()?);
        }
        let length = small(directory.len() as u64)?;
        self.sink.write_all(&directory)?;
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend(count.to_le_bytes());
        end.extend(count.to_le_bytes());
        end.extend(length.to_le_bytes());
        end.extend(start.to_le_bytes());
        end.extend([0; 2]);
        self.sink.write_all(&end)?;
        self.sink.flush()?;
        Ok(self.sink)
    }
}

impl Header {
    fn new(name: &str, offset: u64, figures: Figures) -> io::Result<Self> {
        let Figures { method, checksum, compressed, size } = figures;
        let (compressed, size, offset) = (small(compressed)?, small(size)?, small(offset)?);
        Ok(Self { name: name.to_owned(), method, checksum, compressed, size, offset })
    }

    fn local(&self) -> io::Result<Vec<u8>> {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.extend(self.common()?);
        bytes.extend(self.name.as_bytes());
        Ok(bytes)
    }

    fn central(&self) -> io::Result<Vec<u8>> {
        let mut bytes = b"PK\x01\x02".to_vec();
        // Created on Unix, so that the attributes are a Unix mode.
        bytes.extend([self.version(), 3]);
        bytes.extend(self.common()?);
        // Comment, disk and internal attributes.
        bytes.extend([0; 6]);
        bytes.extend(ATTRIBUTES.to_le_bytes());
        bytes.extend(self.offset.to_le_bytes());
        bytes.extend(self.name.as_bytes());
        Ok(bytes)
    }

    /// Returns the fields from the version to the length of extra fields, which both headers have.
    fn common(&self) -> io::Result<Vec<u8>> {
        let length = u16::try_from(self.name.len())
            .map_err(|_| io::Error::other("a path can have at most 65535 bytes"))?;
        let is_utf8 = if self.name.is_ascii() { 0 } else { 1_u16 << 11 };
        let method = if self.method == Method::Deflated { 8_u16 } else { 0 };
        let mut bytes = vec![self.version(), 0];
        for field in [is_utf8, method, 0, DATE] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(self.sizes());
        bytes.extend(length.to_le_bytes());
        bytes.extend([0; 2]);
        Ok(bytes)
    }

    fn sizes(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        for (place, field) in [self.checksum, self.compressed, self.size].into_iter().enumerate() {
            bytes[place * 4..][..4].copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    /// Returns the version needed to extract: 2.0 introduced deflating.
    fn version(&self) -> u8 {
        if self.method == Method::Deflated { 20 } else { 10 }
    }
}

/// Converts a size or an offset in bytes.
fn small(value: u64) -> io::Result<u32> {
    let small = u32::try_from(value).ok().filter(|small| *small < u32::MAX);
    small.ok_or_else(|| io::Error::other("an archive and its files can have at most 4 GB"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::zip::write::SimpleFileOptions;
    use ::zip::{CompressionMethod, DateTime, System, ZipWriter};
    use proptest::prelude::*;
    use std::io::Cursor;

    fn ours(files: &[(String, bool, Vec<u8>)], chunk: usize) -> Vec<u8> {
        let mut writer = Writer::new(Cursor::new(Vec::new()));
        for (name, is_stored, bytes) in files {
            writer.start(name, if *is_stored { Method::Stored } else { Method::Deflated }).expect("begun");
            for part in bytes.chunks(chunk) {
                writer.write(part).expect("written");
            }
            writer.end().expect("ended");
        }
        writer.finish().expect("finished").into_inner()
    }

    /// The same, of entries that were encoded elsewhere.
    fn put(files: &[(String, bool, Vec<u8>)], chunk: usize) -> Vec<u8> {
        let mut writer = Writer::new(Cursor::new(Vec::new()));
        let mut encoder = Encoder::new();
        for (name, is_stored, bytes) in files {
            let mut encoded = Vec::new();
            encoder.start(if *is_stored { Method::Stored } else { Method::Deflated });
            for part in bytes.chunks(chunk) {
                encoder.write(part, &mut encoded).expect("encoded");
            }
            let figures = encoder.end(&mut encoded).expect("encoded");
            writer.put(name, figures, &encoded).expect("written");
            let length = writer.flush().expect("flushed");
            assert_eq!(length, writer.sink.get_ref().len() as u64);
        }
        writer.finish().expect("finished").into_inner()
    }

    fn theirs(files: &[(String, bool, Vec<u8>)], chunk: usize) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, is_stored, bytes) in files {
            let method = if *is_stored { CompressionMethod::Stored } else { CompressionMethod::Deflated };
            let options = SimpleFileOptions::default()
                .compression_method(method)
                .compression_level(if *is_stored { None } else { Some(6) })
                .last_modified_time(DateTime::default())
                .unix_permissions(0o644)
                .system(System::Unix);
            writer.start_file(name.as_str(), options).expect("begun");
            for part in bytes.chunks(chunk) {
                writer.write_all(part).expect("written");
            }
        }
        writer.finish().expect("finished").into_inner()
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(small(u64::from(u32::MAX)).is_err());
        let mut writer = Writer::new(Cursor::new(Vec::new()));
        assert!(writer.start(&"a".repeat(65536), Method::Stored).is_err());
        assert!(writer.write(b"a").is_err() && writer.end().is_err(), "nothing was begun");
        for index in 0..65535 {
            writer.start(&index.to_string(), Method::Stored).expect("begun");
            writer.end().expect("ended");
        }
        assert!(writer.finish().is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_bytes_are_those_of_the_zip_crate(
            files in prop::collection::vec(("[a-zé]{1,9}", any::<bool>(), 0..300_000_usize, 0..4_u32), 0..5),
            chunk in 1..100_000_usize,
        ) {
            // The reference writer requires distinct names; the contents differ in how well they compress.
            let files = files.into_iter().enumerate().map(|(index, (name, is_stored, size, kind))| {
                let mut seed = 1_u32;
                let byte = |place: usize| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let noise = (seed >> 24) as u8;
                    match kind { 0 => b'a', 1 => place.to_le_bytes()[0], 2 => noise % 7, _ => noise }
                };
                (format!("{index}{name}"), is_stored, (0..size).map(byte).collect::<Vec<u8>>())
            }).collect::<Vec<_>>();
            let theirs = theirs(&files, chunk);
            prop_assert!(ours(&files, chunk) == theirs);
            prop_assert!(put(&files, chunk) == theirs);
        }
    }
}
