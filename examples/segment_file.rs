//! Reading and segmenting as a library: decodes a file, finds its sentences, and shows each with its place.
//!
//! No model is needed. Sentences are byte ranges into the decoded text, so nothing is lost or changed: the gaps
//! between them and the sentences, joined in order, are the text again, which the last line checks.
//!
//!     cargo run --example segment_file -- examples/reports/testimony.txt
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use anyhow::{Context as _, Result, ensure};
use tarjuman::{read, segment};

fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("give a .txt or .md file")?;
    let bytes = std::fs::read(&path).with_context(|| path.clone())?;
    let document = read::read(&path, &bytes, read::ReadOptions::default())?;
    let segments = segment::segment(&document);

    println!("{}, {:?}, {} sentences", document.encoding.name, document.encoding.source, segments.len());
    let (mut joined, mut end) = (String::new(), 0);
    for segment in &segments {
        let (span, kind) = (segment.span, document.blocks[segment.block].kind);
        joined.push_str(&document.text[end..span.start]);
        joined.push_str(span.of(&document.text));
        end = span.end;
        println!(
            "{:>4} {:>6}..{:<6} {kind:?}: {}",
            segment.index,
            span.start,
            span.end,
            span.of(&document.text)
        );
    }
    joined.push_str(&document.text[end..]);
    ensure!(joined == document.text, "segments and gaps do not give the text back");
    Ok(())
}
