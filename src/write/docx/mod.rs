//! Word documents (Office Open XML, ECMA-376): `NAME.bilingual.docx`, `NAME.en.docx` and `NAME.brief.docx`.
//!
//! Written directly, because the crate there is for it (docx-rs) knows neither `w:rtl` nor `w:lang`, without which Arabic is
//! set in a Latin font and its words are shown in the wrong order. Nothing in a file depends on the time it was written.

mod bilingual;
mod brief;
mod english;
mod text;

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipWriter};

use super::{WriteError, words};
use crate::xml::escape;

pub(super) use bilingual::BilingualDocx;
pub(super) use brief::BriefDocx;
pub(super) use english::EnglishDocx;

/// The namespaces of the parts that have text.
const NAMESPACES: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
                          xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";

/// Width of the text on a page in twentieths of a point: A4 less two margins.
const TEXT_WIDTH: usize = 9638;

/// A page of A4 with margins of 2 cm, and the footer.
const SECTION: &str = "<w:sectPr><w:footerReference w:type=\"default\" r:id=\"rId4\"/><w:pgSz w:w=\"11906\" w:h=\"16838\"/>\
    <w:pgMar w:top=\"1134\" w:right=\"1134\" w:bottom=\"1134\" w:left=\"1134\" w:header=\"567\" w:footer=\"567\" w:gutter=\"0\"/>\
    </w:sectPr>";

/// The number of the page.
const PAGE: &str = "<w:r><w:tab/></w:r><w:fldSimple w:instr=\" PAGE \"><w:r><w:t>1</w:t></w:r></w:fldSimple>";

/// The relationships of every document, and their numbers.
const RELATIONSHIPS: [&str; 4] = ["styles", "numbering", "settings", "footer"];

/// Id of the relationship to the file that a brief points to.
const LINKED: &str = "rId5";

/// A document on its way into a file.
struct Package<'d> {
    title: &'d str,
    /// What stands at the foot of every page.
    footer: String,
    /// Content of the body.
    body: String,
    /// A file beside this one that links with [`LINKED`] lead to.
    linked: Option<String>,
}

impl Package<'_> {
    /// The file.
    fn zip(&self) -> Result<Vec<u8>, WriteError> {
        let failed = |message: String| WriteError::Render { what: "docx", message };
        let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let mut add = |name: &str, content: &str| -> Result<(), WriteError> {
            zip.start_file(name, options).map_err(|e| failed(e.to_string()))?;
            zip.write_all(content.as_bytes()).map_err(|e| failed(e.to_string()))
        };
        add("[Content_Types].xml", include_str!("../assets/docx/content-types.xml"))?;
        add("_rels/.rels", include_str!("../assets/docx/package.rels"))?;
        add("docProps/core.xml", &self.properties())?;
        add("word/document.xml", &part("document", &format!("<w:body>{}{SECTION}</w:body>", self.body)))?;
        add("word/_rels/document.xml.rels", &self.relationships())?;
        add("word/styles.xml", include_str!("../assets/docx/styles.xml"))?;
        add("word/numbering.xml", include_str!("../assets/docx/numbering.xml"))?;
        add("word/settings.xml", include_str!("../assets/docx/settings.xml"))?;
        let footer = text::paragraph("Footer", &(text::english(&self.footer, text::Look::PLAIN) + PAGE));
        add("word/footer.xml", &part("ftr", &footer))?;
        Ok(zip.finish().map_err(|e| failed(e.to_string()))?.into_inner())
    }

    fn properties(&self) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
             <cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{}</dc:title><dc:creator>tarjuman</dc:creator>\
             </cp:coreProperties>\n",
            escape(self.title)
        )
    }

    fn relationships(&self) -> String {
        let mut out = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
             <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\n",
        );
        let kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        for (n, name) in RELATIONSHIPS.iter().enumerate() {
            out.push_str(&format!(
                "<Relationship Id=\"rId{}\" Type=\"{kinds}/{name}\" Target=\"{name}.xml\"/>\n",
                n + 1
            ));
        }
        if let Some(file) = &self.linked {
            out.push_str(&format!(
                "<Relationship Id=\"{LINKED}\" Type=\"{kinds}/hyperlink\" Target=\"{}\" TargetMode=\"External\"/>\n",
                escape(file)
            ));
        }
        out.push_str("</Relationships>\n");
        out
    }
}

fn part(element: &str, content: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<w:{element} {NAMESPACES}>{content}</w:{element}>\n"
    )
}

/// What made the document, and the models' warnings.
fn footer(parts: &[words::Part<'_>]) -> String {
    let warnings = words::warnings(parts).into_iter();
    [words::stamp(parts)].into_iter().chain(warnings).collect::<Vec<_>>().join(" · ")
}
