//! The file before SQLite sees it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use super::APPLICATION_ID;

/// Whether a memory ends within a page, as a copy that was broken off does. SQLite would fill the rest with zeros, and
/// translations with them. With a log beside it, that has the page.
pub(super) fn is_cut(path: &Path) -> io::Result<bool> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        Path::new(&name).exists()
    };
    // Asked first: a log goes away only after all of it is in the file.
    if beside("-wal") || beside("-journal") || !path.is_file() {
        return Ok(false);
    }
    let mut header = [0; 72];
    let mut file = File::open(path)?;
    if file.metadata()?.len() < header.len() as u64 {
        return Ok(false);
    }
    file.read_exact(&mut header)?;
    // One stands for 65,536, which does not fit.
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size.max(1)),
    };
    let is_ours = header.starts_with(MAGIC) && header[68..] == APPLICATION_ID.to_be_bytes();
    Ok(is_ours && file.metadata()?.len() % page != 0)
}

/// SQLite gives its `-wal` and `-shm` files the permissions of the main file, so only that one is made here.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(|_| ()),
    }
}
