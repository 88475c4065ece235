//! Archives, mailboxes and mails are looked into as folders are.

use std::io::{Cursor, Write as _};

use std::process::Stdio;

use crate::place::{CLEAN, Draw, Place, document};
use crate::resume::Running;

pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn mail(subject: &str) -> String {
    format!(
        "From: a@example.org\nTo: b@example.org\nSubject: {subject}\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=x\n\n\
         --x\nContent-Type: text/plain; charset=utf-8\n\nوصل الوفد إلى المدينة.\n\
         --x\nContent-Type: text/plain; charset=utf-8\nContent-Disposition: attachment; filename=list.txt\n\n{CLEAN}\n\
         --x\nContent-Type: image/png\nContent-Disposition: attachment; filename=a.png\n\n0\n--x--\n"
    )
}

#[test]
fn what_they_hold_is_translated_under_their_names() {
    let place = Place::new();
    let mailbox = format!("From a Thu\n{}\nFrom b Fri\n{}", mail("زيارة"), mail("عودة"));
    place.write("in/one.eml", mail("تقرير"));
    place.write("in/box.mbox", &mailbox);
    place.write(
        "in/files.zip",
        zip(&[("أول/a.txt", CLEAN.as_bytes()), ("b.md", CLEAN.as_bytes()), ("c.bin", b"0")]),
    );
    let record = place.run("run in --out out --model echo --formats txt,original", 0, "out");
    let outputs = place.outputs("out");
    for (id, name) in [
        ("one.eml", "one"),
        ("one.eml/list.txt", "one.eml/list"),
        ("box.mbox/0001.eml", "box.mbox/0001"),
        ("box.mbox/0002.eml/list.txt", "box.mbox/0002.eml/list"),
        ("files.zip/أول/a.txt", "files.zip/أول/a"),
        ("files.zip/b.md", "files.zip/b"),
    ] {
        assert_eq!(document(&record, id)["outcome"], "done", "{id}");
        assert!(outputs.contains_key(&format!("{name}.en.txt")), "{id}");
    }
    assert!(!outputs.keys().any(|name| name.ends_with(".en.eml")));
    let ignored = record["ignored"].as_array().unwrap();
    assert_eq!(ignored.len(), 4, "{ignored:?}");
    let text = place.read("out/one.en.txt");
    assert!(
        text.starts_with("tkryr\n\nFrom: a@example.org\n") && text.contains("Attachments: list.txt, a.png"),
        "{text}"
    );
    let second = place.read("out/box.mbox/0002.en.txt");
    assert!(second.starts_with("awdt\n") || second.starts_with("wdt\n"), "{second}");
    // Given by name, or once more, each is taken once.
    let again = place.run("run in/one.eml in --out again --model echo --formats txt", 0, "again");
    assert_eq!(again["documents"].as_array().unwrap().len(), record["documents"].as_array().unwrap().len());
}

#[test]
fn what_cannot_be_opened_does_not_stop_the_rest() {
    let place = Place::new();
    let whole = zip(&[("a.txt", CLEAN.as_bytes())]);
    place.write("in/cut.zip", &whole[..whole.len() - 20]);
    let mut damaged = zip(&[("a.txt", CLEAN.as_bytes()), ("b.txt", b"x")]);
    damaged[40] ^= 0xff;
    place.write("in/damaged.zip", &damaged);
    place.write("in/good.zip", &whole);
    let ran = place.tarjuman("run in --out out --model echo");
    ran.expect(1).says(&["cut.zip: it cannot be opened: ", "hint: unpack it", "damaged.zip/a.txt: "]);
    let record = place.record("out");
    assert_eq!(document(&record, "good.zip/a.txt")["outcome"], "done");
    assert_eq!(document(&record, "cut.zip")["outcome"], "failed");
}

#[test]
fn an_archive_saved_anew_during_a_run_gives_no_file_the_text_of_another() {
    let place = Place::new();
    let mut draw = Draw(5);
    // Many more than are read ahead when the first of them is written.
    for n in 0..200 {
        place.write(&format!("in/{n:03}.txt"), draw.sentence());
    }
    let one = ("1.txt", "الأول.".as_bytes());
    place.write("in/z.zip", zip(&[one]));
    let mut command =
        place.command("run in --out out --model echo --threads 1 --beam 8 --formats txt --brief none");
    command.env("TARJUMAN_ECHO_DELAY_MS", "20");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = Running { child: command.spawn().unwrap() };
    let first = place.path("out/000.en.txt");
    running.wait_until(|| first.exists());
    place.write("in/z.zip", zip(&[("0.txt", "نص جديد.".as_bytes()), one]));
    running.finish().expect(1).says(&[
        "z.zip/1.txt: the file that holds it has changed since the run began",
        "hint: run the same command again",
    ]);
    let record = place.record("out");
    assert_eq!(document(&record, "z.zip/1.txt")["outcome"], "failed");
    assert_eq!(document(&record, "199.txt")["outcome"], "done");
    assert!(!place.path("out/z.zip/1.en.txt").exists());
    // Some of the many have a sentence that is flagged.
    let again = place.run("run in --out out --model echo --formats txt --brief none", 1, "out");
    assert_eq!(document(&again, "z.zip/0.txt")["outcome"], "done");
    assert_eq!(place.read("out/z.zip/1.en.txt").trim(), "alawl.");
}

#[test]
fn a_long_text_is_taken_in_parts() {
    let place = Place::new();
    let line = "Nothing to translate in this long line, which stands here to make the file long enough.\n";
    let chapter = format!("{CLEAN}\n\n{}\n", line.repeat((1 << 20) / line.len()));
    let text = chapter.repeat(9);
    place.write("in/long.txt", &text);
    let ran = place.tarjuman("run in --out out --model echo --formats txt --brief none");
    ran.expect(0).says(&["long.txt: long; taken in 9 parts"]);
    let record = place.record("out");
    let documents = record["documents"].as_array().unwrap();
    let ids: Vec<&str> = documents.iter().map(|document| document["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[0], ids[8]), (9, "long.txt/part-001.txt", "long.txt/part-009.txt"));
    let english: String =
        (1..10).map(|number| place.read(&format!("out/long.txt/part-00{number}.en.txt"))).collect();
    assert_eq!(english.lines().count(), text.lines().count());
    assert_eq!(english.matches(line).count(), text.matches(line).count());
    assert!(!english.contains("ال"));
}
