//! A deterministic stand-in for a model, without weights: the whole program runs with it in milliseconds.
//!
//! Arabic words come back as Latin transliterations, everything else unchanged; so numbers survive, lengths are
//! plausible and no Arabic is left. Some words make it misbehave on purpose, so that checks, repairs, exit codes and
//! pages can be tried: `حلقة` in a source makes it loop, `تكرار` makes it loop unless repetition is banned, `فراغ` makes
//! it fall silent, and `ضياع` makes its best answer lose the numbers, which the second-best of a beam has.

use std::sync::atomic::Ordering;

use crate::inference::{DecodeOptions, Generator, Hypothesis, InferenceError, Translator, Watch};
use crate::lang::{digit_value, is_arabic_diacritic, is_arabic_letter};

/// See the module.
#[derive(Debug, Default)]
pub struct Echo {
    /// Milliseconds slept for each source, so that tests can interrupt a run.
    pub delay_ms: u64,
}

/// Milliseconds that `--model echo` sleeps for each source; unset is none. For tests, so no option of the command line.
const DELAY_VARIABLE: &str = "TARJUMAN_ECHO_DELAY_MS";

impl Echo {
    /// As the environment wants it.
    pub fn from_environment() -> Self {
        let delay = std::env::var(DELAY_VARIABLE).ok().and_then(|ms| ms.parse().ok());
        Echo { delay_ms: delay.unwrap_or_default() }
    }
}

/// Letters of Arabic, and how they are written in Latin.
const LETTERS: &[(&str, &str)] = &[
    ("اأإآٱى", "a"),
    ("ب", "b"),
    ("تةط", "t"),
    ("ث", "th"),
    ("جچ", "j"),
    ("حهھ", "h"),
    ("خ", "kh"),
    ("دض", "d"),
    ("ذ", "dh"),
    ("ر", "r"),
    ("زظژ", "z"),
    ("سص", "s"),
    ("ش", "sh"),
    ("غ", "gh"),
    ("ف", "f"),
    ("قكکگ", "k"),
    ("ل", "l"),
    ("م", "m"),
    ("ن", "n"),
    ("وؤ", "w"),
    ("يئیے", "y"),
    ("پ", "p"),
    ("ڤ", "v"),
];

fn transliterate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if let Some(digit) = digit_value(c) {
            out.push((b'0' + digit) as char);
        } else if is_arabic_letter(c) {
            // Hamza, ayn and rarer letters fall silent, as they do in English newspapers.
            let latin =
                LETTERS.iter().find(|(letters, _)| letters.contains(c)).map_or("", |(_, latin)| latin);
            out.push_str(latin);
        } else if is_arabic_diacritic(c) || c == '\u{0640}' {
        } else {
            out.push(match c {
                '،' => ',',
                '؛' => ';',
                '؟' => '?',
                '٪' => '%',
                '٫' => '.',
                '٬' => ',',
                '«' | '»' => '"',
                other => other,
            });
        }
    }
    out
}

impl Translator for Echo {
    fn translate(
        &self,
        sources: &[&str],
        options: &DecodeOptions,
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<Hypothesis>>, InferenceError> {
        let mut all = Vec::with_capacity(sources.len());
        for (number, source) in sources.iter().enumerate() {
            if watch.cancelled().load(Ordering::Relaxed) {
                return Err(InferenceError::Interrupted);
            }
            std::thread::sleep(std::time::Duration::from_millis(self.delay_ms));
            let is_free = options.no_repeat_ngram == 0;
            let text = match () {
                () if source.contains("حلقة") || (source.contains("تكرار") && is_free) => {
                    "again and ".repeat(12).trim_end().to_string()
                }
                () if source.contains("فراغ") => String::new(),
                () => transliterate(source),
            };
            let tokens = text.split_whitespace().count() + 1;
            let best = hypothesis(text, tokens);
            let mut found = vec![best; options.beam.clamp(1, 2)];
            if source.contains("ضياع") {
                found[0].text.retain(|c| !c.is_ascii_digit());
            }
            watch.tokens(tokens * found.len());
            watch.found(number, &found);
            all.push(found);
        }
        Ok(all)
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn max_source_tokens(&self) -> usize {
        40
    }
}

impl Generator for Echo {
    fn generate(
        &self,
        instructions: &[&str],
        max_tokens: usize,
        watch: &dyn Watch,
    ) -> Result<Vec<Hypothesis>, InferenceError> {
        let answers = instructions.iter().map(|instruction| {
            // The last line of an instruction is the text it is about; its beginning is a summary of sorts.
            let text = instruction.lines().last().unwrap_or_default();
            let words: Vec<&str> = text.split_whitespace().take(max_tokens).collect();
            watch.tokens(words.len());
            hypothesis(words.join(" "), words.len())
        });
        Ok(answers.collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn context_tokens(&self) -> usize {
        512
    }
}

/// An answer of which it is sure.
fn hypothesis(text: String, tokens: usize) -> Hypothesis {
    Hypothesis { text, mean_log_prob: -0.1, min_log_prob: -0.5, tokens, finished: true, coverage: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::Unwatched;
    use crate::lang::has_arabic;

    #[test]
    fn no_arabic_is_left_and_numbers_survive() {
        let sources = ["بلغ العدد ٢٥ شخصاً، أي 12.5٪ من السكان؟", "Report رقم 7", ""];
        let echo = Echo::default();
        let all = echo.translate(&sources, &DecodeOptions::default(), &Unwatched::default()).unwrap();
        let texts: Vec<_> = all.iter().map(|h| h[0].text.as_str()).collect();
        assert_eq!(texts[0], "blgh aldd 25 shkhsa, ay 12.5% mn alskan?");
        assert_eq!(texts[1], "Report rkm 7");
        assert_eq!(texts[2], "");
        assert!(texts.iter().all(|t| !has_arabic(t)));
    }
}
