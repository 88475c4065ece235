//! Speed of splitting and normalising: `TARJUMAN_TEXTS=FOLDER cargo bench --bench segment` reads the folder's UTF-8 files.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use tarjuman::{read, segment};

const ROUNDS: usize = 5;

fn main() {
    let Some(folder) = std::env::var_os("TARJUMAN_TEXTS") else {
        println!("nothing measured: set TARJUMAN_TEXTS");
        return;
    };
    let files = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let text: String =
        files.filter_map(|path| std::fs::read_to_string(path).ok()).collect::<Vec<_>>().join("\n");
    for (name, text) in [("as written", text.clone()), ("one line", text.replace('\n', " "))] {
        let options = read::ReadOptions { encoding: Some("utf-8"), ..Default::default() };
        let document = read::read("text.txt", text.as_bytes(), options).unwrap();
        let median = |work: &dyn Fn()| {
            let mut rates: Vec<f64> = (0..ROUNDS)
                .map(|_| {
                    let start = Instant::now();
                    work();
                    text.len() as f64 / 1e6 / start.elapsed().as_secs_f64()
                })
                .collect();
            rates.sort_by(f64::total_cmp);
            rates[ROUNDS / 2]
        };
        let split = median(&|| drop(black_box(segment::segment(&document))));
        let normal = median(&|| text.lines().for_each(|line| drop(black_box(segment::normalize(line)))));
        println!(
            "{name}, {:.2} MB: split {split:.0} MB/s, normalise {normal:.0} MB/s",
            text.len() as f64 / 1e6
        );
    }
}
