//! Subtitles through the whole program: every cue comes back at its time, in lines that can be read.

use crate::place::{Place, document};

const FILM: &str = "1\r\n00:00:01,000 --> 00:00:03,500 X1:40 X2:600 Y1:20 Y2:50\r\n<i>قال الوزير إن الطريق الرئيسي بين\r\nالمدينة والمخيم مغلق منذ أسبوع بسبب السيول.</i>\r\n\r\n\
2\r\n00:00:04,000 --> 00:00:06,000\r\n{\\an8}وإن فرق الإنقاذ تعمل\r\n\r\n3\r\n00:00:06,100 --> 00:00:08,000\r\nعلى فتحه قبل المساء.\r\n\r\n\
4\r\n00:00:09,000 --> 00:00:10,000\r\n- من هناك؟\r\n- أنا أحمد.\r\n5\r\n00:00:11,000 --> 00:00:12,000\r\nBBC News 24\r\n";

/// The numbers, times and signs around what is said.
fn frame(file: &str) -> Vec<&str> {
    let is_frame = |line: &&str| line.contains("-->") || line.trim().parse::<usize>().is_ok();
    file.lines().filter(is_frame).map(str::trim_end).collect()
}

#[test]
fn a_film_of_windows_1256_comes_back_in_english_at_the_same_times() {
    let place = Place::new();
    let (bytes, _, _) = encoding_rs::WINDOWS_1256.encode(FILM);
    place.write("in/film.srt", &bytes);
    place.write("given/film.srt", &bytes);
    let record = place.run("run in --out out --model echo --formats html,md,docx,original", 0, "out");
    let film = document(&record, "film.srt");
    assert_eq!(
        (&film["encoding"]["name"], &film["encoding"]["source"]),
        (&"windows-1256".into(), &"detected".into())
    );
    // Two cues are one sentence; what is not Arabic is copied.
    assert_eq!((&film["ledger"]["translated"], &film["ledger"]["copied"]), (&4.into(), &1.into()), "{film}");

    let english = place.read("out/film.en.srt");
    assert!(english.starts_with("\u{feff}1\r\n"), "programs would take it for windows-1256 again");
    let english = english.trim_start_matches('\u{feff}');
    assert_eq!(frame(english), frame(FILM));
    assert!(!english.contains(|c: char| ('\u{621}'..='\u{64a}').contains(&c)), "{english}");
    assert!(english.contains("\r\n<i>kal alwzyr") && english.contains("</i>\r\n\r\n2\r\n"), "{english}");
    assert!(english.contains("\r\n{\\an8}wan frk alankadh\r\n"), "{english}");
    assert!(english.contains("\r\ntml la fthh kbl almsa.\r\n"), "its share of the sentence: {english}");
    assert!(english.contains("\r\n- mn hnak?\r\n- ana ahmd.\r\n5\r\n"), "{english}");
    assert!(english.ends_with("\r\nBBC News 24\r\n"), "{english}");
    assert_eq!(english.matches('\n').count(), english.matches("\r\n").count(), "one kind of line ends");
    assert!(english.lines().all(|line| line.chars().count() <= 42 + "<i></i>".len() || line.contains("-->")));

    assert!(place.read("out/film.bilingual.md").contains("**00:00:04** "));
    assert!(place.read("out/film.bilingual.html").contains(">00:00:04</bdi>"));
    place.run("run given --out again --model echo --encoding windows-1256 --formats original", 0, "again");
    assert_eq!(place.read("again/film.en.srt"), place.read("out/film.en.srt"));
}

#[test]
fn subtitles_of_the_web_are_known_by_their_first_line() {
    let place = Place::new();
    let file = "WEBVTT\n\nNOTE ملاحظة\n\nSTYLE\n::cue(v) { color: red }\n\n00:01.000 --> 00:02.000 line:0\n<v أحمد>رأى &amp; سمع\n\n00:03.000 --> 00:04.000\nنعم.\n";
    place.write("in/film.txt", file);
    place.run("run in --out out --model echo --formats original", 0, "out");
    let english = place.read("out/film.en.vtt");
    assert_eq!(english, file.replace("رأى &amp; سمع", "raa &amp; sm").replace("نعم", "nm"));
}
