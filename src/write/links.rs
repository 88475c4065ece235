//! Names of output files, and links between them.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::unit::TranslatedDocument;

/// Longest part after the last dot of a file's name that is taken as its extension.
const LONGEST_EXTENSION: usize = 8;

/// All that may stand in the path of a link unencoded (RFC 3986, unreserved), and `/`.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The output of a document with this suffix: `a/b` and `en.txt` give `a/b.en.txt`.
pub(super) fn output(doc: &TranslatedDocument, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}.{suffix}", doc.name))
}

/// `id` without its extension. Only what looks like one is taken off, so that the notes `2024.03.01` and
/// `2024.03.02` stay apart.
pub(super) fn stem(id: &str) -> &str {
    let name = &id[id.rfind('/').map_or(0, |slash| slash + 1)..];
    match name.rfind('.') {
        Some(dot) if dot > 0 && looks_like_extension(&name[dot + 1..]) => {
            &id[..id.len() - (name.len() - dot)]
        }
        _ => id,
    }
}

fn looks_like_extension(part: &str) -> bool {
    (1..=LONGEST_EXTENSION).contains(&part.len())
        && part.chars().all(|c| c.is_ascii_alphanumeric())
        && part.contains(|c: char| c.is_ascii_alphabetic())
}

/// A path as a link from a file at the top of the output folder.
pub(super) fn href(path: &str) -> String {
    utf8_percent_encode(path, IN_PATH).to_string()
}

/// A path as a link from a file in the same folder.
pub(super) fn sibling(path: &Path) -> String {
    href(&path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default())
}

/// A relative path with `/` on every system.
pub(super) fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_extension_is_taken_off() {
        for (id, expected) in [
            ("a/b.txt", "a/b.en.txt"),
            ("a.d/b", "a.d/b.en.txt"),
            ("report.v2.md", "report.v2.en.txt"),
            ("2024.03.01", "2024.03.01.en.txt"),
            ("notes.final draft", "notes.final draft.en.txt"),
            (".notes", ".notes.en.txt"),
            ("تقرير.txt", "تقرير.en.txt"),
            ("تقرير.ملحق", "تقرير.ملحق.en.txt"),
            ("stdin", "stdin.en.txt"),
        ] {
            assert_eq!(format!("{}.en.txt", stem(id)), expected, "{id}");
        }
    }

    #[test]
    fn links_survive_any_file_name() {
        assert_eq!(href("a b/c#1?(x).html"), "a%20b/c%231%3F%28x%29.html");
        assert_eq!(href("javascript:alert(1)"), "javascript%3Aalert%281%29");
        assert_eq!(sibling(Path::new("a/تقرير.html")), "%D8%AA%D9%82%D8%B1%D9%8A%D8%B1.html");
    }
}
