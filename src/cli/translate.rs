//! `tarjuman translate`: a filter for pipes, evaluation and other engines.

use std::io::BufRead as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Error, Result, anyhow};
use serde::Serialize;

use crate::document::{Block, BlockKind, Document, EncodingSource, Span, TextEncoding};
use crate::lang::Lang;
use crate::memory::Memory;
use crate::model::Task;
use crate::pipeline::{self, Answering, Cut, Repairing, Rules};
use crate::segment;
use crate::unit::{Finding, Score, State, TranslationUnit};
use crate::write::UnitLine;

use super::args::{Global, TranslateArgs};
use super::choose::{Shelf, glossary, ready, second};
use super::exit::Exit;
use super::print_data;
use super::report::Reporter;

/// A line with its sentences as units.
struct Line {
    text: String,
    units: Vec<TranslationUnit>,
}

/// What `--jsonl` prints for a line.
#[derive(Serialize)]
struct LineRecord<'a> {
    index: usize,
    source: &'a str,
    target: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Score>,
    checks: Vec<&'a Finding>,
    units: Vec<UnitLine<'a>>,
}

pub fn translate(global: &Global, args: &TranslateArgs, reporter: &Reporter) -> Result<Exit> {
    args.model.check()?;
    let mut memory = match args.memory() {
        Some(path) => Memory::open(&path)?,
        None => Memory::none()?,
    };
    let shelf = Shelf::open(global, reporter)?;
    let model = ready(&shelf, &args.model.model, Task::Translate, &args.model, reporter)?;
    if let Some(warning) = &model.stamp.warning {
        reporter.warn(warning);
    }
    let translator = model.translator()?;
    let decode = model.decode(&args.model);
    let configured = model.configured(&decode)?;
    let rows = configured.rows;
    let second = second(&shelf, &model, &args.trust, &args.model, reporter)?;
    let langs = &model.installed.spec.source_langs;
    let glossary = glossary(&args.trust, reporter)?;
    let rules = Rules { source_langs: langs, target_lang: &model.target_lang(), glossary: &glossary };
    let mut input = Input::open();
    let (mut index, mut flagged) = (0, 0);
    while let Some(texts) = input.next(rows * 4, reporter)? {
        let numbered = texts.into_iter().zip(index..);
        let mut lines: Vec<Line> =
            numbered.map(|(text, n)| Line { units: units(&text, n, langs), text }).collect();
        pipeline::correct(lines.iter_mut().flat_map(|line| &mut line.units), &memory)?;
        let places: Vec<(usize, usize)> = lines
            .iter()
            .enumerate()
            .flat_map(|(l, line)| (0..line.units.len()).map(move |u| (l, u)))
            .filter(|&(l, u)| lines[l].units[u].is_waiting())
            .collect();
        let sources: Vec<String> =
            places.iter().map(|&(l, u)| lines[l].units[u].source_normalized.clone()).collect();
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        let tokens: Vec<usize> = sources.iter().map(|s| translator.count_tokens(s)).collect();
        let mut answering =
            Answering { model: configured, cut: Cut::Whole, memory: &mut memory, observer: reporter };
        let answers = answering.answer(&sources, &tokens)?;
        for ((l, u), answer) in places.into_iter().zip(answers) {
            pipeline::settle(&mut lines[l].units[u], answer, rules);
        }
        if !args.trust.no_repair {
            let mut units: Vec<_> = lines.iter_mut().flat_map(|line| &mut line.units).collect();
            let second = second.as_ref().map(|(model, decode)| model.configured(decode)).transpose()?;
            let observer = reporter;
            Repairing { model: configured, second, rules, memory: &mut memory, observer }
                .repair(&mut units)?;
        }
        let mut out = String::new();
        for line in &lines {
            let record = line.record(index);
            flagged += usize::from(matches!(record.state, State::Flagged | State::Skipped));
            if args.jsonl {
                out.push_str(&serde_json::to_string(&record)?);
            } else {
                out.push_str(&record.target);
            }
            out.push('\n');
            index += 1;
        }
        print_data(out.as_bytes())?;
    }
    if reporter.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    if flagged > 0 {
        reporter.info(&format!("{flagged} of {index} lines are flagged; --jsonl says why"));
        return Ok(Exit::LookAt);
    }
    Ok(Exit::Done)
}

impl Line {
    fn record(&self, index: usize) -> LineRecord<'_> {
        let worst = |state: State| self.units.iter().any(|u| u.state == state);
        let by_weight = [State::Skipped, State::Flagged, State::Repaired, State::Translated];
        let mut targets: Vec<&str> =
            self.units.iter().map(|u| u.target.as_str()).filter(|t| !t.is_empty()).collect();
        if self.units.is_empty() {
            // Dashes and other signs make no sentence, and are still something.
            targets.push(self.text.trim());
        }
        let scores: Vec<Score> = self.units.iter().filter_map(|u| u.score).collect();
        let tokens: usize = scores.iter().map(|s| s.tokens).sum();
        let score = (!scores.is_empty()).then(|| Score {
            mean_log_prob: scores.iter().map(|s| s.mean_log_prob * s.tokens as f32).sum::<f32>()
                / tokens.max(1) as f32,
            min_log_prob: scores.iter().map(|s| s.min_log_prob).fold(0.0, f32::min),
            tokens,
        });
        LineRecord {
            index,
            source: &self.text,
            // A target is one line whatever the model wrote.
            target: targets.join(" ").lines().collect::<Vec<_>>().join(" "),
            state: by_weight.into_iter().find(|&s| worst(s)).unwrap_or(State::Copied),
            score,
            checks: self.units.iter().flat_map(|u| &u.findings).collect(),
            units: self.units.iter().map(UnitLine::from).collect(),
        }
    }
}

/// The sentences of one line: models that translate by the sentence would drop a second one.
fn units(line: &str, index: usize, langs: &[Lang]) -> Vec<TranslationUnit> {
    let document = Document {
        id: format!("line {}", index + 1),
        digest: String::new(),
        format: "line".into(),
        encoding: TextEncoding { name: "UTF-8".into(), source: EncodingSource::ValidUtf8, undecodable: 0 },
        text: line.to_string(),
        blocks: vec![Block { kind: BlockKind::Paragraph, span: Span::new(0, line.len()) }],
        notes: Vec::new(),
        original: None,
    };
    segment::segment(&document).into_iter().map(|s| pipeline::unit_of(&document, s, langs)).collect()
}

/// Standard input, read ahead on a thread of its own: lines are translated together when they come together, and at
/// once when they come one by one.
struct Input {
    lines: Receiver<std::io::Result<String>>,
    /// Lines that were given away.
    read: usize,
    /// What ended the input. The lines before it come first.
    failed: Option<Error>,
}

impl Input {
    fn open() -> Self {
        let (sender, lines) = sync_channel(4096);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let failed = line.is_err();
                if sender.send(line).is_err() || failed {
                    break;
                }
            }
        });
        Input { lines, read: 0, failed: None }
    }

    /// The next lines, at least one, at most `most`, as many as are there; none at the end of input.
    ///
    /// # Errors
    /// The line that would be next cannot be read.
    fn next(&mut self, most: usize, reporter: &Reporter) -> Result<Option<Vec<String>>> {
        let mut next = if self.failed.is_none() { self.wait(reporter) } else { None };
        let mut lines = Vec::new();
        while let Some(line) = next {
            match line {
                Ok(line) => lines.push(line),
                Err(e) => {
                    self.failed = Some(unreadable(&e, self.read + lines.len() + 1));
                    break;
                }
            }
            // A short wait lets a pipe that is still filling give a whole batch.
            let short = Duration::from_millis(20);
            next = if lines.len() < most { self.lines.recv_timeout(short).ok() } else { None };
        }
        self.read += lines.len();
        match self.failed.take_if(|_| lines.is_empty()) {
            Some(error) => Err(error),
            None => Ok((!lines.is_empty()).then_some(lines)),
        }
    }

    /// The next line, however long it takes; none at the end of input, and where the user stops waiting for it.
    fn wait(&self, reporter: &Reporter) -> Option<std::io::Result<String>> {
        loop {
            match self.lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => return Some(line),
                Err(RecvTimeoutError::Timeout) if !reporter.is_cancelled() => {}
                Err(_) => return None,
            }
        }
    }
}

fn unreadable(error: &std::io::Error, number: usize) -> Error {
    match error.kind() {
        std::io::ErrorKind::InvalidData => anyhow!(
            "standard input, line {number}: not UTF-8\nhint: `iconv -f WINDOWS-1256 -t UTF-8` converts it"
        ),
        _ => anyhow!("standard input, line {number}: {error}"),
    }
}
