//! What earlier runs into the same output folder have met, so that this one can tell what is new.
//!
//! Every version of a document has the time of the run that met it first, and `run.json` carries these times on from run to
//! run, those of documents that are gone included. New is what came last: a run that meets nothing new, because it only
//! takes in corrections, leaves the marks as they are. A run that goes on where another was stopped gives the times that
//! the other gave, so that both together leave what one undisturbed run would have left.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::run::{DocumentRecord, FirstSeen, Since};

/// What the record of the run before says of its documents.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The latest version of each document that was ever met, by id.
    documents: BTreeMap<String, FirstSeen>,
    /// The time that a stopped run gave to what it met, which this run goes on with.
    goes_on: Option<String>,
    /// See [`RunRecord::tables`](crate::run::RunRecord).
    pub tables: BTreeMap<String, String>,
}

/// The parts of `run.json` that matter here; those that an earlier version does not know may be missing.
#[derive(Deserialize)]
struct EarlierRun {
    started: String,
    #[serde(default)]
    interrupted: bool,
    #[serde(default)]
    arrivals: String,
    documents: Vec<EarlierDocument>,
    #[serde(default)]
    earlier: Vec<FirstSeen>,
    #[serde(default)]
    tables: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct EarlierDocument {
    id: String,
    digest: String,
    #[serde(default)]
    first_seen: Option<String>,
    #[serde(default)]
    changed: bool,
}

/// What is new in a run.
pub(super) struct News {
    /// See [`RunRecord::arrivals`](crate::run::RunRecord).
    pub arrivals: String,
    /// See [`RunRecord::new_from`](crate::run::RunRecord).
    pub new_from: Option<String>,
    /// See [`RunRecord::earlier`](crate::run::RunRecord).
    pub earlier: Vec<FirstSeen>,
}

impl History {
    /// From the bytes of an earlier `run.json`.
    ///
    /// # Errors
    /// One line that says why it cannot be read.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let run: EarlierRun = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let of_document = |document: EarlierDocument| FirstSeen {
            first_seen: document.first_seen.unwrap_or_else(|| run.started.clone()),
            id: document.id,
            digest: document.digest,
            changed: document.changed,
        };
        // What was not read had no version.
        let met = run.documents.into_iter().map(of_document).filter(|seen| !seen.digest.is_empty());
        let documents = run.earlier.into_iter().chain(met).map(|seen| (seen.id.clone(), seen)).collect();
        let goes_on = (run.interrupted && !run.arrivals.is_empty()).then_some(run.arrivals);
        Ok(History { documents, goes_on, tables: run.tables })
    }

    /// Gives each document that was read the time when it was first met, and says what is new.
    pub fn enter(mut self, documents: &mut [DocumentRecord], started: SystemTime, since: &Since) -> News {
        let arrivals = self.goes_on.take().unwrap_or_else(|| self.later(started));
        let of_digest: BTreeMap<String, String> =
            self.documents.values().map(|seen| (seen.digest.clone(), seen.first_seen.clone())).collect();
        for document in documents.iter_mut().filter(|document| !document.digest.is_empty()) {
            let (first_seen, changed) = match self.documents.remove(&document.id) {
                Some(seen) if seen.digest == document.digest => (seen.first_seen, seen.changed),
                Some(_) => (arrivals.clone(), true),
                // A file that was moved or copied is not new.
                None => (of_digest.get(&document.digest).unwrap_or(&arrivals).clone(), false),
            };
            document.first_seen = Some(first_seen);
            document.changed = changed;
        }
        let earlier: Vec<FirstSeen> = self.documents.into_values().collect();
        let times = || {
            let of_documents = documents.iter().filter_map(|document| document.first_seen.as_ref());
            of_documents.chain(earlier.iter().map(|seen| &seen.first_seen))
        };
        let new_from = match since {
            Since::Time(time) => Some(time.clone()),
            // Where all came at once there was no run before them.
            Since::Last => times().max().filter(|last| times().any(|time| time < *last)).cloned(),
        };
        News { arrivals, new_from, earlier }
    }

    /// `started`, or, where the clock or a quick second run would have it otherwise, a second after all earlier times.
    fn later(&self, started: SystemTime) -> String {
        let latest = self.documents.values().map(|seen| &seen.first_seen).max();
        let after = latest
            .and_then(|latest| humantime::parse_rfc3339(latest).ok())
            .and_then(|latest| latest.checked_add(Duration::from_secs(1)));
        humantime::format_rfc3339_seconds(after.map_or(started, |after| after.max(started))).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Outcome;

    /// Runs one after the other into one folder; each has a second of its start, the documents that it reads with their
    /// digests, and whether it is stopped after them.
    #[derive(Default)]
    struct Folder {
        json: Option<String>,
    }

    impl Folder {
        /// Which documents are new (`+`) or changed (`*`).
        fn run(
            &mut self,
            second: u64,
            documents: &[(&str, &str)],
            interrupted: bool,
            since: &Since,
        ) -> String {
            let history =
                self.json.as_ref().map(|j| History::read(j.as_bytes()).unwrap()).unwrap_or_default();
            let mut records: Vec<DocumentRecord> = documents
                .iter()
                .map(|(id, digest)| DocumentRecord {
                    digest: (*digest).into(),
                    ..super::super::record((*id).into(), 0, Outcome::Done)
                })
                .collect();
            let started = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            let news = history.enter(&mut records, started, since);
            self.json = Some(
                serde_json::json!({
                    "started": humantime::format_rfc3339_seconds(started).to_string(),
                    "interrupted": interrupted,
                    "arrivals": news.arrivals,
                    "documents": records,
                    "earlier": news.earlier,
                })
                .to_string(),
            );
            let mark = |record: &DocumentRecord| {
                let mark = match record.is_new(news.new_from.as_deref()) {
                    true if record.changed => "*",
                    true => "+",
                    false => return None,
                };
                Some(format!("{mark}{}", record.id))
            };
            records.iter().filter_map(mark).collect::<Vec<_>>().join(" ")
        }
    }

    #[test]
    fn what_came_last_is_new_until_something_else_comes() {
        let mut folder = Folder::default();
        for (second, documents, news) in [
            (0, vec![("a", "1"), ("b", "2")], ""),
            (9, vec![("a", "1"), ("b", "2")], ""),
            // In the same second, and with a clock that was set back.
            (9, vec![("a", "1"), ("b", "3"), ("c", "4")], "*b +c"),
            (5, vec![("a", "1"), ("b", "3"), ("c", "4")], "*b +c"),
            (5, vec![("a", "1"), ("b", "3"), ("c", "4"), ("d", "5")], "+d"),
            // Unreadable for once, moved, copied, gone and back again.
            (20, vec![("a", ""), ("b", "3"), ("c", "4"), ("d", "5")], "+d"),
            (21, vec![("a", "1"), ("b", "3"), ("c2", "4"), ("c3", "4"), ("d", "5")], "+d"),
            (22, vec![("a", "1")], ""),
            (23, vec![("a", "1"), ("b", "3"), ("d", "5")], "+d"),
            (24, vec![("a", "1"), ("b", "2"), ("d", "5")], "*b"),
        ] {
            assert_eq!(folder.run(second, &documents, false, &Since::Last), news, "{second}: {documents:?}");
        }
    }

    #[test]
    fn a_stopped_run_and_the_one_that_goes_on_are_as_one() {
        let first = [("a", "1"), ("b", "2")];
        let all = [("a", "1"), ("b", "3"), ("c", "4"), ("d", "5")];
        let mut folder = Folder::default();
        folder.run(0, &first[..1], true, &Since::Last);
        assert_eq!(folder.run(10, &first, false, &Since::Last), "", "the first run, stopped once");
        for reached in 0..=all.len() {
            let mut folder = Folder { json: folder.json.clone() };
            let mut stopped = all;
            stopped[reached..].iter_mut().for_each(|document| document.1 = "");
            folder.run(20, &stopped, true, &Since::Last);
            folder.run(30, &stopped, true, &Since::Last);
            assert_eq!(folder.run(40, &all, false, &Since::Last), "*b +c +d", "stopped after {reached}");
        }
    }

    #[test]
    fn a_time_may_be_given() {
        let mut folder = Folder::default();
        let since = |time: &str| Since::Time(time.into());
        let (early, late) = (since("1970-01-01T00:00:00Z"), since("1970-01-01T00:01:00Z"));
        assert_eq!(folder.run(0, &[("a", "1")], false, &early), "+a");
        assert_eq!(folder.run(60, &[("a", "1"), ("b", "2")], false, &late), "+b");
        assert_eq!(folder.run(90, &[("a", "1"), ("b", "2"), ("c", "3")], false, &late), "+b +c");
    }

    #[test]
    fn records_of_earlier_versions_have_no_times() {
        let json = r#"{"started":"2026-01-01T00:00:00Z","documents":[{"id":"a","digest":"1"}]}"#;
        let mut folder = Folder { json: Some(json.into()) };
        assert_eq!(folder.run(0, &[("a", "1"), ("b", "2")], false, &Since::Last), "+b");
        assert!(History::read(b"{").is_err());
    }
}
