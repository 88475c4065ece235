//! The command line as it is typed.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::engine::{DeviceChoice, Precision};
use crate::memory::Day;
use crate::run::{Since, UnknownTime};
use crate::write::Format;

/// Translates folders of Arabic reports into English on this machine, with briefs and bilingual files.
#[derive(Debug, Parser)]
#[command(name = "tarjuman", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Touch no network: only what is installed is used
    #[arg(long, global = true, help_heading = "Run")]
    pub offline: bool,
    /// Registry of models laid over the built-in one
    #[arg(long, global = true, value_name = "FILE", help_heading = "Model")]
    pub registry: Option<PathBuf>,
    /// Only warnings and errors
    #[arg(long, short, global = true, help_heading = "Run")]
    pub quiet: bool,
    /// No progress bars
    #[arg(long, global = true, help_heading = "Run")]
    pub no_progress: bool,
    /// How messages are written to standard error
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", help_heading = "Run")]
    pub log_format: LogFormat,
    /// No names of files and no text of documents in messages; run.json has the tokens that stand for them
    #[arg(long, global = true, help_heading = "Run")]
    pub redact_logs: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Translate files and folders, brief them, and write bilingual files
    Run(Box<RunArgs>),
    /// Translate lines: one source a line on standard input, one target a line on standard output
    Translate(TranslateArgs),
    /// Show the sentences of files
    Segment(SegmentArgs),
    /// List, fetch, check and move models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// What a translation memory holds, and corrections into and out of it
    #[command(subcommand)]
    Memory(MemoryCommand),
    /// Check this machine: device, model, folders, and one sentence translated
    Doctor(DoctorArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub enum MemoryCommand {
    /// Count what it holds
    Stats {
        /// A translation memory, such as memory.sqlite of an output folder
        memory: PathBuf,
    },
    /// Take in corrections from a table; they stand in place of any model's answer
    Import {
        /// The translation memory; it is made where there is none
        memory: PathBuf,
        /// A CSV or TSV file with columns `arabic` and `correction`, such as a filled-in review.csv, or a TMX file
        file: PathBuf,
    },
    /// Remove answers of models that are of no use any more, and make the file smaller; corrections stay
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["unused_since", "keep_model"]))]
    Prune {
        /// The translation memory
        memory: PathBuf,
        /// Answers that no run has used since this day (UTC), such as 2026-11-20
        #[arg(long, value_name = "DAY", value_parser = day)]
        unused_since: Option<Day>,
        /// Answers of all models but this one; may be given several times
        #[arg(long, value_name = "NAME")]
        keep_model: Vec<String>,
        /// Only count them
        #[arg(long)]
        dry_run: bool,
    },
    /// Write all corrections to a table, or to a TMX file
    Export {
        /// The translation memory
        memory: PathBuf,
        /// Where to write, as TMX where the name ends so [default: standard output]
        file: Option<PathBuf>,
    },
}

/// `--quality`; docs/performance.md has what each costs and brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Quality {
    /// Greedy search
    Fast,
    /// A beam of 2
    Balanced,
    /// A beam of 4, or the model's own where that is wider
    Best,
}

impl Quality {
    /// The beam of a model whose own is `usual`.
    pub fn beam(self, usual: usize) -> usize {
        match self {
            Quality::Fast => 1,
            Quality::Balanced => 2,
            Quality::Best => usual.max(4),
        }
    }
}

#[derive(Debug, Args)]
pub struct ModelArgs {
    /// Model that translates: a name of `tarjuman models list`, a .gguf file, a model folder, `auto` or `echo`
    #[arg(long, value_name = "NAME", default_value = "auto", help_heading = "Model")]
    pub model: String,
    /// Where to compute: auto, cpu, cuda, cuda:N or metal
    #[arg(long, value_name = "DEVICE", default_value = "auto", help_heading = "Model")]
    pub device: DeviceChoice,
    /// CPU threads [default: all]
    #[arg(long, value_name = "N", help_heading = "Model", value_parser = positive)]
    pub threads: Option<usize>,
    /// Numbers to compute with: auto, f32, f16 or bf16
    #[arg(long, value_name = "NAME", default_value = "auto", help_heading = "Model")]
    pub precision: Precision,
    /// How widely to search, in place of --beam [default: the model's own beam]
    #[arg(long, value_name = "NAME", help_heading = "Decoding", conflicts_with = "beam")]
    pub quality: Option<Quality>,
    /// Hypotheses kept at each step; 1 is greedy search [default: the model's]
    #[arg(long, value_name = "N", help_heading = "Decoding", value_parser = positive)]
    pub beam: Option<usize>,
    /// No sentence ends before this many target tokens
    #[arg(long, value_name = "N", help_heading = "Decoding")]
    pub min_tokens: Option<usize>,
    /// The most target tokens of a sentence [default: by its length]
    #[arg(long, value_name = "N", help_heading = "Decoding", value_parser = positive)]
    pub max_tokens: Option<usize>,
}

impl ModelArgs {
    /// Whether its options agree with each other.
    ///
    /// # Errors
    /// No sentence could be as long as it must be.
    pub fn check(&self) -> anyhow::Result<()> {
        match (self.min_tokens, self.max_tokens) {
            (Some(least), Some(most)) if least > most => anyhow::bail!(
                "--min-tokens {least} is more than --max-tokens {most}\nhint: give the first at most as many as the second"
            ),
            _ => Ok(()),
        }
    }
}

/// What is asked of translations, and what is done where they fail.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// Terms and how to translate them: a CSV, TSV or TBX file of Arabic and English
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    pub glossary: Option<PathBuf>,
    /// Do not try again what a check has flagged
    #[arg(long, help_heading = "Trust")]
    pub no_repair: bool,
    /// Another translator, for flagged sentences that the first cannot repair
    #[arg(long, value_name = "NAME", help_heading = "Trust", conflicts_with = "no_repair")]
    pub second: Option<String>,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Files and folders to translate, `-` for standard input
    #[arg(required = true, value_name = "PATH", help_heading = "Input")]
    pub paths: Vec<PathBuf>,
    /// Encoding of the input files [default: detected for each]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub encoding: Option<String>,
    /// Columns of tables and keys of JSON lines to translate, with commas between [default: all with Arabic]
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Input")]
    pub fields: Vec<String>,
    /// Translate only the first N documents
    #[arg(long, value_name = "N", help_heading = "Input", value_parser = positive)]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub trust: TrustArgs,
    /// How to spell names: a names.csv of an earlier run, or a table with columns `arabic` and `english`
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    pub names: Option<PathBuf>,
    /// Who writes the briefs: extractive, none, or a model's name
    #[arg(long, value_name = "NAME", default_value = "extractive", help_heading = "Brief")]
    pub brief: String,
    /// Folder for everything that is written
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: PathBuf,
    /// What to write of each document, with commas between: md, html, jsonl, txt, docx, tmx, xliff, original
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "md,html,jsonl,txt",
        help_heading = "Output"
    )]
    pub formats: Vec<Format>,
    /// Only what is new or changed in digest.md: `last` for what came last, or since a time in UTC such as 2026-11-20
    #[arg(long, value_name = "WHEN", help_heading = "Output", value_parser = known_time)]
    pub since: Option<String>,
    /// Translation memory; `none` forgets everything at the end [default: memory.sqlite in the output folder]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub memory: Option<PathBuf>,
    /// Translate anew what the memory already has
    #[arg(long, help_heading = "Run")]
    pub fresh: bool,
}

impl RunArgs {
    /// The file of the translation memory; nothing where none is to last.
    pub fn memory(&self) -> Option<PathBuf> {
        let file = self.memory.clone().unwrap_or_else(|| self.out.join("memory.sqlite"));
        (file != Path::new("none")).then_some(file)
    }
}

#[derive(Debug, Args)]
pub struct TranslateArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub trust: TrustArgs,
    /// One JSON object a line: target, score, state and checks
    #[arg(long, help_heading = "Output")]
    pub jsonl: bool,
    /// Translation memory to use and fill [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub memory: Option<PathBuf>,
}

impl TranslateArgs {
    /// As that of a run.
    pub fn memory(&self) -> Option<PathBuf> {
        self.memory.clone().filter(|file| file != Path::new("none"))
    }
}

#[derive(Debug, Args)]
pub struct SegmentArgs {
    /// Files, `-` for standard input
    #[arg(required = true, value_name = "FILE", help_heading = "Input")]
    pub files: Vec<PathBuf>,
    /// Encoding of the files [default: detected for each]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub encoding: Option<String>,
    /// Columns of tables and keys of JSON lines to translate, with commas between [default: all with Arabic]
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Input")]
    pub fields: Vec<String>,
    /// One JSON object a segment: document, index, start, end, text
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub model: ModelArgs,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// All models of the registry, and which are installed
    List {
        /// One JSON object a model
        #[arg(long)]
        json: bool,
    },
    /// Everything known about a model
    Show {
        /// Its name
        name: String,
    },
    /// Fetch models
    Pull {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Check installed models by digest
    Verify {
        /// Their names [default: all that are installed]
        names: Vec<String>,
    },
    /// Install a model from an archive made by `export`, or from a folder with its files
    Import {
        /// The archive or folder
        path: PathBuf,
        /// For a folder: the registry's name of the model in it
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Write an installed model, with everything it needs, to one archive
    Export {
        /// Its name
        name: String,
        /// The archive
        file: PathBuf,
    },
    /// Delete installed models
    Remove {
        /// Their names; one that is the base of another installed one goes only together with that
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Print the folder of a model
    Path {
        /// Its name
        name: String,
    },
}

fn day(text: &str) -> Result<Day, String> {
    let time = humantime::parse_rfc3339(&format!("{text}T00:00:00Z"));
    time.map(Day::of).map_err(|_| "a day such as 2026-11-20 is needed".into())
}

fn known_time(text: &str) -> Result<String, UnknownTime> {
    text.parse::<Since>().map(|_| text.to_owned())
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a whole number from 1 on is needed".into()),
        Ok(n) => Ok(n),
    }
}
