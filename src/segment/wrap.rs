//! Cutting a sentence that is longer than the model takes into pieces that it does take, at the places where a
//! translator would draw breath. Nothing is ever dropped: the pieces cover the sentence.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::words::fold;

/// Pieces of `text` of at most `budget` tokens each, in order, as byte ranges; they cover `text` but for white
/// space between them. One piece where it fits (none where `text` is blank).
///
/// Breaks fall at the best boundaries (after `؛`, `،` or a dash, before a conjunction, else at a space), with
/// pieces as even as that allows: a dynamic programme over the words minimises boundary penalties plus squared
/// deviation from the even length, as in Knuth and Plass, "Breaking paragraphs into lines" (1981). A single word
/// over budget is cut between characters; only one character over budget is left longer than `budget`.
///
/// `count_tokens` is called on short stretches for about twice the text in all, so the cost is linear.
pub fn wrap(text: &str, budget: usize, count_tokens: &dyn Fn(&str) -> usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let whole = trimmed(text, 0..text.len());
    if !whole.is_empty() {
        Wrapper { text, budget, count_tokens }.cut(whole, &mut pieces);
    }
    pieces
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    start..start + piece.trim().len()
}

struct Wrapper<'a> {
    text: &'a str,
    budget: usize,
    count_tokens: &'a dyn Fn(&str) -> usize,
}

/// A word with the tokens it takes and the price of a break before it.
struct Word {
    range: Range<usize>,
    tokens: usize,
    penalty: f64,
}

impl Wrapper<'_> {
    fn cut(&self, range: Range<usize>, pieces: &mut Vec<Range<usize>>) {
        if self.fits(&range) {
            pieces.push(range);
            return;
        }
        let words = self.words(range.clone());
        if words.len() < 2 {
            self.cut_word(range, pieces);
            return;
        }
        for group in break_words(&words, self.budget) {
            let piece = words[group.start].range.start..words[group.end - 1].range.end;
            self.cut_group(&words[group], piece, pieces);
        }
    }

    /// Words counted one by one may come to less than the words together; such a piece is halved until it fits.
    fn cut_group(&self, words: &[Word], piece: Range<usize>, pieces: &mut Vec<Range<usize>>) {
        if self.fits(&piece) {
            pieces.push(piece);
        } else if words.len() == 1 {
            self.cut_word(piece, pieces);
        } else {
            let (left, right) = words.split_at(words.len() / 2);
            for half in [left, right] {
                self.cut_group(half, half[0].range.start..half[half.len() - 1].range.end, pieces);
            }
        }
    }

    /// Cuts one word between characters, each piece as long as fits. Lengths are tried by doubling, then by
    /// bisection, so that no try is much longer than its piece.
    fn cut_word(&self, range: Range<usize>, pieces: &mut Vec<Range<usize>>) {
        let ends = character_ends(self.text, range.clone());
        let (mut start, mut first) = (range.start, 0);
        while first < ends.len() {
            let fits = |count: usize| self.fits(&(start..ends[first + count - 1]));
            let left = ends.len() - first;
            let (mut low, mut high) = (1, 2);
            while high <= left && fits(high) {
                (low, high) = (high, high * 2);
            }
            high = high.min(left + 1);
            while high - low > 1 {
                let middle = low.midpoint(high);
                if fits(middle) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            let end = ends[first + low - 1];
            pieces.push(start..end);
            (start, first) = (end, first + low);
        }
    }

    fn fits(&self, range: &Range<usize>) -> bool {
        (self.count_tokens)(&self.text[range.clone()]) <= self.budget
    }

    fn words(&self, range: Range<usize>) -> Vec<Word> {
        let text = &self.text[range.clone()];
        let mut words: Vec<Word> = Vec::new();
        let mut previous = "";
        for word in text.split_whitespace() {
            let start = range.start + (word.as_ptr().addr() - text.as_ptr().addr());
            let tokens = (self.count_tokens)(word).max(1);
            let penalty = break_penalty(previous, word);
            words.push(Word { range: start..start + word.len(), tokens, penalty });
            previous = word;
        }
        words
    }
}

/// Where characters end as readers see them: marks, joiners and selectors stay with their letter.
fn character_ends(text: &str, range: Range<usize>) -> Vec<usize> {
    let joins = |c: char| {
        is_combining_mark(c)
            || matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}')
    };
    let mut ends = Vec::new();
    let mut after_joiner = true;
    for (at, c) in text[range.clone()].char_indices() {
        if !after_joiner && !joins(c) {
            ends.push(range.start + at);
        }
        after_joiner = c == '\u{200D}';
    }
    ends.push(range.end);
    ends
}

/// What a piece costs, so that fewer are better, and what its deviation from the even length costs at most.
const PIECE_COST: f64 = 4.0;
const UNEVENNESS: f64 = 4.0;

/// The price of a break before `word`, from 0 between sentences to 5 after a preposition.
fn break_penalty(previous: &str, word: &str) -> f64 {
    if previous.ends_with(['.', '!', '?', '؟', '…', '؛', ';']) {
        return 0.0;
    }
    if previous.ends_with(['،', ',', ':']) {
        return 0.4;
    }
    if matches!(word, "-" | "–" | "—") {
        return 0.6;
    }
    if matches!(previous, "-" | "–" | "—")
        || previous.ends_with([')', '"', '»', '”'])
        || word.starts_with(['(', '«', '“'])
    {
        return 1.2;
    }
    match fold(previous).as_str() {
        "في" | "من" | "علي" | "الي" | "عن" | "مع" | "ان" | "لم" | "لن" | "لا" | "ما" | "قد" | "بن" | "ابو"
        | "عبد" | "التي" | "الذي" | "بين" | "او" | "و" => return 5.0,
        _ => {}
    }
    match fold(word).as_str() {
        "ثم" | "حيث" | "لكن" | "ولكن" | "كما" | "فيما" | "بينما" | "اذ" | "لان" | "مما" | "وقد" | "وذلك"
        | "وان" | "وانه" | "وانها" | "الا" | "غير" | "بعدما" | "قبل" | "بعد" => {
            1.0
        }
        "الذي" | "التي" | "الذين" | "او" | "ان" => 1.6,
        word if word.starts_with('و') && word.chars().nth(3).is_some() => 1.8,
        _ => 3.0,
    }
}

/// Groups of words, as ranges of indices, of at most `budget` tokens unless one word alone is more.
fn break_words(words: &[Word], budget: usize) -> Vec<Range<usize>> {
    let sum: usize = words.iter().map(|w| w.tokens).sum();
    // Where the words alone would fit, counting them together found more: then two pieces are needed.
    let pieces = sum.div_ceil(budget.max(1)).max(2);
    let even = sum as f64 / pieces as f64;
    // best[end] is the least cost of words[..end], and where its last piece starts.
    let mut best = vec![(0.0, 0)];
    for end in 1..=words.len() {
        let mut tokens = 0;
        let mut least = (f64::INFINITY, end - 1);
        for start in (0..end).rev() {
            tokens += words[start].tokens;
            if tokens > budget && start + 1 < end {
                break;
            }
            let unevenness = UNEVENNESS * ((tokens as f64 - even) / even).powi(2);
            let penalty = if start == 0 { 0.0 } else { words[start].penalty };
            let cost = best[start].0 + PIECE_COST + unevenness + penalty;
            if cost < least.0 {
                least = (cost, start);
            }
        }
        best.push(least);
    }
    let mut groups = Vec::with_capacity(pieces);
    let mut end = words.len();
    while end > 0 {
        let start = best[end].1;
        groups.push(start..end);
        end = start;
    }
    groups.reverse();
    groups
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn count_words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn pieces<'t>(text: &'t str, budget: usize, count: &dyn Fn(&str) -> usize) -> Vec<&'t str> {
        wrap(text, budget, count).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn what_fits_is_one_piece() {
        assert_eq!(pieces(" وصل الوفد. ", 2, &count_words), ["وصل الوفد."]);
        assert!(pieces("  ", 2, &count_words).is_empty());
    }

    #[test]
    fn breaks_fall_at_clauses() {
        let text = "أعلنت الوزارة أن عدد المصابين ارتفع إلى مئة شخص، وأضافت أن المشافي لم تعد قادرة على استقبال المزيد منهم";
        assert_eq!(
            pieces(text, 13, &count_words),
            [
                "أعلنت الوزارة أن عدد المصابين ارتفع إلى مئة شخص،",
                "وأضافت أن المشافي لم تعد قادرة على استقبال المزيد منهم"
            ]
        );
        let text = "قصفت الطائرات أطراف المدينة صباحاً كما استهدفت المدفعية الطريق العام مساء";
        assert_eq!(
            pieces(text, 7, &count_words),
            ["قصفت الطائرات أطراف المدينة صباحاً", "كما استهدفت المدفعية الطريق العام مساء"]
        );
    }

    #[test]
    fn pieces_are_even_where_no_boundary_is_better() {
        let text = ["كلمة"; 24].join(" ");
        let lengths: Vec<_> = pieces(&text, 10, &count_words).into_iter().map(count_words).collect();
        assert_eq!(lengths, [8, 8, 8]);
    }

    #[test]
    fn pieces_cover_the_text_within_budget_whatever_counts_the_tokens() {
        let long_word = "ا\u{64E}".repeat(50);
        let texts = [
            "نص قصير جداً",
            &["وقال، إن ذلك كذلك؛ ثم ذهب"; 20].join(" "),
            &long_word,
            &format!("قبل {long_word} بعد"),
        ];
        let by_characters = |text: &str| text.chars().count();
        // Counts more together than alone, as a tokenizer does that adds a mark of its own.
        let with_overhead = |text: &str| text.split_whitespace().count() * 3 / 2 + 1;
        let counters: [&dyn Fn(&str) -> usize; 3] = [&count_words, &by_characters, &with_overhead];
        for text in texts {
            for count in counters {
                for budget in [4, 7, 30] {
                    let mut at = 0;
                    for piece in wrap(text, budget, count) {
                        assert!(
                            text[at..piece.start].trim().is_empty(),
                            "lost: {:?}",
                            &text[at..piece.start]
                        );
                        let tokens = count(&text[piece.clone()]);
                        assert!(tokens <= budget, "{tokens} > {budget}: {}", &text[piece]);
                        at = piece.end;
                    }
                    assert!(text[at..].trim().is_empty(), "lost: {:?}", &text[at..]);
                }
            }
        }
    }

    #[test]
    fn an_impossible_budget_still_loses_nothing() {
        assert_eq!(pieces("ا\u{64E}ب", 0, &|text| text.chars().count()), ["ا\u{64E}", "ب"]);
    }

    #[test]
    fn the_cost_is_linear() {
        for text in [["كلمة"; 2000].join(" "), "ا".repeat(20_000)] {
            let counted = Cell::new(0);
            let count = |text: &str| {
                counted.set(counted.get() + text.len());
                text.chars().count()
            };
            wrap(&text, 40, &count);
            assert!(counted.get() < 12 * text.len(), "counted {} of {}", counted.get(), text.len());
        }
    }
}
