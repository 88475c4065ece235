//! The digest of a folder: what each report says, in a stable order.

use crate::brief::Point;
use crate::run::DocumentRecord;

/// Points shown a report.
const POINTS: usize = 3;

/// One report of the digest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DigestEntry<'r> {
    /// The report with its outcome and counts.
    pub record: &'r DocumentRecord,
    /// The brief's headline, else the title, else the id.
    pub headline: &'r str,
    /// The first points of its brief.
    pub points: &'r [Point],
}

/// Entries for all documents, sorted by id; those without a brief have no points.
pub fn digest(documents: &[DocumentRecord]) -> Vec<DigestEntry<'_>> {
    let mut entries: Vec<DigestEntry> = documents.iter().map(entry).collect();
    entries.sort_by(|a, b| a.record.id.cmp(&b.record.id));
    entries
}

fn entry(record: &DocumentRecord) -> DigestEntry<'_> {
    let brief = record.brief.as_ref();
    let names = [brief.map_or("", |b| b.headline.text.as_str()), record.title.as_str(), record.id.as_str()];
    let headline = names.into_iter().find(|name| !name.trim().is_empty()).unwrap_or_default();
    let points = brief.map_or(&[][..], |b| &b.points[..b.points.len().min(POINTS)]);
    DigestEntry { record, headline, points }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::document;
    use super::super::{ExtractiveOptions, extractive};
    use super::*;
    use crate::run::Outcome;
    use crate::unit::Ledger;

    fn record(id: &str, title: &str) -> DocumentRecord {
        DocumentRecord {
            id: id.into(),
            digest: String::new(),
            bytes: 0,
            outcome: Outcome::Done,
            encoding: None,
            ledger: Ledger::default(),
            title: title.into(),
            brief: None,
            outputs: Vec::new(),
        }
    }

    #[test]
    fn entries_are_sorted_and_always_named() {
        let mut with_brief = record("b.txt", "Title");
        with_brief.brief = Some(extractive(&document(), &ExtractiveOptions::default()));
        let records = [with_brief, record("c.txt", ""), record("a.txt", "Only a title")];
        let entries = digest(&records);
        let ids: Vec<_> = entries.iter().map(|e| e.record.id.as_str()).collect();
        assert_eq!(ids, ["a.txt", "b.txt", "c.txt"]);
        assert_eq!([entries[0].headline, entries[2].headline], ["Only a title", "c.txt"]);
        assert_eq!(entries[1].points.len(), POINTS);
        assert!(entries[0].points.is_empty());
    }
}
