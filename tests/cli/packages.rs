//! Documents that are archives of XML, through the whole program and back into an archive.

use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::place::{Place, document};

/// What no reader of text looks at.
const PICTURE: &str = "\u{1}\u{2}";

const ODT: [(&str, &str); 4] = [
    ("mimetype", "application/vnd.oasis.opendocument.text"),
    ("Pictures/a.png", PICTURE),
    (
        "styles.xml",
        "<office:document-styles><style:default-style style:family=\"paragraph\"><style:paragraph-properties \
         style:writing-mode=\"rl-tb\"/></style:default-style><style:master-page><style:footer><text:p>صفحة \
         <text:page-number>1</text:page-number></text:p></style:footer></style:master-page></office:document-styles>",
    ),
    (
        "content.xml",
        "<office:document-content><office:body><office:text><text:h text:outline-level=\"1\">تقرير</text:h><text:p>وصل \
         <text:span text:style-name=\"B\">الوفد</text:span> إلى<text:note><text:note-citation>1</text:note-citation><text:note-body>\
         <text:p>زار القرية.</text:p></text:note-body></text:note> المدينة، <text:date>أمس</text:date>.</text:p></office:text></office:body></office:document-content>",
    ),
];

const EPUB: [(&str, &str); 7] = [
    ("mimetype", "application/epub+zip"),
    (
        "META-INF/container.xml",
        "<container><rootfiles><rootfile full-path=\"OPS/b.opf\"/></rootfiles></container>",
    ),
    (
        "OPS/b.opf",
        "<package><metadata><dc:title>كتاب</dc:title><dc:language>ar</dc:language></metadata><manifest>\
         <item id=\"n\" href=\"n.xhtml\" media-type=\"application/xhtml+xml\" properties=\"nav\"/><item id=\"x\" href=\"x.ncx\" \
         media-type=\"application/x-dtbncx+xml\"/><item id=\"a\" href=\"a%20b.xhtml\" media-type=\"application/xhtml+xml\"/></manifest>\
         <spine page-progression-direction=\"rtl\"><itemref idref=\"a\"/></spine></package>",
    ),
    (
        "OPS/a b.xhtml",
        "<html dir=\"rtl\" lang=\"ar\"><head><title/></head><body><h1>باب <i>أول</i></h1><p>وصل الوفد.</p></body></html>",
    ),
    (
        "OPS/n.xhtml",
        "<html><body><nav><ol><li><a href=\"a%20b.xhtml\">باب أول</a></li></ol></nav></body></html>",
    ),
    (
        "OPS/x.ncx",
        "<ncx><navMap><navPoint><navLabel><text>باب أول</text></navLabel></navPoint></navMap></ncx>",
    ),
    ("OPS/p.png", PICTURE),
];

/// An archive whose first entry is stored, as both formats want it, and whose other entries are packed.
fn zipped(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, text) in entries {
        archive.start_file(*name, options).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
        options = SimpleFileOptions::default();
    }
    archive.finish().unwrap().into_inner()
}

/// The entries of an archive, in their order.
fn unzipped(bytes: &[u8]) -> Vec<(String, String)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let count = archive.len();
    let mut entry = |index| {
        let mut entry = archive.by_index(index).unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (entry.name().unwrap().into_owned(), text)
    };
    (0..count).map(&mut entry).collect()
}

/// Runs the program over one file and gives the file in English.
fn english(place: &Place, name: &str, bytes: &[u8]) -> Vec<(String, String)> {
    place.write(&format!("in/{name}"), bytes);
    place.tarjuman("run in --out out --model echo --formats html,original").expect(0);
    let (stem, extension) = name.rsplit_once('.').unwrap();
    let bytes = std::fs::read(place.path(&format!("out/{stem}.en.{extension}"))).unwrap();
    // Readers look for the type at this place, unpacked.
    assert!(bytes[30..].starts_with(b"mimetypeapplication/"));
    unzipped(&bytes)
}

/// The entries as they were, with these texts replaced.
#[track_caller]
fn assert_replaced(found: &[(String, String)], before: &[(&str, &str)], replaced: &[(&str, &str)]) {
    let mut expected: Vec<(String, String)> =
        before.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    for (from, to) in replaced {
        assert!(expected.iter().any(|(_, text)| text.contains(from)), "{from}");
        expected.iter_mut().for_each(|(_, text)| *text = text.replace(from, to));
    }
    assert_eq!(found, expected);
}

#[test]
fn an_opendocument_text_comes_back_in_english() {
    let place = Place::new();
    let found = english(&place, "report.odt", &zipped(&ODT));
    let replaced = [
        ("rl-tb", "lr-tb"),
        ("صفحة ", "sfht "),
        ("تقرير", "tkryr"),
        (
            "وصل <text:span text:style-name=\"B\">الوفد</text:span> إلى<text:note>",
            "wsl <text:span text:style-name=\"B\">alwfd</text:span><text:note>",
        ),
        ("زار القرية.", "zar alkryt."),
        (" المدينة، <text:date>أمس</text:date>.", " ala almdynt, ams."),
    ];
    assert_replaced(&found, &ODT, &replaced);
    let page = place.read("out/report.bilingual.html");
    assert!(page.contains("وصل الوفد إلى المدينة، أمس.") && page.contains("sfht"), "{page}");
}

#[test]
fn a_book_comes_back_in_english_with_its_table_of_contents() {
    let place = Place::new();
    let found = english(&place, "book.epub", &zipped(&EPUB));
    let replaced = [
        ("كتاب", "ktab"),
        (">ar<", ">en<"),
        ("\"rtl\"", "\"ltr\""),
        ("\"ar\"", "\"en\""),
        ("باب <i>أول</i>", "bab <i>awl</i>"),
        ("باب أول", "bab awl"),
        ("وصل الوفد.", "wsl alwfd."),
    ];
    assert_replaced(&found, &EPUB, &replaced);
    let page = place.read("out/book.bilingual.html");
    assert_eq!(page.matches(">bab awl<").count(), 1, "{page}");
    let record = place.record("out");
    assert_eq!(document(&record, "book.epub")["ledger"]["units"], 3);
}

#[test]
fn a_protected_book_and_a_locked_document_fail_with_advice() {
    let place = Place::new();
    let protected = "<encryption><EncryptedData><EncryptionMethod Algorithm=\"x\"/><CipherData><CipherReference \
                     URI=\"OPS/a%20b.xhtml\"/></CipherData></EncryptedData></encryption>";
    let mut book = EPUB.to_vec();
    book.push(("META-INF/encryption.xml", protected));
    place.write("in/book.epub", zipped(&book));
    let mut text = ODT.to_vec();
    text.push(("META-INF/manifest.xml", "<manifest><manifest:encryption-data/></manifest>"));
    place.write("in/text.odt", zipped(&text));
    let ran = place.tarjuman("run in --out out --model echo");
    ran.expect(1).says(&[
        "error: book.epub: the book is protected against copying (DRM)",
        "hint: get a copy without protection",
        "error: text.odt: the document is encrypted and needs a password",
        "save a copy without the password",
    ]);
}

/// An archive of which one entry is still listed and not there.
fn damaged(entries: &[(&str, &str)], lost: &str) -> Vec<u8> {
    let mut bytes = zipped(entries);
    // Entries begin with 30 bytes, the first four their signature, and then their name.
    let at = bytes.windows(lost.len()).position(|found| found == lost.as_bytes()).unwrap() - 30;
    bytes[at..at + 4].fill(0);
    bytes
}

#[test]
fn where_nothing_is_to_be_translated_the_notes_say_what_was_not_read() {
    let place = Place::new();
    let [kind, picture, ..] = ODT;
    let text = "<office:document-content><office:body><office:text><text:p>A report.</text:p></office:text></office:body></office:document-content>";
    place.write("in/report.odt", damaged(&[kind, picture, ("content.xml", text)], picture.0));
    let told = "no Arabic text in it (one entry of the damaged archive is lost";
    place.tarjuman("run in --out out --model echo").expect(0).says(&[told]);
    for table in ["out/index.html", "out/digest.md"] {
        assert!(place.read(table).contains(told), "{table}: {}", place.read(table));
    }
}

#[test]
fn a_document_whose_picture_is_lost_comes_back_in_english_and_says_so() {
    let place = Place::new();
    for (name, entries, picture) in
        [("report.odt", &ODT[..], "Pictures/a.png"), ("book.epub", &EPUB[..], "OPS/p.png")]
    {
        let found = english(&place, name, &damaged(entries, picture));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        let others: Vec<&str> =
            entries.iter().map(|(name, _)| *name).filter(|name| *name != picture).collect();
        assert_eq!(names, others);
        let page = place.read(&format!("out/{}.bilingual.html", name.split_once('.').unwrap().0));
        assert!(page.contains("one entry of the damaged archive is lost"), "{page}");
    }
}
