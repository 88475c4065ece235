//! A PDF's objects: opening it within limits, its pages, and looking things up without trusting what is there.

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId, Stream};

use super::super::ReadError;

/// A single stream may become this large. A page of text has some ten thousand bytes.
const MAX_STREAM: usize = 64 << 20;
/// References that lead to references.
const MAX_HOPS: usize = 16;
/// How far up the tree of pages a page's inherited values are looked for.
const MAX_ANCESTORS: usize = 64;

/// An opened file.
pub(super) struct File {
    document: Document,
    pages: Vec<ObjectId>,
}

impl File {
    /// Opens a file; one that is encrypted with an empty user password, as most are, opens too.
    pub fn open(id: &str, bytes: &[u8]) -> Result<File, ReadError> {
        let options = LoadOptions { max_decompressed_size: Some(MAX_STREAM), ..LoadOptions::default() };
        let document = match Document::load_mem_with_options(bytes, options) {
            Ok(document) if document.is_encrypted() => {
                return Err(ReadError::Encrypted { id: id.into() });
            }
            Ok(document) => document,
            Err(lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_)) => {
                return Err(ReadError::Encrypted { id: id.into() });
            }
            // What the parser missed says nothing to a reader.
            Err(_) => return Err(ReadError::DamagedPdf { id: id.into() }),
        };
        let pages: Vec<_> = document.page_iter().collect();
        if pages.is_empty() {
            return Err(ReadError::DamagedPdf { id: id.into() });
        }
        Ok(File { document, pages })
    }

    /// The pages, in order.
    pub fn pages(&self) -> impl ExactSizeIterator<Item = &Dictionary> {
        self.pages.iter().map(|id| self.document.get_dictionary(*id).unwrap_or_else(|_| &EMPTY))
    }

    /// What an object is, behind references.
    pub fn resolve<'a>(&'a self, mut object: &'a Object) -> Option<&'a Object> {
        for _ in 0..MAX_HOPS {
            match object {
                Object::Reference(id) => object = self.document.get_object(*id).ok()?,
                object => return Some(object),
            }
        }
        None
    }

    /// An entry of a dictionary.
    pub fn get<'a>(&'a self, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
        self.resolve(dictionary.get(key).ok()?)
    }

    /// An entry that is a dictionary, or a stream's.
    pub fn dictionary<'a>(&'a self, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Dictionary> {
        match self.get(dictionary, key)? {
            Object::Dictionary(found) => Some(found),
            Object::Stream(stream) => Some(&stream.dict),
            _ => None,
        }
    }

    /// An entry that is a number.
    pub fn number(&self, dictionary: &Dictionary, key: &[u8]) -> Option<f32> {
        self.get(dictionary, key)?.as_float().ok()
    }

    /// An entry that is an array of numbers; others in it are 0.
    pub fn numbers(&self, dictionary: &Dictionary, key: &[u8]) -> Option<Vec<f32>> {
        let array = self.get(dictionary, key)?.as_array().ok()?;
        Some(array.iter().map(|o| self.resolve(o).and_then(|o| o.as_float().ok()).unwrap_or(0.0)).collect())
    }

    /// An entry that is a name.
    pub fn name<'a>(&'a self, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a [u8]> {
        self.get(dictionary, key)?.as_name().ok()
    }

    /// An entry of a page, or of the nodes above it that pass it on.
    pub fn inherited<'a>(&'a self, page: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
        let mut node = page;
        for _ in 0..MAX_ANCESTORS {
            if let Some(found) = self.get(node, key) {
                return Some(found);
            }
            node = self.dictionary(node, b"Parent")?;
        }
        None
    }

    /// What a stream holds once its filters are undone; nothing where that fails or would be too large.
    pub fn contents(&self, stream: &Stream) -> Option<Vec<u8>> {
        stream.decompressed_content_with_limit(MAX_STREAM).ok()
    }

    /// A page's content, and whether all of it could be read.
    pub fn page_contents(&self, page: &Dictionary) -> (Vec<u8>, bool) {
        let contents = self.get(page, b"Contents");
        let parts: Vec<_> = match contents {
            Some(Object::Array(parts)) => parts.iter().map(|part| self.resolve(part)).collect(),
            Some(object) => vec![Some(object)],
            None => return (Vec::new(), !page.has(b"Contents")),
        };
        let (mut bytes, mut is_whole) = (Vec::new(), true);
        for part in parts {
            let part = part.and_then(|part| part.as_stream().ok()).and_then(|stream| self.contents(stream));
            match part {
                Some(part) if bytes.len() + part.len() <= MAX_STREAM => {
                    bytes.extend(part);
                    bytes.push(b'\n');
                }
                _ => is_whole = false,
            }
        }
        (bytes, is_whole)
    }
}

static EMPTY: std::sync::LazyLock<Dictionary> = std::sync::LazyLock::new(Dictionary::new);
