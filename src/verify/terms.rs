//! Terms of the user's glossary.

use crate::glossary::Glossary;
use crate::unit::{Check, Finding};

/// A finding for each term of `source` that `target` does not have, however often it stands there.
pub fn terms(source: &str, target: &str, glossary: &Glossary) -> Vec<Finding> {
    let mut missing: Vec<_> = glossary.find(source).into_iter().map(|found| found.term).collect();
    missing.retain(|term| !term.is_in(target));
    let mut findings: Vec<Finding> = Vec::new();
    for term in missing {
        let detail = format!("“{}” should be “{}”", term.source(), term.preferred());
        if findings.iter().all(|known| known.detail != detail) {
            findings.push(Finding { check: Check::Glossary, detail });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_term_is_named_once() {
        let glossary = Glossary::new([
            ("خان شيخون", "Khan Shaykhun"),
            ("خان شيخون", "Khan Sheikhoun"),
            ("دوما", "Douma"),
        ])
        .0;
        let said = |source: &str, target: &str| {
            terms(source, target, &glossary).into_iter().map(|f| f.detail).collect::<Vec<_>>()
        };
        let source = "من خان شيخون إلى دوما ثم خان شيخون";
        assert!(said(source, "from Khan Sheikhoun to Douma and back to it").is_empty());
        assert_eq!(
            said(source, "from Shaykhan to Duma"),
            ["“خان شيخون” should be “Khan Shaykhun”", "“دوما” should be “Douma”"]
        );
        assert!(said("لا شيء", "nothing").is_empty());
    }
}
