//! What grows without bound in a translation memory, and is taken out again.

use rusqlite::Connection;

use crate::place::{CLEAN, Place};

fn answers(place: &Place) -> String {
    let ran = place.tarjuman("memory stats out/memory.sqlite");
    ran.expect(0).stdout.lines().next().unwrap().split_whitespace().last().unwrap().to_string()
}

#[test]
fn old_answers_and_those_of_other_models_are_pruned() {
    let place = Place::new();
    place.write("a.txt", CLEAN);
    place.write("b.txt", "قال المدير. الطريق مغلق.\n");
    let open = || Connection::open(place.path("out/memory.sqlite")).unwrap();
    place.tarjuman("run b.txt --out out --model echo").expect(0);
    // As if another model had given these.
    open().execute_batch("UPDATE used SET model = x'0102030405060708'").unwrap();
    place.tarjuman("run a.txt --out out --model echo").expect(0);
    assert_eq!(answers(&place), "4", "two sentences by two models");

    let prune = |options: &str| place.tarjuman(&format!("memory prune out/memory.sqlite {options}"));
    prune("--unused-since 2020-01-01").expect(0).says(&["0 of 4 answers removed"]);
    prune("--keep-model echo --dry-run").expect(0).says(&["2 of 4 answers would be removed; nothing was"]);
    assert_eq!(answers(&place), "4");
    prune("--keep-model echo").expect(0).says(&["2 of 4 answers removed"]);
    place.tarjuman("run b.txt --out out --model echo").expect(0);
    assert_ne!(place.record("out")["target_tokens"], 0, "made anew");

    // As if all but the sentences of the next run were of long ago.
    open().execute_batch("UPDATE used SET day = 100").unwrap();
    let again = place.run("run a.txt --out out --model echo", 0, "out");
    assert_eq!(again["target_tokens"], 0, "answered from the memory");
    prune("--unused-since 2020-01-01").expect(0).says(&["2 of 4 answers removed"]);
    let again = place.run("run a.txt --out out --model echo", 0, "out");
    assert_eq!(again["target_tokens"], 0, "what was of use is still there");
}

#[test]
fn what_to_prune_must_be_said() {
    let place = Place::new();
    for (options, says) in [
        ("nowhere --unused-since 2020-01-01", "no such file"),
        ("x", "--unused-since <DAY>"),
        ("x --unused-since yesterday", "a day such as 2026-11-20 is needed"),
        ("x --keep-model ecko", "ecko"),
    ] {
        place.write("x", "");
        place.tarjuman(&format!("memory prune {options}")).expect(2).says(&[says]);
    }
}
