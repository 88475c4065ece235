//! The entries of a ZIP archive that a document is made of (Word, OpenDocument, EPUB), read within bounds.

use std::io::{Cursor, Read as _};

use zip::ZipArchive;

/// More than so much in all is no text that people wrote.
const LARGEST: u64 = 256 << 20;
/// Text packs to a tenth or a twentieth; what unpacks to more than so many times its size was made to fill a memory.
const RATIO: u64 = 200;

/// An archive in memory.
pub(super) struct Package<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
    /// How much may still be unpacked.
    left: u64,
}

impl<'b> Package<'b> {
    /// Of a file's bytes; none if they are no ZIP archive.
    pub fn open(bytes: &'b [u8]) -> Option<Self> {
        if !bytes.starts_with(b"PK\x03\x04") {
            return None;
        }
        Some(Package { archive: ZipArchive::new(Cursor::new(bytes)).ok()?, left: LARGEST })
    }

    /// Names of its entries, in their order.
    pub fn names(&self) -> Vec<String> {
        self.archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect()
    }

    /// The note that entries which the archive lists are not in it (a file that was cut and put together again); none
    /// for none. The file in English is made without them.
    pub fn lost(&mut self) -> Option<String> {
        let entries = 0..self.archive.len();
        match entries.filter(|&index| self.archive.by_index_raw(index).is_err()).count() {
            0 => None,
            1 => Some("one entry of the damaged archive is lost".into()),
            n => Some(format!("{n} entries of the damaged archive are lost")),
        }
    }

    /// The text of an entry, in UTF-8 or marked UTF-16; none if there is no such entry.
    ///
    /// # Errors
    /// One line: it is damaged, encrypted, or unpacks to more than text does.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        let entry = match self.archive.by_name(name) {
            Ok(entry) => entry,
            Err(zip::result::ZipError::FileNotFound) => return Ok(None),
            Err(e) => return Err(format!("{name}: {e}")),
        };
        let most = (entry.compressed_size().saturating_mul(RATIO) + (1 << 20)).min(self.left);
        let mut bytes = Vec::new();
        entry.take(most + 1).read_to_end(&mut bytes).map_err(|e| format!("{name}: {e}"))?;
        if bytes.len() as u64 > most {
            let what =
                if most < self.left { "it unpacks" } else { "with what was read before it, it unpacks" };
            let most = if most < self.left { most } else { LARGEST };
            return Err(format!("{name}: {what} to more than {} MiB", most >> 20));
        }
        self.left -= bytes.len() as u64;
        crate::xml::text(&bytes).map(Some).map_err(|e| format!("{name}: {e}"))
    }
}

/// Whether they are an archive of files, and no document that only is an archive underneath (Word, Excel, EPUB).
pub(super) fn is_of_files(bytes: &[u8]) -> bool {
    let documents = ["[Content_Types].xml", "mimetype"];
    Package::open(bytes)
        .is_some_and(|package| documents.iter().all(|name| package.archive.index_for_name(name).is_none()))
}

/// The note that `n` such things in an archive were not read; none for none.
pub(super) fn not_read(n: usize, what: &str) -> Option<String> {
    match n {
        0 => None,
        1 => Some(format!("one {what} was not read")),
        n => Some(format!("{n} {what}s were not read")),
    }
}

/// An archive of these entries.
#[cfg(test)]
pub(super) fn zipped(entries: &[(&str, &str)]) -> Vec<u8> {
    use std::io::Write as _;

    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_unpacked_within_bounds() {
        let bytes = zipped(&[("0", "نص"), ("1", "نص")]);
        let mut package = Package::open(&bytes).unwrap();
        package.left = 7;
        assert_eq!(package.text("0"), Ok(Some("نص".into())));
        let error = package.text("1").unwrap_err();
        assert_eq!(error, "1: with what was read before it, it unpacks to more than 256 MiB");
        let spaces = " ".repeat(100 << 20);
        let bomb = zipped(&[("a", &spaces)]);
        let error = Package::open(&bomb).unwrap().text("a").unwrap_err();
        assert!(error.starts_with("a: it unpacks to more than "), "{error}");
    }
}
