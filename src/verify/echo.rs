//! A target that repeats its source, the prompt or the model's chat around it.

/// Labels of translation prompts, in lower case; a target beginning with one has answered with its prompt.
const LABELS: [&str; 9] = [
    "arabic:",
    "arabic sentence:",
    "source:",
    "english:",
    "english translation:",
    "translation:",
    "target:",
    "translate the following",
    "translate this",
];

/// Openings of a chat model that talks about its task, in lower case.
const CHAT: [&str; 6] = [
    "here is the translation",
    "here's the translation",
    "sure, here",
    "sure! here",
    "the translation of",
    "as an ai language model",
];

/// Control tokens that a tokenizer should have taken out.
const TOKENS: [&str; 8] =
    ["<bos>", "<eos>", "</s>", "<unk>", "<pad>", "<|im_", "<start_of_turn>", "<end_of_turn>"];

/// Sources of fewer letters may stand in their target for good reasons (a number, a Latin name).
const MIN_LETTERS: usize = 6;

/// What was repeated, if anything.
pub(super) fn check(source: &str, target: &str) -> Option<String> {
    let lower = target.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '<').to_lowercase();
    let starts =
        |openings: &[&'static str]| openings.iter().copied().find(|opening| lower.starts_with(opening));
    // A source with a colon near its start may truly begin with "Source:" or "English:".
    let labelled = source.chars().take(25).any(|c| c == ':');
    if let Some(label) = starts(&LABELS).filter(|_| !labelled) {
        return Some(format!("the translation begins with a piece of the prompt: “{label}”"));
    }
    let inner = ["\narabic:", "\nenglish:", "\nenglish translation:", " english translation:"];
    if let Some(label) = inner.iter().find(|label| lower.contains(*label)).filter(|_| !labelled) {
        return Some(format!("the translation runs on into another prompt: “{}”", label.trim()));
    }
    if let Some(chat) = starts(&CHAT) {
        return Some(format!("the model talks about its task: “{chat}”"));
    }
    if let Some(token) = TOKENS.iter().find(|token| target.contains(*token) && !source.contains(*token)) {
        return Some(format!("a control token is left in the translation: “{token}”"));
    }
    let (source, target) = (letters(source), letters(target));
    let long_enough = source.chars().count() >= MIN_LETTERS && crate::lang::has_arabic(&source);
    (long_enough && target.contains(&source))
        .then(|| "the source is repeated instead of translated".to_owned())
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_chat_tokens_and_sources_are_found() {
        let source = "وصل الوفد إلى المدينة.";
        for target in [
            "Arabic: وصل الوفد إلى المدينة.",
            "English: The delegation arrived.",
            "**Translation:** The delegation arrived.",
            "The delegation arrived.\nArabic: وقال",
            "Sure, here is the text in English.",
            "The delegation arrived.<|im_end|>",
            "وصل الوفد إلى المدينة",
        ] {
            assert!(check(source, target).is_some(), "{target}");
        }
    }

    #[test]
    fn true_text_of_the_same_shape_passes() {
        for (source, target) in [
            ("المصدر: وكالة الأنباء", "Source: news agency"),
            ("وصل الوفد.", "The translation department arrived."),
            ("تعلم الإنجليزية: دليل", "English: a guide"),
            ("BBC", "BBC"),
        ] {
            assert_eq!(check(source, target), None, "{target}");
        }
    }
}
