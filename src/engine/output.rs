//! The output layer in int8: from the last hidden values to the best next tokens, without a whole vocabulary's logits.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::EngineError;
use super::candidates::{Candidate, Constraint, Names, Top};
use super::math;
use super::prepared::Prepared;
use super::qgemm::{Int8Scratch, Preparation, QuantizedLinear};

/// Outputs computed at once; their logits are reduced before the next block is touched. With 64 rows they fill half
/// of a small second-level cache.
const BLOCK: usize = 1024;

/// A vocabulary's weights in blocks of tokens.
pub struct OutputLayer {
    blocks: Vec<QuantizedLinear>,
    /// Which tokens the outputs stand for, in rising order; all of them where there is no list.
    ids: Option<Vec<u32>>,
}

/// An output layer as it was published in int8, out of which layers of fewer tokens are made.
pub struct PublishedOutput {
    /// tokens × inputs
    pub data: Arc<Vec<i8>>,
    /// What the weights are to be multiplied by.
    pub step: f32,
    /// A value a token.
    pub bias: Option<Vec<f32>>,
    /// What inputs undergo.
    pub preparation: Preparation,
}

impl PublishedOutput {
    /// How many tokens it has.
    pub fn tokens(&self) -> usize {
        self.data.len() / self.preparation.width()
    }

    /// The layer of all tokens.
    pub fn whole(&self) -> Result<OutputLayer, EngineError> {
        Ok(OutputLayer { ids: None, ..self.select((0..self.tokens() as u32).collect())? })
    }

    /// The layer of the tokens `ids`, in rising order, all of which there must be.
    pub fn select(&self, ids: Vec<u32>) -> Result<OutputLayer, EngineError> {
        let width = self.preparation.width();
        let block = |ids: &[u32]| {
            let mut data = Vec::with_capacity(ids.len() * width);
            ids.iter().for_each(|id| data.extend_from_slice(&self.data[*id as usize * width..][..width]));
            let bias = self.bias.as_ref().map(|bias| ids.iter().map(|id| bias[*id as usize]).collect());
            QuantizedLinear::of_int8(data, vec![self.step; ids.len()], bias, self.preparation.clone())
        };
        let blocks = ids.chunks(BLOCK).map(block).collect::<Result<_, _>>()?;
        Ok(OutputLayer { blocks, ids: Some(ids) })
    }
}

impl OutputLayer {
    /// The layer `name` of `tokens` outputs; `rows` gives the weights of a range of tokens, `inputs` values each, where
    /// they are not prepared. `bias` has a value a token.
    pub fn load(
        prepared: &Prepared,
        name: &str,
        (tokens, inputs): (usize, usize),
        bias: Option<&[f32]>,
        rows: impl Fn(Range<usize>) -> Result<Vec<f32>, EngineError> + Sync,
    ) -> Result<Self, EngineError> {
        let blocks = (0..tokens.div_ceil(BLOCK)).into_par_iter().map(|block| {
            let range = block * BLOCK..((block + 1) * BLOCK).min(tokens);
            let bias = bias.map(|bias| bias[range.clone()].to_vec());
            let name = format!("{name}.{block}");
            let weights = prepared.matrix(&name, range.len(), inputs, || rows(range))?;
            Ok(QuantizedLinear::new(weights, bias))
        });
        Ok(OutputLayer { blocks: blocks.collect::<Result<_, EngineError>>()?, ids: None })
    }

    /// The `k` best tokens for each row of `x` under its constraint. `masks` has what is added to a row's logits, an
    /// output each; or it is empty. `logits` is scratch.
    pub fn best(
        &self,
        int8: &mut Int8Scratch,
        x: &[f32],
        k: usize,
        constraints: &[Constraint],
        masks: &[&[f32]],
        logits: &mut Vec<f32>,
    ) -> Result<Vec<Vec<Candidate>>, EngineError> {
        let Some(block) = self.blocks.first() else { return Ok(Vec::new()) };
        int8.quantize(block, x);
        let mut tops: Vec<Top> = constraints.iter().map(|constraint| Top::new(k, constraint)).collect();
        let mut first = 0;
        debug_assert!(masks.is_empty() || masks.len() == tops.len());
        for block in &self.blocks {
            int8.product(block, logits)?;
            let outputs = first..first + block.outputs();
            let names = match &self.ids {
                Some(ids) => Names::Listed(&ids[outputs.clone()]),
                None => Names::From(first as u32),
            };
            for (row, (logits, top)) in logits.chunks_exact_mut(outputs.len()).zip(&mut tops).enumerate() {
                if let Some(mask) = masks.get(row) {
                    math::add(logits, &mask[outputs.clone()]);
                }
                top.add(logits, names);
            }
            first = outputs.end;
        }
        Ok(tops.into_iter().map(Top::finish).collect())
    }
}
