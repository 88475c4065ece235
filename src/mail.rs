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
/// shown inside of the text are none, and sounds and films neither; what else was sent without a name gets one.
pub fn attachments(message: &Message<'_>) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (number, part) in message.attachments().enumerate() {
        let n = number + 1;
        let name = match (part.attachment_name(), &part.body) {
            _ if part.content_id().is_some() && matches!(part.body, PartType::InlineBinary(_)) => continue,
            (Some(name), _) if !name.trim().is_empty() => name.trim().to_owned(),
            (_, PartType::Message(_)) => format!("forwarded-{n}.eml"),
            (_, PartType::Text(_)) => format!("text-{n}.txt"),
            (_, PartType::Html(_)) => format!("page-{n}.html"),
            _ if part.content_type().is_some_and(|kind| is_media(kind.ctype())) => continue,
            _ => format!("attachment-{n}.{}", extension(part)),
        };
        found.push((number, name, part.len()));
    }
    found
}

fn is_media(kind: &str) -> bool {
    ["image", "audio", "video"].iter().any(|media| kind.eq_ignore_ascii_case(media))
}

/// What an archive's bytes say of the document that it is: beginning or end, and the file name extension.
const ARCHIVES: [(&str, &str); 3] = [
    ("mimetypeapplication/epub+zip", "epub"),
    ("mimetypeapplication/vnd.oasis.opendocument.text", "odt"),
    ("word/document.xml", "docx"),
];
/// Media types with the file name extension.
const MEDIA_TYPES: [(&str, &str); 9] = [
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("application/x-zip-compressed", "zip"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.oasis.opendocument.text", "odt"),
    ("application/epub+zip", "epub"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/vnd.ms-excel", "xls"),
];
/// An archive names its entries in its last bytes; so many are looked at, and as many of the first.
const LOOKED_AT: usize = 64 << 10;

/// The file name extension of a part without a name: by its bytes, since many mails call everything `octet-stream`, else by
/// its media type. `bin` is no format that is read, so that the part is listed as left aside.
fn extension(part: &MessagePart<'_>) -> &'static str {
    let bytes = part.contents();
    let kind = part
        .content_type()
        .map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()).to_ascii_lowercase());
    let said = MEDIA_TYPES.iter().find(|(name, _)| kind.as_deref() == Some(name)).map(|(_, own)| *own);
    let ends = [&bytes[..bytes.len().min(LOOKED_AT)], &bytes[bytes.len().saturating_sub(LOOKED_AT)..]];
    let holds = |what: &str| ends.iter().any(|end| end.windows(what.len()).any(|at| at == what.as_bytes()));
    if bytes.starts_with(b"%PDF-") {
        "pdf"
    } else if bytes.starts_with(b"PK\x03\x04") {
        let document = ARCHIVES.iter().find(|(sign, _)| holds(sign)).map(|(_, own)| *own);
        document.or(said).unwrap_or("zip")
    } else {
        said.unwrap_or("bin")
    }
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
    fn attachments_without_a_name_get_one() {
        let names = |head: &str, bytes: &[u8]| {
            let mut mail = format!(
                "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
                 --b\r\nContent-Type: text/plain\r\n\r\nbody\r\n\
                 --b\r\nContent-Transfer-Encoding: 8bit\r\n{head}\r\n\r\n"
            )
            .into_bytes();
            mail.extend([bytes, b"\r\n--b--\r\n"].concat());
            let message = parse(&mail).unwrap();
            attachments(&message).into_iter().map(|(_, name, _)| name).collect::<Vec<_>>()
        };
        let unknown = "Content-Type: application/octet-stream\r\nContent-Disposition: attachment";
        let docx = "Content-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        for (head, bytes, name) in [
            ("Content-Type: application/pdf", "%PDF-1.7", "attachment-1.pdf"),
            ("Content-Type: Application/PDF\r\nContent-Disposition: attachment", "x", "attachment-1.pdf"),
            (unknown, "%PDF-1.7", "attachment-1.pdf"),
            (unknown, "PK\x03\x04", "attachment-1.zip"),
            (unknown, "PK\x03\x04[Content_Types].xml...word/document.xml", "attachment-1.docx"),
            (unknown, "PK\x03\x04mimetypeapplication/epub+zip", "attachment-1.epub"),
            (docx, "PK\x03\x04", "attachment-1.docx"),
            (unknown, "x", "attachment-1.bin"),
            ("Content-Type: application/pdf; name=\" \"", "%PDF-1.7", "attachment-1.pdf"),
            ("Content-Type: application/pdf; name=r.pdf", "%PDF-1.7", "r.pdf"),
            ("Content-Type: image/png; name=a.png", "x", "a.png"),
        ] {
            assert_eq!(names(head, bytes.as_bytes()), [name], "{head}: {bytes}");
        }
        for media in ["image/png", "audio/ogg\r\nContent-Disposition: attachment", "Video/mp4"] {
            assert_eq!(names(&format!("Content-Type: {media}"), b"x"), [""; 0], "{media}");
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
