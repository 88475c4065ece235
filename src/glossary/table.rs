//! Glossaries in files: tables (CSV, TSV) and TBX.

use std::path::Path;

use crate::lang;
use crate::sheet::Sheet;
use crate::xml;

use super::{Glossary, tbx};

/// Names of the columns, where the table names them.
const SOURCE: [&str; 5] = ["arabic", "ar", "source", "term", "عربي"];
const TARGET: [&str; 4] = ["english", "en", "target", "translation"];

/// Parts alternatives in a cell.
const OR: char = '|';

/// A glossary that was read, and how many of its entries say nothing.
#[derive(Debug)]
pub struct Read {
    /// The terms.
    pub glossary: Glossary,
    /// Rows without Arabic or without a translation.
    pub left_out: usize,
}

impl Glossary {
    /// Reads a glossary: TBX, or a table with a column of Arabic and one of English, named or not. `|` parts
    /// alternatives in a cell.
    ///
    /// # Errors
    /// One line that names the file, with a hint.
    pub fn read(path: &Path) -> Result<Read, String> {
        let name = path.display();
        let bytes = std::fs::read(path)
            .map_err(|e| format!("{name}: {e}\nhint: --glossary wants a CSV, TSV or TBX file"))?;
        let entries = if xml::is_xml(&bytes) { tbx::entries(&bytes) } else { entries(&bytes) };
        let entries = entries.map_err(|e| format!("{name}: {e}"))?;
        let pairs = entries.iter().flat_map(|(sources, targets)| {
            sources.split(OR).flat_map(move |source| targets.split(OR).map(move |target| (source, target)))
        });
        let (glossary, left_out) = Glossary::new(pairs);
        if glossary.is_empty() {
            return Err(format!("{name}: no terms in it\nhint: each row needs Arabic and its English"));
        }
        Ok(Read { glossary, left_out })
    }
}

fn entries(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let sheet = Sheet::read(bytes)?;
    let pair = |(source, target): (&str, &str)| (source.to_owned(), target.to_owned());
    if let (Some(source), Some(target)) = (sheet.column(&SOURCE), sheet.column(&TARGET)) {
        return Ok(source.zip(target).map(pair).collect());
    }
    // No names: the first row is a term.
    let first = sheet.header();
    let column = |is_source: bool| {
        let fits =
            |cell: &&String| lang::has_arabic(cell) == is_source && cell.chars().any(char::is_alphabetic);
        first.iter().position(|cell| fits(&cell))
    };
    let (Some(source), Some(target)) = (column(true), column(false)) else {
        return Err("no column of Arabic beside one of English\nhint: name them `arabic` and `english` in the first line".into());
    };
    let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
    let rows = std::iter::once(first).chain(sheet.rows());
    Ok(rows.map(|row| (cell(row, source), cell(row, target))).collect())
}
