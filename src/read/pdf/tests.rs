//! Whole PDFs, made here, through the reader.

use std::fmt::Write as _;

use lopdf::{EncryptionState, EncryptionVersion, Permissions};

use super::super::{ReadError, ReadOptions, read};
use crate::document::{BlockKind, Document};

/// Each glyph is half an em wide, and its code is its character's.
const FONT: &str = "<< /Type /Font /Subtype /Type0 /BaseFont /Test /Encoding /Identity-H /ToUnicode 4 0 R \
    /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Test /DW 500 \
    /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>] >>";
const MAP: &str = "1 begincodespacerange <0000> <FFFF> endcodespacerange 3 beginbfrange <0020> <00FF> <0020> \
    <0600> <06FF> <0600> <FB50> <FEFF> <FB50> endbfrange";
/// A map in which letters are other letters.
const WRONG_MAP: &str = "1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange <0020> <06FF> <0023> \
    endbfrange";

/// A file of pages with these contents.
fn file(pages: &[String], map: &str) -> Vec<u8> {
    let stream = |text: &str| format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len());
    let kids: String = (0..pages.len()).map(|n| format!("{} 0 R ", 5 + 2 * n)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        format!(
            "<< /Type /Pages /Count {} /Kids [{kids}] /MediaBox [0 0 600 800] /Resources << /Font << /F1 3 0 R >> >> >>",
            pages.len()
        ),
        FONT.to_string(),
        stream(map),
    ];
    for (n, page) in pages.iter().enumerate() {
        objects.push(format!("<< /Type /Page /Parent 2 0 R /Contents {} 0 R >>", 6 + 2 * n));
        objects.push(stream(page));
    }
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (n, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", bytes.len());
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", n + 1).bytes());
    }
    let start = bytes.len();
    let id = "<00112233445566778899AABBCCDDEEFF>";
    let _ = write!(
        table,
        "trailer\n<< /Size {} /Root 1 0 R /ID [{id} {id}] >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    bytes.extend(table.bytes());
    bytes
}

/// Text as it stands on the screen, from `x` to the right.
fn show(text: &str, x: f32, y: f32, size: f32) -> String {
    let codes: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
    format!("BT /F1 {size} Tf 1 0 0 1 {x} {y} Tm <{codes}> Tj ET\n")
}

/// Arabic as the screen has it, with its right end at `right`.
fn arabic(text: &str, right: f32, y: f32, size: f32) -> String {
    let turned: String = text.chars().rev().collect();
    show(&turned, right - text.chars().count() as f32 * size / 2.0, y, size)
}

/// The same, glyph by glyph in the order of reading.
fn arabic_in_reading_order(text: &str, right: f32, y: f32, size: f32) -> String {
    let mut letters = 0;
    let glyph = |c: char| {
        letters += usize::from(!super::letters::is_mark(c));
        show(&c.to_string(), right - letters as f32 * size / 2.0, y, size)
    };
    text.chars().map(glyph).collect()
}

fn document(pages: &[String]) -> Document {
    read("a.pdf", &file(pages, MAP), ReadOptions::default()).unwrap()
}

fn blocks(document: &Document) -> Vec<(BlockKind, &str)> {
    document.blocks.iter().map(|b| (b.kind, b.span.of(&document.text))).collect()
}

const LINE: &str = "وصلت الحافلة إلى المدينة في المساء.";

#[test]
fn the_order_in_the_file_makes_no_difference() {
    let forms: String = LINE.replace('ا', "\u{FE8D}").replace('ل', "\u{FEDF}").replace('م', "\u{FEE3}");
    for page in [
        arabic(LINE, 500.0, 700.0, 10.0),
        arabic_in_reading_order(LINE, 500.0, 700.0, 10.0),
        arabic(&forms, 500.0, 700.0, 10.0),
        arabic_in_reading_order(&forms, 500.0, 700.0, 10.0),
    ] {
        assert_eq!(blocks(&document(&[page])), [(BlockKind::Paragraph, LINE)]);
    }
}

#[test]
fn ligatures_marks_and_tatweel() {
    for (drawn, text) in
        [("\u{FEFB} ب\u{64E}اب", "لا ب\u{64E}اب"), ("ســــلام", "سلام"), ("\u{FDF2} كريم", "الله كريم")]
    {
        let document = document(&[arabic_in_reading_order(drawn, 500.0, 700.0, 10.0)]);
        assert_eq!(document.text.trim(), text);
    }
}

#[test]
fn numbers_and_latin_stay_from_left_to_right() {
    // As a screen shows "بلغ العدد 1,250 (COVID-19) في 12/3/2019."
    let turned = |word: &str| word.chars().rev().collect::<String>();
    let line = format!(".12/3/2019 {} (COVID-19) 1,250 {} {}", turned("في"), turned("العدد"), turned("بلغ"));
    let document = document(&[show(&line, 100.0, 700.0, 10.0)]);
    assert_eq!(document.text.trim(), "بلغ العدد 1,250 (COVID-19) في 12/3/2019.");
}

/// Lines of a column, their right ends at `right`.
fn column(name: &str, right: f32) -> String {
    let line = |n: usize| {
        let text = format!("{name} كلمات السطر التي تملأ العمود ");
        arabic(text.trim(), right, 700.0 - 14.0 * n as f32, 10.0)
    };
    (0..6).map(line).collect()
}

#[test]
fn the_right_column_comes_first() {
    let document = document(&[column("يسار", 250.0) + &column("يمين", 500.0)]);
    let (right, left) = (document.text.rfind("يمين").unwrap(), document.text.find("يسار").unwrap());
    assert!(right < left, "{}", document.text);
}

#[test]
fn heads_and_page_numbers_are_left_out_and_named() {
    let topics = ["الأمن", "الصحة", "التعليم", "المياه"];
    let page = |n: usize| {
        let body: String = (0..5)
            .map(|at| {
                arabic(
                    &format!("سطر {} عن {} وغيره.", at + 1, topics[n]),
                    500.0,
                    700.0 - 14.0 * at as f32,
                    10.0,
                )
            })
            .collect();
        arabic("تقرير سري", 500.0, 780.0, 8.0) + &body + &show(&(n + 1).to_string(), 300.0, 20.0, 8.0)
    };
    let document = document(&(0..4).map(page).collect::<Vec<_>>());
    assert!(!document.text.contains("سري") && document.text.contains("المياه"), "{}", document.text);
    assert_eq!(document.notes, ["page numbers and running heads were left out: “تقرير سري”"]);
}

#[test]
fn what_differs_from_page_to_page_is_no_head() {
    let days = [("12/3/2013", "7"), ("13/3/2013", "12"), ("14/3/2013", "3"), ("15/3/2013", "25")];
    let page = |n: usize| {
        let (date, killed) = days[n];
        let labelled = |label: &str, value: &str, y: f32| {
            let left = 500.0 - 5.0 * label.chars().count() as f32;
            arabic(label, 500.0, y, 10.0) + &show(value, left - 5.0 * (value.len() + 1) as f32, y, 10.0)
        };
        let line =
            |at: usize| format!("سطر {} عن {} وغيره.", at + 1, ["الأمن", "الصحة", "التعليم", "المياه"][n]);
        let body: String =
            (0..10).map(|at| arabic(&line(at), 500.0, 700.0 - 14.0 * at as f32, 10.0)).collect();
        labelled("صفحة", &(n + 1).to_string(), 790.0)
            + &labelled("التاريخ:", date, 770.0)
            + &labelled("عدد القتلى:", killed, 750.0)
            + &body
    };
    let document = document(&(0..4).map(page).collect::<Vec<_>>());
    for (date, killed) in days {
        assert!(document.text.contains(&format!("التاريخ: {date}")), "{}", document.text);
        assert!(document.text.contains(&format!("عدد القتلى: {killed}")), "{}", document.text);
    }
    assert_eq!(document.notes, ["running heads were left out: “صفحة 1” to “صفحة 4”"]);
}

#[test]
fn paragraphs_go_on_over_pages() {
    let full = "قالت الوزارة إن عدد المصابين بلغ مئات في المدينة ثم أضافت أن";
    let pages = [arabic(full, 500.0, 60.0, 10.0), arabic("العدد يزيد.", 500.0, 700.0, 10.0)];
    assert_eq!(blocks(&document(&pages)), [(BlockKind::Paragraph, format!("{full} العدد يزيد.").as_str())]);
}

#[test]
fn pages_without_text_are_reported() {
    let scan = "0 0 100 100 re f\n".to_string();
    let document = document(&[arabic(LINE, 500.0, 700.0, 10.0), scan.clone(), scan.clone()]);
    assert_eq!(document.notes, ["pages 2 and 3 have no text layer and were not read"]);
    let error = read("a.pdf", &file(&[scan], MAP), ReadOptions::default()).unwrap_err();
    assert!(matches!(error, ReadError::NoTextLayer { pages: 1, .. }), "{error}");
    assert!(error.hint().contains("ocrmypdf"));
    let blank = read("a.pdf", &file(&[String::new()], MAP), ReadOptions::default()).unwrap_err();
    assert!(blank.is_nothing_to_translate(), "{blank}");
}

#[test]
fn a_wrong_map_is_refused() {
    let lines: String = (0..8).map(|n| arabic(LINE, 500.0, 700.0 - 14.0 * n as f32, 10.0)).collect();
    let error =
        read("a.pdf", &file(std::slice::from_ref(&lines), WRONG_MAP), ReadOptions::default()).unwrap_err();
    assert!(matches!(error, ReadError::UnreadablePdf { .. }), "{error}");
    // Without any map the codes of a composite font say nothing.
    let error = read("a.pdf", &file(&[lines], ""), ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("do not say which letters"), "{error}");
}

#[test]
fn a_line_is_judged_as_it_is_written() {
    let habibi = include_bytes!("../../../tests/data/pdf/habibi.pdf");
    let error = read("habibi.pdf", habibi, ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("in the middle of Arabic words"), "{error}");
}

#[test]
fn a_file_whose_arabic_is_refused_is_not_read_for_the_rest() {
    let mixed = LINE.replace('ا', "A");
    let mixed: String = (0..8).map(|n| arabic(&mixed, 500.0, 700.0 - 14.0 * n as f32, 10.0)).collect();
    let english = show("This is the title page", 60.0, 700.0, 10.0);
    let error = read("a.pdf", &file(&[english.clone(), mixed], MAP), ReadOptions::default()).unwrap_err();
    assert!(matches!(error, ReadError::UnreadablePdf { .. }), "{error}");
    assert!(document(&[english]).text.contains("title page"));
}

#[test]
fn encrypted_files_open_with_an_empty_password_only() {
    let plain = file(&[arabic(LINE, 500.0, 700.0, 10.0)], MAP);
    for (password, opens) in [("", true), ("secret", false)] {
        let mut pdf = lopdf::Document::load_mem(&plain).unwrap();
        let version = EncryptionVersion::V2 {
            document: &pdf,
            owner_password: "owner",
            user_password: password,
            key_length: 128,
            permissions: Permissions::all(),
        };
        let state = EncryptionState::try_from(version).unwrap();
        pdf.encrypt(&state).unwrap();
        let mut bytes = Vec::new();
        pdf.save_to(&mut bytes).unwrap();
        match read("a.pdf", &bytes, ReadOptions::default()) {
            Ok(document) => assert!(opens && document.text.trim() == LINE, "{}", document.text),
            Err(error) => assert!(!opens && matches!(error, ReadError::Encrypted { .. }), "{error}"),
        }
    }
}

#[test]
fn a_page_may_be_turned() {
    let bytes = file(&[arabic(LINE, 500.0, 700.0, 10.0)], MAP);
    let upright = String::from_utf8(bytes).unwrap();
    for degrees in [90, 180, 270] {
        // The text is drawn turned the other way, so that it is upright on the turned page.
        let (sin, cos) = f64::from(degrees).to_radians().sin_cos();
        let matrix = format!("{cos:.0} {sin:.0} {:.0} {cos:.0} 300 400 cm", -sin);
        let drawn = upright.replace("BT /F1", &format!("{matrix} BT /F1")).replace("1 0 0 1 ", "1 0 0 1 -");
        let turned = drawn.replace("/MediaBox", &format!("/Rotate {degrees} /MediaBox"));
        let document = read("a.pdf", turned.as_bytes(), ReadOptions::default()).unwrap();
        assert_eq!(document.text.trim(), LINE, "{degrees}");
    }
}

#[test]
fn a_pdf_is_known_by_its_content() {
    let bytes = file(&[arabic(LINE, 500.0, 700.0, 10.0)], MAP);
    let mailed = [b"Content-Type: x\r\n\r\n".to_vec(), bytes].concat();
    for id in ["report.txt", "stdin", "a.PDF"] {
        assert_eq!(read(id, &mailed, ReadOptions::default()).map(|d| d.format).unwrap(), "pdf", "{id}");
    }
    assert_eq!(read("a.pdf", "نص بلا شيء آخر".as_bytes(), ReadOptions::default()).unwrap().format, "txt");
}

/// Cut, changed and shuffled files end in a document or an error, and in nothing else.
#[test]
fn damage_never_panics() {
    let pages: Vec<String> =
        (0..3).map(|_| arabic(LINE, 500.0, 700.0, 10.0) + &column("يمين", 500.0)).collect();
    let whole = file(&pages, MAP);
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut read_some = 0;
    for round in 0..300 {
        let mut bytes = whole.clone();
        match round % 3 {
            0 => bytes.truncate(9 + random(whole.len() - 9)),
            1 => (0..20).for_each(|_| bytes[9 + random(whole.len() - 9)] = random(256) as u8),
            _ => (0..60).for_each(|_| {
                let at = 9 + random(whole.len() - 9);
                bytes[at] = b"<>[]()/0129- R"[random(14)];
            }),
        }
        read_some += usize::from(read("a.pdf", &bytes, ReadOptions::default()).is_ok());
    }
    assert!(read_some > 50, "{read_some}");
}
