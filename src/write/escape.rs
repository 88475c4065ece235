//! Text into HTML and Markdown, so that nothing in it is taken for markup and no run of letters disturbs the
//! direction of its neighbours.

use minijinja::{HtmlEscape, Value};

use crate::lang::{is_arabic_diacritic, is_arabic_letter};

/// English as HTML. Arabic left in it (a name, a quotation) is isolated: next to bare Arabic letters, digits and
/// punctuation would jump to their other side (Unicode Standard Annex 9).
pub(super) fn english_html(text: &str) -> Value {
    let mut html = String::with_capacity(text.len() + 16);
    for (is_arabic, piece) in arabic_runs(text) {
        let (open, close) = if is_arabic { ("<bdi lang=\"ar\" dir=\"rtl\">", "</bdi>") } else { ("", "") };
        html.extend([open, &escape(piece), close]);
    }
    Value::from_safe_string(html)
}

/// English cut at the Arabic in it: whether a piece is Arabic, and the piece.
pub(super) fn arabic_runs(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let arabic = arabic_run(rest);
        let end = if arabic > 0 { arabic } else { rest.find(is_arabic_letter).unwrap_or(rest.len()) };
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some((arabic > 0, piece))
    })
}

/// A path as HTML. Each part keeps its own direction, so that neither `/` nor the extension wanders into an Arabic
/// name, and digits at the end of one stay at its end.
pub(super) fn path_html(path: &str) -> Value {
    let (folders, name) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
    let (stem, extension) = name.split_at(name.rfind('.').filter(|&dot| dot > 0).unwrap_or(name.len()));
    let mut html = String::new();
    for folder in folders.split_inclusive('/') {
        html.push_str(&isolated(folder.trim_end_matches('/')));
        html.push('/');
    }
    html.push_str(&isolated(stem));
    html.push_str(&escape(extension));
    Value::from_safe_string(format!("<span dir=\"ltr\">{html}</span>"))
}

fn isolated(text: &str) -> String {
    if text.contains(is_arabic_letter) { format!("<bdi>{}</bdi>", escape(text)) } else { escape(text) }
}

/// Length in bytes of the Arabic words at the beginning of `text`, with the spaces between them.
fn arabic_run(text: &str) -> usize {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        if is_arabic_letter(c) || is_arabic_diacritic(c) || c == '\u{0640}' {
            end = at + c.len_utf8();
        } else if c != ' ' {
            break;
        }
    }
    end
}

fn escape(text: &str) -> String {
    HtmlEscape(text).to_string()
}

/// Text as inline Markdown (CommonMark and GitHub), on one line.
pub(super) fn markdown(text: &str) -> String {
    markdown_piece(text.trim(), true)
}

/// The same for a part of a line, with the space at its ends.
pub(super) fn markdown_piece(text: &str, begins_line: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        // A bare address is no markup.
        if word.contains("://") && !word.contains(['[', ']', '(', ')', '<', '>', '`', '*', '|', '\\']) {
            out.push_str(word);
        } else {
            markdown_word(word, &mut out);
        }
    }
    if begins_line {
        escape_start(&mut out);
    }
    let space = |is_there: bool| if is_there { " " } else { "" };
    let starts = text.starts_with(char::is_whitespace);
    let ends = !out.is_empty() && text.ends_with(char::is_whitespace);
    format!("{}{out}{}", space(starts), space(ends))
}

/// What would begin a heading, list, quotation or rule at the start of a line does not.
fn escape_start(out: &mut String) {
    let digits = out.bytes().take_while(u8::is_ascii_digit).count();
    if out.starts_with(['#', '+', '-', '=', '>']) {
        out.insert(0, '\\');
    } else if digits > 0 && out[digits..].starts_with(['.', ')']) {
        out.insert(digits, '\\');
    }
}

fn markdown_word(word: &str, out: &mut String) {
    let mut before = None;
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            // Between letters an underscore marks nothing.
            '_' if before.is_some_and(char::is_alphanumeric)
                && chars.peek().is_some_and(|c| c.is_alphanumeric()) =>
            {
                out.push('_')
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        before = Some(c);
    }
}

/// Text as inline code, for paths.
pub(super) fn markdown_code(text: &str) -> String {
    let fence = fence(text, 1);
    let text = text.replace(['\n', '\r'], " ");
    if fence.len() == 1 { format!("`{text}`") } else { format!("{fence} {text} {fence}") }
}

/// A run of at least `least` backticks that is longer than any in `text`.
pub(super) fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(if longest == 0 { 0 } else { longest + 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped_and_arabic_isolated() {
        for (text, expected) in [
            ("a < b & \"c\"", "a &lt; b &amp; &quot;c&quot;"),
            ("<script>alert(1)<!--", "&lt;script&gt;alert(1)&lt;!--"),
            ("the قوات سورية 25 said", "the <bdi lang=\"ar\" dir=\"rtl\">قوات سورية</bdi> 25 said"),
            ("قسد", "<bdi lang=\"ar\" dir=\"rtl\">قسد</bdi>"),
            ("", ""),
        ] {
            assert_eq!(english_html(text).to_string(), expected);
        }
    }

    #[test]
    fn parts_of_a_path_keep_their_places() {
        for (path, expected) in [
            ("a<b>/c.txt", "a&lt;b&gt;/c.txt"),
            ("حلب/تقرير 12.md", "<bdi>حلب</bdi>/<bdi>تقرير 12</bdi>.md"),
            ("تقرير", "<bdi>تقرير</bdi>"),
            ("/x", "/x"),
            (".x", ".x"),
        ] {
            assert_eq!(path_html(path).to_string(), format!("<span dir=\"ltr\">{expected}</span>"));
        }
    }

    #[test]
    fn markdown_markup_becomes_text() {
        for (text, expected) in [
            ("plain (text), 1.5 %", "plain (text), 1.5 %"),
            ("# not a heading", "\\# not a heading"),
            ("- not an item", "\\- not an item"),
            ("12. not an item", "12\\. not an item"),
            ("2024) x", "2024\\) x"),
            ("*a* _b_ snake_case", "\\*a\\* \\_b\\_ snake_case"),
            ("<script>x</script>", "&lt;script>x&lt;/script>"),
            ("[a](javascript:b)", "\\[a\\](javascript:b)"),
            ("R&D &lt; `x` | y", "R&amp;D &amp;lt; \\`x\\` \\| y"),
            ("US$5 or $6", "US\\$5 or \\$6"),
            ("two\n  lines", "two lines"),
            ("> quoted", "\\> quoted"),
        ] {
            assert_eq!(markdown(text), expected);
        }
    }

    #[test]
    fn code_is_fenced_by_more_than_it_holds() {
        assert_eq!(markdown_code("a/b.txt"), "`a/b.txt`");
        assert_eq!(markdown_code("a`b"), "`` a`b ``");
        assert_eq!(fence("x ```` y", 3), "`````");
        assert_eq!(fence("x", 3), "```");
    }
}
