//! Tables that people open in a spreadsheet: comma-separated, UTF-8 with a byte-order mark, which is how Excel knows it.
//!
//! A cell that begins like a formula would be computed when the file is opened, and its text comes from strangers'
//! documents. So such cells get an apostrophe in front, which reading takes off again.

use std::io;

const MARK: &str = "\u{feff}";

/// Beginnings of what a spreadsheet computes.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A table with a line of column names.
pub fn write<'a, R>(columns: &[&str], rows: impl Iterator<Item = R>) -> io::Result<Vec<u8>>
where
    R: Iterator<Item = &'a str>,
{
    let mut out = csv::Writer::from_writer(MARK.as_bytes().to_vec());
    out.write_record(columns)?;
    for row in rows {
        out.write_record(row.map(harmless))?;
    }
    out.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Whether a spreadsheet would compute a cell with this text.
pub fn is_formula(cell: &str) -> bool {
    cell.starts_with(FORMULA)
}

fn harmless(cell: &str) -> String {
    // What begins with apostrophes of its own must keep them.
    let needs_one = is_formula(cell.trim_start_matches('\''));
    if needs_one { format!("'{cell}") } else { cell.to_owned() }
}

fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.trim_start_matches('\'').starts_with(FORMULA)).unwrap_or(cell)
}

/// A table that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    /// Reads a table with a line of column names, separated by commas, semicolons or tabs, whichever that line has most of.
    ///
    /// # Errors
    /// One line that says what is wrong and where.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|e| {
            format!("not UTF-8 at byte {}: save it as “CSV UTF-8” in the spreadsheet", e.valid_up_to())
        })?;
        let text = text.strip_prefix(MARK).unwrap_or(text);
        let head = text.lines().next().unwrap_or_default();
        let separator = [b',', b';', b'\t'].into_iter().max_by_key(|s| {
            // Of equals the last would win, and the comma should.
            (head.bytes().filter(|b| b == s).count(), *s == b',')
        });
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator.unwrap_or(b','))
            .flexible(true)
            .from_reader(text.as_bytes());
        let columns: Vec<String> =
            reader.headers().map_err(|e| e.to_string())?.iter().map(|c| plain(c).to_owned()).collect();
        let rows = reader.records().map(|record| {
            record.map(|r| r.iter().map(|cell| plain(cell).to_owned()).collect()).map_err(|e| e.to_string())
        });
        Ok(Sheet { columns, rows: rows.collect::<Result<_, _>>()? })
    }

    /// The values of the first column that has one of `names`, one a row.
    pub fn column(&self, names: &[&str]) -> Option<impl Iterator<Item = &str>> {
        let at = self.position(names)?;
        Some(self.rows.iter().map(move |row| row.get(at).map_or("", String::as_str)))
    }

    /// Where that column stands in the rows.
    pub fn position(&self, names: &[&str]) -> Option<usize> {
        let is = |column: &String, name: &str| column.trim().to_lowercase() == name;
        names.iter().find_map(|name| self.columns.iter().position(|column| is(column, name)))
    }

    /// The line of column names, which in a table without them is a row like the others.
    pub fn header(&self) -> &[String] {
        &self.columns
    }

    /// The other rows.
    pub fn rows(&self) -> impl Iterator<Item = &[String]> {
        self.rows.iter().map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let cells = [
            "",
            "a,b",
            "say \"so\"",
            "two\nlines",
            "=1+1",
            "'=1+1",
            "''=1+1",
            "- a dash",
            "'tis",
            "عربي",
            "''",
        ];
        let bytes = write(&["one"], cells.iter().map(|cell| [*cell].into_iter())).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(
            text.starts_with("\u{feff}one\n") && !text.contains("\n=") && !text.contains("\n- "),
            "{text}"
        );
        let sheet = Sheet::read(&bytes).unwrap();
        assert!(sheet.column(&["one"]).unwrap().eq(cells), "{sheet:?}");
    }

    #[test]
    fn spreadsheets_of_other_countries_are_read() {
        for text in [
            "Arabic;Correction\nنعم;yes, indeed\n",
            "\u{feff}Arabic\tCorrection\nنعم\tyes, indeed\n",
            "Arabic,Correction\nنعم,\"yes, indeed\"\n",
        ] {
            let sheet = Sheet::read(text.as_bytes()).unwrap();
            assert_eq!(sheet.column(&["target", "correction"]).unwrap().collect::<Vec<_>>(), ["yes, indeed"]);
            assert!(sheet.column(&["note"]).is_none());
        }
        assert!(Sheet::read(b"a,b\n\xe4,\xe5\n").unwrap_err().contains("CSV UTF-8"));
        assert!(Sheet::read(b"").unwrap().column(&["arabic"]).is_none());
    }
}
