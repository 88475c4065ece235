//! Translation memory and resume in one: a single SQLite file that answers what was translated before.
//!
//! There is no other resume state. A run that was killed, lost power or filled the disk is run again, finds the
//! finished sentences here and renders the same bytes from them; a sentence that occurs in many reports is
//! translated once. Entries are found by [`Key`], a digest of everything that decides a translation, so an entry
//! can never be stale: another model, option or segmenter asks for another key.
//!
//! Durability. The file is in write-ahead-log mode with `synchronous = FULL`: a commit that returned survives
//! `kill -9` (the log is in the page cache) and power loss (it was flushed), and a torn log is cut back to its last
//! whole commit by its checksums, so a crash or a full disk never leaves half an entry. The weaker `NORMAL` would
//! also stay consistent, but after power loss it may drop everything since the last checkpoint, which is some
//! ten thousand sentences, or hours on a CPU. A flush a batch costs milliseconds where a batch costs seconds.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, Transaction, TransactionBehavior, params,
};
use sha2::{Digest, Sha256};

use crate::inference::Hypothesis;

/// Marks the file as ours (`Tarj`), so that a wrong `--memory FILE` is never written to.
const APPLICATION_ID: i32 = 0x5461_726a;
/// Raised whenever `SCHEMA` changes.
const SCHEMA_VERSION: i32 = 2;

/// `seq` only ever grows, so that "made before this run" is a comparison. The scores are the bits of an `f32`:
/// a REAL column would turn -0.0 into 0.0 and NaN into NULL, and outputs would differ after a resume. So is each number
/// of `coverage`, four bytes, the least first.
const SCHEMA: &str = "
    CREATE TABLE piece (
        seq           INTEGER PRIMARY KEY AUTOINCREMENT,
        key           BLOB    NOT NULL,
        position      INTEGER NOT NULL,
        text          TEXT    NOT NULL,
        mean_log_prob INTEGER NOT NULL,
        min_log_prob  INTEGER NOT NULL,
        tokens        INTEGER NOT NULL,
        finished      INTEGER NOT NULL,
        coverage      BLOB    NOT NULL DEFAULT x'',
        UNIQUE (key, position)
    ) STRICT;";

/// What a file of version 1 lacks.
const FROM_1: &str = "ALTER TABLE piece ADD COLUMN coverage BLOB NOT NULL DEFAULT x''";

/// Made when the file is opened, since files of earlier versions lack it and later ones need not know it.
const CORRECTIONS: &str = "
    CREATE TABLE IF NOT EXISTS correction (
        source TEXT PRIMARY KEY,
        target TEXT NOT NULL
    ) STRICT;";

/// When each answer was last of use, and to which model: what can be pruned. `day` counts from 1970, in UTC. Made when the
/// file is opened, like corrections; answers that an earlier version kept count as used on that day, by a model that is
/// not known.
const USED: &str = "
    CREATE TABLE IF NOT EXISTS used (
        key   BLOB    PRIMARY KEY,
        model BLOB    NOT NULL,
        day   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;";

/// Gives those answers a place among the used that have none.
const ADOPT: &str = "
    INSERT OR IGNORE INTO used (key, model, day)
    SELECT DISTINCT key, x'', ?1 FROM piece WHERE NOT EXISTS (SELECT 1 FROM used WHERE used.key = piece.key)";

/// Notes a use.
const USE: &str = "
    INSERT INTO used (key, model, day) VALUES (?1, ?2, ?3)
    ON CONFLICT (key) DO UPDATE SET model = excluded.model, day = max(day, excluded.day)";

/// Another process holds the write lock for one commit, so this only runs out when something is wrong.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Why the translation memory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The file can be neither opened nor made.
    #[error(
        "{path}: cannot open the translation memory: {message}\nhint: its folder must exist and be writable; --memory FILE puts it elsewhere, --memory none does without"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// One line.
        message: String,
    },
    /// The file is something else.
    #[error("{path}: not a translation memory\nhint: it was left as it is; give another file to --memory")]
    NotAMemory {
        /// The file.
        path: PathBuf,
    },
    /// The file was made by a later version.
    #[error(
        "{path}: made by a newer version of tarjuman (schema {found}, this version knows {SCHEMA_VERSION})\nhint: use that version, or give another file to --memory"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i32,
    },
    /// The file is damaged.
    #[error(
        "{path}: the translation memory is damaged\nhint: move it away together with its -wal and -shm files and run again; its sentences are then translated anew"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// There is no room to write.
    #[error(
        "{path}: no space left for the translation memory\nhint: free some space and run again; everything up to the last batch is kept"
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses to read or write: a quota, a limit on the size of files, a failing disk.
    #[error(
        "{path}: cannot read or write the translation memory: {message}\nhint: look at the disk, quotas and limits on file sizes (ulimit -f), and run again; everything up to the last batch is kept"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// One line.
        message: String,
    },
    /// Another process did not let go of the file.
    #[error(
        "{path}: the translation memory is held by another process\nhint: wait for that run to end, or give another file to --memory"
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Anything else SQLite reports.
    #[error("{path}: translation memory: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
}

impl MemoryError {
    /// The file that it is about.
    pub fn path(&self) -> &Path {
        match self {
            MemoryError::Open { path, .. }
            | MemoryError::NotAMemory { path }
            | MemoryError::NewerSchema { path, .. }
            | MemoryError::Corrupt { path }
            | MemoryError::Full { path }
            | MemoryError::Io { path, .. }
            | MemoryError::Busy { path }
            | MemoryError::Sqlite { path, .. } => path,
        }
    }
}

/// By what an entry is found: SHA-256 over everything that decides a translation; and whose answer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32], ModelTag);

/// A model among those that have answers in a memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelTag([u8; 8]);

impl ModelTag {
    /// The tag of the model with this digest.
    pub fn of(model_digest: &str) -> Self {
        let mut tag = [0; 8];
        tag.copy_from_slice(&Sha256::digest(model_digest)[..8]);
        ModelTag(tag)
    }
}

impl Key {
    /// The key of a source as it is given to the model, before it is split into pieces. `model_digest` is
    /// [`InstalledModel::digest`](crate::model::InstalledModel), `options` is
    /// [`DecodeOptions::fingerprint`](crate::inference::DecodeOptions::fingerprint) (and the language pair, for a
    /// model of several), and `segmenter_version` names the rules that normalise and split.
    pub fn new(source: &str, model_digest: &str, options: &str, segmenter_version: &str) -> Self {
        let mut hasher = Sha256::new();
        for field in [source, model_digest, options, segmenter_version] {
            // Each length goes before its field, so that no two lists of fields give the same bytes.
            hasher.update((field.len() as u64).to_le_bytes());
            hasher.update(field);
        }
        Key(hasher.finalize().into(), ModelTag::of(model_digest))
    }
}

/// A translation: the best hypothesis of each piece that the source was split into, in order; or, under a key that
/// says so, all hypotheses of a source that was not split, best first. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// One for most sources.
    pub pieces: Vec<Hypothesis>,
}

/// What a person wants a source to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The source as it is given to models.
    pub source: String,
    /// Its translation, one line.
    pub target: String,
}

/// What a memory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Answers of models.
    pub answers: usize,
    /// See [`Correction`].
    pub corrections: usize,
}

/// What to prune: answers to which any of it applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prune {
    /// Those of other models than these; of whom an answer is that an earlier version kept is not known, and it stays.
    /// Empty: of none.
    pub keep: Vec<ModelTag>,
    /// Those that were last of use before this day.
    pub unused_since: Option<Day>,
}

/// A day, counted from 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// The day of a time.
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Day((since.as_secs() / (24 * 60 * 60)) as i64)
    }
}

/// An open translation memory. Several processes may share one file.
#[derive(Debug)]
pub struct Memory {
    connection: Connection,
    path: PathBuf,
    /// Pieces up to this `seq` are not seen.
    floor: i64,
    /// Uses are noted with this day.
    today: Day,
}

impl Memory {
    /// Opens `path`, or makes it, readable by its owner only, since texts are sensitive. Its folder must exist.
    ///
    /// # Errors
    /// When it cannot be opened, is something else (it is then left untouched), is damaged, or is from a newer
    /// version.
    pub fn open(path: &Path) -> Result<Self, MemoryError> {
        let cannot_open = |message: String| MemoryError::Open { path: path.into(), message };
        create_private(path).map_err(|e| cannot_open(e.to_string()))?;
        if is_cut(path).map_err(|e| cannot_open(e.to_string()))? {
            return Err(MemoryError::Corrupt { path: path.into() });
        }
        // Not the default flags: they would take a path that begins with `file:` for an address.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|e| cannot_open(e.to_string()))?;
        let mut memory =
            Memory { connection, path: path.into(), floor: 0, today: Day::of(SystemTime::now()) };
        memory.prepare()?;
        memory.use_write_ahead_log().map_err(|e| memory.error(e))?;
        Ok(memory)
    }

    /// A memory that lasts as long as the process, for `--memory none`: sentences that repeat within the run are
    /// still translated once.
    ///
    /// # Errors
    /// When SQLite has no memory left.
    pub fn none() -> Result<Self, MemoryError> {
        let path = PathBuf::from("(in memory)");
        let connection = Connection::open_in_memory()
            .map_err(|source| MemoryError::Sqlite { path: path.clone(), source })?;
        let mut memory = Memory { connection, path, floor: 0, today: Day::of(SystemTime::now()) };
        memory.prepare()?;
        Ok(memory)
    }

    /// From now on entries made before this call are not found, and new ones overwrite them: `--fresh`.
    ///
    /// # Errors
    /// As [`Memory::get_many`].
    pub fn forget_earlier(&mut self) -> Result<(), MemoryError> {
        let last = "SELECT coalesce(max(seq), 0) FROM piece";
        self.floor = self.connection.query_row(last, [], |row| row.get(0)).map_err(|e| self.error(e))?;
        Ok(())
    }

    /// What is known for each of `keys`, in their order.
    ///
    /// # Errors
    /// When the file is damaged, or another process holds it.
    pub fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, MemoryError> {
        let found = self.look_up(keys).map_err(|e| self.error(e))?;
        let used = keys.iter().zip(&found).filter_map(|(key, entry)| entry.is_some().then_some(key));
        match self.note_uses(used).map_err(|e| self.error(e)) {
            Err(error @ MemoryError::Corrupt { .. }) => Err(error),
            // An answer is as good where there is no room to note that it was given.
            Ok(()) | Err(_) => Ok(found),
        }
    }

    /// Notes that these were of use today, once a day.
    fn note_uses<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> rusqlite::Result<()> {
        let mut known = self
            .connection
            .prepare_cached("SELECT 1 FROM used WHERE key = ?1 AND model = ?2 AND day >= ?3")?;
        let mut due = Vec::new();
        for key in keys {
            if !known.exists(params![key.0, key.1.0, self.today.0])? {
                due.push(key);
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        {
            let mut note = transaction.prepare_cached(USE)?;
            for key in due {
                note.execute(params![key.0, key.1.0, self.today.0])?;
            }
        }
        transaction.commit()
    }

    fn look_up(&self, keys: &[Key]) -> rusqlite::Result<Vec<Option<Entry>>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT text, mean_log_prob, min_log_prob, tokens, finished, coverage
             FROM piece WHERE key = ?1 AND seq > ?2 ORDER BY position",
        )?;
        let mut look_up_one = |key: &Key| {
            let pieces = statement.query_map(params![key.0, self.floor], hypothesis)?;
            let pieces = pieces.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok((!pieces.is_empty()).then_some(Entry { pieces }))
        };
        keys.iter().map(&mut look_up_one).collect()
    }

    /// Keeps `entries`, all or none; those of the same key are replaced. They are on disk when this returns.
    ///
    /// # Errors
    /// When there is no room, or another process holds the file; nothing was then written.
    pub fn put_many(&mut self, entries: &[(Key, Entry)]) -> Result<(), MemoryError> {
        self.store(entries).map_err(|e| self.error(e))
    }

    fn store(&mut self, entries: &[(Key, Entry)]) -> rusqlite::Result<()> {
        // Immediate: a transaction that reads first cannot wait for another writer, it fails.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut delete = transaction.prepare_cached("DELETE FROM piece WHERE key = ?1")?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO piece (key, position, text, mean_log_prob, min_log_prob, tokens, finished, coverage)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            let mut note = transaction.prepare_cached(USE)?;
            for (key, entry) in entries {
                delete.execute([key.0])?;
                note.execute(params![key.0, key.1.0, self.today.0])?;
                for (position, piece) in entry.pieces.iter().enumerate() {
                    insert.execute(params![
                        key.0,
                        position as i64,
                        piece.text,
                        piece.mean_log_prob.to_bits(),
                        piece.min_log_prob.to_bits(),
                        piece.tokens as i64,
                        piece.finished,
                        piece.coverage.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>(),
                    ])?;
                }
            }
        }
        transaction.commit()
    }

    /// Takes corrections in; the last one of a source counts.
    ///
    /// # Errors
    /// As [`Memory::put_many`].
    pub fn correct(&mut self, corrections: &[Correction]) -> Result<(), MemoryError> {
        let store = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut insert = transaction
                    .prepare_cached("INSERT OR REPLACE INTO correction (source, target) VALUES (?1, ?2)")?;
                for correction in corrections {
                    insert.execute(params![correction.source, correction.target])?;
                }
            }
            transaction.commit()
        };
        store(&mut self.connection).map_err(|e| self.error(e))
    }

    /// Takes back those of `corrections` that are as they were taken in; how many that were.
    ///
    /// # Errors
    /// As [`Memory::put_many`].
    pub fn withdraw(&mut self, corrections: &[Correction]) -> Result<usize, MemoryError> {
        let delete = |connection: &mut Connection| -> rusqlite::Result<usize> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut count = 0;
            {
                let mut delete =
                    transaction.prepare_cached("DELETE FROM correction WHERE source = ?1 AND target = ?2")?;
                for correction in corrections {
                    count += delete.execute(params![correction.source, correction.target])?;
                }
            }
            transaction.commit()?;
            Ok(count)
        };
        delete(&mut self.connection).map_err(|e| self.error(e))
    }

    /// The correction of each of `sources`, in their order.
    ///
    /// # Errors
    /// As [`Memory::get_many`].
    pub fn corrections(&self, sources: &[&str]) -> Result<Vec<Option<String>>, MemoryError> {
        let read = || -> rusqlite::Result<Vec<Option<String>>> {
            let mut select =
                self.connection.prepare_cached("SELECT target FROM correction WHERE source = ?1")?;
            sources.iter().map(|source| select.query_row([source], |row| row.get(0)).optional()).collect()
        };
        read().map_err(|e| self.error(e))
    }

    /// All corrections, in the order of their sources.
    ///
    /// # Errors
    /// As [`Memory::get_many`].
    pub fn all_corrections(&self) -> Result<Vec<Correction>, MemoryError> {
        let read = || -> rusqlite::Result<Vec<Correction>> {
            let mut select =
                self.connection.prepare("SELECT source, target FROM correction ORDER BY source")?;
            let rows =
                select.query_map([], |row| Ok(Correction { source: row.get(0)?, target: row.get(1)? }))?;
            rows.collect()
        };
        read().map_err(|e| self.error(e))
    }

    /// How many answers `prune` means.
    ///
    /// # Errors
    /// As [`Memory::put_many`].
    pub fn prunable(&mut self, prune: &Prune) -> Result<usize, MemoryError> {
        self.remove(prune, false).map_err(|e| self.error(e))
    }

    /// Removes the answers that `prune` means, and gives their room back to the disk; how many they were. Corrections stay.
    ///
    /// # Errors
    /// As [`Memory::put_many`]. What was removed stays removed where there is no room to make the file smaller.
    pub fn prune(&mut self, prune: &Prune) -> Result<usize, MemoryError> {
        let removed = self.remove(prune, true).map_err(|e| self.error(e))?;
        let shrink = || {
            self.connection.execute_batch("VACUUM")?;
            // Until then the smaller file is in the log.
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        shrink().map_err(|e| self.error(e))?;
        Ok(removed)
    }

    fn remove(&mut self, prune: &Prune, keep_it_so: bool) -> rusqlite::Result<usize> {
        let today = self.today.0;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // What an earlier version has put in since.
        transaction.execute(ADOPT, [today])?;
        transaction.execute_batch("CREATE TEMP TABLE doomed (key BLOB PRIMARY KEY) STRICT")?;
        if let Some(Day(day)) = prune.unused_since {
            transaction.execute("INSERT INTO doomed SELECT key FROM used WHERE day < ?1", [day])?;
        }
        if !prune.keep.is_empty() {
            transaction.execute_batch("CREATE TEMP TABLE kept (model BLOB PRIMARY KEY) STRICT")?;
            // The model that is not known.
            for tag in [&[] as &[u8]].into_iter().chain(prune.keep.iter().map(|tag| tag.0.as_slice())) {
                transaction.execute("INSERT OR IGNORE INTO kept VALUES (?1)", [tag])?;
            }
            transaction.execute_batch(
                "INSERT OR IGNORE INTO doomed SELECT key FROM used WHERE model NOT IN kept; DROP TABLE kept",
            )?;
        }
        transaction.execute_batch("DELETE FROM piece WHERE key IN doomed")?;
        let removed = transaction.execute("DELETE FROM used WHERE key IN doomed", [])?;
        transaction.execute_batch("DROP TABLE doomed")?;
        // A transaction that is dropped has changed nothing.
        if keep_it_so {
            transaction.commit()?;
        }
        Ok(removed)
    }

    /// What it holds.
    ///
    /// # Errors
    /// As [`Memory::get_many`].
    pub fn stats(&self) -> Result<Stats, MemoryError> {
        let count = |what: &str| {
            let count: rusqlite::Result<i64> = self.connection.query_row(what, [], |row| row.get(0));
            count.map(|n| n as usize).map_err(|e| self.error(e))
        };
        Ok(Stats {
            answers: count("SELECT count(*) FROM piece WHERE position = 0")?,
            corrections: count("SELECT count(*) FROM correction")?,
        })
    }

    /// Makes sure that the file is ours, and lays out an empty one.
    fn prepare(&mut self) -> Result<(), MemoryError> {
        match self.identify_or_create() {
            Ok(SCHEMA_VERSION) => self.add_tables().map_err(|e| self.error(e)),
            Ok(0) => Err(MemoryError::NotAMemory { path: self.path.clone() }),
            Ok(found) => Err(MemoryError::NewerSchema { path: self.path.clone(), found }),
            Err(e) => Err(self.error(e)),
        }
    }

    /// Adds the tables that files of earlier versions lack.
    fn add_tables(&mut self) -> rusqlite::Result<()> {
        self.connection.execute_batch(CORRECTIONS)?;
        let has_uses = "SELECT count(*) FROM sqlite_schema WHERE name = 'used'";
        if self.connection.query_row(has_uses, [], |row| row.get::<_, i64>(0))? > 0 {
            return Ok(());
        }
        // Another process may be about to do the same.
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(USED)?;
        transaction.execute(ADOPT, [self.today.0])?;
        transaction.commit()
    }

    /// The file's schema version, 0 when it is another program's. In one transaction, since another process may be
    /// creating the same file.
    fn identify_or_create(&mut self) -> rusqlite::Result<i32> {
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let read = |what: &str| transaction.query_row(what, [], |row| row.get::<_, i32>(0));
        let application = read("PRAGMA application_id")?;
        let version = read("PRAGMA user_version")?;
        if application == APPLICATION_ID && version == 1 {
            transaction.execute_batch(FROM_1)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            transaction.commit()?;
            return Ok(SCHEMA_VERSION);
        }
        if application == APPLICATION_ID {
            return Ok(version);
        }
        let blank = application == 0 && version == 0 && read("SELECT count(*) FROM sqlite_schema")? == 0;
        if !blank {
            return Ok(0);
        }
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
        Ok(SCHEMA_VERSION)
    }

    /// Where a file system cannot share memory between processes SQLite keeps its rollback journal, which is
    /// slower and as safe.
    fn use_write_ahead_log(&self) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        // On macOS a plain fsync leaves the data in the drive's cache.
        self.connection.pragma_update(None, "fullfsync", true)?;
        // The switch needs the file for itself and, unlike everything else, does not wait for it.
        let deadline = Instant::now() + BUSY_TIMEOUT;
        loop {
            match self.connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())) {
                Err(e) if is_busy(&e) && Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                other => return other,
            }
        }
    }

    fn error(&self, source: rusqlite::Error) -> MemoryError {
        let path = self.path.clone();
        // SQLite hands out what lies on the disk: text that is none, and numbers that nobody wrote.
        if matches!(
            source,
            rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
        ) {
            return MemoryError::Corrupt { path };
        }
        match source.sqlite_error_code() {
            _ if is_busy(&source) => MemoryError::Busy { path },
            Some(ErrorCode::NotADatabase) => MemoryError::NotAMemory { path },
            Some(ErrorCode::DatabaseCorrupt) => MemoryError::Corrupt { path },
            Some(ErrorCode::DiskFull) => MemoryError::Full { path },
            Some(ErrorCode::SystemIoFailure) => MemoryError::Io { path, message: source.to_string() },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                MemoryError::Open { path, message: source.to_string() }
            }
            _ => MemoryError::Sqlite { path, source },
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn hypothesis(row: &Row<'_>) -> rusqlite::Result<Hypothesis> {
    Ok(Hypothesis {
        text: row.get(0)?,
        mean_log_prob: f32::from_bits(row.get(1)?),
        min_log_prob: f32::from_bits(row.get(2)?),
        tokens: row.get::<_, u32>(3)? as usize,
        finished: row.get(4)?,
        coverage: row
            .get_ref(5)?
            .as_blob()?
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect(),
    })
}

/// Whether a memory ends within a page, as a copy that was broken off does. SQLite would fill the rest with zeros, and
/// translations with them. With a log beside it, that has the page.
fn is_cut(path: &Path) -> io::Result<bool> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        Path::new(&name).exists()
    };
    // Asked first: a log goes away only after all of it is in the file.
    if beside("-wal") || beside("-journal") || !path.is_file() {
        return Ok(false);
    }
    let mut header = [0; 72];
    let mut file = File::open(path)?;
    if file.metadata()?.len() < header.len() as u64 {
        return Ok(false);
    }
    file.read_exact(&mut header)?;
    // One stands for 65,536, which does not fit.
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size.max(1)),
    };
    let is_ours = header.starts_with(MAGIC) && header[68..] == APPLICATION_ID.to_be_bytes();
    Ok(is_ours && file.metadata()?.len() % page != 0)
}

/// SQLite gives its `-wal` and `-shm` files the permissions of the main file, so only that one is made here.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    fn key(n: usize) -> Key {
        Key::new(&format!("الجملة {n}"), "model", "beam=1", "1")
    }

    fn entry(text: &str) -> Entry {
        Entry {
            pieces: vec![Hypothesis {
                text: text.into(),
                mean_log_prob: -0.25,
                min_log_prob: -1.5,
                tokens: 7,
                finished: true,
                coverage: vec![0.1, 1e-42, 3.0],
            }],
        }
    }

    fn numbered(range: std::ops::Range<usize>) -> Vec<(Key, Entry)> {
        range.map(|n| (key(n), entry(&format!("sentence {n}")))).collect()
    }

    /// How many of the first `n` keys are known.
    fn known(memory: &Memory, n: usize) -> usize {
        let keys: Vec<_> = (0..n).map(key).collect();
        memory.get_many(&keys).unwrap().iter().flatten().count()
    }

    #[test]
    fn each_part_of_a_key_matters_and_so_does_where_it_ends() {
        let parts = ["source", "model", "options", "1"];
        let whole = Key::new(parts[0], parts[1], parts[2], parts[3]);
        for i in 0..4 {
            let mut other = parts;
            other[i] = "other";
            assert_ne!(whole, Key::new(other[0], other[1], other[2], other[3]), "part {i}");
        }
        assert_ne!(Key::new("ab", "c", "", ""), Key::new("a", "bc", "", ""));
        assert_ne!(Key::new("a", "", "", ""), Key::new("", "a", "", ""));
    }

    /// Memories of users depend on it: a change of the key's recipe makes every entry unfindable.
    #[test]
    fn the_key_is_stable() {
        let key = Key::new("مرحبا", "0a1b", "beam=1", "1");
        let hex: String = key.0.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "8a431d40ee865985d20e9fef34f9e97a49b524b698d47c7871fe600b678d7805");
    }

    /// As `numbered`, from a model of that name.
    fn of_model(model: &str, range: std::ops::Range<usize>) -> Vec<(Key, Entry)> {
        range.map(|n| (Key::new(&format!("{n}"), model, "beam=1", "1"), entry("x"))).collect()
    }

    fn found(memory: &Memory, entries: &[(Key, Entry)]) -> usize {
        let keys: Vec<Key> = entries.iter().map(|(key, _)| *key).collect();
        memory.get_many(&keys).unwrap().iter().flatten().count()
    }

    #[test]
    fn what_was_of_no_use_for_long_is_pruned_and_corrections_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        let mut memory = Memory::open(&path).unwrap();
        let all = of_model("m", 0..2000);
        memory.today = Day(100);
        memory.put_many(&all).unwrap();
        memory.correct(&[Correction { source: "نعم".into(), target: "yes".into() }]).unwrap();
        memory.today = Day(200);
        assert_eq!(found(&memory, &all[..30]), 30);
        memory.put_many(&all[30..40]).unwrap();
        // A clock that was set back makes nothing older.
        memory.today = Day(50);
        assert_eq!(found(&memory, &all[..40]), 40);
        drop(memory);

        let before = fs::metadata(&path).unwrap().len();
        let mut memory = Memory::open(&path).unwrap();
        let prune = |day| Prune { keep: Vec::new(), unused_since: Some(Day(day)) };
        for (day, expected) in [(100, 0), (101, 1960), (201, 2000)] {
            assert_eq!(memory.prunable(&prune(day)).unwrap(), expected, "{day}");
        }
        assert_eq!(memory.stats().unwrap().answers, 2000, "nothing was removed yet");
        assert_eq!(memory.prune(&prune(200)).unwrap(), 1960);
        assert_eq!(memory.stats().unwrap(), Stats { answers: 40, corrections: 1 });
        assert_eq!(found(&memory, &all), 40);
        let after = fs::metadata(&path).unwrap().len();
        assert!(after * 4 < before, "{before} bytes have become {after}");
        assert_eq!(memory.prune(&prune(200)).unwrap(), 0);
    }

    #[test]
    fn answers_of_other_models_are_pruned() {
        let mut memory = Memory::none().unwrap();
        for (model, n) in [("a", 3), ("b", 5), ("c", 7)] {
            memory.put_many(&of_model(model, 0..n)).unwrap();
        }
        let keep = |models: &[&str]| Prune {
            keep: models.iter().map(|model| ModelTag::of(model)).collect(),
            unused_since: None,
        };
        assert_eq!(memory.prune(&Prune::default()).unwrap(), 0);
        assert_eq!(memory.prune(&keep(&["a", "c"])).unwrap(), 5);
        assert_eq!(memory.prune(&keep(&["d", "c"])).unwrap(), 3);
        assert_eq!(found(&memory, &of_model("c", 0..7)), 7);
    }

    /// A file of the version before, and one into which that version wrote after this one had it.
    #[test]
    fn answers_that_an_earlier_version_kept_count_from_the_day_they_are_met() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        let all = of_model("m", 0..10);
        Memory::open(&path).unwrap().put_many(&all).unwrap();
        let forget = |what: &str| Connection::open(&path).unwrap().execute_batch(what).unwrap();
        forget("DROP TABLE used");
        let mut memory = Memory::open(&path).unwrap();
        let Day(today) = memory.today;
        let prune = Prune { keep: vec![ModelTag::of("other")], unused_since: Some(Day(today)) };
        assert_eq!(memory.prunable(&prune).unwrap(), 0, "of whom they are is not known");
        forget("DELETE FROM used");
        assert_eq!(memory.prunable(&prune).unwrap(), 0);
        assert_eq!(memory.prunable(&Prune { keep: vec![], unused_since: Some(Day(today + 1)) }).unwrap(), 10);
        assert_eq!(found(&memory, &all[..4]), 4);
        assert_eq!(memory.prune(&prune).unwrap(), 4, "now it is known");
    }

    #[test]
    fn answers_come_in_the_order_asked_with_none_for_the_unknown() {
        let mut memory = Memory::none().unwrap();
        memory.put_many(&numbered(0..3)).unwrap();
        let found = memory.get_many(&[key(2), key(9), key(0), key(2)]).unwrap();
        let texts: Vec<_> = found.iter().map(|e| e.as_ref().map(|e| e.pieces[0].text.as_str())).collect();
        assert_eq!(texts, [Some("sentence 2"), None, Some("sentence 0"), Some("sentence 2")]);
        assert_eq!(memory.stats().unwrap().answers, 3);
        assert!(memory.get_many(&[]).unwrap().is_empty());
    }

    #[test]
    fn pieces_keep_their_order_and_a_later_entry_replaces_all_of_them() {
        let mut memory = Memory::none().unwrap();
        let long = Entry { pieces: ["a", "b", "c"].iter().flat_map(|t| entry(t).pieces).collect() };
        memory.put_many(&[(key(0), long.clone())]).unwrap();
        assert_eq!(memory.get_many(&[key(0)]).unwrap(), [Some(long)]);
        memory.put_many(&[(key(0), entry("x")), (key(0), entry("y"))]).unwrap();
        assert_eq!(memory.get_many(&[key(0)]).unwrap(), [Some(entry("y"))]);
    }

    #[test]
    fn what_comes_back_is_bit_for_bit_what_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        let scores = [
            0.0,
            -0.0,
            -1.0,
            -0.1,
            f32::MIN_POSITIVE,
            f32::from_bits(1),
            -16_777_217.0,
            f32::MIN,
            f32::NEG_INFINITY,
            f32::NAN,
            -std::f32::consts::LN_2,
        ];
        let texts = ["", "two\nlines", "nul \0 inside", "“quotes”, 👩‍🚒, مختلط", " spaces "];
        let pieces: Vec<_> = scores
            .iter()
            .zip(texts.iter().cycle())
            .map(|(&score, text)| Hypothesis {
                text: text.to_string(),
                mean_log_prob: score,
                min_log_prob: -score,
                tokens: 0,
                finished: score < -1.0,
                coverage: Vec::new(),
            })
            .collect();
        Memory::open(&path).unwrap().put_many(&[(key(0), Entry { pieces: pieces.clone() })]).unwrap();
        let found = Memory::open(&path).unwrap().get_many(&[key(0)]).unwrap().remove(0).unwrap();
        assert_eq!(found.pieces.len(), pieces.len());
        for (found, put) in found.pieces.iter().zip(&pieces) {
            assert_eq!(found.mean_log_prob.to_bits(), put.mean_log_prob.to_bits(), "{}", put.mean_log_prob);
            assert_eq!(found.min_log_prob.to_bits(), put.min_log_prob.to_bits(), "{}", put.min_log_prob);
            assert_eq!((&found.text, found.tokens, found.finished), (&put.text, put.tokens, put.finished));
        }
    }

    #[test]
    fn a_fresh_run_sees_only_what_it_made_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        Memory::open(&path).unwrap().put_many(&numbered(0..2)).unwrap();

        let mut fresh = Memory::open(&path).unwrap();
        fresh.forget_earlier().unwrap();
        assert_eq!(fresh.get_many(&[key(0), key(1)]).unwrap(), [None, None]);
        // The last row is the one whose number a plain rowid would give out again.
        fresh.put_many(&[(key(1), entry("anew"))]).unwrap();
        assert_eq!(fresh.get_many(&[key(0), key(1)]).unwrap(), [None, Some(entry("anew"))]);

        let next = Memory::open(&path).unwrap();
        assert_eq!(
            next.get_many(&[key(0), key(1)]).unwrap(),
            [Some(entry("sentence 0")), Some(entry("anew"))]
        );
    }

    #[test]
    fn a_commit_survives_a_crash_before_the_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        let mut memory = Memory::open(&path).unwrap();
        memory.put_many(&numbered(0..50)).unwrap();
        // What a crash leaves: the file and its log, and no shared-memory index.
        let copy = folder.path().join("copy.sqlite");
        fs::copy(&path, &copy).unwrap();
        let log = fs::read(folder.path().join("memory.sqlite-wal")).unwrap();
        assert!(log.len() > 4096, "the entries are still in the log alone");
        fs::write(folder.path().join("copy.sqlite-wal"), &log).unwrap();
        assert_eq!(known(&Memory::open(&copy).unwrap(), 50), 50);
    }

    #[test]
    fn a_log_torn_anywhere_loses_whole_batches_from_its_end_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        let mut memory = Memory::open(&path).unwrap();
        for batch in 0..10 {
            memory.put_many(&numbered(batch * 8..batch * 8 + 8)).unwrap();
        }
        let main = fs::read(&path).unwrap();
        let log = fs::read(folder.path().join("memory.sqlite-wal")).unwrap();
        let copy = folder.path().join("copy.sqlite");
        let mut last = 0;
        for cut in (0..=log.len()).step_by(1777).chain([log.len()]) {
            fs::write(&copy, &main).unwrap();
            fs::write(folder.path().join("copy.sqlite-wal"), &log[..cut]).unwrap();
            let memory = Memory::open(&copy).unwrap();
            let found = known(&memory, 80);
            assert!(found.is_multiple_of(8) && found >= last, "cut at {cut}: {found} after {last}");
            assert_eq!(known(&memory, found), found, "the earliest are kept");
            last = found;
            drop(memory);
            fs::remove_file(&copy).unwrap();
        }
        assert_eq!(last, 80);
    }

    /// Runs in a process of its own, started by the test below, until it is killed.
    #[test]
    #[ignore = "the victim of killing_the_process_loses_nothing_that_was_committed"]
    fn write_until_killed() {
        let Some(folder) = std::env::var_os("TARJUMAN_TEST_VICTIM") else { return };
        let folder = PathBuf::from(folder);
        let mut memory = Memory::open(&folder.join("memory.sqlite")).unwrap();
        let mut committed =
            OpenOptions::new().create(true).append(true).open(folder.join("committed")).unwrap();
        for batch in 0..1_000_000 {
            memory.put_many(&numbered(batch * 16..batch * 16 + 16)).unwrap();
            committed.write_all(b".").unwrap();
        }
    }

    #[test]
    fn killing_the_process_loses_nothing_that_was_committed() {
        for _ in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let committed = || fs::metadata(folder.path().join("committed")).map_or(0, |m| m.len() as usize);
            let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "memory::tests::write_until_killed"])
                .env("TARJUMAN_TEST_VICTIM", folder.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap();
            while committed() < 20 {
                assert!(victim.try_wait().unwrap().is_none(), "the victim ended by itself");
                std::thread::sleep(Duration::from_millis(1));
            }
            victim.kill().unwrap();
            victim.wait().unwrap();

            let memory = Memory::open(&folder.path().join("memory.sqlite")).unwrap();
            let batches = committed();
            assert_eq!(known(&memory, batches * 16), batches * 16);
            assert_eq!(memory.stats().unwrap().answers % 16, 0, "no batch is there by halves");
        }
    }

    #[test]
    fn several_handles_may_open_read_and_write_one_new_file_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        std::thread::scope(|scope| {
            for worker in 0..6 {
                let path = &path;
                scope.spawn(move || {
                    let mut memory = Memory::open(path).unwrap();
                    for n in 0..20 {
                        let n = worker * 20 + n;
                        memory.put_many(&numbered(n..n + 1)).unwrap();
                        assert!(memory.get_many(&[key(n)]).unwrap()[0].is_some());
                    }
                });
            }
        });
        assert_eq!(known(&Memory::open(&path).unwrap(), 120), 120);
    }

    #[test]
    fn a_full_disk_fails_the_batch_and_keeps_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        let mut memory = Memory::open(&path).unwrap();
        memory.put_many(&numbered(0..10)).unwrap();
        let pages: i64 = memory.connection.query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
        memory.connection.pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(())).unwrap();
        let error = memory.put_many(&numbered(10..1000)).unwrap_err();
        assert!(matches!(error, MemoryError::Full { .. }), "{error}");
        assert_eq!(known(&memory, 1000), 10);

        memory.connection.pragma_update_and_check(None, "max_page_count", 100_000, |_| Ok(())).unwrap();
        memory.put_many(&numbered(10..1000)).unwrap();
        assert_eq!(known(&Memory::open(&path).unwrap(), 1000), 1000);
    }

    #[test]
    fn a_file_that_is_something_else_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        let other_database = {
            let other = folder.path().join("other.sqlite");
            let connection = Connection::open(&other).unwrap();
            connection.execute_batch("CREATE TABLE contacts (name TEXT)").unwrap();
            drop(connection);
            fs::read(other).unwrap()
        };
        for bytes in [b"note".to_vec(), "تقرير ".repeat(2000).into_bytes(), vec![0; 8192], other_database]
        {
            fs::write(&path, &bytes).unwrap();
            let error = Memory::open(&path).unwrap_err();
            assert!(matches!(error, MemoryError::NotAMemory { .. }), "{error}");
            assert!(error.to_string().contains("\nhint: "), "{error}");
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn a_damaged_file_is_named_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        Memory::open(&path).unwrap().put_many(&numbered(0..2000)).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        assert!(bytes.len() > 100_000);
        bytes[4096..].fill(0x5A);
        fs::write(&path, bytes).unwrap();
        let error = Memory::open(&path).and_then(|m| m.get_many(&[key(0)])).unwrap_err();
        assert!(matches!(error, MemoryError::Corrupt { .. }), "{error}");
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        let memory = Memory::open(&path).unwrap();
        memory.connection.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
        drop(memory);
        let error = Memory::open(&path).unwrap_err();
        assert!(matches!(error, MemoryError::NewerSchema { found, .. } if found == SCHEMA_VERSION + 1));
    }

    #[test]
    fn a_file_of_the_first_version_is_taken_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.sqlite");
        Memory::open(&path).unwrap().put_many(&[(key(0), entry("kept"))]).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("ALTER TABLE piece DROP COLUMN coverage; PRAGMA user_version = 1").unwrap();
        drop(connection);
        let mut memory = Memory::open(&path).unwrap();
        memory.put_many(&[(key(1), entry("new"))]).unwrap();
        let mut kept = entry("kept");
        kept.pieces[0].coverage.clear();
        assert_eq!(memory.get_many(&[key(0), key(1)]).unwrap(), [Some(kept), Some(entry("new"))]);
    }

    #[test]
    fn a_place_where_no_file_can_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_path_buf(), folder.path().join("no/such/folder.sqlite"), PathBuf::new()]
        {
            let error = Memory::open(&path).unwrap_err();
            assert!(matches!(error, MemoryError::Open { .. }), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mut memory = Memory::open(&folder.path().join("memory.sqlite")).unwrap();
        memory.put_many(&numbered(0..1)).unwrap();
        let mut files = 0;
        for file in fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
            files += 1;
        }
        assert_eq!(files, 3, "the file, its log and the log's index");
    }
}
