//! The output layer in int8: from the last hidden values to the best next tokens, without a whole vocabulary's logits.

use std::ops::Range;

use rayon::prelude::*;

use super::EngineError;
use super::candidates::{Candidate, Constraint, Top};
use super::qgemm::{Int8Scratch, QuantizedLinear};

/// Outputs computed at once; their logits are reduced before the next block is touched.
const BLOCK: usize = 4096;

/// A vocabulary's weights in blocks of tokens.
pub struct OutputLayer {
    blocks: Vec<QuantizedLinear>,
}

impl OutputLayer {
    /// Quantises the weights of `tokens` outputs; `rows` gives those of a range of tokens, `inputs` values each. `bias`
    /// has a value a token.
    pub fn new(
        tokens: usize,
        inputs: usize,
        bias: Option<&[f32]>,
        rows: impl Fn(Range<usize>) -> Result<Vec<f32>, EngineError> + Sync,
    ) -> Result<Self, EngineError> {
        let blocks = (0..tokens.div_ceil(BLOCK)).into_par_iter().map(|block| {
            let range = block * BLOCK..((block + 1) * BLOCK).min(tokens);
            let bias = bias.map(|bias| bias[range.clone()].to_vec());
            Ok(QuantizedLinear::new(rows(range)?, inputs, bias))
        });
        Ok(OutputLayer { blocks: blocks.collect::<Result<_, EngineError>>()? })
    }

    /// The `k` best tokens for each row of `x` under its constraint. `logits` is scratch.
    pub fn best(
        &self,
        int8: &mut Int8Scratch,
        x: &[f32],
        k: usize,
        constraints: &[Constraint],
        logits: &mut Vec<f32>,
    ) -> Result<Vec<Vec<Candidate>>, EngineError> {
        let Some(block) = self.blocks.first() else { return Ok(Vec::new()) };
        int8.quantize(block, x);
        let mut tops: Vec<Top> = constraints.iter().map(|constraint| Top::new(k, constraint)).collect();
        let mut first = 0;
        for block in &self.blocks {
            int8.product(block, logits)?;
            for (logits, top) in logits.chunks_exact_mut(block.outputs()).zip(&mut tops) {
                top.add(logits, first);
            }
            first += block.outputs() as u32;
        }
        Ok(tops.into_iter().map(Top::finish).collect())
    }
}
