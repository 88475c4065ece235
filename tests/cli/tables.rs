//! Tables and JSON lines through the whole program: rows, columns and keys stay, and only what was chosen is translated.

use crate::place::{Place, document};

const TABLE: &str = "رقم;date;النص;ملاحظة\r\n1;2013-08-21;قصف على المدينة، وسقوط جرحى; خاص\r\n2;2013-08-22;\"قال: \"\"نعم\"\"\r\nثم ذهب\";=A1\r\n3;;;\r\n";
const LINES: &str = "{\"id\": 1.50, \"text\":\"\\u0646\\u0639\\u0645 \\\"\\u0644\\u0627\\\"\",  \"meta\" : {\"source\":\"تقرير\",\"url\":\"https://example.org/نص\"}}\nليس JSON\n{\"text\": \"آخر\"}\n";

#[test]
fn a_table_with_semicolons_keeps_its_rows_and_columns() {
    let place = Place::new();
    let (bytes, _, _) = encoding_rs::WINDOWS_1256.encode(TABLE);
    place.write("in/table.csv", bytes);
    let record = place.run("run in --out out --model echo --formats md,html,docx,original", 0, "out");
    assert_eq!(document(&record, "table.csv")["encoding"]["name"], "windows-1256");
    assert_eq!(
        place.read("out/table.en.csv"),
        "\u{feff}rkm;date;alns;mlahzt\r\n1;2013-08-21;ksf la almdynt, wskwt jrha; khas\r\n2;2013-08-22;\"kal: \"\"nm\"\"\r\nthm dhhb\";=A1\r\n3;;;\r\n"
    );
    let page = place.read("out/table.bilingual.md");
    assert!(page.contains("date: 2013-08-21") && page.contains("**3:** <sup id=\"u4\">"), "{page}");
}

#[test]
fn only_the_columns_and_keys_that_were_chosen_are_translated() {
    let place = Place::new();
    place.write("in/table.csv", TABLE);
    place.write("in/lines.jsonl", LINES);
    place.write("in/report.txt", "نص آخر.");
    // The table has no `text`, which is told before any of it is translated; the others go on.
    let ran = place.tarjuman("run in --out out --model echo --formats original --fields text");
    ran.expect(1)
        .says(&["error: table.csv: it has no column or key `text`", "hint: it has رقم, date, النص, ملاحظة;"]);
    let record = place.record("out");
    assert_eq!(document(&record, "table.csv")["outcome"], "failed");
    assert_eq!(document(&record, "lines.jsonl")["notes"][0], "line 2 is not JSON and was left as it is");
    assert_eq!(record["options"]["fields"], "text");
    assert_eq!(
        place.read("out/lines.en.jsonl"),
        LINES.replace("\\u0646\\u0639\\u0645 \\\"\\u0644\\u0627\\\"", "nm \\\"la\\\"").replace("آخر", "akhr")
    );

    let ran = place.tarjuman("segment in/table.csv --fields النص,4");
    assert_eq!(ran.expect(0).stdout, "النص\nملاحظة\nقصف على المدينة، وسقوط جرحى\nخاص\nقال: \"نعم\"\nثم ذهب\n");
    // Other columns in the next run: the file is read again.
    place.run("run in/table.csv --out out --model echo --formats original --fields 4", 0, "out");
    assert_eq!(place.read("out/table.en.csv"), TABLE.replace("ملاحظة", "mlahzt").replace("خاص", "khas"));
}

#[test]
fn outputs_of_another_run_are_no_inputs() {
    let place = Place::new();
    place.write("in/report.txt", "نص آخر.");
    place.run("run in --out in/first --model echo --formats jsonl,original", 0, "in/first");
    let record = place.run("run in --out second --model echo", 0, "second");
    assert_eq!(record["documents"].as_array().unwrap().len(), 1, "{record}");
    assert_eq!(record["ignored"][0]["id"], "first/");
}
