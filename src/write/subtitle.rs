//! English in subtitles: short lines, as viewers can read them while they look, and sentences shared among the subtitles
//! that their Arabic ran over.

/// Characters of a line; broadcasters and platforms allow 37 to 42.
const LINE: usize = 42;
/// A break behind a comma or full stop is worth being so many characters off its place.
const WORTH_OF_A_PAUSE: usize = 10;

/// `text` in as few lines as it takes, and those as even as words allow.
pub(super) fn lines(text: &str) -> String {
    // An arrow is the sign of a line of times.
    let text = text.replace("-->", "->");
    let mut lines: Vec<String> = Vec::new();
    for turn in text.lines() {
        let words: Vec<&str> = turn.split_whitespace().collect();
        let fewest = wrapped(&words, LINE).len();
        let even = (1..LINE).find(|&width| {
            let lines = wrapped(&words, width);
            lines.len() == fewest && lines.iter().all(|line| width_of(line) <= width.max(LINE))
        });
        lines.extend(wrapped(&words, even.unwrap_or(LINE)));
    }
    lines.join("\n")
}

fn wrapped(words: &[&str], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if width_of(line) + 1 + width_of(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push((*word).to_owned()),
        }
    }
    lines
}

fn width_of(text: &str) -> usize {
    text.chars().count()
}

/// Shares a sentence among subtitles in proportion to how much of its Arabic each had. None gets nothing: where there are too few
/// words, the last one stays on.
pub(super) fn shared<'t>(text: &'t str, lengths: &[usize]) -> Vec<&'t str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some(last) = words.last() else { return vec![text; lengths.len()] };
    if words.len() < lengths.len() {
        let short = lengths.len() - words.len();
        return words.iter().chain(std::iter::repeat_n(last, short)).copied().collect();
    }
    let begins =
        |(at, c): &(usize, char)| !c.is_whitespace() && !text[..*at].ends_with(|c: char| !c.is_whitespace());
    let starts: Vec<usize> = text.char_indices().filter(begins).map(|(at, _)| at).collect();
    let offset = |word: usize| starts.get(word).copied().unwrap_or(text.len());
    let total: usize = lengths.iter().sum();
    let mut shares = Vec::with_capacity(lengths.len());
    let (mut first, mut sum) = (0, 0);
    for (piece, length) in lengths.iter().enumerate() {
        sum += length;
        let left = lengths.len() - piece - 1;
        let wanted = text.len() * sum / total.max(1);
        let cost = |next: &usize| {
            let pauses = words[next - 1].ends_with([',', ';', ':', '.', '?', '!', '…']);
            let worth = if pauses { 0 } else { WORTH_OF_A_PAUSE };
            offset(*next).abs_diff(wanted) + worth
        };
        let next = match left {
            0 => words.len(),
            _ => (first + 1..=words.len() - left).min_by_key(cost).unwrap_or(words.len()),
        };
        shares.push(text[offset(first)..offset(next)].trim_end());
        first = next;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_few_short_and_even() {
        for (text, expected) in [
            ("", ""),
            ("Good morning.", "Good morning."),
            (
                "The minister said that the road had been closed.",
                "The minister said that\nthe road had been closed.",
            ),
            ("- Where is he?\n- At home.", "- Where is he?\n- At home."),
            ("a --> b", "a -> b"),
            (
                "Thousands of people have left their homes in the north since the beginning of the month, the office said.",
                "Thousands of people have left their\nhomes in the north since the beginning\nof the month, the office said.",
            ),
        ] {
            assert_eq!(lines(text), expected);
        }
        let word = "x".repeat(50);
        assert_eq!(lines(&format!("See {word} there")), format!("See\n{word}\nthere"));
    }

    #[test]
    fn no_line_is_too_long_and_no_word_is_lost() {
        let words: Vec<String> = (0..60).map(|n| "w".repeat(1 + n * 7 % 13)).collect();
        for count in 0..words.len() {
            let text = words[..count].join(" ");
            let lines = lines(&text);
            assert!(lines.lines().all(|line| width_of(line) <= LINE), "{lines}");
            assert_eq!(lines.split_whitespace().collect::<Vec<_>>().join(" "), text);
        }
    }

    #[test]
    fn a_sentence_is_shared_in_proportion_and_at_pauses() {
        let text = "The minister said on Sunday, after a long meeting, that the road was closed.";
        assert_eq!(
            shared(text, &[30, 20, 30]),
            ["The minister said on Sunday,", "after a long meeting,", "that the road was closed."]
        );
        assert_eq!(shared("one two three four", &[10, 10]), ["one two", "three four"]);
        assert_eq!(shared("No.", &[5, 5, 5]), ["No.", "No.", "No."]);
        for pieces in 1..8 {
            let lengths: Vec<usize> = (0..pieces).map(|n| 1 + n * n).collect();
            let shares = shared(text, &lengths);
            assert!(shares.len() == pieces && shares.iter().all(|share| !share.is_empty()), "{shares:?}");
            assert_eq!(shares.join(" "), text);
        }
    }
}
