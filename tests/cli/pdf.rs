//! PDFs through the whole program: what was not read is told wherever somebody looks.

use crate::place::{Place, document};

const REPORT: &[u8] = include_bytes!("../data/pdf/report-and-scan.pdf");
const SCAN: &[u8] = include_bytes!("../data/pdf/scan.pdf");
const NOTE: &str = "page 2 has no text layer and was not read";

#[test]
fn pages_that_were_not_read_are_told_in_every_output() {
    let place = Place::new();
    place.write("in/report.pdf", REPORT);
    place.write("in/scan.pdf", SCAN);
    let ran = place.tarjuman("run in --out out --model echo");
    ran.expect(1).says(&["error: scan.pdf: no page of the PDF has a text layer", "ocrmypdf -l ara"]);
    let record = place.record("out");
    let report = document(&record, "report.pdf");
    assert_eq!((report["outcome"].as_str(), report["notes"][0].as_str()), (Some("done"), Some(NOTE)));
    assert_eq!(document(&record, "scan.pdf")["outcome"], "failed");
    for output in
        ["report.bilingual.html", "report.bilingual.md", "report.brief.md", "index.html", "digest.md"]
    {
        assert!(place.read(&format!("out/{output}")).contains(NOTE), "{output}");
    }
    let units = place.read("out/report.units.jsonl");
    for sentence in ["تقرير عن المياه", "انقطعت المياه عن المدينة يومين.", "ثم عادت في المساء."]
    {
        assert!(units.contains(&format!("\"source\":\"{sentence}\"")), "{units}");
    }
}

#[test]
fn a_pdf_on_standard_input_is_read() {
    let place = Place::new();
    let ran = place.tarjuman_reading("segment -", REPORT);
    ran.expect(0);
    assert!(ran.stdout.contains("ثم عادت في المساء."), "{}", ran.stdout);
}
