//! `translate`: a filter that other programs build on.

use std::path::Path;

use serde_json::Value;

use crate::place::Place;

/// The targets that `--model echo` gives to `lines`.
fn targets(input: &str) -> Vec<String> {
    let ran = Place::new().tarjuman_reading("translate --model echo", input);
    ran.expect(0);
    assert!(ran.stdout.is_empty() || ran.stdout.ends_with('\n'));
    ran.stdout.lines().map(String::from).collect()
}

#[test]
fn one_line_in_is_one_line_out() {
    // Each line with its target; an empty line stands for an empty line.
    let lines = [
        ("وصل الوفد.", "wsl alwfd."),
        ("", ""),
        ("   ", ""),
        ("جملة أولى. جملة ثانية؟", "jmlt awla. jmlt thanyt?"),
        ("Report 7", "Report 7"),
        ("- بند", "- bnd"),
        ("# عنوان", "# nwan"),
        ("١. بند", "1. bnd"),
        ("---", "---"),
        ("؟!", "؟!"),
        ("***", "***"),
        ("a\tb", "a b"),
        ("12,5 %", "12,5 %"),
        ("\u{200f}", "\u{200f}"),
        ("<b>نص</b> <eos>", "<b>ns</b> <eos>"),
    ];
    let sources: Vec<&str> = lines.iter().map(|l| l.0).collect();
    let expected: Vec<&str> = lines.iter().map(|l| l.1).collect();
    assert_eq!(targets(&(sources.join("\n") + "\n")), expected);
    // Line ends of Windows, and no line end at the end.
    assert_eq!(targets(&(sources.join("\r\n") + "\r\n")), expected);
    assert_eq!(targets("\n\nوصل"), ["", "", "wsl"]);
    assert_eq!(targets(""), Vec::<String>::new());
    assert_eq!(targets("\n"), [""]);
}

#[test]
fn thousands_of_lines_keep_their_order() {
    let input: String =
        (0..5000).map(|n| if n % 7 == 0 { "\n".into() } else { format!("الرقم {n} هنا.\n") }).collect();
    let targets = targets(&input);
    assert_eq!(targets.len(), 5000);
    for (n, target) in targets.iter().enumerate() {
        let expected = if n % 7 == 0 { String::new() } else { format!("alrkm {n} hna.") };
        assert_eq!(*target, expected, "line {n}");
    }
}

#[test]
fn jsonl_says_how_each_target_came_to_be() {
    let place = Place::new();
    let input = "وصل الوفد. عاد الوفد.\n\nNo Arabic here.\nفراغ\n---\n";
    let ran = place.tarjuman_reading("translate --model echo --jsonl", input);
    ran.expect(1).says(&["1 of 5 lines are flagged"]);
    let objects: Vec<Value> = ran.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(objects.len(), 5);
    let states = ["translated", "copied", "copied", "flagged", "copied"];
    let units = [2, 0, 1, 1, 0];
    for (n, (object, source)) in objects.iter().zip(input.lines()).enumerate() {
        assert_eq!((&object["index"], &object["source"]), (&n.into(), &source.into()));
        assert_eq!(object["state"], states[n], "{object}");
        assert_eq!(object["units"].as_array().unwrap().len(), units[n], "{object}");
        assert!(object["checks"].is_array() && object["target"].is_string(), "{object}");
        for unit in object["units"].as_array().unwrap() {
            let (start, end) =
                (unit["span"]["start"].as_u64().unwrap(), unit["span"]["end"].as_u64().unwrap());
            assert_eq!(
                unit["source"],
                source[start as usize..end as usize],
                "spans are byte ranges of the line"
            );
            assert_eq!(
                unit["risk"],
                if states[n] == "flagged" { "high" } else { "low" },
                "as in units.jsonl"
            );
        }
    }
    assert_eq!(objects[0]["target"], "wsl alwfd. ad alwfd.");
    assert!(
        objects[0]["score"]["mean_log_prob"].as_f64().unwrap() < 0.0 && objects[1].get("score").is_none()
    );
    assert_eq!(objects[2]["target"], "No Arabic here.");
    assert_eq!(objects[3]["checks"][0]["check"], "empty");
    assert_eq!(objects[4]["target"], "---");
}

#[test]
fn lines_that_are_not_utf8_are_an_error_that_says_where() {
    let place = Place::new();
    let (bytes, ..) = encoding_rs::WINDOWS_1256.encode("أول\nثان\n");
    let input = ["سطر سليم\n".as_bytes(), &bytes].concat();
    let ran = place.tarjuman_reading("translate --model echo", input);
    ran.expect(2).says(&["error: standard input, line 2: not UTF-8", "hint: "]);
    assert_eq!(ran.stdout, "str slym\n", "what came before it is not lost");
}

#[test]
fn all_lines_before_one_that_cannot_be_read_come_out() {
    let place = Place::new();
    let good: String = (0..3000).map(|n| format!("الرقم {n} هنا.\n")).collect();
    let ran = place.tarjuman_reading("translate --model echo", [good.as_bytes(), b"\xff\n"].concat());
    ran.expect(2).says(&["error: standard input, line 3001: not UTF-8"]);
    assert_eq!(ran.stdout.lines().count(), 3000);
    assert_eq!(ran.stdout.lines().last(), Some("alrkm 2999 hna."));
}

#[test]
fn the_words_of_a_very_long_line_are_all_there() {
    let words: Vec<String> = (0..20_000).map(|n| format!("كلمة{n}")).collect();
    let targets = targets(&(words.join(" ") + "\n"));
    let expected: Vec<String> = (0..20_000).map(|n| format!("klmt{n}")).collect();
    assert_eq!(targets.len(), 1);
    assert!(targets[0].split(' ').eq(expected.iter().map(String::as_str)));
}

#[cfg(unix)]
#[test]
fn a_signal_is_heard_while_no_line_comes() {
    use std::io::Read as _;
    use std::process::{Command, Stdio};
    let place = Place::new();
    let mut command = place.command("translate --model echo");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    // The first words it says come when it is ready to be stopped.
    stderr.read_exact(&mut [0; 8]).unwrap();
    assert!(
        Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap().success()
    );
    // Waiting for a child closes its input, unless somebody else has it.
    let stdin = child.stdin.take();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(stdin);
}

/// A folder laid out as the Hub serves Marian models, with random weights: the targets are those of transformers with
/// the folder's own search settings (`tests/seq2seq.rs` compares the rest).
#[test]
fn a_folder_as_the_hub_serves_it_translates_as_transformers_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/seq2seq/marian-base");
    let golden = std::fs::read_to_string(folder.join("golden.json")).unwrap();
    let golden: Value = serde_json::from_str(&golden).unwrap();
    let saved = golden["searches"].as_array().unwrap().iter().find(|s| s["name"] == "saved").unwrap();
    let most = saved["options"]["max_tokens"].to_string();
    // The first two sources go to the model as they are.
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let sources: Vec<String> = golden["sources"].as_array().unwrap()[..2].iter().map(text).collect();
    let wanted: Vec<String> =
        saved["results"].as_array().unwrap()[..2].iter().map(|r| text(&r[0]["text"])).collect();
    let line =
        format!("translate --model {} --no-repair --precision f32 --max-tokens {most}", folder.display());
    let ran = Place::new().tarjuman_reading(&line, sources.join("\n") + "\n");
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), wanted, "{}", ran.stderr);
}

#[test]
fn a_folder_of_firefox_files_is_a_model() {
    // Weights are random: a target of letters comes out, which the checks flag.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bergamot/ssru-shared");
    let place = Place::new();
    let files = place.path("firefox");
    std::fs::create_dir(&files).unwrap();
    for name in ["model.aren.intgemm.alphas.bin", "lex.50.50.aren.s2t.bin", "vocab.aren.spm"] {
        std::fs::copy(folder.join(name), files.join(name)).unwrap();
    }
    let line = "translate --jsonl --max-tokens 8 --model ./firefox";
    let ran = place.tarjuman_reading(line, "وبالإضافة إلى الحمى\n");
    ran.expect(1);
    let unit: Value = serde_json::from_str(ran.stdout.trim()).unwrap();
    assert!(unit["target"].as_str().unwrap().chars().count() > 3, "{unit}");
    let again = place.tarjuman_reading(line, "وبالإضافة إلى الحمى\n");
    assert_eq!(ran.stdout, again.stdout);
}
