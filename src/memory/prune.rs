//! What can go from a memory that only ever grows: answers of no use for long, and those of other models.

use std::time::SystemTime;

use rusqlite::TransactionBehavior;

use super::{ADOPT, Memory, MemoryError, ModelTag};
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
pub struct Day(pub(super) i64);

impl Day {
    /// The day of a time.
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Day((since.as_secs() / (24 * 60 * 60)) as i64)
    }
}

impl Memory {
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
}
