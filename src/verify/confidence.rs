//! What the model says about its own translation.

use crate::inference::Hypothesis;

/// Mean log-probability a token below which a target is little more than a guess: on average each token had less
/// than one chance in six. The weakest model of the registry, `gemma-3-270m-ar-en`, had a median of -0.71 over 1,200
/// sentences; one in a hundred was below -1.25 and none below -1.6.
const MIN_MEAN_LOG_PROB: f32 = -1.8;

/// The same for targets of few tokens, whose mean is noisy: less than one chance in twelve.
const MIN_MEAN_LOG_PROB_SHORT: f32 = -2.5;

/// Targets of fewer tokens than this are short.
const SHORT: usize = 6;

/// A target that the length limit cut.
pub(super) fn truncated(hypothesis: &Hypothesis) -> Option<String> {
    let tokens = hypothesis.tokens;
    (!hypothesis.finished)
        .then(|| format!("the model was stopped after {tokens} tokens, before the end of the sentence"))
}

/// A target the model had no confidence in.
pub(super) fn low_probability(hypothesis: &Hypothesis) -> Option<String> {
    let bound = if hypothesis.tokens < SHORT { MIN_MEAN_LOG_PROB_SHORT } else { MIN_MEAN_LOG_PROB };
    let mean = hypothesis.mean_log_prob;
    // Written so that NaN, which broken weights give, is caught as well.
    if mean >= bound {
        return None;
    }
    Some(format!(
        "the model was very unsure: {:.0} % probability a word piece on average",
        mean.exp() * 100.0
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hypothesis(mean_log_prob: f32, tokens: usize) -> Hypothesis {
        Hypothesis {
            text: String::new(),
            mean_log_prob,
            min_log_prob: mean_log_prob,
            tokens,
            finished: true,
            coverage: Vec::new(),
        }
    }

    #[test]
    fn few_tokens_get_more_patience() {
        assert!(low_probability(&hypothesis(-0.6, 20)).is_none());
        assert!(low_probability(&hypothesis(-2.0, 20)).is_some());
        assert!(low_probability(&hypothesis(-2.0, 3)).is_none());
        assert!(low_probability(&hypothesis(f32::NAN, 20)).is_some());
    }
}
