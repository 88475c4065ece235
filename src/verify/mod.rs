//! Checks on a finished translation: pure functions of source, target and what the model said about itself.
//!
//! Every finding makes its unit `flagged`, so that a person looks at it. A check that cries wolf is worse than none:
//! each bound here is calibrated on true translations (docs/checks.md has the figures and how to measure them), and
//! each finding says in plain words what was seen.

mod confidence;
mod coverage;
mod dialect;
mod echo;
mod language;
mod length;
mod money;
mod negation;
mod numbers;
mod quotes;
mod repetition;
mod script;
mod terms;
mod verbatim;

use crate::inference::Hypothesis;
use crate::unit::{Check, Finding};

pub use coverage::coverage;
pub use language::language;
pub use terms::terms;

/// All findings on one unit, in the order of [`Check`]; empty when nothing is wrong.
///
/// `source` is the sentence as it was given to the model, `target` the translation, `hypothesis` what the model
/// said about it (none where no model was asked).
pub fn check(source: &str, target: &str, hypothesis: Option<&Hypothesis>) -> Vec<Finding> {
    if target.trim().is_empty() {
        if source.trim().is_empty() {
            return Vec::new();
        }
        return vec![Finding { check: Check::Empty, detail: "the translation is empty".into() }];
    }
    // The words that these know are Arabic ones.
    let is_arabic = crate::lang::has_arabic(source);
    let of_arabic =
        |check: &dyn Fn(&str, &str) -> Option<String>| if is_arabic { check(source, target) } else { None };
    let repetition = repetition::check(source, target);
    // A loop is too long and repeats numbers: one finding says it all.
    let length = if repetition.is_none() { length::check(source, target) } else { None };
    [
        (Check::ArabicLeft, script::check(target)),
        (Check::Loop, repetition),
        (Check::Length, length),
        (Check::Numbers, numbers::check(source, target)),
        (Check::Negation, of_arabic(&negation::check)),
        (Check::Verbatim, of_arabic(&verbatim::check)),
        (Check::Quotes, of_arabic(&quotes::check)),
        (Check::Truncated, hypothesis.and_then(confidence::truncated)),
        (Check::LowProbability, hypothesis.and_then(confidence::low_probability)),
        (Check::Echo, echo::check(source, target)),
        (Check::Dialect, if is_arabic { dialect::check(source) } else { None }),
    ]
    .into_iter()
    .filter_map(|(check, detail)| Some(Finding { check, detail: detail? }))
    .collect()
}

#[cfg(test)]
mod measure;

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(source: &str, target: &str) -> Vec<Check> {
        check(source, target, None).into_iter().map(|f| f.check).collect()
    }

    #[test]
    fn a_good_translation_passes() {
        let pairs = [
            ("وصل 25 شخصاً إلى المخيم يوم الثلاثاء.", "Twenty-five people arrived at the camp on Tuesday."),
            ("لا.", "No."),
            (
                "أعلنت المنظمة توزيع 1.5 مليون سلة غذائية.",
                "The organisation announced that 1,500,000 food baskets were distributed.",
            ),
            ("", ""),
        ];
        for (source, target) in pairs {
            assert!(fired(source, target).is_empty(), "{target}: {:?}", check(source, target, None));
        }
    }

    #[test]
    fn each_fault_fires_its_check() {
        let source = "وصل 25 شخصاً إلى المخيم الواقع شرق المدينة يوم الثلاثاء الماضي.";
        for (target, wanted) in [
            ("  ", Check::Empty),
            ("25 people arrived at المخيم east of the city last Tuesday.", Check::ArabicLeft),
            ("25 people arrived at the camp the camp the camp the camp.", Check::Loop),
            ("25.", Check::Length),
            ("Fifty people arrived at the camp east of the city last Tuesday.", Check::Numbers),
            ("Arabic: 25 people arrived at the camp east of the city last Tuesday.", Check::Echo),
        ] {
            assert!(fired(source, target).contains(&wanted), "{target}: {:?}", fired(source, target));
        }
    }

    #[test]
    fn the_model_itself_is_heard() {
        let good = Hypothesis {
            text: "Good morning.".into(),
            mean_log_prob: -0.4,
            min_log_prob: -2.0,
            tokens: 4,
            finished: true,
            coverage: Vec::new(),
        };
        let of = |h: &Hypothesis| {
            check("صباح الخير.", "Good morning.", Some(h)).into_iter().map(|f| f.check).collect::<Vec<_>>()
        };
        assert!(of(&good).is_empty());
        assert_eq!(of(&Hypothesis { finished: false, ..good.clone() }), [Check::Truncated]);
        assert_eq!(of(&Hypothesis { mean_log_prob: -4.0, ..good.clone() }), [Check::LowProbability]);
    }
}
