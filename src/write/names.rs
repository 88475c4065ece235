//! `names.csv`: how names were spelt, with a column that says how they should be.

use std::io;

use crate::names::NameRow;
use crate::sheet;

/// Its name in the output folder.
pub const NAMES: &str = "names.csv";

/// Columns; `--names` finds `english` and `arabic` by these names.
const COLUMNS: [&str; 5] = ["english", "arabic", "times", "spellings", "documents"];

/// The file of all rows of a run.
pub fn names_table(rows: &[NameRow]) -> io::Result<Vec<u8>> {
    let cells = rows.iter().map(|row| {
        let spellings: Vec<String> =
            row.spellings.iter().map(|(spelling, times)| format!("{spelling} ({times})")).collect();
        [
            row.english.clone(),
            row.arabic.clone(),
            row.times.to_string(),
            spellings.join(", "),
            row.documents.to_string(),
        ]
    });
    let cells: Vec<[String; 5]> = cells.collect();
    sheet::write(&COLUMNS, cells.iter().map(|row| row.iter().map(String::as_str)))
}
