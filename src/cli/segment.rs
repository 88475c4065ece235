//! `tarjuman segment`

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::read::ReadOptions;
use crate::{read, segment};

use super::args::SegmentArgs;
use super::exit::Exit;
use super::print_data;
use super::report::Reporter;

pub fn segment(args: &SegmentArgs, reporter: &Reporter) -> Result<Exit> {
    let mut exit = Exit::Done;
    for path in &args.files {
        match lines(path, args) {
            Ok(text) => print_data(text.as_bytes())?,
            // One bad file does not keep the others from being shown.
            Err(error) if args.files.len() > 1 => {
                reporter.error(&error);
                exit = Exit::LookAt;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(exit)
}

fn lines(path: &Path, args: &SegmentArgs) -> Result<String> {
    let id = if path == Path::new("-") { "stdin".to_string() } else { path.display().to_string() };
    let bytes = if id == "stdin" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        bytes
    } else {
        std::fs::read(path).with_context(|| id.clone())?
    };
    let options = ReadOptions { encoding: args.encoding.as_deref(), fields: &args.fields };
    let document = match read::read(&id, &bytes, options) {
        Ok(document) => document,
        Err(error) if error.is_nothing_to_translate() => return Ok(String::new()),
        Err(error) => {
            let hint = error.hint();
            anyhow::bail!("{error}{}", if hint.is_empty() { hint } else { format!("\nhint: {hint}") })
        }
    };
    let mut out = String::new();
    for segment in segment::segment(&document) {
        let text = segment.span.of(&document.text);
        if args.json {
            let object = json!({
                "document": document.id,
                "index": segment.index,
                "start": segment.span.start,
                "end": segment.span.end,
                "text": text,
            });
            out.push_str(&object.to_string());
        } else {
            // A sentence over several hard-wrapped lines is still one line here.
            out.push_str(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        out.push('\n');
    }
    Ok(out)
}
