//! Texts as they come: whatever stands in a file, the run ends, every sentence is accounted for, and none is lost.

use serde_json::Value;

use crate::place::{Draw, Place, document};

/// Pieces that have spoilt a parser somewhere.
const PIECES: &[&str] = &[
    "وصل الوفد إلى المدينة",
    "٢٥٪",
    "1.5",
    "د. أحمد",
    "؟",
    "!",
    "...",
    "…",
    "؛",
    "،",
    ".",
    "«اقتباس»",
    "(قوس",
    ")",
    "\"نص",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "\u{2028}",
    "\u{a0}",
    "\u{200f}",
    "\u{202b}",
    "\u{202c}",
    "\u{2067}",
    "\u{2069}",
    "\u{feff}",
    "\u{200d}",
    "ـــــ",
    "مُحَمَّدٌ",
    "ﻣﺤﻤﺪ",
    "ﷺ",
    "ﷲ",
    "👩‍🚒",
    "# ",
    "## ",
    "- ",
    "* ",
    "١. ",
    "1) ",
    "> ",
    "```\n",
    "| أ | ب |\n",
    "|---|---|\n",
    "***",
    "__",
    "[رابط](http://x.org/a_b)",
    "<b>",
    "&amp;",
    "<!--",
    "$x$",
    "\\",
    "http://x.org/?q=1&r=2",
    "WHO",
    "Ünïcödé",
    "中文",
    "حلقة",
    "فراغ",
    "e\u{301}",
    "\u{fffd}",
];

#[test]
fn awkward_texts_end_in_a_ledger_that_adds_up() {
    let place = Place::new();
    let mut draw = Draw(1966);
    let word = "كلمة طويلة ";
    let mut texts: Vec<String> = vec![
        "سطر\r\nثان\r\n\r\nثالث\r\n".into(),
        "بلا نهاية سطر".into(),
        "# عنوان\n## عنوان آخر\n### ثالث\n".into(),
        word.repeat(100_000 / word.len()),
        "ا".repeat(100_000),
        format!("{}.", "جملة قصيرة. ".repeat(2000)),
        "ﻭﺻﻞ ﺍﻟﻮﻓﺪ ﺇﻟﻰ ﺍﻟﻤﺪﻳﻨﺔ.".into(),
        "\u{202b}وصل الوفد\u{202c} إلى \u{2067}المدينة\u{2069}.".into(),
        "اسم\tعدد\tمدينة\nأحمد\t25\tحلب\n".into(),
        "\n\n\n\nنص\n\n\n\n".into(),
        "؟؟؟؟!!!!....\nنعم".into(),
        "[".repeat(3000) + "نص",
        "> ".repeat(500) + "نص",
        "- ".repeat(500) + "نص",
    ];
    for _ in 0..60 {
        texts.push((0..1 + draw.below(120)).map(|_| draw.pick(PIECES)).collect());
    }
    for (n, text) in texts.iter().enumerate() {
        place.write(&format!("in/{n}.{}", if n % 2 == 0 { "txt" } else { "md" }), text);
        place.write(&format!("other/{n}.{}", if n % 2 == 0 { "md" } else { "txt" }), text);
    }
    for folder in ["in", "other"] {
        let ran = place.tarjuman(&format!("run {folder} --out out-{folder} --model echo"));
        assert!(ran.code == 0 || ran.code == 1, "{}\n{}", ran.code, ran.stderr);
        ran.expect(ran.code);
        let record = place.record(&format!("out-{folder}"));
        let documents = record["documents"].as_array().unwrap();
        assert_eq!(documents.len(), texts.len());
        for found in documents.iter().filter(|d| d["outcome"] == "done") {
            check_document(&place, folder, found, &texts);
        }
        let failed: Vec<_> = documents.iter().filter(|d| d["outcome"] == "failed").collect();
        assert!(failed.is_empty(), "{failed:?}");
        assert!(document(&record, if folder == "in" { "3.md" } else { "3.txt" })["ledger"]["units"] != 0);
    }
}

/// The units are pieces of the text, in order, and what lies between them has no Arabic words. Of Markdown, whose marks are
/// not of the text and whose code and comments are kept as they are, the units' letters are those of the file, in order.
fn check_document(place: &Place, folder: &str, found: &Value, texts: &[String]) {
    let id = found["id"].as_str().unwrap();
    let (number, format) = id.split_once('.').unwrap();
    let text = texts[number.parse::<usize>().unwrap()].trim_start_matches('\u{feff}');
    let units = place.read(&format!("out-{folder}/{number}.units.jsonl"));
    let mut end = 0;
    let mut letters = text.chars().filter(|c| is_letter(*c));
    for line in units.lines() {
        let unit: Value = serde_json::from_str(line).unwrap();
        let (start, stop) = (
            unit["span"]["start"].as_u64().unwrap() as usize,
            unit["span"]["end"].as_u64().unwrap() as usize,
        );
        assert!(end <= start && start < stop, "{folder}/{id}: {unit}");
        if format == "md" {
            let mut own = unit["source"].as_str().unwrap().chars().filter(|c| is_letter(*c));
            assert!(own.all(|c| letters.any(|other| other == c)), "{folder}/{id}: {unit}");
        } else {
            assert_eq!(unit["source"], text[start..stop], "{folder}/{id}");
            let gap = &text[end..start];
            assert!(!gap.contains(is_letter), "{folder}/{id}: {gap:?} is lost");
        }
        end = stop;
    }
    assert!(format == "md" || !text[end..].contains(is_letter), "{folder}/{id}: {:?} is lost", &text[end..]);
}

fn is_letter(c: char) -> bool {
    matches!(c, 'ا' | 'و' | 'م')
}
