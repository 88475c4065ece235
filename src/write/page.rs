//! HTML pages: a template with its style and script inside, and a policy that lets nothing else run or load.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, Value, context};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::WriteError;

/// A page's fixed parts.
pub(super) struct Page {
    /// Name of the template; ends in `.html`, by which the engine knows to escape.
    pub name: &'static str,
    /// The template.
    pub template: &'static str,
    /// Content of the style element.
    pub style: &'static str,
    /// Content of the script element.
    pub script: &'static str,
}

impl Page {
    /// The page filled with `data`. All text in it is escaped, but for values marked as safe.
    pub fn render(&self, data: impl Serialize) -> Result<String, WriteError> {
        let failed =
            |error: minijinja::Error| WriteError::Render { what: self.name, message: error.to_string() };
        let mut templates = Environment::new();
        templates.set_trim_blocks(true);
        templates.set_lstrip_blocks(true);
        templates.set_keep_trailing_newline(true);
        templates.add_template(self.name, self.template).map_err(failed)?;
        let page = context! {
            style => Value::from_safe_string(self.style.to_owned()),
            script => Value::from_safe_string(self.script.to_owned()),
            policy => Value::from_safe_string(self.policy()),
            ..Value::from_serialize(data)
        };
        templates.get_template(self.name).and_then(|template| template.render(page)).map_err(failed)
    }

    /// Content Security Policy (W3C, level 3): no address is ever loaded, and only this very style and script count.
    /// Were there a hole in the escaping, a script from a report would still not run.
    fn policy(&self) -> String {
        format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
            source_hash(self.style),
            source_hash(self.script)
        )
    }
}

fn source_hash(content: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(content.as_bytes())))
}
