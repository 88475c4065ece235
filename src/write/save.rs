//! Puts files into the output folder: whole or not at all, never outside it, and only when they changed.

use std::fs::{self, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::WriteError;
use crate::run::{OUTPUT_MARKER, Readers};

/// What the marker says to a person who finds it.
const MARKER_TEXT: &str = "tarjuman writes English translations into this folder. \
                           Because of this file it takes nothing in it for a report to translate.\n";

/// The folder given with `--out`.
#[derive(Debug)]
pub struct OutputDir {
    root: PathBuf,
    readers: Readers,
    /// Held while this value lives: two runs into one folder would rename each other's half-written files.
    _lock: Option<fs::File>,
}

/// What [`OutputDir::save`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// The file is new or has new content.
    Written,
    /// The file had this content already and was not touched.
    Unchanged,
}

impl OutputDir {
    /// Creates the folder if needed and tries to write in it, so that a bad `--out` is known before hours of work. It is
    /// marked as an output folder. Nobody but `readers` and the owner will be able to read what is made in it.
    pub fn create(path: &Path, readers: Readers) -> Result<Self, WriteError> {
        let fail = |source| WriteError::Io { path: path.to_owned(), source };
        create_folders(path, readers).map_err(fail)?;
        let root = path.canonicalize().map_err(fail)?;
        tempfile::tempfile_in(&root).map_err(fail)?;
        let lock = lock(&root).map_err(|e| match e {
            TryLockError::WouldBlock => WriteError::InUse { path: path.to_owned() },
            TryLockError::Error(source) => fail(source),
        })?;
        let output = OutputDir { root, readers, _lock: lock };
        output.save(Path::new(OUTPUT_MARKER), MARKER_TEXT.as_bytes())?;
        Ok(output)
    }

    /// The folder, absolute and without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Puts `bytes` at `relative`: written beside its place, then renamed, so that a reader or a run that is killed
    /// never leaves half a file.
    ///
    /// # Errors
    /// [`WriteError::Outside`] for a path with `..`, an absolute one, or one that a symbolic link leads out of the
    /// folder; [`WriteError::Io`] with the path and what to do about it.
    pub fn save(&self, relative: &Path, bytes: &[u8]) -> Result<Saved, WriteError> {
        self.put(relative, bytes, false)
    }

    /// As [`OutputDir::save`], for what holds a person's words, which no run can render again: the bytes are on the disk
    /// before they take the place of those that were there.
    ///
    /// # Errors
    /// As [`OutputDir::save`].
    pub fn save_durably(&self, relative: &Path, bytes: &[u8]) -> Result<Saved, WriteError> {
        self.put(relative, bytes, true)
    }

    fn put(&self, relative: &Path, bytes: &[u8], durably: bool) -> Result<Saved, WriteError> {
        let target = self.root.join(normalized(relative)?);
        let fail = |source| WriteError::Io { path: target.clone(), source };
        if holds(&target, bytes) {
            restrict(&target, self.readers).map_err(fail)?;
            return Ok(Saved::Unchanged);
        }
        let folder = target.parent().unwrap_or(&self.root);
        self.refuse_links_out(folder, relative)?;
        create_folders(folder, self.readers).map_err(fail)?;
        replace(&target, folder, bytes, self.readers, durably).map_err(fail)?;
        Ok(Saved::Written)
    }

    /// The bytes of the file at `relative`; none where there is no such file.
    pub fn read(&self, relative: &Path) -> Result<Option<Vec<u8>>, WriteError> {
        let path = self.root.join(normalized(relative)?);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(WriteError::Io { path, source }),
        }
    }

    fn refuse_links_out(&self, folder: &Path, relative: &Path) -> Result<(), WriteError> {
        let existing = folder.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
        if existing.is_some_and(|real| real.starts_with(&self.root)) {
            return Ok(());
        }
        let hint = "a symbolic link in the output folder leads elsewhere: remove it, or choose another --out";
        Err(WriteError::Outside { path: relative.to_owned(), hint })
    }
}

/// A lock on the folder itself, where the system opens folders as files; it ends with the process, however it ends.
fn lock(folder: &Path) -> Result<Option<fs::File>, TryLockError> {
    if !cfg!(unix) {
        return Ok(None);
    }
    let file = fs::File::open(folder).map_err(TryLockError::Error)?;
    match file.try_lock() {
        // Some network file systems know no locks.
        Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => Ok(None),
        Err(e) => Err(e),
        Ok(()) => Ok(Some(file)),
    }
}

/// `relative` without `.` parts; an error if it could lead anywhere but down.
fn normalized(relative: &Path) -> Result<PathBuf, WriteError> {
    let mut path = PathBuf::new();
    for part in relative.components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                let hint = "document names are relative and may not contain `..`";
                return Err(WriteError::Outside { path: relative.to_owned(), hint });
            }
        }
    }
    if path.as_os_str().is_empty() {
        let hint = "the document has no name";
        return Err(WriteError::Outside { path: relative.to_owned(), hint });
    }
    Ok(path)
}

/// Whether a regular file with exactly this content stands there already.
fn holds(target: &Path, bytes: &[u8]) -> bool {
    let same_size = fs::symlink_metadata(target).is_ok_and(|m| m.is_file() && m.len() == bytes.len() as u64);
    same_size && fs::read(target).is_ok_and(|old| old == bytes)
}

/// The permissions that are left where nobody but `readers` and the owner shall have any.
#[cfg(unix)]
fn mask(readers: Readers) -> u32 {
    0o700 | if readers.group { 0o070 } else { 0 } | if readers.others { 0o007 } else { 0 }
}

/// Creates a folder and those above it.
fn create_folders(path: &Path, readers: Readers) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o777 & mask(readers));
    #[cfg(not(unix))]
    let _ = readers;
    builder.create(path)
}

/// Takes from a file of an earlier run what permissions a new one would not have.
fn restrict(path: &Path, readers: Readers) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & 0o777 & !mask(readers) != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(mode & mask(readers)))?;
        }
    }
    #[cfg(not(unix))]
    let _ = (path, readers);
    Ok(())
}

/// Unless it is to be done `durably`, nothing is flushed to the disk on purpose: a file that a power loss left empty or
/// short differs from what the next run renders and is written again, so waiting for the disk five times a document would
/// buy nothing.
fn replace(target: &Path, folder: &Path, bytes: &[u8], readers: Readers, durably: bool) -> io::Result<()> {
    // One fixed name a target: what a killed run left behind is replaced by the next one, not gathered. It is short
    // whatever the target's name, since file systems allow 255 bytes and Arabic letters take two.
    let digest = Sha256::digest(target.file_name().unwrap_or_default().as_encoded_bytes());
    let name = format!(".tarjuman-{:02x}{:02x}{:02x}{:02x}.part", digest[0], digest[1], digest[2], digest[3]);
    match fs::remove_file(folder.join(&name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(&name).rand_bytes(0);
    #[cfg(unix)]
    {
        // As any new file, not private as a temporary one: the user's umask decides, and who may read the sources.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666 & mask(readers)));
    }
    let mut file = builder.tempfile_in(folder)?;
    // Past the wrapper, whose errors name the temporary file.
    file.as_file_mut().write_all(bytes)?;
    if durably {
        file.as_file().sync_all()?;
    }
    file.persist(target).map(drop).map_err(|error| error.error)
}

/// The second line of an error, or nothing.
pub(super) fn hint_line(error: &io::Error) -> String {
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::WriteZero => {
            "free some space and run the same command again: what the translation memory has is not translated again"
        }
        ErrorKind::FileTooLarge => {
            "the disk or a limit (ulimit -f) allows no file of this size: raise it, or choose another disk with --out"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "choose a folder that you may write to with --out"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file stands where a folder is needed: move it away, or choose another folder with --out"
        }
        ErrorKind::IsADirectory => {
            "a folder stands where a file is needed: move it away, or choose another folder with --out"
        }
        ErrorKind::InvalidFilename => "the name is too long for this disk: shorten the name of the input",
        _ => return String::new(),
    };
    format!("\nhint: {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, OutputDir) {
        let dir = tempfile::tempdir().unwrap();
        let out = OutputDir::create(&dir.path().join("new/out"), Readers::ANY).unwrap();
        (dir, out)
    }

    /// But for the marker.
    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != OUTPUT_MARKER);
        names.sort();
        names
    }

    #[test]
    fn saves_in_new_folders_and_leaves_nothing_else() {
        let (_dir, out) = folder();
        assert_eq!(out.save(Path::new("a/b/تقرير.txt"), b"one").unwrap(), Saved::Written);
        assert_eq!(fs::read(out.root().join("a/b/تقرير.txt")).unwrap(), b"one");
        assert_eq!(names(out.root()), ["a"]);
        assert_eq!(names(&out.root().join("a/b")), ["تقرير.txt"]);
    }

    #[test]
    fn an_output_folder_is_marked_before_anything_is_in_it() {
        let (dir, out) = folder();
        let marker = fs::read_to_string(out.root().join(OUTPUT_MARKER)).unwrap();
        assert!(marker.contains("tarjuman") && marker.lines().count() == 1, "{marker}");
        // One of an earlier version, too.
        let used = dir.path().join("used");
        fs::create_dir(&used).unwrap();
        OutputDir::create(&used, Readers::ANY).unwrap();
        assert!(used.join(OUTPUT_MARKER).is_file());
    }

    #[test]
    fn unchanged_content_is_not_rewritten() {
        let (_dir, out) = folder();
        let path = out.root().join("x.txt");
        out.save(Path::new("x.txt"), b"one").unwrap();
        let old = fs::File::options().write(true).open(&path).unwrap();
        old.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(out.save(Path::new("./x.txt"), b"one").unwrap(), Saved::Unchanged);
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), std::time::SystemTime::UNIX_EPOCH);
        assert_eq!(out.save(Path::new("x.txt"), b"two").unwrap(), Saved::Written);
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    #[test]
    fn what_a_killed_run_left_is_cleared_away() {
        let (_dir, out) = folder();
        out.save(Path::new("x.txt"), b"one").unwrap();
        let digest = Sha256::digest(b"x.txt");
        let part =
            format!(".tarjuman-{:02x}{:02x}{:02x}{:02x}.part", digest[0], digest[1], digest[2], digest[3]);
        fs::write(out.root().join(part), b"ha").unwrap();
        out.save(Path::new("x.txt"), b"whole").unwrap();
        assert_eq!(names(out.root()), ["x.txt"]);
    }

    #[test]
    fn never_writes_outside() {
        let (dir, out) = folder();
        for path in ["../x", "a/../../x", "/tmp/x", "", "."] {
            let error = out.save(Path::new(path), b"x").unwrap_err();
            assert!(matches!(error, WriteError::Outside { .. }), "{path:?}: {error}");
        }
        assert_eq!(names(dir.path()), ["new"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_does_not_lead_outside() {
        let (dir, out) = folder();
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, out.root().join("a")).unwrap();
        let error = out.save(Path::new("a/b/x.txt"), b"x").unwrap_err().to_string();
        assert!(error.contains("outside") && error.contains("hint: a symbolic link"), "{error}");
        assert!(names(&elsewhere).is_empty());
    }

    #[test]
    fn errors_name_the_path_and_what_to_do() {
        let (_dir, out) = folder();
        out.save(Path::new("a"), b"a file").unwrap();
        let error = out.save(Path::new("a/b.txt"), b"x").unwrap_err().to_string();
        assert!(error.contains("b.txt") && error.contains("hint: a file stands where"), "{error}");

        fs::create_dir(out.root().join("c")).unwrap();
        let error = out.save(Path::new("c"), b"x").unwrap_err().to_string();
        assert!(error.contains("hint: a folder stands where"), "{error}");
        assert_eq!(names(out.root()), ["a", "c"]);

        let error = out.save(Path::new(&"ن".repeat(200)), b"x").unwrap_err().to_string();
        assert!(error.contains("hint: the name is too long"), "{error}");

        let error = OutputDir::create(&out.root().join("a"), Readers::ANY).unwrap_err().to_string();
        assert!(error.contains("hint: a file stands where"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn outputs_are_as_readable_as_any_file_of_the_user() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, out) = folder();
        out.save(Path::new("x"), b"x").unwrap();
        fs::write(dir.path().join("plain"), b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&out.root().join("x")), mode(&dir.path().join("plain")));
    }
}
