//! `--redact-logs`: what is left of a message where it may hold no name of a file and no text of a document.
//!
//! Whatever is not known to be free of them is withheld: a message is told in full only where every name in it is known, so
//! that each can be put as its token, or where nothing in it can be one. `run.json` has the tokens with the names, and what
//! was withheld is read by running the command without the option.

use std::path::Path;

use crate::discover::DiscoverError;
use crate::memory::MemoryError;
use crate::pipeline::RunError;
use crate::run::{self, DocumentRecord, Outcome};
use crate::write::WriteError;

/// Said in place of an error that is withheld, and what to do about it.
const WITHHELD: (&str, &str) =
    ("an error whose words may name files", "run the same command without --redact-logs to read it");

/// An error's words and hint, as [`told`](super::report::told) has them, without names.
pub fn error(error: &anyhow::Error) -> (String, String) {
    let known = if let Some(error) = error.downcast_ref::<RunError>() {
        names_of_run(error).map(|names| (error.to_string(), names))
    } else {
        let of_memory = error.downcast_ref::<MemoryError>();
        of_memory.map(|error| (error.to_string(), vec![shown(error.path())]))
    };
    let Some((mut text, mut names)) = known else { return (WITHHELD.0.into(), WITHHELD.1.into()) };
    // The longest first: one may be a part of another.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in names.iter().filter(|name| !name.is_empty()) {
        text = text.replace(name.as_str(), &run::token(name));
    }
    // What the system has added of its own.
    if !is_plain(&text, "") {
        return (WITHHELD.0.into(), WITHHELD.1.into());
    }
    let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
    (message.into(), hint.into())
}

/// All names in the words of an error; nothing where they are not known.
fn names_of_run(error: &RunError) -> Option<Vec<String>> {
    Some(match error {
        RunError::Discover(error) => match error {
            DiscoverError::NotFound { path }
            | DiscoverError::Inaccessible { path, .. }
            | DiscoverError::OutputIsInput { path } => vec![shown(path)],
            DiscoverError::SameId { id, first, second } => vec![id.clone(), shown(first), shown(second)],
        },
        RunError::NoInput(given, _) => vec![given.clone()],
        RunError::Collision(collision) => {
            vec![collision.first.clone(), collision.second.clone(), shown(&collision.output)]
        }
        RunError::Memory(error) => vec![shown(error.path())],
        RunError::Write(error) => match error {
            WriteError::Outside { path, .. } => vec![format!("{path:?}")],
            WriteError::Io { path, .. } | WriteError::InUse { path } => vec![shown(path)],
            WriteError::Render { .. } => return None,
        },
        RunError::Ledger { document, .. } => vec![document.clone()],
        RunError::Thread(_) => Vec::new(),
        // It repeats what was typed.
        RunError::Encoding { .. } => return None,
    })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What became of a document, without names.
pub fn outcome(record: &DocumentRecord) -> Outcome {
    let kept = |text: &str, otherwise: &str| match is_plain(text, &record.id) {
        true => text.to_owned(),
        false => otherwise.to_owned(),
    };
    match &record.outcome {
        Outcome::Failed { error, hint } => {
            let error = error.strip_prefix(&format!("{}: ", record.id)).unwrap_or(error);
            Outcome::Failed { error: kept(error, "failed; run.json says why"), hint: kept(hint, "") }
        }
        Outcome::NothingToTranslate { reason } => {
            Outcome::NothingToTranslate { reason: kept(reason, "run.json says why") }
        }
        other => other.clone(),
    }
}

/// Whether nothing in a text can be a path, the name of document `id` or a part of it, or Arabic.
fn is_plain(text: &str, id: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty()).map(str::to_lowercase).collect()
    };
    let names = parts(id);
    !text.contains(['/', '\\'])
        && !text.contains(|c: char| c.is_alphabetic() && !c.is_ascii())
        && !parts(text).iter().any(|part| names.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_might_be_a_name_is_no_plain_text() {
        assert!(is_plain("this is a PDF file, not a text file", "secret/source.txt"));
        for text in ["cannot write /x", "C:\\x", "the source is", "SECRET", "source.en", "كلمة", "txt"] {
            assert!(!is_plain(text, "secret/source.txt"), "{text}");
        }
    }

    #[test]
    fn an_error_of_unknown_words_is_withheld() {
        let (message, hint) = error(&anyhow::anyhow!("cannot read secret.txt"));
        assert!(message.contains("may name files") && hint.contains("without --redact-logs"));
        let not_found = RunError::Discover(DiscoverError::NotFound { path: "a b/secret.txt".into() });
        let (message, hint) = error(&anyhow::Error::from(not_found).context("secret"));
        assert_eq!(message, format!("{}: no such file or folder", run::token("a b/secret.txt")));
        assert!(hint.starts_with("paths start"));
    }
}
