//! Which files a run is about: the paths of the command line, resolved to a sorted list of inputs before anything
//! is read, so that a misspelt path or two inputs of one name stop the run while nothing is lost.
//!
//! Every file met ends in one of three lists: taken, ignored with a reason, or failed. Only hidden files (`.git`,
//! `.DS_Store`) and the output folder are passed over without a word.

mod archive;
mod container;
mod mailbox;
mod parts;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::WalkBuilder;

use crate::run::{OUTPUT_MARKER, Readers};

pub use container::{CONTAINERS, OpenError, Opener, Step, Version};
use container::{Holding, Member};

/// The path that stands for standard input, and the id of its document.
const STDIN: (&str, &str) = ("-", "stdin");

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// A path of the command line does not exist.
    #[error(
        "{path}: no such file or folder\nhint: paths start from the folder you are in; put quotes around names with spaces"
    )]
    NotFound {
        /// As given.
        path: PathBuf,
    },
    /// A path of the command line cannot be looked at.
    #[error("{path}: {message}\nhint: check the permissions of the folders above it")]
    Inaccessible {
        /// As given.
        path: PathBuf,
        /// One line.
        message: String,
    },
    /// Two different files would have one name in the output.
    #[error(
        "{first} and {second} would both be written as {id}\nhint: run them one after the other with different --out folders, or give the folder above both"
    )]
    SameId {
        /// The name.
        id: String,
        /// The file met first.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The output folder is the input folder: outputs would take the place of inputs, and a second run translate them.
    #[error(
        "{path}: is both input and output\nhint: give --out a folder of its own; it may lie inside the input folder"
    )]
    OutputIsInput {
        /// The folder.
        path: PathBuf,
    },
}

/// Where an input's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// A file in an archive, a mailbox or a mail; a part of a long text.
    Member {
        /// The file that holds it.
        container: PathBuf,
        /// As it was listed.
        version: Version,
        /// The way to it, for [`Opener::open`].
        steps: Vec<Step>,
    },
}

/// One document to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Unique in the run: the path relative to the folder given, with `/`, or the name of a file that was given
    /// itself, or `stdin`; for a member its container's and its own name. Bytes of a name that are not UTF-8 are written `%E9`.
    pub id: String,
    /// Where it is.
    pub origin: Origin,
    /// Its size; 0 for standard input, which is not known before it is read.
    pub bytes: u64,
}

/// A file met in a folder and not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// As [`Input::id`].
    pub id: String,
    /// Why, in words.
    pub reason: &'static str,
}

/// A file or folder that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// As [`Input::id`]; a folder's ends in `/`.
    pub id: String,
    /// One line.
    pub error: String,
    /// What to do about it, or empty.
    pub hint: &'static str,
}

/// What was found. Each list is sorted by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovery {
    /// What the run will read.
    pub inputs: Vec<Input>,
    /// What it will not read.
    pub ignored: Vec<Ignored>,
    /// What it would have read, had it been able to.
    pub failed: Vec<Failed>,
    /// Files that are taken in parts, with how many those are.
    pub parted: Vec<(String, usize)>,
    /// Who else may read all of the inputs.
    pub readers: Readers,
}

/// Resolves `paths`: files, which are taken whatever their kind, `-` for standard input, and folders, which are
/// searched to any depth for files that `is_readable` knows the format of. Symbolic links are followed; a file
/// met twice is taken once, under its first name. Archives, mailboxes and mails are looked into as if they were folders, and
/// so are long texts, which hold their parts.
/// `skip` is the output folder.
///
/// # Errors
/// When a path does not exist, is the output folder itself, or two different files have one id.
pub fn discover(
    paths: &[PathBuf],
    is_readable: &dyn Fn(&Path) -> bool,
    skip: Option<&Path>,
) -> Result<Discovery, DiscoverError> {
    let mut search = Search { is_readable, skip: skip.and_then(canonical), found: Found::default() };
    for path in paths {
        search.add(path)?;
    }
    search.found.into_discovery()
}

struct Search<'a> {
    is_readable: &'a dyn Fn(&Path) -> bool,
    skip: Option<PathBuf>,
    found: Found,
}

impl Search<'_> {
    fn add(&mut self, path: &Path) -> Result<(), DiscoverError> {
        if path == Path::new(STDIN.0) {
            self.found.stdin = true;
            return Ok(());
        }
        let metadata = fs::metadata(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => DiscoverError::NotFound { path: path.into() },
            _ => DiscoverError::Inaccessible { path: path.into(), message: e.to_string() },
        })?;
        if metadata.is_dir() {
            self.add_folder(path)
        } else {
            // Its English, or the files of the run as a whole, could take its place.
            if let (Some(skip), Some(folder)) = (&self.skip, folder_of(path))
                && folder == *skip
            {
                return Err(DiscoverError::OutputIsInput { path: skip.clone() });
            }
            let name = path.file_name().map_or(path, Path::new);
            if metadata.is_file() {
                self.add_file(id_of(name), path, metadata.len(), true);
            } else {
                self.found.take(id_of(name), path, metadata.len());
            }
            Ok(())
        }
    }

    /// A file, or what it holds. One that was named is taken whatever its kind.
    fn add_file(&mut self, id: String, path: &Path, bytes: u64, is_named: bool) {
        let is_document = (self.is_readable)(path);
        let holds = is_named || container::may_hold(&id) || (is_document && container::may_be_long(bytes));
        match holds.then(|| container::list(path)) {
            Some(Ok(Some(Holding { listing, version, is_document, is_parted }))) => {
                if self.found.taken.insert(real(path)) {
                    if is_parted {
                        self.found.parted.push((id.clone(), listing.members.len()));
                    }
                    if is_document {
                        let origin = Origin::File(path.into());
                        self.found.inputs.push(Input { id: id.clone(), origin, bytes });
                    }
                    self.add_members(&id, path, version, listing);
                }
            }
            // What is wrong with a document shows when it is read; with what is none, now.
            Some(Err(error)) if container::is_container(&id) => self.found.failed.push(unopened(id, &error)),
            _ if is_named || is_document => self.found.take(id, path, bytes),
            _ => self.found.ignore(id, path, "not a supported format"),
        }
    }

    fn add_members(&mut self, id: &str, path: &Path, version: Version, listing: container::Listing) {
        for Member { name, steps, bytes } in listing.members {
            let member = path.join(&name);
            let (id, is_readable) = (format!("{id}/{name}"), (self.is_readable)(&member));
            if is_readable {
                let origin = Origin::Member { container: path.into(), version, steps };
                self.found.inputs.push(Input { id, origin, bytes });
            } else {
                self.found.ignore(id, &member, "not a supported format");
            }
        }
        let failed = listing.failed.into_iter();
        self.found.failed.extend(failed.map(|(name, error)| unopened(format!("{id}/{name}"), &error)));
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), DiscoverError> {
        if self.skip.is_some() && canonical(folder) == self.skip {
            return Err(DiscoverError::OutputIsInput { path: folder.into() });
        }
        let skip = self.skip.clone();
        let earlier_outputs: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
        let earlier = Arc::clone(&earlier_outputs);
        // Ignore files speak about version control, not about what a reader wants translated.
        let walk = WalkBuilder::new(folder)
            .standard_filters(false)
            .hidden(true)
            .follow_links(true)
            .sort_by_file_name(Ord::cmp)
            .filter_entry(move |entry| {
                let is_folder = entry.file_type().is_some_and(|t| t.is_dir());
                if !is_folder || entry.depth() == 0 {
                    return true;
                }
                if skip.is_some() && canonical(entry.path()) == skip {
                    return false;
                }
                let is_output = is_output(entry.path());
                if is_output {
                    earlier.lock().unwrap_or_else(PoisonError::into_inner).push(entry.path().into());
                }
                !is_output
            })
            .build();
        for entry in walk {
            match entry {
                Ok(entry) => self.add_entry(folder, &entry),
                Err(error) => self.found.fail(folder, folder, error),
            }
        }
        for path in earlier_outputs.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let id = id_of(path.strip_prefix(folder).unwrap_or(path));
            self.found.ignore(format!("{id}/"), path, "the output folder of another run");
        }
        Ok(())
    }

    fn add_entry(&mut self, folder: &Path, entry: &ignore::DirEntry) {
        let path = entry.path();
        let metadata = match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => return,
            Ok(metadata) => metadata,
            Err(error) => return self.found.fail(folder, path, error),
        };
        let id = id_of(path.strip_prefix(folder).unwrap_or(path));
        if !metadata.is_file() {
            self.found.ignore(id, path, "not a regular file");
        } else {
            self.add_file(id, path, metadata.len(), false);
        }
    }
}

fn unopened(id: String, error: &str) -> Failed {
    let error = format!("{id}: it cannot be opened: {error}");
    Failed { id, error, hint: "unpack it with another program and give the folder" }
}

/// What was met so far, by where it really is.
#[derive(Default)]
struct Found {
    stdin: bool,
    inputs: Vec<Input>,
    taken: HashSet<PathBuf>,
    ignored: BTreeMap<PathBuf, Ignored>,
    failed: Vec<Failed>,
    parted: Vec<(String, usize)>,
}

impl Found {
    fn take(&mut self, id: String, path: &Path, bytes: u64) {
        if self.taken.insert(real(path)) {
            self.inputs.push(Input { id, origin: Origin::File(path.into()), bytes });
        }
    }

    fn ignore(&mut self, id: String, path: &Path, reason: &'static str) {
        self.ignored.entry(real(path)).or_insert(Ignored { id, reason });
    }

    /// `path` is what was looked at, unless the error knows better. A link in a circle is no failure: what it leads
    /// to is in the run.
    fn fail(&mut self, folder: &Path, path: &Path, error: ignore::Error) {
        let (path, error) = innermost(error, path);
        let mut id = id_of(path.strip_prefix(folder).unwrap_or(&path));
        if id.is_empty() {
            id = id_of(folder);
        }
        if path.is_dir() {
            id.push('/');
        }
        let is_broken_link = path.is_symlink() && !path.exists();
        let (error, hint) = match error {
            ignore::Error::Loop { .. } => {
                return self.ignore(id, &path, "a link to a folder that contains it");
            }
            _ if is_broken_link => ("a link that leads nowhere".into(), "mend or remove it"),
            ignore::Error::Io(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                (e.kind().to_string(), "check who may read it")
            }
            other => (other.to_string(), ""),
        };
        self.failed.push(Failed { id, error, hint });
    }

    fn into_discovery(self) -> Result<Discovery, DiscoverError> {
        let Found { stdin, mut inputs, taken, ignored, mut failed, parted } = self;
        if stdin {
            inputs.push(Input { id: STDIN.1.into(), origin: Origin::Stdin, bytes: 0 });
        }
        inputs.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some(pair) = inputs.windows(2).find(|pair| pair[0].id == pair[1].id) {
            let path = |input: &Input| match &input.origin {
                Origin::Stdin => PathBuf::from("standard input"),
                Origin::File(path) => path.clone(),
                Origin::Member { container, .. } => container.clone(),
            };
            let (first, second) = (path(&pair[0]), path(&pair[1]));
            return Err(DiscoverError::SameId { id: pair[0].id.clone(), first, second });
        }
        // A file of an unknown kind in a folder, which was also given by name, was taken after all.
        let ignored =
            ignored.into_iter().filter(|(path, _)| !taken.contains(path)).map(|(_, ignored)| ignored);
        let mut ignored: Vec<_> = ignored.collect();
        ignored.sort_by(|a, b| a.id.cmp(&b.id));
        failed.sort_by(|a, b| a.id.cmp(&b.id));
        failed.dedup();
        let readers = readers(&taken);
        Ok(Discovery { inputs, ignored, failed, parted, readers })
    }
}

/// Who besides the owners may read all of `files`: the files say so, and every folder on the way to them.
#[cfg(unix)]
fn readers(files: &HashSet<PathBuf>) -> Readers {
    use std::os::unix::fs::PermissionsExt as _;
    // What cannot be looked at is a matter of reading it, later.
    let mode = |path: &Path| fs::metadata(path).map_or(0o777, |metadata| metadata.permissions().mode());
    let mut folders: HashSet<&Path> = HashSet::new();
    let mut readers = Readers::ANY;
    for file in files {
        let of_file = mode(file);
        readers.group &= of_file & 0o040 != 0;
        readers.others &= of_file & 0o004 != 0;
        for folder in file.ancestors().skip(1).take_while(|folder| !folder.as_os_str().is_empty()) {
            if !folders.insert(folder) {
                break;
            }
            let of_folder = mode(folder);
            readers.group &= of_folder & 0o010 != 0;
            readers.others &= of_folder & 0o001 != 0;
        }
    }
    readers
}

#[cfg(not(unix))]
fn readers(_: &HashSet<PathBuf>) -> Readers {
    Readers::ANY
}

/// The cause of a walk's error and the path it is about.
fn innermost(error: ignore::Error, path: &Path) -> (PathBuf, ignore::Error) {
    match error {
        ignore::Error::WithPath { path, err } => innermost(*err, &path),
        ignore::Error::WithDepth { err, .. } => innermost(*err, path),
        ignore::Error::Loop { ref child, .. } => (child.clone(), error),
        other => (path.into(), other),
    }
}

/// Whether a run has written into a folder: its tables and texts are no reports.
fn is_output(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    // Versions before this one left no marker. A memory alone says nothing: `--memory` puts it anywhere.
    has(OUTPUT_MARKER) || (has("run.json") && has("index.html"))
}

fn canonical(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// The folder that a file lies in.
fn folder_of(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    canonical(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

/// The one path of a file that may be reached by several, and itself where that cannot be found out.
fn real(path: &Path) -> PathBuf {
    canonical(path).unwrap_or_else(|| path.into())
}

/// The id of a relative path. Bytes that are not UTF-8 become `%E9` instead of U+FFFD: names in a legacy Arabic
/// encoding consist of them, and must stay apart.
fn id_of(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let mut id = String::new();
    for part in parts {
        if !id.is_empty() {
            id.push('/');
        }
        for chunk in part.as_encoded_bytes().utf8_chunks() {
            id.push_str(chunk.valid());
            id.extend(chunk.invalid().iter().map(|byte| format!("%{byte:02X}")));
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[&str]) -> Self {
            let folder = Folder(tempfile::tempdir().unwrap());
            for file in files {
                folder.write(file);
            }
            folder
        }

        fn path(&self, file: impl AsRef<Path>) -> PathBuf {
            self.0.path().join(file)
        }

        fn write(&self, file: impl AsRef<Path>) {
            let path = self.path(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "نص").unwrap();
        }

        fn discover(&self, paths: &[&str]) -> Result<Discovery, DiscoverError> {
            self.discover_without(paths, None)
        }

        fn discover_without(&self, paths: &[&str], skip: Option<&str>) -> Result<Discovery, DiscoverError> {
            let paths: Vec<_> =
                paths.iter().map(|&p| if p == "-" { p.into() } else { self.path(p) }).collect();
            let is_readable = |p: &Path| p.extension().is_some_and(|e| e == "txt" || e == "md");
            discover(&paths, &is_readable, skip.map(|s| self.path(s)).as_deref())
        }
    }

    fn ids(discovery: &Discovery) -> Vec<&str> {
        discovery.inputs.iter().map(|i| i.id.as_str()).collect()
    }

    #[test]
    fn a_folder_gives_its_files_sorted_with_ids_relative_to_it() {
        let folder = Folder::with(&["in/b.txt", "in/a/z.md", "in/a/ي.txt", "in/a.txt", "in/C.txt"]);
        let found = folder.discover(&["in"]).unwrap();
        assert_eq!(ids(&found), ["C.txt", "a.txt", "a/z.md", "a/ي.txt", "b.txt"]);
        assert_eq!(found.inputs[0].origin, Origin::File(folder.path("in/C.txt")));
        assert!(found.inputs.iter().all(|i| i.bytes == 4));
        assert!(found.ignored.is_empty() && found.failed.is_empty());
    }

    #[test]
    fn what_is_not_taken_is_listed_except_hidden_files() {
        let folder = Folder::with(&["in/a.txt", "in/p.pdf", "in/x/q.zip", "in/.git/c.txt", "in/.hidden.txt"]);
        let found = folder.discover(&["in"]).unwrap();
        assert_eq!(ids(&found), ["a.txt"]);
        let ignored: Vec<_> = found.ignored.iter().map(|i| (i.id.as_str(), i.reason)).collect();
        assert_eq!(ignored, [("p.pdf", "not a supported format"), ("x/q.zip", "not a supported format")]);
    }

    #[test]
    fn ignore_files_of_version_control_do_not_count() {
        let folder = Folder::with(&["in/a.txt", "in/.git/HEAD"]);
        for file in [".gitignore", ".ignore", ".rgignore"] {
            fs::write(folder.path("in").join(file), "*.txt\n").unwrap();
        }
        fs::write(folder.path(".gitignore"), "*\n").unwrap();
        assert_eq!(ids(&folder.discover(&["in"]).unwrap()), ["a.txt"]);
    }

    #[test]
    fn a_file_given_itself_is_taken_whatever_its_name() {
        let folder = Folder::with(&["in/.hidden", "in/p.log"]);
        let found = folder.discover(&["in/p.log", "in/.hidden", "in"]).unwrap();
        assert_eq!(ids(&found), [".hidden", "p.log"]);
        let found = folder.discover(&["in", "in/p.log"]).unwrap();
        assert_eq!(ids(&found), ["p.log"]);
        assert!(found.ignored.is_empty(), "it was taken after all");
    }

    #[test]
    fn a_file_met_twice_is_taken_once_under_its_first_name() {
        let folder = Folder::with(&["in/a/b.txt"]);
        assert_eq!(ids(&folder.discover(&["in", "in/a", "in/a/b.txt", "in"]).unwrap()), ["a/b.txt"]);
        assert_eq!(ids(&folder.discover(&["in/a/../a/b.txt", "in"]).unwrap()), ["b.txt"]);
    }

    #[test]
    fn standard_input_is_one_document() {
        let folder = Folder::with(&["in/a.txt"]);
        let found = folder.discover(&["-", "in", "-"]).unwrap();
        assert_eq!(ids(&found), ["a.txt", "stdin"]);
        assert_eq!(found.inputs[1].origin, Origin::Stdin);
    }

    #[test]
    fn two_files_of_one_id_stop_the_run() {
        let folder = Folder::with(&["one/a/r.txt", "two/a/r.txt"]);
        let error = folder.discover(&["one", "two"]).unwrap_err().to_string();
        assert!(error.contains("one/a/r.txt") && error.contains("two/a/r.txt"), "{error}");
        assert!(error.contains("would both be written as a/r.txt\nhint: "), "{error}");
        assert_eq!(ids(&folder.discover(&["."]).unwrap()), ["one/a/r.txt", "two/a/r.txt"]);
    }

    #[test]
    fn a_missing_path_stops_the_run() {
        let folder = Folder::with(&["in/a.txt", "out/b.txt"]);
        let error = folder.discover(&["in", "im"]).unwrap_err();
        assert!(matches!(&error, DiscoverError::NotFound { path } if path.ends_with("im")), "{error}");
        assert!(error.to_string().contains("\nhint: "), "{error}");
        assert!(matches!(folder.discover(&["in/a.txt/b"]).unwrap_err(), DiscoverError::Inaccessible { .. }));
    }

    #[test]
    fn the_output_folder_is_passed_over_and_may_not_be_the_input() {
        let folder = Folder::with(&["in/a.txt", "in/out/a.bilingual.md", "in/out/x/b.md", "in/outer/c.txt"]);
        let found = folder.discover_without(&["in"], Some("in/out")).unwrap();
        assert_eq!(ids(&found), ["a.txt", "outer/c.txt"]);
        assert!(found.ignored.is_empty());
        assert_eq!(ids(&folder.discover_without(&["in/outer"], Some("in")).unwrap()), ["c.txt"]);
        assert_eq!(folder.discover_without(&["in"], Some("not/made/yet")).unwrap().inputs.len(), 4);
        let error = folder.discover_without(&["in"], Some("in/outer/..")).unwrap_err();
        assert!(matches!(error, DiscoverError::OutputIsInput { .. }), "{error}");
    }

    #[test]
    fn a_file_in_the_output_folder_may_not_be_an_input() {
        let folder = Folder::with(&["in/a.txt", "in/b/c.txt"]);
        let refused = folder.discover_without(&["in/a.txt"], Some("in"));
        assert!(matches!(refused, Err(DiscoverError::OutputIsInput { .. })), "{refused:?}");
        assert_eq!(ids(&folder.discover_without(&["in/b/c.txt"], Some("in")).unwrap()), ["c.txt"]);
    }

    #[test]
    fn output_folders_of_other_runs_are_passed_over_unless_they_are_given() {
        let folder = Folder::with(&["in/a.txt", "in/old/run.json", "in/old/index.html", "in/old/x/b.md"]);
        for file in ["data/run.json", "data/c.txt", "kept/memory.sqlite", "kept/d.txt", "new/e.en.txt"] {
            folder.write(Path::new("in").join(file));
        }
        folder.write(Path::new("in/new").join(OUTPUT_MARKER));
        let found = folder.discover(&["in"]).unwrap();
        assert_eq!(ids(&found), ["a.txt", "data/c.txt", "kept/d.txt"]);
        let expected = [
            ("data/run.json", "not a supported format"),
            ("kept/memory.sqlite", "not a supported format"),
            ("new/", "the output folder of another run"),
            ("old/", "the output folder of another run"),
        ];
        assert!(found.ignored.iter().map(|i| (i.id.as_str(), i.reason)).eq(expected), "{:?}", found.ignored);
        assert_eq!(ids(&folder.discover(&["in/old"]).unwrap()), ["x/b.md"]);
        assert_eq!(ids(&folder.discover(&["in/new"]).unwrap()), ["e.en.txt"]);
    }

    #[test]
    fn an_empty_folder_gives_nothing() {
        let folder = Folder::with(&[]);
        fs::create_dir(folder.path("in")).unwrap();
        assert_eq!(folder.discover(&["in"]).unwrap(), Discovery::default());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        use std::os::unix::fs::symlink;
        let folder = Folder::with(&["in/a/b.txt", "elsewhere/c.txt"]);
        symlink(folder.path("in"), folder.path("in/a/loop")).unwrap();
        symlink(folder.path("elsewhere"), folder.path("in/linked")).unwrap();
        symlink(folder.path("in/a/b.txt"), folder.path("in/same.txt")).unwrap();
        symlink(folder.path("gone"), folder.path("in/dangling.txt")).unwrap();
        let found = folder.discover(&["in"]).unwrap();
        assert_eq!(ids(&found), ["a/b.txt", "linked/c.txt"]);
        let ignored: Vec<_> = found.ignored.iter().map(|i| (i.id.as_str(), i.reason)).collect();
        assert_eq!(ignored, [("a/loop/", "a link to a folder that contains it")]);
        assert_eq!(found.failed.len(), 1, "{:?}", found.failed);
        assert_eq!(found.failed[0].id, "dangling.txt");
        assert_eq!(found.failed[0].error, "a link that leads nowhere");
    }

    #[cfg(unix)]
    #[test]
    fn special_files_are_not_waited_for() {
        let folder = Folder::with(&["in/a.txt"]);
        std::os::unix::net::UnixListener::bind(folder.path("in/s.txt")).unwrap();
        let found = folder.discover(&["in"]).unwrap();
        assert_eq!(ids(&found), ["a.txt"]);
        assert_eq!(found.ignored, [Ignored { id: "s.txt".into(), reason: "not a regular file" }]);
    }

    #[cfg(unix)]
    #[test]
    fn an_unreadable_folder_is_a_failure_and_the_rest_is_taken() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::with(&["in/a.txt", "in/closed/b.txt"]);
        let closed = folder.path("in/closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let root_reads_everything = fs::read_dir(&closed).is_ok();
        let found = folder.discover(&["in"]).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        if root_reads_everything {
            return;
        }
        assert_eq!(ids(&found), ["a.txt"]);
        assert_eq!(found.failed.len(), 1, "{:?}", found.failed);
        assert_eq!(found.failed[0].id, "closed/");
        assert_eq!(found.failed[0].error, "permission denied");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let folder = Folder::with(&["in/a.txt"]);
        for name in [&b"in/\xca\xde\xd1.txt"[..], b"in/\xca\xde\xd2.txt"] {
            folder.write(OsStr::from_bytes(name));
        }
        assert_eq!(ids(&folder.discover(&["in"]).unwrap()), ["%CA%DE%D1.txt", "%CA%DE%D2.txt", "a.txt"]);
    }
}
