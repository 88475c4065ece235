//! Weights as the CPU computes with them, kept in a file between runs.
//!
//! To turn, round and lay out a model's weights takes a second or more, and holds them several times over. What comes
//! of it is written once into the model's folder of the store, and mapped from then on: a load takes milliseconds,
//! nothing is held twice, and two runs share the memory. The file is only a copy: where it is damaged, or of other
//! weights, of another version or for other kernels, it is made anew from the model's own files.
//!
//! Damage is looked for as in the model's own files: to compute the digest of a few hundred megabytes takes longer than the
//! load, so it is done where the time stamp is another than was recorded, and by `tarjuman models verify`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytemuck::Pod;
use half::f16;
use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::int8::Kernel;
use super::qgemm::QuantizedWeights;
use super::shared::Shared;
use super::{EngineError, VERSION};
use crate::model::InstalledModel;

/// Starts the file; the number is that of its layout. After it come the header's length (8 bytes, the least first), its
/// SHA-256, and the header.
const MAGIC: &[u8; 16] = b"tarjuman int8 2\n";

/// Sections start at multiples of it: a cache line, which is what kernels read at once.
const ALIGNMENT: usize = 64;

/// Bytes of a SHA-256.
const DIGEST: usize = 32;

/// Layout of weights for kernels of our own.
const PANELS: &str = "panels";

/// Layout of weights for `rten-gemm`'s kernels.
const ROWS: &str = "rows";

/// Longer headers are no headers of ours.
const MAX_HEADER: usize = 1 << 24;

/// A part of the file that is to be written.
type Section = Box<dyn AsRef<[u8]> + Send + Sync>;

#[derive(Serialize, Deserialize)]
struct Header {
    /// What the weights were made of and for; see [`Prepared::open`].
    key: String,
    /// SHA-256 of all sections, with what lies between them.
    digest: [u8; DIGEST],
    /// The file's time stamp in seconds since 1970. As long as it has it, the content is taken to be what was written.
    modified: u64,
    /// Name to first byte and bytes, after the header.
    sections: BTreeMap<String, (usize, usize)>,
}

struct Found {
    map: Arc<Mmap>,
    /// First byte after the header.
    start: usize,
    sections: BTreeMap<String, (usize, usize)>,
}

/// The prepared weights of one model: those of the file where there is one, and those made anew.
pub struct Prepared {
    /// Where they are kept; none where nothing is kept.
    path: Option<PathBuf>,
    key: String,
    own: Option<Kernel>,
    found: Option<Found>,
    made: Mutex<Vec<(String, Section)>>,
}

impl Prepared {
    /// Those of `model` for the kernels of this machine.
    pub fn open(model: &InstalledModel) -> Self {
        Self::open_in(model.store.as_deref(), &model.digest, Kernel::detect())
    }

    /// Those in `folder` of the model with this digest, for `own` kernels or, without, for `rten-gemm`'s.
    fn open_in(folder: Option<&Path>, digest: &str, own: Option<Kernel>) -> Self {
        let layout = if own.is_some() { PANELS } else { ROWS };
        let order = if cfg!(target_endian = "little") { "little" } else { "big" };
        let key = format!("{digest} engine {VERSION} {layout} {order}");
        let path = folder.map(|folder| folder.join(file_name(layout)));
        let found = path.as_deref().and_then(|path| Found::open(path, &key));
        Prepared { path, key, own, found, made: Mutex::default() }
    }

    /// Nothing is found, and nothing kept.
    pub fn none() -> Self {
        Self::open_in(None, "", Kernel::detect())
    }

    /// Whether they were found, so that nothing need be made.
    pub fn is_found(&self) -> bool {
        self.found.is_some()
    }

    /// The matrix `name`, found, or made of what `values` gives: row-major, one row of `inputs` values an output.
    pub fn matrix(
        &self,
        name: &str,
        outputs: usize,
        inputs: usize,
        values: impl FnOnce() -> Result<Vec<f32>, EngineError>,
    ) -> Result<QuantizedWeights, EngineError> {
        let part = |part: &str| format!("{name}.{part}");
        if let Some(found) = &self.found {
            let scales = found.get(&part("scales"));
            let weights = match self.own {
                Some(kernel) => {
                    found.get(&part("panels")).zip(found.get(&part("sums"))).and_then(|(panels, sums)| {
                        QuantizedWeights::of_panels(kernel, panels, sums, scales?, inputs)
                    })
                }
                None => {
                    found.get(&part("rows")).and_then(|rows| QuantizedWeights::of_rows(rows, scales?, inputs))
                }
            };
            return weights.filter(|w| w.outputs() == outputs).ok_or_else(|| self.lacks(name));
        }
        let weights = QuantizedWeights::new(values()?, inputs, self.own)?;
        if self.path.is_some() {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.extend(weights.sections().map(|(end, section)| (part(end), section)));
        }
        Ok(weights)
    }

    /// The same for `len` values in 16 bits.
    pub fn halves(
        &self,
        name: &str,
        len: usize,
        values: impl FnOnce() -> Result<Vec<f32>, EngineError>,
    ) -> Result<Shared<f16>, EngineError> {
        if let Some(found) = &self.found {
            return found
                .get(name)
                .filter(|halves: &Shared<f16>| halves.len() == len)
                .ok_or_else(|| self.lacks(name));
        }
        let halves = Shared::own(values()?.into_iter().map(f16::from_f32).collect());
        if self.path.is_some() {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.push((name.to_string(), Box::new(halves.clone())));
        }
        Ok(halves)
    }

    /// Whoever found the file has not read what would be needed to make a part of it (an adapter).
    fn lacks(&self, name: &str) -> EngineError {
        let path = self.path.as_deref().unwrap_or(Path::new("")).display();
        EngineError::Invalid(format!("{path} lacks `{name}`: delete this file, and it will be made anew"))
    }

    /// Writes what was made, if anything was. That it cannot be written (a full disk, a store that is read only) costs
    /// the next run its second and is no error.
    pub fn save(self) {
        let made = self.made.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = self.path.filter(|_| !made.is_empty()) else { return };
        // Windows replaces no file that is mapped.
        drop(self.found);
        let _ = write(&path, self.key, &made);
    }
}

/// Computes the digests of what is kept in `folder` anew. What is damaged is deleted, since the next load makes it anew; a line
/// each, in words after the model's name.
pub fn verify(folder: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    for name in [PANELS, ROWS].map(file_name) {
        let path = folder.join(&name);
        if is_damaged(&path) {
            problems.push(match fs::remove_file(&path) {
                Ok(()) => format!("{name} was altered and is deleted: the next load makes it anew"),
                Err(e) => format!("{name} was altered and cannot be deleted: {}: {e}", path.display()),
            });
        }
    }
    problems
}

fn file_name(layout: &str) -> String {
    format!("int8-{layout}.bin")
}

/// Whether there is a file that a load would take, and that has other bytes than were written.
fn is_damaged(path: &Path) -> bool {
    let Some((mut file, map)) = open(path) else { return false };
    // One of another version is no use to this one, and no harm.
    map.starts_with(MAGIC)
        && header(&map)
            .is_none_or(|(header, start)| !digest_from(start, &mut file).is_ok_and(|d| d == header.digest))
}

fn open(path: &Path) -> Option<(File, Mmap)> {
    let file = File::open(path).ok()?;
    // SAFETY: the file is only read, and replaced but never changed by this program; whoever changes it while it
    // is in use gets wrong translations, as from any weights that are mapped.
    let map = unsafe { Mmap::map(&file) }.ok()?;
    Some((file, map))
}

/// The header of a file that has one and is of the length it says, with the first byte after it.
fn header(bytes: &[u8]) -> Option<(Header, usize)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok().filter(|&n| n <= MAX_HEADER)?;
    let (digest, rest) = rest.split_first_chunk::<DIGEST>()?;
    let header = rest.get(..length).filter(|header| Sha256::digest(header)[..] == digest[..])?;
    let header: Header = serde_json::from_slice(header).ok()?;
    let start = (MAGIC.len() + size_of::<u64>() + DIGEST + length).next_multiple_of(ALIGNMENT);
    let end = header.sections.values().map(|&(first, bytes)| first.saturating_add(bytes)).max()?;
    (bytes.len() == start.checked_add(end)?).then_some((header, start))
}

/// Of all bytes from `start` on. Read and not mapped: a bad block of the disk is an error then, and not the program's end.
fn digest_from(start: usize, file: &mut File) -> io::Result<[u8; DIGEST]> {
    file.seek(SeekFrom::Start(start as u64))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

impl Found {
    fn open(path: &Path, key: &str) -> Option<Self> {
        let (mut file, map) = open(path)?;
        let (header, start) = header(&map)?;
        if header.key != key {
            return None;
        }
        let written = UNIX_EPOCH.checked_add(Duration::from_secs(header.modified))?;
        if file.metadata().and_then(|m| m.modified()).ok() != Some(written) {
            if digest_from(start, &mut file).ok()? != header.digest {
                return None;
            }
            // The recorded time spares the next load the digest; a read-only store works without.
            let _ = File::options().write(true).open(path).and_then(|file| file.set_modified(written));
        }
        Some(Found { map: Arc::new(map), start, sections: header.sections })
    }

    fn get<T: Pod>(&self, name: &str) -> Option<Shared<T>> {
        let &(first, bytes) = self.sections.get(name)?;
        let first = self.start.checked_add(first)?;
        Shared::mapped(&self.map, first..first.checked_add(bytes)?)
    }
}

/// Writes the file beside its place first: whoever looks meanwhile finds the old one or none.
fn write(path: &Path, key: String, made: &[(String, Section)]) -> io::Result<()> {
    let (mut sections, mut content, mut end) = (BTreeMap::new(), Sha256::new(), 0usize);
    for (name, section) in made {
        let (first, bytes) = (end.next_multiple_of(ALIGNMENT), section.as_ref().as_ref());
        content.update(&[0; ALIGNMENT][..first - end]);
        content.update(bytes);
        sections.insert(name.clone(), (first, bytes.len()));
        end = first + bytes.len();
    }
    // Even seconds are kept by all file systems.
    let modified = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() & !1;
    let header = serde_json::to_vec(&Header { key, digest: content.finalize().into(), modified, sections })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // As the model's other files: those who share a store share this too, as far as the user's umask lets them.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let temporary = builder.tempfile_in(folder)?;
    let mut out = Padded { out: BufWriter::new(temporary), written: 0 };
    out.write(MAGIC)?;
    out.write(&(header.len() as u64).to_le_bytes())?;
    out.write(&Sha256::digest(&header))?;
    out.write(&header)?;
    for (_, section) in made {
        out.pad()?;
        out.write(section.as_ref().as_ref())?;
    }
    let temporary = out.out.into_inner().map_err(io::IntoInnerError::into_error)?;
    // Where it cannot be set, each load computes the digest.
    let _ = temporary.as_file().set_modified(UNIX_EPOCH + Duration::from_secs(modified));
    // After a power cut a file may have its length and not its content.
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}

struct Padded<W> {
    out: W,
    written: usize,
}

impl<W: Write> Padded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len();
        self.out.write_all(bytes)
    }

    fn pad(&mut self) -> io::Result<()> {
        let padding = self.written.next_multiple_of(ALIGNMENT) - self.written;
        self.write(&[0; ALIGNMENT][..padding])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::qgemm::{Int8Scratch, QuantizedLinear};

    const SIZE: (usize, usize) = (70, 50);

    fn values() -> Vec<f32> {
        (0..SIZE.0 * SIZE.1).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect()
    }

    /// What a model of one layer and an embedding computes, and whether anything had to be made for it.
    fn load(folder: &Path, digest: &str, own: Option<Kernel>) -> (Vec<f32>, Vec<f16>, bool) {
        let prepared = Prepared::open_in(Some(folder), digest, own);
        let made = std::cell::Cell::new(false);
        let make = || {
            made.set(true);
            Ok(values())
        };
        let embedding = prepared.halves("embedding", SIZE.0 * SIZE.1, make).unwrap();
        let matrix = prepared.matrix("layer", SIZE.0, SIZE.1, make).unwrap();
        let mut out = Vec::new();
        let layer = QuantizedLinear::new(matrix, None);
        Int8Scratch::default().apply(&layer, &values()[..3 * SIZE.1], &mut out).unwrap();
        assert_eq!(prepared.is_found(), !made.get());
        prepared.save();
        (out, embedding.to_vec(), made.get())
    }

    #[test]
    fn what_was_prepared_is_found_again_and_the_same() {
        for own in [Kernel::detect(), None] {
            let folder = tempfile::tempdir().unwrap();
            let (out, embedding, made) = load(folder.path(), "d", own);
            assert!(made);
            assert_eq!(load(folder.path(), "d", own), (out.clone(), embedding.clone(), false));
            // Another model of the same name takes its place.
            assert_eq!(load(folder.path(), "e", own), (out.clone(), embedding.clone(), true));
            assert_eq!(load(folder.path(), "e", own), (out, embedding, false));
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (out, embedding, _) = load(folder.path(), "d", None);
        let path = folder.path().join("int8-rows.bin");
        let whole = std::fs::read(&path).unwrap();
        let header = 56 + u64::from_le_bytes(whole[16..24].try_into().unwrap()) as usize;
        let ends = [0, 1, 20, header, whole.len() - 1];
        let mut damaged: Vec<Vec<u8>> = ends.iter().map(|&end| whole[..end].to_vec()).collect();
        damaged.push([&whole[..], b"more"].concat());
        // Any byte of what stands before the weights.
        damaged.extend((0..header).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 7);
            bytes
        }));
        for bytes in damaged {
            std::fs::write(&path, &bytes).unwrap();
            assert!(!Prepared::open_in(Some(folder.path()), "d", None).is_found());
        }
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(load(folder.path(), "d", None), (out.clone(), embedding.clone(), true));
        assert_eq!(load(folder.path(), "d", None), (out, embedding, false));
    }

    #[test]
    fn damaged_weights_are_never_computed_with() {
        for own in [Kernel::detect(), None] {
            let folder = tempfile::tempdir().unwrap();
            let first = load(folder.path(), "d", own);
            let path = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
            let whole = fs::read(&path).unwrap();
            let (_, start) = header(&whole).unwrap();
            let step = (whole.len() - start) / 50;
            for at in (start..whole.len()).step_by(step).chain([whole.len() - 1]) {
                let mut bytes = fs::read(&path).unwrap();
                bytes[at] ^= 1;
                let later = fs::metadata(&path).unwrap().modified().unwrap() + Duration::from_secs(8);
                fs::write(&path, bytes).unwrap();
                File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
                assert_eq!(load(folder.path(), "d", own), first, "{at} of {}", whole.len());
                assert!(load(folder.path(), "d", own) != first, "it was made anew once");
            }
        }
    }

    #[test]
    fn a_copy_of_the_file_is_found_and_has_its_time_again() {
        let folder = tempfile::tempdir().unwrap();
        load(folder.path(), "d", None);
        let path = folder.path().join("int8-rows.bin");
        let time = || fs::metadata(&path).unwrap().modified().unwrap();
        let written = time();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(written + Duration::from_secs(8))
            .unwrap();
        assert!(!load(folder.path(), "d", None).2);
        assert_eq!(time(), written);
    }

    #[test]
    fn verify_finds_damage_that_has_the_old_time_stamp_and_deletes_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = load(folder.path(), "d", None);
        assert_eq!(verify(folder.path()), [""; 0]);
        assert!(!load(folder.path(), "d", None).2, "what is whole stays");
        let path = folder.path().join("int8-rows.bin");
        let whole = fs::read(&path).unwrap();
        for at in [20, whole.len() - 1] {
            let mut bytes = fs::read(&path).unwrap();
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            bytes[at] ^= 1;
            fs::write(&path, bytes).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
            let found = verify(folder.path());
            assert!(found.len() == 1 && found[0].starts_with("int8-rows.bin was altered"), "{found:?}");
            assert!(!path.exists());
            assert_eq!(load(folder.path(), "d", None), first);
        }
        // Another version's is left to it.
        fs::write(&path, b"tarjuman int8 1\nand more").unwrap();
        assert_eq!(verify(folder.path()), [""; 0]);
        assert!(path.exists());
    }

    #[test]
    fn what_a_found_file_lacks_is_an_error_and_not_made_of_half_a_model() {
        let folder = tempfile::tempdir().unwrap();
        load(folder.path(), "d", None);
        let found = Prepared::open_in(Some(folder.path()), "d", None);
        let make = || -> Result<Vec<f32>, EngineError> { panic!("made") };
        for error in [
            found.matrix("other", SIZE.0, SIZE.1, make).err(),
            found.matrix("layer", SIZE.0 + 1, SIZE.1, make).err(),
            found.halves("embedding", 1, make).err(),
        ] {
            assert!(error.unwrap().to_string().contains("int8-rows.bin lacks `"));
        }
    }

    #[test]
    fn a_store_that_cannot_be_written_costs_nothing_but_time() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("not/there");
        let first = load(&nowhere, "d", None);
        assert_eq!(load(&nowhere, "d", None), first);
    }
}
