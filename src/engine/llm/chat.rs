//! Prompts as token ids: plain continuation, or the chat template that the GGUF file carries.
//!
//! A document's text is never parsed for control tokens. A prompt is therefore built from parts, ours and the
//! document's, and only ours are searched for them.

use candle_core::quantized::gguf_file::Content;
use minijinja::{Environment, context};

use crate::engine::EngineError;
use crate::engine::gguf::Metadata;
use crate::engine::tokenize::Tokenizer;
use crate::model::{PromptSpec, PromptStyle};

/// Stands for the document's text while a template is rendered: a private-use character that no template contains.
const SLOT: &str = "\u{F8FF}";

/// Steps and bytes of a template: those of published models take some hundred steps and make some hundred bytes.
const MOST_STEPS: u64 = 100_000;
const MOST_BYTES: usize = 1 << 16;

/// What surrounds a text in a prompt, tokenised as far as the text cannot change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Up to the last control token before the text.
    head: Vec<u32>,
    /// Ours, but joined to the text, so that tokens form across the seams.
    near_before: String,
    near_after: String,
    /// From the first control token behind the text on.
    tail: Vec<u32>,
}

impl Frame {
    /// The frame that `prompt` puts around a source. Examples come first, each closed by an empty line.
    pub fn of_prompt(
        prompt: &PromptSpec,
        content: &Content,
        tokenizer: &Tokenizer,
    ) -> Result<Self, EngineError> {
        let Some((head, tail)) = prompt.template.split_once("{source}") else {
            return Err(EngineError::Invalid("the prompt's template has no {source}".into()));
        };
        let mut before = String::new();
        for example in &prompt.examples {
            before.push_str(&format!(
                "{head}{}{tail}{}{}\n\n",
                example.source, prompt.target_prefix, example.target
            ));
        }
        before.push_str(head);
        match prompt.style {
            PromptStyle::Completion => Frame::new(tokenizer, &before, tail),
            PromptStyle::Chat => Frame::of_chat(content, tokenizer, &before, tail),
        }
    }

    /// The model's chat template around one user turn, which has `head` and `tail` around the text.
    pub fn of_chat(
        content: &Content,
        tokenizer: &Tokenizer,
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
        environment.set_fuel(Some(MOST_STEPS));
        environment.add_template("chat", &template).map_err(invalid)?;
        let rendered = environment
            .get_template("chat")
            .and_then(|t| {
                t.render(context! {
                    messages => [context! { role => "user", content => format!("{head}{SLOT}{tail}") }],
                    add_generation_prompt => true,
                    enable_thinking => false,
                    bos_token => tokenizer.bos_text().unwrap_or_default(),
                })
            })
            .map_err(invalid)?;
        if rendered.len() > MOST_BYTES + head.len() + tail.len() {
            let bytes = rendered.len();
            return Err(EngineError::Invalid(format!(
                "tokenizer.chat_template makes {bytes} bytes of one turn"
            )));
        }
        let Some((before, after)) = rendered.split_once(SLOT) else {
            return Err(EngineError::Invalid("tokenizer.chat_template drops the user's text".into()));
        };
        Frame::new(tokenizer, before, after)
    }

    fn new(tokenizer: &Tokenizer, before: &str, after: &str) -> Result<Self, EngineError> {
        let (before, near_before) = tokenizer.split_after_last_control(before);
        let (near_after, after) = tokenizer.split_before_first_control(after);
        let mut head: Vec<u32> = tokenizer.bos().into_iter().collect();
        let ours = tokenizer.encode_prompt(before)?;
        if !head.is_empty() && ours.first() == head.first() {
            // Some templates write the token that begins a text themselves.
            head.clear();
        }
        head.extend(ours);
        Ok(Frame {
            head,
            near_before: near_before.into(),
            near_after: near_after.into(),
            tail: tokenizer.encode_prompt(after)?,
        })
    }

    /// Ids of the prompt for `text`.
    pub fn encode(&self, tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, EngineError> {
        let mut ids = self.head.clone();
        ids.extend(tokenizer.encode(&format!("{}{text}{}", self.near_before, self.near_after))?);
        ids.extend(&self.tail);
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

#[cfg(test)]
mod tests {
    use candle_core::quantized::gguf_file::{Value, VersionedMagic};

    use super::*;

    fn content(template: &str) -> Content {
        let texts = |texts: &[&str]| Value::Array(texts.iter().map(|t| Value::String((*t).into())).collect());
        let metadata = [
            ("tokenizer.ggml.model", Value::String("gpt2".into())),
            ("tokenizer.ggml.tokens", texts(&["", "a", "b"])),
            ("tokenizer.ggml.token_type", Value::Array(vec![Value::U32(3), Value::U32(1), Value::U32(1)])),
            ("tokenizer.ggml.merges", Value::Array(Vec::new())),
            ("tokenizer.chat_template", Value::String(template.into())),
        ];
        Content {
            magic: VersionedMagic::GgufV3,
            metadata: metadata.into_iter().map(|(key, value)| (key.to_string(), value)).collect(),
            tensor_infos: Default::default(),
            tensor_data_offset: 0,
        }
    }

    #[test]
    fn hostile_templates_and_tokens_end() {
        for (template, wanted) in [
            ("a{{ messages[0]['content'] }}b", None),
            (
                "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}{{ messages[0]['content'] }}",
                Some("fuel"),
            ),
            ("{{ 'a' * 99999999 }}{{ messages[0]['content'] }}", Some("bytes of one turn")),
            ("a", Some("drops the user's text")),
        ] {
            let content = content(template);
            // The control token without text must not be looked for.
            let tokenizer = Tokenizer::from_gguf(&content).unwrap();
            let error = Frame::of_chat(&content, &tokenizer, "a", "").err().map(|e| e.to_string());
            match wanted {
                None => assert_eq!(error, None),
                Some(wanted) => assert!(error.as_deref().is_some_and(|e| e.contains(wanted)), "{error:?}"),
            }
        }
    }
}
