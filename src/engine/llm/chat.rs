//! Prompts as token ids: plain continuation, or the chat template that the GGUF file carries.
//!
//! A document's text is never parsed for control tokens. A prompt is therefore built from parts, ours and the
//! document's, and only ours are searched for them.

use candle_core::quantized::gguf_file::Content;
use minijinja::{Environment, context};

use crate::engine::EngineError;
use crate::engine::tokenize::{Metadata, Tokenizer};
use crate::model::{PromptSpec, PromptStyle};

/// Stands for the document's text while a template is rendered: a private-use character that no template contains.
const SLOT: &str = "\u{F8FF}";

/// What surrounds a text in a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    before: String,
    after: String,
    /// Whether control tokens may be written in `before` and `after`.
    control: bool,
}

impl Frame {
    /// The frame that `prompt` puts around a source. Examples come first, each closed by an empty line.
    pub fn of_prompt(prompt: &PromptSpec, content: &Content, bos: Option<&str>) -> Result<Self, EngineError> {
        let Some((head, tail)) = prompt.template.split_once("{source}") else {
            return Err(EngineError::Invalid("the prompt's template has no {source}".into()));
        };
        let mut examples = String::new();
        for example in &prompt.examples {
            examples.push_str(&format!(
                "{head}{}{tail}{}{}\n\n",
                example.source, prompt.target_prefix, example.target
            ));
        }
        match prompt.style {
            PromptStyle::Completion => {
                Ok(Frame { before: examples + head, after: tail.to_string(), control: false })
            }
            PromptStyle::Chat => Frame::of_chat(content, bos, &format!("{examples}{head}"), tail),
        }
    }

    /// The model's chat template around one user turn, which has `head` and `tail` around the text.
    pub fn of_chat(
        content: &Content,
        bos: Option<&str>,
        head: &str,
        tail: &str,
    ) -> Result<Self, EngineError> {
        let template = Metadata(&content.metadata).string("tokenizer.chat_template").map_err(|_| {
            EngineError::Unsupported("a chat prompt for a model without a chat template".into())
        })?;
        let invalid = |e: minijinja::Error| EngineError::Invalid(format!("tokenizer.chat_template: {e}"));
        let mut environment = Environment::new();
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |message: String| -> Result<String, minijinja::Error> {
            Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message))
        });
        environment.add_template("chat", &template).map_err(invalid)?;
        let rendered = environment
            .get_template("chat")
            .and_then(|t| {
                t.render(context! {
                    messages => [context! { role => "user", content => format!("{head}{SLOT}{tail}") }],
                    add_generation_prompt => true,
                    enable_thinking => false,
                    bos_token => bos.unwrap_or_default(),
                })
            })
            .map_err(invalid)?;
        let Some((before, after)) = rendered.split_once(SLOT) else {
            return Err(EngineError::Invalid("tokenizer.chat_template drops the user's text".into()));
        };
        Ok(Frame { before: before.into(), after: after.into(), control: true })
    }

    /// Ids of the prompt for `text`.
    pub fn encode(&self, tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, EngineError> {
        let mut ids: Vec<u32> = tokenizer.bos().into_iter().collect();
        if !self.control {
            ids.extend(tokenizer.encode(&format!("{}{text}{}", self.before, self.after))?);
            return Ok(ids);
        }
        // The text is joined to what of ours stands beside it, so that tokens form across the seams.
        let (head, near_before) = tokenizer.split_after_last_control(&self.before);
        let (near_after, tail) = tokenizer.split_before_first_control(&self.after);
        let head = tokenizer.encode_prompt(head)?;
        if head.first() == ids.first() {
            ids.clear();
        }
        ids.extend(head);
        ids.extend(tokenizer.encode(&format!("{near_before}{text}{near_after}"))?);
        ids.extend(tokenizer.encode_prompt(tail)?);
        Ok(ids)
    }

    /// The longest beginning that the prompts of different texts share, for computing it once. One token less, since
    /// a text can change the token before it.
    pub fn common_prefix(&self, tokenizer: &Tokenizer) -> Result<Vec<u32>, EngineError> {
        let prompts =
            ["ا", "1", "«", "Q"].iter().map(|t| self.encode(tokenizer, t)).collect::<Result<Vec<_>, _>>()?;
        let shared = |i: usize| prompts.iter().all(|p| p.get(i) == prompts[0].get(i));
        let len = (0..prompts[0].len()).take_while(|&i| shared(i)).count();
        Ok(prompts[0][..len.saturating_sub(1)].to_vec())
    }
}
