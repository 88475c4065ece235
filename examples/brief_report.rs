//! From a file to its brief: read, segment, translate, check and summarise, without writing any file.
//!
//! The steps are those of `tarjuman run`, in the order that only `pipeline` knows. Every point of the brief names the
//! units it comes from, so that it can be compared with its Arabic.
//!
//!     cargo run --example brief_report -- --model echo examples/reports/news.txt
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use anyhow::{Context as _, Result, bail};
use tarjuman::engine::{Device, LoadOptions, Loaded, Precision};
use tarjuman::fetch::{Store, StoreOptions};
use tarjuman::glossary::Glossary;
use tarjuman::lang::Lang;
use tarjuman::memory::Memory;
use tarjuman::pipeline::{self, Answering, Configured, Cut, Rules, Silent};
use tarjuman::registry::Registry;
use tarjuman::summarize::{self, ExtractiveOptions};
use tarjuman::unit::{Ledger, TranslationUnit};
use tarjuman::{read, segment};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, path) = match &arguments[..] {
        [flag, name, path] if flag == "--model" => (name, path),
        _ => bail!("usage: brief_report --model NAME FILE"),
    };
    let store = Store::new(StoreOptions::of_user(true)?);
    let model = store.open(&Registry::built_in()?.get(name)?)?;
    let loaded =
        Loaded::load(&model, &LoadOptions { device: Device::Cpu, threads: 2, precision: Precision::Auto })?;
    let translator = loaded.translator().context("this model does not translate")?;

    let document =
        read::read(path, &std::fs::read(path).with_context(|| path.clone())?, read::ReadOptions::default())?;
    let segments = segment::segment(&document).into_iter();
    let langs = &model.spec.source_langs;
    let mut units: Vec<TranslationUnit> = segments.map(|s| pipeline::unit_of(&document, s, langs)).collect();

    // Units without a letter to translate are copies of their source already; the others are asked, in one go.
    let mut asked: Vec<&mut TranslationUnit> = units.iter_mut().filter(|unit| unit.is_waiting()).collect();
    let sources: Vec<String> = asked.iter().map(|unit| unit.source_normalized.clone()).collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let tokens: Vec<usize> = sources.iter().map(|source| translator.count_tokens(source)).collect();
    let decode = &model.spec.decode;
    let model = Configured { translator, digest: &model.digest, decode, rows: decode.batch };
    let (memory, observer) = (&mut Memory::none()?, &Silent::default());
    let answers = Answering { model, cut: Cut::Whole, memory, observer }.answer(&sources, &tokens)?;
    let rules = Rules { source_langs: &[], target_lang: &Lang::english(), glossary: &Glossary::default() };
    for (unit, answer) in asked.iter_mut().zip(answers) {
        pipeline::settle(unit, answer, rules);
    }

    let brief = summarize::extractive(&units, &ExtractiveOptions::default());
    println!("{}", brief.headline.text);
    for point in &brief.points {
        let cited: Vec<String> = point.units.iter().map(|&u| units[u].anchor()).collect();
        println!("- {} [{}]", point.text, cited.join(" "));
    }
    println!("{:?}", Ledger::of(&units));
    Ok(())
}
