//! Putting a file in its place: written beside it, checked, renamed. Nothing half-written ever bears the final name.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::{FetchError, FetchWatch, Fetched, lock};
use crate::model::{Compression, FileSpec, ModelSpec};

/// Bytes that a packed one may become, and that any file may have: weights become twice as much, lists ten times, and
/// zeros that were packed to fill a disk a thousand times.
const MOST_RATIO: u64 = 100;
const ALLOWANCE: u64 = 1 << 20;

/// Takes in one part; see [`join_parts`].
pub(super) type Sink<'a> = dyn FnMut(&mut dyn Read) -> Result<(), FetchError> + 'a;

/// Joins so many parts into `dir/name`, unpacks where the entry says so, and checks size and digests: that of the file, and
/// that of the parts as they came.
///
/// `feed` opens the part of that number and hands its reader to the sink.
pub(super) fn join_parts(
    spec: &ModelSpec,
    file: &FileSpec,
    dir: &Path,
    parts: usize,
    mut feed: impl FnMut(usize, &mut Sink<'_>) -> Result<(), FetchError>,
    watch: &dyn FetchWatch,
) -> Result<Fetched, FetchError> {
    fs::create_dir_all(dir).map_err(|e| FetchError::io(dir, e))?;
    let target = dir.join(&file.name);
    let mut temporary =
        tempfile::Builder::new().prefix(".part-").tempfile_in(dir).map_err(|e| FetchError::io(dir, e))?;
    let (mut hasher, mut packed_hasher) = (Sha256::new(), Sha256::new());
    let mut size = 0u64;
    for part in 0..parts {
        feed(part, &mut |reader| {
            let mut packed = Packed { reader, hasher: &mut packed_hasher, bytes: 0 };
            let copied = match file.compression {
                Compression::None => copy(&mut packed, &mut temporary, &mut hasher, watch),
                Compression::Gzip => {
                    let mut unpacked = Unzipped { decoder: MultiGzDecoder::new(packed), bytes: 0 };
                    copy(&mut unpacked, &mut temporary, &mut hasher, watch)
                }
            };
            size += copied.map_err(|e| match e {
                CopyError::Cancelled => FetchError::Cancelled,
                CopyError::Write(e) => FetchError::io(&target, e),
                // gzip and ZIP check sums fail here.
                CopyError::Read(e) => altered(spec, &file.name, format!("is damaged: {e}")),
            })?;
            Ok(())
        })?;
    }
    let sha256 = lock::hex(&hasher.finalize());
    check(spec, file, size, &sha256)?;
    let packed = lock::hex(&packed_hasher.finalize());
    if let Some(stated) = file.packed_sha256.as_ref().filter(|stated| **stated != packed) {
        let (name, message) =
            (file.members().join(", "), format!("has the SHA-256 {packed} instead of {stated}"));
        return Err(altered(spec, &name, message));
    }
    temporary.as_file().sync_all().map_err(|e| FetchError::io(&target, e))?;
    readable_by_all(temporary.path()).map_err(|e| FetchError::io(&target, e))?;
    temporary.persist(&target).map_err(|e| FetchError::io(&target, e.error))?;
    Ok(Fetched { name: file.name.clone(), path: target, sha256, size })
}

/// Whether a finished file is the one that its entry states.
pub(super) fn check(spec: &ModelSpec, file: &FileSpec, size: u64, sha256: &str) -> Result<(), FetchError> {
    match (file.size, &file.sha256) {
        (Some(stated), _) if stated != size => {
            Err(altered(spec, &file.name, format!("has {size} bytes instead of {stated}")))
        }
        (_, Some(stated)) if stated != sha256 => {
            Err(altered(spec, &file.name, format!("has the SHA-256 {sha256} instead of {stated}")))
        }
        _ => Ok(()),
    }
}

pub(super) fn altered(spec: &ModelSpec, file: &str, message: String) -> FetchError {
    FetchError::Altered { model: spec.name.clone(), file: file.into(), message }
}

/// Hands the file at `path` to the sink.
pub(super) fn feed_file(path: &Path, sink: &mut Sink<'_>) -> Result<(), FetchError> {
    sink(&mut fs::File::open(path).map_err(|e| FetchError::io(path, e))?)
}

pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        readable_by_all(temporary.path())?;
        temporary.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|e| FetchError::io(path, e))
}

/// Temporary files are private; models on a shared machine need not be.
pub(super) fn readable_by_all(_path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(_path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

/// What `reader` unpacks from so many bytes, or an error where it is more than those can hold honestly.
pub(super) struct Unpacked<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Unpacked<R> {
    pub(super) fn new(reader: R, packed: u64) -> Self {
        Unpacked { reader, left: most_of(packed) }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(bomb)?;
        Ok(n)
    }
}

/// The same for a stream, whose packed size is known only as it goes.
struct Unzipped<'r> {
    decoder: MultiGzDecoder<Packed<'r>>,
    bytes: u64,
}

impl Read for Unzipped<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.decoder.read(buffer)?;
        self.bytes += n as u64;
        if self.bytes > most_of(self.decoder.get_ref().bytes) { Err(bomb()) } else { Ok(n) }
    }
}

/// A part as it came.
struct Packed<'r> {
    reader: &'r mut dyn Read,
    hasher: &'r mut Sha256,
    bytes: u64,
}

impl Read for Packed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
}

fn most_of(packed: u64) -> u64 {
    packed.saturating_mul(MOST_RATIO).saturating_add(ALLOWANCE)
}

fn bomb() -> io::Error {
    io::Error::other(format!("it unpacks to more than {MOST_RATIO} times its size"))
}

enum CopyError {
    Read(io::Error),
    Write(io::Error),
    Cancelled,
}

fn copy(
    reader: &mut dyn Read,
    writer: &mut dyn Write,
    hasher: &mut Sha256,
    watch: &dyn FetchWatch,
) -> Result<u64, CopyError> {
    let mut buffer = vec![0; 1 << 18];
    let mut total = 0;
    loop {
        if watch.cancelled() {
            return Err(CopyError::Cancelled);
        }
        let n = match reader.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(CopyError::Read(e)),
        };
        hasher.update(&buffer[..n]);
        writer.write_all(&buffer[..n]).map_err(CopyError::Write)?;
        total += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn what_unpacks_to_a_disk_full_is_refused() {
        let honest: Vec<u8> = (0..3 * ALLOWANCE).map(|i| ((i * i) >> 7) as u8).collect();
        for (bytes, fits) in [(honest, true), (vec![0; 4 << 20], false)] {
            let packed = gzip(&bytes);
            let mut out = Vec::new();
            let reader = &mut &packed[..];
            let hasher = &mut Sha256::new();
            let mut unzipped =
                Unzipped { decoder: MultiGzDecoder::new(Packed { reader, hasher, bytes: 0 }), bytes: 0 };
            assert_eq!(unzipped.read_to_end(&mut out).is_ok(), fits);
            assert_eq!(out == bytes, fits);
            let mut unpacked = Unpacked::new(&bytes[..], packed.len() as u64);
            assert_eq!(io::copy(&mut unpacked, &mut io::sink()).is_ok(), fits);
        }
    }
}
