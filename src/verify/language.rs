//! Sources in another language of the Arabic script than the model reads: what it makes of them is no translation.

use crate::lang::{Lang, other_than_arabic};
use crate::unit::{Check, Finding};

/// A finding where `source` is surely in a language that is not among `langs`; empty stands for Arabic.
pub fn language(source: &str, langs: &[Lang]) -> Option<Finding> {
    let found = other_than_arabic(source).filter(|found| !langs.contains(found))?;
    let detail = format!("this is {}, which the model does not read", found.name());
    Some(Finding { check: Check::Language, detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_model_does_not_read_is_found() {
        let persian = "مردم منطقه می‌گویند که برق و آب از سه روز پیش قطع شده است.";
        let said = |langs: &[Lang]| language(persian, langs).map(|finding| finding.detail);
        assert_eq!(said(&[]).as_deref(), Some("this is Persian, which the model does not read"));
        assert!(said(&[Lang::arabic()]).is_some());
        assert_eq!(said(&[Lang::arabic(), Lang("fa".into())]), None);
        assert_eq!(language("وصل الوفد إلى المدينة مساء أمس.", &[]), None);
    }
}
