//! Files that hold other files: ZIP archives, mailboxes, and mails with attachments; and text that is too long for one
//! document, which holds its parts. What is in one is listed when a run begins, and opened when its turn comes.
//!
//! A container is known by its name and its first bytes. It is opened as deep as [`DEEPEST`], within limits that no
//! container made by people comes near.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{archive, mailbox, parts};
use crate::mail;

/// An attachment in a mail in a mailbox in an archive.
const DEEPEST: usize = 4;
/// Files in one container.
const MOST_MEMBERS: usize = 200_000;
/// Text unpacks to ten or twenty times its size; what unpacks to more than this was made to fill a memory.
const RATIO: u64 = 200;
/// A larger member is no report.
const LARGEST: u64 = 512 << 20;

/// One step into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The entry of this number in an archive.
    Entry(usize),
    /// A mail in a mailbox: its bytes.
    Message {
        /// The first.
        start: u64,
        /// How many.
        bytes: u64,
    },
    /// The attachment of this number in a mail.
    Attachment(usize),
    /// A part of a long text: its bytes.
    Part {
        /// How many of the file's beginning stand before it.
        head: u64,
        /// Its first.
        start: u64,
        /// How many.
        bytes: u64,
    },
}

/// A file in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name below the container, with `/`.
    pub name: String,
    /// The way to it.
    pub steps: Vec<Step>,
    /// Its size.
    pub bytes: u64,
}

/// What tells a file from the one that was listed: a way by numbers and offsets leads elsewhere in any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    bytes: u64,
    /// None where the disk keeps no times.
    modified: Option<SystemTime>,
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        Version { bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// Why a member cannot be opened. Displays as one line; [`OpenError::hint`] says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The outermost file is not what it was when its members were listed.
    #[error("the file that holds it has changed since the run began")]
    Changed,
    /// The outermost file cannot be looked at.
    #[error("the file that holds it: {0}")]
    Inaccessible(String),
    /// What leads to it, or itself, is damaged, encrypted, or larger than the limits.
    #[error("{0}")]
    Unopened(String),
}

impl OpenError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            OpenError::Changed => "run the same command again",
            OpenError::Inaccessible(_) => "check that the file exists and that you may read it",
            OpenError::Unopened(_) => "take it out with another program and give the file",
        }
    }
}

/// What a container holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// In their order.
    pub members: Vec<Member>,
    /// Containers in it that cannot be opened: name and reason.
    pub failed: Vec<(String, String)>,
}

/// What a file is a container of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Archive,
    Mailbox,
    Mail,
}

impl Kind {
    /// By the name and the beginning. Documents that are archives themselves (Word) have names of their own.
    fn of(name: &str, beginning: &[u8]) -> Option<Self> {
        let name = name.rsplit('/').next().unwrap_or(name);
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
        match extension.as_deref() {
            Some("zip") if beginning.starts_with(b"PK") => Some(Kind::Archive),
            Some("mbox" | "mbx") | None if mailbox::is_mailbox(beginning) => Some(Kind::Mailbox),
            Some("eml") => Some(Kind::Mail),
            _ => None,
        }
    }
}

/// Extensions of containers that are no documents themselves, lower-case, without the dot.
pub const CONTAINERS: [&str; 3] = ["zip", "mbox", "mbx"];

/// Whether files of this name are looked into when a folder is walked, which are no documents themselves.
pub fn is_container(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    extension.is_some_and(|extension| CONTAINERS.contains(&extension.as_str()))
}

/// Whether files of this name are looked into: those, and mails.
pub fn may_hold(name: &str) -> bool {
    is_container(name) || name.to_lowercase().ends_with(".eml")
}

/// Whether a file of this size may be taken in parts.
pub fn may_be_long(bytes: u64) -> bool {
    bytes > parts::WHOLE
}

/// What a file holds, and what becomes of itself.
#[derive(Debug)]
pub struct Holding {
    /// What is in it.
    pub listing: Listing,
    /// Of which version of the file, for [`Opener::open`].
    pub version: Version,
    /// It is a document as well, as a mail is.
    pub is_document: bool,
    /// What is in it are its own parts.
    pub is_parted: bool,
}

/// What the file at `path` holds; none if it is no container, and one document.
///
/// # Errors
/// One line: it cannot be read, or holds more than the limits.
pub fn list(path: &Path) -> Result<Option<Holding>, String> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let mut file = File::open(path).map_err(|e| e.to_string())?;
    // Before it is read: what changes meanwhile is another one.
    let version = Version::of(&file.metadata().map_err(|e| e.to_string())?);
    let Some(kind) = kind_of(&name, &mut file).map_err(|e| e.to_string())? else {
        let listing = parts_of(&name, file, version.bytes).map_err(|e| e.to_string())?;
        return Ok(listing.map(|listing| Holding { listing, version, is_document: false, is_parted: true }));
    };
    let mut walk =
        Walk { listing: Listing::default(), left: version.bytes.saturating_mul(RATIO) + (64 << 20) };
    walk.look_into(kind, BufReader::new(file), "", &[])?;
    Ok(Some(Holding { listing: walk.listing, version, is_document: kind == Kind::Mail, is_parted: false }))
}

/// The parts of a text that is too long for one document.
fn parts_of(name: &str, mut file: File, size: u64) -> io::Result<Option<Listing>> {
    let Some((_, extension)) = name.rsplit_once('.').filter(|_| may_be_long(size)) else { return Ok(None) };
    let mut beginning = Vec::new();
    file.by_ref().take(4096).read_to_end(&mut beginning)?;
    file.rewind()?;
    let Some(cut) = parts::Cut::of(&extension.to_lowercase(), &beginning) else { return Ok(None) };
    let parts = parts::list(file, cut, extension)?.into_iter();
    let members: Vec<Member> =
        parts.map(|(name, step, bytes)| Member { name, steps: vec![step], bytes }).collect();
    Ok((members.len() > 1).then(|| Listing { members, failed: Vec::new() }))
}

fn kind_of(name: &str, file: &mut (impl Read + Seek)) -> io::Result<Option<Kind>> {
    let mut beginning = Vec::new();
    file.by_ref().take(1024).read_to_end(&mut beginning)?;
    file.rewind()?;
    let kind = Kind::of(name, &beginning);
    // A document may have been given the name of an archive.
    let is_document = kind == Some(Kind::Archive) && archive::is_document(&mut *file).unwrap_or_default();
    file.rewind()?;
    Ok(kind.filter(|_| !is_document))
}

/// A walk through a container and those in it.
struct Walk {
    listing: Listing,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl Walk {
    fn look_into(
        &mut self,
        kind: Kind,
        container: impl Read + Seek,
        below: &str,
        steps: &[Step],
    ) -> Result<(), String> {
        let mut container = Open::new(container, kind == Kind::Archive)?;
        let found = container.list(kind)?;
        let mut taken = HashSet::new();
        for (name, step, bytes) in found {
            let Some(name) = clean(&name) else { continue };
            let name = format!("{below}{}", unique(name, &mut taken));
            let steps = [steps, &[step]].concat();
            self.left = self.left.checked_sub(bytes).ok_or("what is in it is far too large for its size")?;
            if self.listing.members.len() >= MOST_MEMBERS {
                return Err(format!("more than {MOST_MEMBERS} files are in it"));
            }
            // What is only called so is a file like others.
            let is_looked_into = if may_hold(&name) && steps.len() < DEEPEST {
                match self.look_into_member(&name, &mut container, &steps, bytes) {
                    Ok(kind) => kind.is_some_and(|kind| kind != Kind::Mail),
                    Err(e) => {
                        self.listing.failed.push((name.clone(), e));
                        continue;
                    }
                }
            } else {
                false
            };
            if !is_looked_into {
                self.listing.members.push(Member { name, steps, bytes });
            }
        }
        Ok(())
    }

    /// What it is, if it is a container, which then is listed.
    fn look_into_member(
        &mut self,
        name: &str,
        container: &mut Open<impl Read + Seek>,
        steps: &[Step],
        bytes: u64,
    ) -> Result<Option<Kind>, String> {
        let Some(step) = steps.last() else { return Ok(None) };
        if bytes > LARGEST {
            return Err(too_large().to_string());
        }
        let mut bytes = Cursor::new(container.take(step)?);
        let kind = kind_of(name, &mut bytes).map_err(|e| e.to_string())?;
        if let Some(kind) = kind {
            self.look_into(kind, bytes, &format!("{name}/"), steps)?;
        }
        Ok(kind)
    }
}

/// The name as a relative path, with `/`; none for what no reader sees (`.git/x`, `__MACOSX/x`).
fn clean(name: &str) -> Option<String> {
    let parts: Vec<String> = name
        .split(['/', '\\'])
        .map(|part| part.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned())
        .filter(|part| !matches!(part.as_str(), "" | "." | ".."))
        .collect();
    let is_hidden = parts.iter().any(|part| part.starts_with('.') || part == "__MACOSX");
    (!is_hidden && !parts.is_empty()).then(|| parts.join("/"))
}

/// The name, or one like it that no file before had, in any case of its letters.
fn unique(name: String, taken: &mut HashSet<String>) -> String {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') => (stem, format!(".{extension}")),
        _ => (name.as_str(), String::new()),
    };
    let numbered = (2..).map(|number| format!("{stem} ({number}){extension}"));
    std::iter::once(name.clone())
        .chain(numbered)
        .find(|name| taken.insert(name.to_lowercase()))
        .unwrap_or_default()
}

fn attached(container: &mut impl Read) -> io::Result<Vec<(String, Step, u64)>> {
    let bytes = whole(container)?;
    let Some(message) = mail::parse(&bytes) else { return Ok(Vec::new()) };
    let attachments = mail::attachments(&message).into_iter();
    // A name may not lead into a folder.
    let found = attachments.map(|(number, name, bytes)| {
        (name.replace(['/', '\\'], "_"), Step::Attachment(number), bytes as u64)
    });
    Ok(found.collect())
}

/// All bytes, up to the limit of a member.
fn whole(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(too_large());
    }
    Ok(bytes)
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {} MiB", LARGEST >> 20))
}

/// A container that is open: the directory of an archive is read once, however many of its members are asked for.
enum Open<R> {
    Archive(archive::Archive<R>),
    /// A mailbox, a mail or a long text.
    Other(R),
}

impl<R: Read + Seek> Open<R> {
    fn new(container: R, is_archive: bool) -> Result<Self, String> {
        Ok(if is_archive { Open::Archive(archive::open(container)?) } else { Open::Other(container) })
    }

    /// Name, way and size of what is in it.
    fn list(&mut self, kind: Kind) -> Result<Vec<(String, Step, u64)>, String> {
        let found = match self {
            Open::Archive(archive) => return archive::list(archive),
            Open::Other(container) if kind == Kind::Mailbox => mailbox::list(container),
            Open::Other(container) => attached(container),
        };
        found.map_err(|e| e.to_string())
    }

    /// The bytes of the member that one step leads to.
    fn take(&mut self, step: &Step) -> Result<Vec<u8>, String> {
        let container = match (self, step) {
            (Open::Archive(archive), Step::Entry(number)) => return archive::entry(archive, *number),
            (Open::Other(container), _) => container,
            (Open::Archive(_), _) => return Err("an archive has entries only".into()),
        };
        container.rewind().map_err(|e| e.to_string())?;
        let taken = match step {
            Step::Entry(_) => return Err("only an archive has entries".into()),
            Step::Message { start, bytes } => mailbox::message(container, *start, *bytes, LARGEST),
            Step::Part { head, start, bytes } => parts::part(container, *head, *start, *bytes),
            Step::Attachment(number) => whole(container).and_then(|bytes| {
                let message = mail::parse(&bytes);
                let attachment = message.and_then(|message| mail::attachment(&message, *number));
                attachment.ok_or_else(|| io::Error::other("the attachment is not there any more"))
            }),
        };
        taken.map_err(|e| e.to_string())
    }
}

/// Opens members, and keeps the containers on the way to the last one open, since the next one most often lies beside it:
/// unpacking a mailbox for each of its mails would take the square of its length. What is kept are the bytes that were in
/// memory when it was listed.
#[derive(Default)]
pub struct Opener {
    file: Option<(PathBuf, Open<BufReader<File>>)>,
    /// The containers in that one, the outermost first, each with the step that led to it.
    inside: Vec<(Step, Open<Cursor<Vec<u8>>>)>,
}

impl Opener {
    /// The bytes of the member to which `steps` lead in the container at `path`, which was listed in this version.
    pub fn open(&mut self, path: &Path, version: Version, steps: &[Step]) -> Result<Vec<u8>, OpenError> {
        let opened = self.follow(path, steps);
        // Looked at last: what is read while a file changes may be anything, and an error as well.
        let metadata = fs::metadata(path).map_err(|e| OpenError::Inaccessible(e.to_string()))?;
        if Version::of(&metadata) != version {
            return Err(OpenError::Changed);
        }
        opened.map_err(OpenError::Unopened)
    }

    fn follow(&mut self, path: &Path, steps: &[Step]) -> Result<Vec<u8>, String> {
        let Some((last, way)) = steps.split_last() else { return Ok(Vec::new()) };
        let is_archive = |step: &Step| matches!(step, Step::Entry(_));
        if self.file.as_ref().is_none_or(|(open, _)| open != path) {
            *self = Opener::default();
            let file = BufReader::new(File::open(path).map_err(|e| e.to_string())?);
            self.file = Some((path.into(), Open::new(file, is_archive(&steps[0]))?));
        }
        let kept = self.inside.iter().zip(way).take_while(|((step, _), wanted)| step == *wanted).count();
        self.inside.truncate(kept);
        for (step, next) in way.iter().zip(&steps[1..]).skip(kept) {
            let bytes = Cursor::new(self.take(step)?);
            self.inside.push((step.clone(), Open::new(bytes, is_archive(next))?));
        }
        self.take(last)
    }

    fn take(&mut self, step: &Step) -> Result<Vec<u8>, String> {
        match (self.inside.last_mut(), &mut self.file) {
            (Some((_, open)), _) => open.take(step),
            (None, Some((_, open))) => open.take(step),
            (None, None) => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn mail(subject: &str, attached: &str) -> Vec<u8> {
        format!(
            "From: a@b\r\nTo: c@d\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nbody\r\n\
             --x\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Disposition: attachment; filename=\"{attached}\"\r\n\r\nof {subject}\r\n--x--\r\n"
        )
        .into_bytes()
    }

    /// Names and contents of the members of a container with this name.
    fn members(name: &str, bytes: &[u8]) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let Holding { listing, version, .. } = list(&path).unwrap().unwrap();
        assert_eq!(listing.failed, []);
        let mut opener = Opener::default();
        let mut open = |member: &Member| {
            let bytes = opener.open(&path, version, &member.steps).unwrap();
            String::from_utf8(bytes).unwrap().trim_end().to_owned()
        };
        listing.members.iter().map(|member| (member.name.clone(), open(member))).collect()
    }

    #[test]
    fn members_are_listed_and_opened_at_any_depth() {
        let mailbox = [b"From x\n".as_slice(), &mail("one", "a.txt"), b"\nFrom y\n", &mail("two", "b/c.txt")];
        let inner = zip(&[("deep/x.txt", b"deep")]);
        let outer = zip(&[
            ("a.txt", b"first"),
            ("folder/a.txt", b"second"),
            ("../../up.txt", b"third"),
            ("__MACOSX/a.txt", b""),
            (".hidden/a.txt", b""),
            ("inner.zip", &inner),
            ("box.mbox", &mailbox.concat()),
        ]);
        let mut found = members("a.zip", &outer);
        found.sort();
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "a.txt",
                "box.mbox/0001.eml",
                "box.mbox/0001.eml/a.txt",
                "box.mbox/0002.eml",
                "box.mbox/0002.eml/b_c.txt",
                "folder/a.txt",
                "inner.zip/deep/x.txt",
                "up.txt",
            ]
        );
        let text = |name: &str| found.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str()).unwrap();
        assert_eq!((text("folder/a.txt"), text("inner.zip/deep/x.txt")), ("second", "deep"));
        assert_eq!(text("box.mbox/0002.eml/b_c.txt"), "of two");
        assert!(
            text("box.mbox/0001.eml").contains("Subject: one") && !text("box.mbox/0001.eml").contains("two")
        );
    }

    #[test]
    fn a_container_in_another_is_unpacked_once() {
        let mailbox = [b"From x\n".as_slice(), &mail("one", "a.txt"), b"\nFrom y\n", &mail("two", "b.txt")];
        let inner = zip(&[("x.txt", b"first"), ("y.txt", b"second")]);
        for (name, inner) in [("box.mbox", mailbox.concat()), ("in.zip", inner)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.zip");
            let outer = zip(&[(name, &inner)]);
            fs::write(&path, &outer).unwrap();
            let Holding { listing: Listing { members, .. }, version, .. } = list(&path).unwrap().unwrap();
            let mut opener = Opener::default();
            opener.open(&path, version, &members[0].steps).unwrap();
            // Whoever unpacks it again now finds nothing, in what looks like the same file.
            write_as_of(&path, &vec![0; outer.len()], version.modified.unwrap());
            for member in &members {
                assert!(opener.open(&path, version, &member.steps).is_ok(), "{}", member.name);
            }
            let opened = Opener::default().open(&path, version, &members[0].steps);
            assert!(matches!(opened, Err(OpenError::Unopened(_))), "{opened:?}");
        }
    }

    fn write_as_of(path: &Path, bytes: &[u8], modified: SystemTime) {
        fs::write(path, bytes).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
    }

    #[test]
    fn nothing_is_taken_out_of_a_file_that_has_changed() {
        let mails = |first| [b"From x\n".as_slice(), &mail(first, "a.txt"), b"\nFrom y\n"].concat();
        let text = |first: &str| [first.as_bytes(), &"line\n\n".repeat(2 << 20).into_bytes()].concat();
        let inner = |first: &str| zip(&[("in.zip", &zip(&[(first, b"x")]))]);
        for (name, bytes, same_length, longer) in [
            ("a.zip", zip(&[("a", b"a")]), zip(&[("b", b"b")]), zip(&[("b", b"b"), ("a", b"a")])),
            ("b.zip", inner("a"), inner("b"), inner("longer")),
            ("c.mbox", mails("one"), mails("two"), mails("three")),
            ("d.eml", mail("one", "a.txt"), mail("two", "a.txt"), mail("three", "a.txt")),
            ("e.txt", text("a"), text("b"), text("longer")),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            fs::write(&path, &bytes).unwrap();
            let Holding { listing: Listing { members, .. }, version, .. } = list(&path).unwrap().unwrap();
            let steps = &members[0].steps;
            let (mut kept, modified) = (Opener::default(), version.modified.unwrap());
            kept.open(&path, version, steps).unwrap();
            assert_eq!(same_length.len(), bytes.len(), "{name}");
            for (other, modified) in
                [(&same_length, modified + std::time::Duration::from_millis(20)), (&longer, modified)]
            {
                write_as_of(&path, other, modified);
                for opener in [&mut kept, &mut Opener::default()] {
                    assert_eq!(opener.open(&path, version, steps), Err(OpenError::Changed), "{name}");
                }
            }
            fs::write(&path, "").unwrap();
            assert_eq!(Opener::default().open(&path, version, steps), Err(OpenError::Changed), "{name}");
            fs::remove_file(&path).unwrap();
            let gone = kept.open(&path, version, steps);
            assert!(matches!(gone, Err(OpenError::Inaccessible(_))), "{name}: {gone:?}");
        }
    }

    /// Counts the bytes that are read.
    struct Counting<'c>(Cursor<Vec<u8>>, &'c std::cell::Cell<usize>);

    impl Read for Counting<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(into)?;
            self.1.set(self.1.get() + read);
            Ok(read)
        }
    }

    impl Seek for Counting<'_> {
        fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn listing_mails_in_an_archive_reads_its_directory_once() {
        let mails: Vec<(String, Vec<u8>)> =
            (0..200).map(|n| (format!("{n}.eml"), mail("one", "a.txt"))).collect();
        let entries: Vec<(&str, &[u8])> = mails.iter().map(|(name, mail)| (&**name, &**mail)).collect();
        let archive = zip(&entries);
        let (size, read) = (archive.len(), std::cell::Cell::new(0));
        let mut walk = Walk { listing: Listing::default(), left: u64::MAX };
        walk.look_into(Kind::Archive, Counting(Cursor::new(archive), &read), "", &[]).unwrap();
        assert_eq!(walk.listing.members.len(), 400);
        assert!(read.get() < 4 * size, "{} of {size}", read.get());
    }

    #[test]
    fn what_is_only_called_a_container_is_listed_as_a_file() {
        let document = zip(&[("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        fs::write(&path, zip(&[("b.zip", &document), ("c.mbox", b"text"), ("d.eml", b"x")])).unwrap();
        let members = list(&path).unwrap().unwrap().listing.members;
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["b.zip", "c.mbox", "d.eml"]);
    }

    #[test]
    fn names_are_made_harmless_and_unique() {
        for (name, cleaned) in [
            ("a/b.txt", Some("a/b.txt")),
            ("/etc/passwd", Some("etc/passwd")),
            ("..\\..\\a.txt", Some("a.txt")),
            ("a/./b\u{7}.txt", Some("a/b.txt")),
            ("a/.git/x", None),
            ("../", None),
        ] {
            assert_eq!(clean(name).as_deref(), cleaned, "{name}");
        }
        let mut taken = HashSet::new();
        let names = ["a.txt", "A.txt", "a.txt", "b"].map(|name| unique(name.into(), &mut taken));
        assert_eq!(names, ["a.txt", "A (2).txt", "a (3).txt", "b"]);
    }

    #[test]
    fn what_is_no_container_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let document = zip(&[("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")]);
        for (name, bytes) in
            [("a.zip", document.as_slice()), ("b.zip", b"text"), ("c.txt", b"From x\n"), ("d.mbox", b"text")]
        {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            assert!(list(&path).unwrap().is_none(), "{name}");
        }
    }

    #[test]
    fn a_long_text_is_its_parts() {
        let line = "سطر من نص طويل جدا.\n\n";
        let text = line.repeat((parts::WHOLE as usize).div_ceil(line.len()) + 1);
        let found = members("long.TXT", text.as_bytes());
        assert_eq!(
            (found.len(), found[0].0.as_str(), found[7].0.as_str()),
            (8, "part-001.TXT", "part-008.TXT")
        );
        assert_eq!(
            found.iter().map(|(_, part)| part.lines().count().div_ceil(2)).sum::<usize>(),
            text.lines().count() / 2
        );

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("short.txt");
        fs::write(&path, &text[..line.len() * 1000]).unwrap();
        assert!(list(&path).unwrap().is_none());
    }

    #[test]
    fn a_bomb_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let zeros = vec![0; 100 << 20];
        fs::write(&path, zip(&[("a.txt", &zeros)])).unwrap();
        assert!(list(&path).unwrap_err().contains("far too large"));
        let damaged = zip(&[("a.txt", b"text")]);
        fs::write(&path, &damaged[..damaged.len() - 10]).unwrap();
        assert!(list(&path).is_err());
    }
}
