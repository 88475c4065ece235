//! The entries of a ZIP archive that a document is made of (Word, OpenDocument), read within bounds.

use std::io::{Cursor, Read as _};

use zip::ZipArchive;

/// A larger entry is no text that people wrote.
const LARGEST: u64 = 256 << 20;
/// Text packs to a tenth or a twentieth; what unpacks to more than so many times its size was made to fill a memory.
const RATIO: u64 = 200;

/// An archive in memory.
pub(super) struct Package<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
}

impl<'b> Package<'b> {
    /// Of a file's bytes; none if they are no ZIP archive.
    pub fn open(bytes: &'b [u8]) -> Option<Self> {
        if !bytes.starts_with(b"PK\x03\x04") {
            return None;
        }
        Some(Package { archive: ZipArchive::new(Cursor::new(bytes)).ok()? })
    }

    /// Names of its entries, in their order.
    pub fn names(&self) -> Vec<String> {
        self.archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect()
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
        let most = (entry.compressed_size().saturating_mul(RATIO) + (1 << 20)).min(LARGEST);
        let mut bytes = Vec::new();
        entry.take(most + 1).read_to_end(&mut bytes).map_err(|e| format!("{name}: {e}"))?;
        if bytes.len() as u64 > most {
            return Err(format!("{name}: it unpacks to more than {} MiB", most >> 20));
        }
        crate::xml::text(&bytes).map(Some).map_err(|e| format!("{name}: {e}"))
    }
}
