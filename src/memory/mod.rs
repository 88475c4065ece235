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

mod error;
mod file;
mod prune;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Row, Transaction, TransactionBehavior, params,
};
use sha2::{Digest, Sha256};

use crate::inference::Hypothesis;

use file::{create_private, is_cut};

pub use error::MemoryError;
pub use prune::{Day, Prune};

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

/// Corrections that were taken back, so that a table which lists one still does not bring it back. Made like those.
const WITHDRAWN: &str = "
    CREATE TABLE IF NOT EXISTS withdrawn (
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        PRIMARY KEY (source, target)
    ) STRICT, WITHOUT ROWID;";

/// Where runs that translate anew have begun that have not come to their end: they go on from there. Made like those.
const ANEW: &str = "
    CREATE TABLE IF NOT EXISTS anew (
        run   BLOB    PRIMARY KEY,
        floor INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;";

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
    /// [`DecodeOptions::fingerprint`](crate::inference::DecodeOptions::fingerprint) with all else that decides an answer,
    /// and `segmenter_version` names the rules that normalise and split.
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

    /// From now on entries made before this call are not found, and new ones overwrite them: `--fresh`. Where the same `run`
    /// (all that tells it from others) has called it and not [ended](Memory::end), those made before that call: true.
    ///
    /// # Errors
    /// As [`Memory::put_many`].
    pub fn forget_earlier(&mut self, run: &str) -> Result<bool, MemoryError> {
        let forget = |connection: &mut Connection| -> rusqlite::Result<(i64, bool)> {
            let run = Sha256::digest(run);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let begins = transaction.execute(
                "INSERT OR IGNORE INTO anew (run, floor) SELECT ?1, coalesce(max(seq), 0) FROM piece",
                [&run[..]],
            )?;
            let floor =
                transaction
                    .query_row("SELECT floor FROM anew WHERE run = ?1", [&run[..]], |row| row.get(0))?;
            transaction.commit()?;
            Ok((floor, begins == 0))
        };
        let (floor, goes_on) = forget(&mut self.connection).map_err(|e| self.error(e))?;
        self.floor = floor;
        Ok(goes_on)
    }

    /// Says that `run` came to its end, so that it begins anew the next time that it is to forget what was earlier.
    ///
    /// # Errors
    /// As [`Memory::put_many`].
    pub fn end(&mut self, run: &str) -> Result<(), MemoryError> {
        let end = |connection: &Connection| -> rusqlite::Result<()> {
            let run = Sha256::digest(run);
            // Asked first: a run that has nothing to write need not wait for one that writes.
            if connection.prepare("SELECT 1 FROM anew WHERE run = ?1")?.exists([&run[..]])? {
                connection.execute("DELETE FROM anew WHERE run = ?1", [&run[..]])?;
            }
            Ok(())
        };
        end(&self.connection).map_err(|e| self.error(e))
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

    /// Takes corrections in; the last one of a source counts, also where it was taken back before.
    ///
    /// # Errors
    /// As [`Memory::put_many`].
    pub fn correct(&mut self, corrections: &[Correction]) -> Result<(), MemoryError> {
        let store = |connection: &mut Connection| -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            {
                let mut insert = transaction
                    .prepare_cached("INSERT OR REPLACE INTO correction (source, target) VALUES (?1, ?2)")?;
                let mut again =
                    transaction.prepare_cached("DELETE FROM withdrawn WHERE source = ?1 AND target = ?2")?;
                for correction in corrections {
                    insert.execute(params![correction.source, correction.target])?;
                    again.execute(params![correction.source, correction.target])?;
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
                let mut note = transaction
                    .prepare_cached("INSERT OR IGNORE INTO withdrawn (source, target) VALUES (?1, ?2)")?;
                for correction in corrections {
                    let stood = delete.execute(params![correction.source, correction.target])?;
                    // Of what never stood here another table may know more.
                    if stood > 0 {
                        note.execute(params![correction.source, correction.target])?;
                    }
                    count += stood;
                }
            }
            transaction.commit()?;
            Ok(count)
        };
        delete(&mut self.connection).map_err(|e| self.error(e))
    }

    /// Whether the correction of `source` that says `target` was taken back, and not taken in again.
    ///
    /// # Errors
    /// As [`Memory::get_many`].
    pub fn is_withdrawn(&self, source: &str, target: &str) -> Result<bool, MemoryError> {
        let read = || -> rusqlite::Result<bool> {
            let mut select = self
                .connection
                .prepare_cached("SELECT 1 FROM withdrawn WHERE source = ?1 AND target = ?2")?;
            select.exists([source, target])
        };
        read().map_err(|e| self.error(e))
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
        self.connection.execute_batch(WITHDRAWN)?;
        self.connection.execute_batch(ANEW)?;
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

#[cfg(test)]
mod tests;
