//! The mails of a mailbox in one file (mbox, RFC 4155): each begins with a line `From …`, and lines of its text that
//! begin so carry a `>`.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use super::container::Step;

/// What parts mails.
const PART: &[u8] = b"From ";

/// Whether bytes begin with the line that parts mails, and a header.
pub(super) fn is_mailbox(beginning: &[u8]) -> bool {
    let mut lines = beginning.split(|&b| b == b'\n');
    let starts = lines.next().is_some_and(|line| line.starts_with(PART));
    starts && lines.next().is_some_and(is_header)
}

fn is_header(line: &[u8]) -> bool {
    let name = line.iter().position(|&b| b == b':').map(|at| &line[..at]);
    name.is_some_and(|name| !name.is_empty() && name[0] != b'>' && name.iter().all(u8::is_ascii_graphic))
}

/// The mails, named by their number, with where they lie.
pub(super) fn list(from: impl Read) -> io::Result<Vec<(String, Step, u64)>> {
    let mut from = BufReader::with_capacity(1 << 16, from);
    let mut starts: Vec<(u64, u64)> = Vec::new();
    let (mut at, mut after_blank) = (0u64, true);
    // A line that may part mails, if a header follows.
    let mut parting = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = from.by_ref().take(1 << 20).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            break;
        }
        starts.extend(parting.take().filter(|_| is_header(&line)));
        parting = (after_blank && line.starts_with(PART)).then_some((at, at + read));
        after_blank = line.trim_ascii().is_empty();
        at += read;
    }
    let ends = starts.iter().skip(1).map(|&(line, _)| line).chain([at]);
    let width = starts.len().to_string().len().max(4);
    let mail = |(number, (&(_, start), end)): (usize, (&(u64, u64), u64))| {
        let bytes = end - start;
        (format!("{:0width$}.eml", number + 1), Step::Message { start, bytes }, bytes)
    };
    Ok(starts.iter().zip(ends).enumerate().map(mail).collect())
}

/// A mail as it was before it was put into the mailbox.
pub(super) fn message(
    from: &mut (impl Read + Seek),
    start: u64,
    bytes: u64,
    most: u64,
) -> io::Result<Vec<u8>> {
    from.seek(SeekFrom::Start(start))?;
    let mut packed = Vec::new();
    from.take(bytes.min(most)).read_to_end(&mut packed)?;
    let mut mail = Vec::with_capacity(packed.len());
    for line in packed.split_inclusive(|&b| b == b'\n') {
        let quoted = line.iter().position(|&b| b != b'>').unwrap_or(line.len());
        let is_quoted = quoted > 0 && line[quoted..].starts_with(PART);
        mail.extend_from_slice(&line[usize::from(is_quoted)..]);
    }
    Ok(mail)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn mails_are_parted_at_lines_that_begin_one() {
        let text = b"From a@b Thu\nSubject: 1\n\nFrom here on\n>From there\n>>From x\n\nFrom c@d Fri\nSubject: 2\n\ny\n";
        let mut file = Cursor::new(text.as_slice());
        assert!(is_mailbox(text));
        let found = list(&mut file).unwrap();
        let mut read = |step: &Step| match step {
            Step::Message { start, bytes } => {
                String::from_utf8(message(&mut file, *start, *bytes, 1 << 20).unwrap()).unwrap()
            }
            _ => String::new(),
        };
        let mails: Vec<(String, String)> =
            found.iter().map(|(name, step, _)| (name.clone(), read(step))).collect();
        let expected = [
            ("0001.eml", "Subject: 1\n\nFrom here on\nFrom there\n>From x\n\n"),
            ("0002.eml", "Subject: 2\n\ny\n"),
        ];
        assert_eq!(mails, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }
}
