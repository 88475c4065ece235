//! Tables and memories that people bring: corrections, glossaries, names, TMX.

use crate::glossary::Glossary;
use crate::names::Choices;
use crate::pipeline::Corrections;
use crate::sheet::{self, Sheet};
use crate::tmx as memory;

use super::{folder_with, is_told_in_one_line};

/// A sentence in which terms and names may be found, with a translation.
const ARABIC: &str = "قال محمد إن وَزارة الصحة في حلب وللأمم المتحدة 25 مركزاً (COVID-19) بالمدينة.";
const ENGLISH: &str = "Mohammed said that the Ministry of Health in Aleppo and the UN have 25 centres.";

/// A table is read or refused in one line, gives back what was written, and whatever it says of terms and names is found
/// in ranges of a text.
pub fn tables(bytes: &[u8]) {
    match Sheet::read(bytes) {
        Ok(sheet) => gives_back(&sheet),
        Err(error) => is_told_in_one_line(&error),
    }
    for read in [Choices::read, Choices::edited] {
        match read(bytes) {
            Ok(choices) => drop(choices.apply(ARABIC, ENGLISH)),
            Err(error) => is_told_in_one_line(&error),
        }
    }
    if let Err(error) = Corrections::read(bytes) {
        is_told_in_one_line(&error);
    }
    let (_folder, path) = folder_with("glossary", bytes);
    match Glossary::read(&path) {
        Ok(read) => {
            let mut end = 0;
            for found in read.glossary.find(ARABIC) {
                assert!(found.at.start >= end && ARABIC.get(found.at.clone()).is_some(), "{found:?}");
                assert!(found.term.is_in(found.term.preferred()), "{found:?}");
                end = found.at.end;
            }
            let _ = read.glossary.in_place(ARABIC, ENGLISH);
        }
        Err(error) => is_told_in_one_line(&error),
    }
}

fn gives_back(read: &Sheet) {
    let columns = ["a", "b"];
    let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
    let rows: Vec<[String; 2]> = read.rows().map(|row| [cell(row, 0), cell(row, 1)]).collect();
    let written = sheet::write(&columns, rows.iter().map(|row| row.iter().map(String::as_str))).unwrap();
    let again = Sheet::read(&written).unwrap();
    assert_eq!(again.header(), columns);
    assert!(again.rows().eq(rows.iter().map(|row| &row[..])), "{rows:?} became {again:?}");
}

/// Pairs that were read are the same when they are written and read again.
pub fn tmx(bytes: &[u8]) {
    match memory::read(bytes) {
        Ok(pairs) => {
            let again = |pairs: &[memory::Pair]| {
                let units = pairs.iter().map(|pair| memory::Unit::of(&pair.source, &pair.target));
                memory::read(&memory::write(&[], units)).unwrap()
            };
            let once = again(&pairs);
            let twice = again(&once);
            assert_eq!(once.len(), pairs.len());
            assert_eq!(twice, once);
        }
        Err(error) => is_told_in_one_line(&error),
    }
    if let Err(error) = Corrections::read(bytes) {
        is_told_in_one_line(&error);
    }
}
