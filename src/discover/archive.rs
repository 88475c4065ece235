//! The entries of a ZIP archive.

use std::io::{Read, Seek};

use zip::ZipArchive;

use super::container::Step;

/// An open archive.
pub(super) type Archive<R> = ZipArchive<R>;

pub(super) fn open<R: Read + Seek>(from: R) -> Result<Archive<R>, String> {
    ZipArchive::new(from).map_err(|e| e.to_string())
}

/// Whether it is a document that only is an archive underneath: Word, OpenDocument, EPUB.
pub(super) fn is_document(from: impl Read + Seek) -> Result<bool, String> {
    let archive = open(from)?;
    Ok(["[Content_Types].xml", "mimetype"].iter().any(|name| archive.index_for_name(name).is_some()))
}

/// Name, number and size of every file in it.
pub(super) fn list<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Vec<(String, Step, u64)>, String> {
    let mut found = Vec::with_capacity(archive.len());
    for number in 0..archive.len() {
        let entry = archive.by_index_raw(number).map_err(|e| e.to_string())?;
        if entry.is_file() {
            found.push((name(entry.name_raw()), Step::Entry(number), entry.size()));
        }
    }
    Ok(found)
}

/// UTF-8 whether or not the archive says so; other bytes become `%E9`, as in the names of files.
fn name(raw: &[u8]) -> String {
    let mut name = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        name.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| name.push_str(&format!("%{byte:02X}")));
    }
    name
}

/// The bytes of the entry of this number.
pub(super) fn entry<R: Read + Seek>(archive: &mut Archive<R>, number: usize) -> Result<Vec<u8>, String> {
    let entry = archive.by_index(number).map_err(|e| e.to_string())?;
    // What the archive says of sizes was looked at when it was listed.
    let said = entry.size();
    let mut bytes = Vec::new();
    entry.take(said + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > said {
        return Err("it unpacks to more than the archive says".into());
    }
    Ok(bytes)
}
