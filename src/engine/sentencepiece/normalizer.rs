//! Text as the model sees it: rules of replacement applied, white space collapsed and written as `▁`.

use super::trie::Trie;
use super::{EngineError, NormalizerSpec, SPACE, invalid, symbol_at};

/// How many keys that begin at one place the reference looks at.
const RULES_AT_ONE_PLACE: usize = 32;

/// Bytes of a replacement: the longest published one, of a word that is one character (U+FDFA), has 33.
const LONGEST_REPLACEMENT: usize = 256;

/// The rules and options of one `NormalizerSpec`.
pub(super) struct Normalizer {
    rules: Option<Rules>,
    pub(super) add_dummy_prefix: bool,
    pub(super) remove_extra_whitespaces: bool,
    /// What a space becomes.
    space: &'static str,
    /// The dummy goes to the end.
    suffix: bool,
}

/// `precompiled_charsmap`: what is replaced, and by what.
struct Rules {
    /// Values are offsets into `replacements`.
    trie: Trie,
    /// Each ends with NUL.
    replacements: String,
}

impl Rules {
    /// The blob is the trie's size in bytes (u32, little-endian), a Darts-clone array, and the replacements.
    fn read(blob: &[u8]) -> Option<Self> {
        let (size, blob) = blob.split_first_chunk()?;
        let size = u32::from_le_bytes(*size) as usize;
        let (array, replacements) = blob.split_at_checked(size)?;
        let replacements = String::from_utf8(replacements.to_vec()).ok()?;
        if replacements.split('\0').any(|replacement| replacement.len() > LONGEST_REPLACEMENT) {
            return None;
        }
        if size == 0 || !size.is_multiple_of(1024) || !replacements.ends_with('\0') {
            return None;
        }
        Some(Rules { trie: Trie::from_darts(array, replacements.len())?, replacements })
    }

    /// The replacement by the longest rule that applies at the beginning of `text`, and the length it
    /// replaces.
    fn apply(&self, text: &str) -> Option<(&str, usize)> {
        let (length, at) = self.trie.longest(text.as_bytes(), RULES_AT_ONE_PLACE)?;
        // Only a damaged rule ends or points inside of a character.
        let replacement = self.replacements.get(at as usize..)?.split('\0').next()?;
        text.is_char_boundary(length).then_some((replacement, length))
    }
}

impl Normalizer {
    pub(super) fn new(spec: &NormalizerSpec, suffix: bool) -> Result<Self, EngineError> {
        let rules = match spec.precompiled_charsmap() {
            [] => None,
            blob => Some(Rules::read(blob).ok_or_else(|| invalid("its normalisation rules are broken"))?),
        };
        Ok(Normalizer {
            rules,
            add_dummy_prefix: spec.add_dummy_prefix(),
            remove_extra_whitespaces: spec.remove_extra_whitespaces(),
            space: if spec.escape_whitespaces() { SPACE } else { " " },
            suffix,
        })
    }

    /// Normalises `text`; `kept` are symbols that no rule touches.
    pub(super) fn normalize(&self, text: &str, kept: Option<&Trie>) -> String {
        let mut rest = text;
        while self.remove_extra_whitespaces
            && let (" ", length) = self.first(rest, kept)
        {
            rest = &rest[length..];
        }
        let mut out = String::with_capacity(rest.len() + rest.len() / 2);
        if rest.is_empty() {
            return out;
        }
        if self.add_dummy_prefix && !self.suffix {
            out.push_str(self.space);
        }
        let mut after_space = self.remove_extra_whitespaces;
        while !rest.is_empty() {
            let (mut new, length) = self.first(rest, kept);
            rest = &rest[length..];
            if after_space {
                new = new.trim_start_matches(' ');
            }
            // What became nothing does not part two spaces.
            if !new.is_empty() {
                after_space = self.remove_extra_whitespaces && new.ends_with(' ');
                let mut parts = new.split(' ');
                out.push_str(parts.next().unwrap_or_default());
                for part in parts {
                    out.push_str(self.space);
                    out.push_str(part);
                }
            }
        }
        if self.remove_extra_whitespaces {
            // As in the reference, `▁` of the text itself goes too, and the dummy where nothing else is left.
            out.truncate(out.trim_end_matches(self.space).len());
        }
        if self.add_dummy_prefix && self.suffix {
            out.push_str(self.space);
        }
        out
    }

    /// What the beginning of `text` becomes, and how long that beginning is: zero only if `text` is empty.
    fn first<'t>(&'t self, text: &'t str, kept: Option<&Trie>) -> (&'t str, usize) {
        if let Some(symbol) = symbol_at(kept, text) {
            return (symbol, symbol.len());
        }
        if let Some(replaced) = self.rules.as_ref().and_then(|rules| rules.apply(text)) {
            return replaced;
        }
        let length = text.chars().next().map_or(0, char::len_utf8);
        (&text[..length], length)
    }
}
