//! Mails: subject, who wrote to whom and when, and the text. Attachments are documents of their own, which the search for
//! inputs finds.

use mail_parser::{Address, Header, HeaderName, Message, PartType};

use super::html::Html;
use super::package::not_read;
use super::{Contents, Format, ReadError, ReadOptions, encoding, txt};
use crate::document::{Block, BlockKind, Document, Span, TextEncoding};
use crate::{lang, mail};

/// Internet mail (RFC 5322) with its parts (MIME).
pub struct Eml;

impl Format for Eml {
    fn name(&self) -> &'static str {
        "eml"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["eml"]
    }

    fn accepts(&self, id: &str, bytes: &[u8]) -> bool {
        self.is_named(id) || mail::looks_like_mail(bytes)
    }

    fn document(&self, id: &str, bytes: &[u8], options: ReadOptions<'_>) -> Result<Document, ReadError> {
        let given = options.encoding;
        let damaged = || ReadError::Damaged { id: id.into(), what: "no headers of a mail in it".into() };
        let message = mail::parse(bytes).ok_or_else(damaged)?;
        let (mut body, mut notes) = (Body::default(), Vec::new());
        for part in bodies(&message) {
            let bytes = mail::part_bytes(&message, part);
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let declared = charset(part);
            let (text, blocks, encoding) = match part.body {
                PartType::Html(_) => page(id, &bytes, given, declared.as_deref(), &mut notes)?,
                _ => plain(id, &bytes, given, declared.as_deref())?,
            };
            body.add(&text, &blocks, encoding);
        }
        let mut head = Head::default();
        let encoding = body.encoding.unwrap_or_else(TextEncoding::utf8);
        head.subject(&subject(&message, &encoding.name));
        for (label, address) in [("From", message.from()), ("To", message.to()), ("Cc", message.cc())] {
            head.people(label, address);
        }
        head.line("Date", message.date().map(|date| date.to_rfc3339()));
        let names: Vec<String> = mail::attachments(&message).into_iter().map(|(_, name, _)| name).collect();
        head.line("Attachments", (!names.is_empty()).then(|| names.join(", ")));
        let Head { mut text, mut blocks } = head;
        text.push('\n');
        let start = text.len();
        blocks.extend(body.blocks.iter().map(|block| moved(block, start)));
        text.push_str(&body.text);
        // Where inputs are searched for, attachments are found by the name of their mail.
        notes.extend(if self.is_named(id) { None } else { not_read(names.len(), "attachment") });
        Contents { encoding, text, blocks, notes, parts: Vec::new(), marks: Vec::new() }
            .document(self, id, bytes)
    }
}

/// The parts that are shown: the plain ones, or, where those are empty, the pages.
fn bodies<'m>(message: &'m Message<'_>) -> Vec<&'m mail_parser::MessagePart<'m>> {
    let plain: Vec<_> = message.text_bodies().collect();
    let is_empty = |part: &&mail_parser::MessagePart<'_>| part.contents().iter().all(u8::is_ascii_whitespace);
    if plain.iter().all(is_empty) { message.html_bodies().collect() } else { plain }
}

fn charset(part: &mail_parser::MessagePart<'_>) -> Option<String> {
    use mail_parser::MimeHeaders as _;
    let label = part.content_type()?.attribute("charset")?;
    encoding::canonical_name(label).ok().map(str::to_owned)
}

fn plain(
    id: &str,
    bytes: &[u8],
    given: Option<&str>,
    declared: Option<&str>,
) -> Result<(String, Vec<Block>, TextEncoding), ReadError> {
    let (text, encoding) = encoding::decode_declared(id, bytes, given, declared)?;
    let blocks = txt::blocks(&text).into_iter();
    // The first line of a mail is no title: its subject is.
    let kind = |kind| if kind == BlockKind::Title { BlockKind::Paragraph } else { kind };
    let blocks = blocks.map(|block| Block { kind: kind(block.kind), ..block }).collect();
    Ok((text, blocks, encoding))
}

/// What was left out of it goes to `notes`.
fn page(
    id: &str,
    bytes: &[u8],
    given: Option<&str>,
    declared: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<(String, Vec<Block>, TextEncoding), ReadError> {
    match Html.page(id, bytes, given, declared) {
        Ok(page) => {
            notes.extend(page.notes);
            Ok((page.text, page.blocks, page.encoding))
        }
        // Pictures only.
        Err(ReadError::Blank { .. }) => Ok((String::new(), Vec::new(), TextEncoding::utf8())),
        Err(e) => Err(e),
    }
}

/// The subject; where it was written without saying how, in the encoding of the text.
fn subject(message: &Message<'_>, encoding: &str) -> String {
    let subject = message.subject().unwrap_or_default();
    if !subject.contains('\u{FFFD}') {
        return subject.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let is_subject = |header: &&Header<'_>| header.name == HeaderName::Subject;
    let raw = message.headers().iter().find(is_subject).and_then(|header| {
        message.raw_message().get(header.offset_start as usize..header.offset_end as usize)
    });
    let decoded = raw.and_then(|raw| {
        [Some(encoding), None].into_iter().find_map(|label| encoding::decode("", raw, label).ok())
    });
    decoded.map_or_else(|| subject.into(), |(text, _)| text.trim().to_owned())
}

fn moved(block: &Block, by: usize) -> Block {
    Block { span: Span::new(block.span.start + by, block.span.end + by), ..*block }
}

/// The lines above the text.
#[derive(Default)]
struct Head {
    text: String,
    blocks: Vec<Block>,
}

impl Head {
    fn subject(&mut self, subject: &str) {
        if subject.is_empty() {
            return;
        }
        self.block(BlockKind::Title, subject);
        self.text.push_str("\n\n");
    }

    fn block(&mut self, kind: BlockKind, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.blocks.push(Block { kind, span: Span::new(start, self.text.len()) });
    }

    fn line(&mut self, label: &str, text: Option<String>) {
        if let Some(text) = text {
            self.text.push_str(&format!("{label}: {text}\n"));
        }
    }

    /// A line for each: a name in Arabic is translated, and stands behind its address, which stays.
    fn people(&mut self, label: &str, address: Option<&Address<'_>>) {
        for person in address.into_iter().flat_map(Address::iter) {
            let (name, address) = (person.name().unwrap_or_default().trim(), person.address());
            let address = address.map(|address| format!(" <{address}>")).unwrap_or_default();
            if lang::has_arabic(name) {
                self.text.push_str(&format!("{label}{address}: "));
                self.block(BlockKind::TableCell, name);
                self.text.push('\n');
            } else {
                let shown = format!("{name}{address}");
                let bare = shown.strip_prefix(" <").and_then(|shown| shown.strip_suffix('>'));
                self.line(label, Some(bare.unwrap_or(&shown).to_owned()));
            }
        }
    }
}

/// The text of all parts.
#[derive(Default)]
struct Body {
    text: String,
    blocks: Vec<Block>,
    /// Of the first part.
    encoding: Option<TextEncoding>,
}

impl Body {
    fn add(&mut self, text: &str, blocks: &[Block], encoding: TextEncoding) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.blocks.extend(blocks.iter().map(|block| moved(block, start)));
        self.encoding.get_or_insert(encoding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mail: &[u8]) -> Document {
        crate::read::read("a.eml", mail, ReadOptions::default()).unwrap()
    }

    fn texts(document: &Document) -> Vec<(BlockKind, &str)> {
        document.blocks.iter().map(|block| (block.kind, block.span.of(&document.text))).collect()
    }

    /// Headers in UTF-8 as encoded words, the text in windows-1256.
    fn mail(headers: &str, body: &str) -> Vec<u8> {
        let head = format!(
            "From: =?UTF-8?B?2LLZitmG2Kg=?= <zaynab@example.org>\r\nTo: Office <office@example.org>\r\n\
             Subject: =?windows-1256?B?yt7R7dE=?=\r\nDate: Thu, 12 May 2016 10:30:00 +0300\r\n{headers}\r\n\r\n"
        );
        let (body, _, _) = encoding_rs::WINDOWS_1256.encode(body);
        [head.as_bytes(), &body].concat()
    }

    #[test]
    fn a_mail_is_its_subject_people_date_and_text() {
        let document = read(&mail(
            "Content-Type: text/plain; charset=windows-1256",
            "وصل الوفد إلى المدينة صباح اليوم.\r\n\r\nوعاد مساء.\r\n",
        ));
        assert_eq!(
            document.text,
            "تقرير\n\nFrom <zaynab@example.org>: زينب\nTo: Office <office@example.org>\n\
             Date: 2016-05-12T10:30:00+03:00\n\nوصل الوفد إلى المدينة صباح اليوم.\r\n\r\nوعاد مساء.\r\n"
        );
        assert_eq!(
            texts(&document),
            [
                (BlockKind::Title, "تقرير"),
                (BlockKind::TableCell, "زينب"),
                (BlockKind::Paragraph, "وصل الوفد إلى المدينة صباح اليوم."),
                (BlockKind::Paragraph, "وعاد مساء."),
            ]
        );
        assert_eq!((document.format.as_str(), document.encoding.name.as_str()), ("eml", "windows-1256"));
    }

    #[test]
    fn an_encoding_that_is_not_said_is_detected() {
        let body = "وصل الوفد إلى المدينة صباح اليوم، وعاد مساء إلى العاصمة بعد أن زار المستشفى والمدرسة.";
        let document = read(&mail("MIME-Version: 1.0", body));
        assert_eq!(document.blocks.last().unwrap().span.of(&document.text), body);
        assert_eq!(document.encoding.name, "windows-1256");
    }

    #[test]
    fn an_encoding_that_the_text_does_not_bear_out_is_detected() {
        let body = "وصل الوفد إلى المدينة صباح اليوم، وعاد مساء إلى العاصمة بعد أن زار المستشفى والمدرسة.";
        for kind in ["plain", "html"] {
            for charset in ["iso-8859-1", "us-ascii", "utf-8"] {
                let document = read(&mail(&format!("Content-Type: text/{kind}; charset={charset}"), body));
                assert_eq!(document.blocks.last().unwrap().span.of(&document.text), body, "{kind} {charset}");
                assert_eq!(document.encoding.name, "windows-1256");
            }
        }
    }

    #[test]
    fn of_alternatives_the_plain_one_is_read_unless_it_is_empty() {
        let two = |plain: &str| {
            format!(
                "Subject: x\r\nFrom: a@b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
                 --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{plain}\r\n\
                 --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>نص <b>الصفحة</b></p>\r\n--b--\r\n"
            )
        };
        for (plain, expected) in [("نص الرسالة", "نص الرسالة"), (" ", "نص الصفحة")]
        {
            let document = read(two(plain).as_bytes());
            let last = document.blocks.last().unwrap().span.of(&document.text);
            assert_eq!(last, expected);
            assert_eq!(document.blocks.len(), 2);
        }
    }

    #[test]
    fn attachments_are_named_and_not_read() {
        let mail =
            "From: a@b\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
             --b\nContent-Type: text/plain; charset=utf-8\n\nنص الرسالة\n\
             --b\nContent-Type: text/plain; charset=utf-8\nContent-Disposition: attachment; filename=a.txt\n\nسر\n--b--\n"
                .as_bytes();
        let document = read(mail);
        assert!(document.text.contains("Attachments: a.txt") && !document.text.contains("سر"));
        assert!(document.notes.is_empty());
        // Known by its content only: nobody looked for its attachments.
        let nameless = format!("MIME-Version: 1.0\nTo: c@d\n{}", std::str::from_utf8(mail).unwrap());
        let document = crate::read::read("stdin", nameless.as_bytes(), ReadOptions::default()).unwrap();
        assert_eq!(
            (document.format.as_str(), document.notes.as_slice()),
            ("eml", &["one attachment was not read".to_owned()][..])
        );
    }

    #[test]
    fn what_is_no_mail_is_an_error() {
        for bytes in [b"\0\x01\x02".as_slice(), b"\n\n", b"x"] {
            assert!(crate::read::read("a.eml", bytes, ReadOptions::default()).is_err(), "{bytes:?}");
        }
    }
}
