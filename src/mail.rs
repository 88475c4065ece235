//! A mail as it was sent: what readers and the search for attachments both ask of one.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

/// Lines that begin mails as they lie on a disk.
const FIRST_HEADERS: [&str; 14] = [
    "received:",
    "return-path:",
    "delivered-to:",
    "message-id:",
    "mime-version:",
    "from:",
    "to:",
    "subject:",
    "date:",
    "x-mozilla-status:",
    "dkim-signature:",
    "authentication-results:",
    "arc-seal:",
    "reply-to:",
];
/// So many of its first lines are looked at.
const BEGINNING: usize = 64;

/// Whether bytes begin with the headers of a mail: a known one first, and at least three among the next.
pub fn looks_like_mail(bytes: &[u8]) -> bool {
    let lines = bytes[..bytes.len().min(16 << 10)].split(|&b| b == b'\n').take(BEGINNING);
    let is_known = |line: &[u8]| {
        let start = String::from_utf8_lossy(&line[..line.len().min(32)]).to_lowercase();
        FIRST_HEADERS.iter().any(|header| start.starts_with(header))
    };
    let mut headers = lines.take_while(|line| !line.trim_ascii().is_empty());
    headers.next().is_some_and(|first| {
        let looks_like_header = first
            .iter()
            .position(|&b| b == b':')
            .is_some_and(|at| at > 0 && first[..at].iter().all(|b| b.is_ascii_graphic()));
        looks_like_header && usize::from(is_known(first)) + headers.filter(|line| is_known(line)).count() >= 3
    })
}

/// The mail in `bytes`; none if there is none.
pub fn parse(bytes: &[u8]) -> Option<Message<'_>> {
    MessageParser::default().parse(bytes).filter(|message| !message.headers().is_empty())
}

/// What a part holds, without its transfer encoding, in the character encoding it was sent in.
pub fn part_bytes<'m>(message: &'m Message<'_>, part: &'m MessagePart<'_>) -> Cow<'m, [u8]> {
    let (PartType::Text(_) | PartType::Html(_)) = &part.body else { return part.contents().into() };
    let raw = message.raw_message().get(part.offset_body as usize..part.offset_end as usize);
    // Parts of a mail within a mail that was packed lie in bytes of their own.
    let Some(raw) = raw else { return part.contents().into() };
    let unpacked = match part.encoding {
        Encoding::None => return raw.into(),
        Encoding::Base64 => base64_decode(raw),
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
    };
    unpacked.map_or_else(|| part.contents().into(), Cow::Owned)
}

/// What a mail carries besides its text, by its number among the attachments: file name and size in bytes. Pictures that are
/// shown inside of the text are none.
pub fn attachments(message: &Message<'_>) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (number, part) in message.attachments().enumerate() {
        let name = match (part.attachment_name(), &part.body) {
            _ if part.content_id().is_some() && matches!(part.body, PartType::InlineBinary(_)) => continue,
            (Some(name), _) if !name.trim().is_empty() => name.trim().to_owned(),
            (_, PartType::Message(_)) => format!("forwarded-{}.eml", number + 1),
            (_, PartType::Text(_)) => format!("text-{}.txt", number + 1),
            (_, PartType::Html(_)) => format!("page-{}.html", number + 1),
            _ => continue,
        };
        found.push((number, name, part.len()));
    }
    found
}

/// The attachment of this number.
pub fn attachment(message: &Message<'_>, number: usize) -> Option<Vec<u8>> {
    let part = message.attachments().nth(number)?;
    match &part.body {
        PartType::Message(inner) => Some(inner.raw_message().to_vec()),
        _ => Some(part_bytes(message, part).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_told_from_other_texts() {
        for (text, is_mail) in [
            ("Received: from a\r\nFrom: a@b\r\nSubject: x\r\n\r\nText", true),
            ("X-Own: 1\nFrom: a@b\nTo: c\nSubject: x\n\nText", true),
            ("From: the office\nTo whom it may concern\nDate: today", false),
            ("تقرير: يومي\nDate: x\nFrom: y\nTo: z", false),
            ("# Title\n\nFrom: x\nTo: y\nDate: z", false),
        ] {
            assert_eq!(looks_like_mail(text.as_bytes()), is_mail, "{text}");
        }
    }

    #[test]
    fn parts_come_as_they_were_sent() {
        let arabic = [0xe3, 0xd1, 0xcd, 0xc8, 0xc7];
        let cases: [(&str, Vec<u8>); 3] = [
            ("8bit", arabic.to_vec()),
            ("base64", b"49HN\r\nyMc=\r\n".to_vec()),
            ("quoted-printable", b"=E3=D1=CD=\r\n=C8=C7".to_vec()),
        ];
        for (encoding, body) in cases {
            let head = format!(
                "Subject: x\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
            );
            let bytes = [head.as_bytes(), &body].concat();
            let message = parse(&bytes).unwrap();
            let part = message.text_bodies().next().unwrap();
            assert_eq!(part_bytes(&message, part).trim_ascii_end(), arabic, "{encoding}");
        }
    }
}
