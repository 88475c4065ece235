//! Linear layers in int8: weights with one scale an output, activations with one scale a row.
//!
//! `y = s_row · s_out · Σ q_x q_w`, with the sums exact in i32. So a row's result does not depend on the rows beside
//! it nor on how work is split: this is what makes a batch equal to its members alone, to the last bit. Both sides
//! are turned by a [`Rotation`] before they are rounded, which is what makes one scale a row enough; models that were
//! published in int8 keep the rounding that they were trained for ([`Preparation`]). Products come from
//! `int8` where the processor has dot products of bytes, and from `rten-gemm` (AVX2, NEON) elsewhere.

use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix, QuantParams};
use rten_simd::{Isa, SimdOp};
use rten_tensor::NdTensorView;

use super::EngineError;
use super::int8::{self, Finish, Kernel, Line, MAX_INPUTS, PackedWeights, PanelSums, Rows};
use super::math;
use super::rotation::Rotation;
use super::shared::Shared;

/// The kernels of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Int8Gemm {
    /// Ours; none where `rten-gemm` is used.
    own: Option<Kernel>,
    /// Largest magnitude of a quantised activation: 127, or 63 where the kernel adds pairs of products in 16 bits
    /// (`vpmaddubsw` without VNNI) and would saturate: 2 · 127 · 127 < 2¹⁵.
    reach: i32,
}

thread_local! {
    /// It may not cross threads, and making it asks the processor what it can do.
    static EXECUTOR: GemmExecutor<u8, i8, i32> = GemmExecutor::default();
}

impl Default for Int8Gemm {
    fn default() -> Self {
        let own = Kernel::detect();
        let saturates = own.is_none() && EXECUTOR.with(GemmExecutor::may_saturate);
        Int8Gemm { own, reach: if saturates { 63 } else { 127 } }
    }
}

impl Int8Gemm {
    /// What stands for 0 in a row of activations.
    fn zero(self) -> u8 {
        (self.reach + 1) as u8
    }

    /// Name of the kernel chosen, for `doctor`.
    pub fn kernel(self) -> String {
        match self.own {
            Some(kernel) => kernel.name().to_string(),
            None => EXECUTOR.with(|executor| executor.kernel_name().to_string()),
        }
    }
}

/// What is done to a row of activations before it is multiplied.
#[derive(Debug, Clone, PartialEq)]
pub enum Preparation {
    /// Turned, then rounded with the row's own scale.
    Turned(Rotation),
    /// Rounded in steps of `1 / factor`, and cut off at 127 of them: the model was trained to be computed so.
    Fixed {
        /// Inputs.
        width: usize,
        /// What a value is multiplied by before it is rounded.
        factor: f32,
    },
    /// Rounded with the row's own scale.
    Plain {
        /// Inputs.
        width: usize,
    },
}

impl Preparation {
    /// Values of a row.
    pub fn width(&self) -> usize {
        match self {
            Preparation::Turned(rotation) => rotation.width(),
            Preparation::Fixed { width, .. } | Preparation::Plain { width } => *width,
        }
    }
}

/// Rows of activations in int8, stored as u8 around a zero point.
#[derive(Default)]
pub struct QuantizedRows {
    data: Vec<u8>,
    scales: Vec<f32>,
    zero_points: Vec<u8>,
    cols: usize,
    /// A row on its way, turned, and what turning it needs.
    turned: Vec<f32>,
    scratch: Vec<f32>,
}

impl QuantizedRows {
    /// Prepares and quantises `x`, rows of the preparation's width; a row of zeros gets scale 0.
    pub fn quantize(&mut self, gemm: Int8Gemm, preparation: &Preparation, x: &[f32]) {
        let cols = preparation.width();
        let rows = x.len() / cols;
        let zero = gemm.zero();
        let reach = gemm.reach as f32;
        self.cols = cols;
        self.scales.clear();
        self.data.clear();
        self.data.resize(x.len(), 0);
        self.zero_points.clear();
        self.zero_points.resize(rows, zero);
        for (row, out) in x.chunks_exact(cols).zip(self.data.chunks_exact_mut(cols)) {
            let (x, scale) = match preparation {
                Preparation::Turned(rotation) => {
                    self.turned.clear();
                    self.turned.extend_from_slice(row);
                    rotation.turn(&mut self.turned, &mut self.scratch);
                    (self.turned.as_slice(), math::reach(&self.turned) / reach)
                }
                Preparation::Fixed { factor, .. } => (row, 127.0 / (factor * reach)),
                Preparation::Plain { .. } => (row, math::reach(row) / reach),
            };
            self.scales.push(scale);
            Quantize { x, scale, reach, zero, out }.dispatch();
        }
    }

    fn rows(&self) -> usize {
        self.scales.len()
    }
}

/// A weight matrix in int8, turned, with a scale an output; cheap to clone.
#[derive(Clone)]
pub struct QuantizedWeights {
    layout: Layout,
    scales: Shared<f32>,
    inputs: usize,
}

/// How int8 weights lie in memory.
#[derive(Clone)]
enum Layout {
    Panels(Kernel, PackedWeights),
    /// As in the matrix, for `rten-gemm`, which has a layout of its own for every processor.
    Rows(Shared<i8>),
}

impl Layout {
    /// For `own`, or for `rten-gemm`.
    fn new(own: Option<Kernel>, weights: Vec<i8>, outputs: usize, inputs: usize) -> Self {
        match own {
            Some(kernel) => Layout::Panels(kernel, PackedWeights::new(&weights, outputs, inputs)),
            None => Layout::Rows(Shared::own(weights)),
        }
    }
}

impl QuantizedWeights {
    /// Turns and quantises `weights`, row-major, one row of `inputs` values an output, for `own` kernels or `rten-gemm`.
    pub fn new(mut weights: Vec<f32>, inputs: usize, own: Option<Kernel>) -> Result<Self, EngineError> {
        check_inputs(inputs)?;
        let outputs = weights.len() / inputs;
        let rotation = Rotation::new(inputs);
        let mut quantized = vec![0i8; weights.len()];
        let mut bytes = vec![0u8; inputs];
        let mut scales = Vec::with_capacity(outputs);
        let mut scratch = Vec::new();
        for (row, out) in weights.chunks_exact_mut(inputs).zip(quantized.chunks_exact_mut(inputs)) {
            rotation.turn(row, &mut scratch);
            let scale = math::reach(row) / 127.0;
            scales.push(scale / rotation.gain());
            Quantize { x: row, scale, reach: 127.0, zero: 0, out: &mut bytes }.dispatch();
            out.iter_mut().zip(&bytes).for_each(|(q, &byte)| *q = byte as i8);
        }
        let layout = Layout::new(own, quantized, outputs, inputs);
        Ok(QuantizedWeights { layout, scales: Shared::own(scales), inputs })
    }

    /// Those that [`QuantizedWeights::sections`] were made of: panels, sums and scales, if they fit each other.
    pub fn of_panels(
        kernel: Kernel,
        panels: Shared<Line>,
        sums: Shared<PanelSums>,
        scales: Shared<f32>,
        inputs: usize,
    ) -> Option<Self> {
        let packed = PackedWeights::of_parts(panels, sums, scales.len(), inputs)?;
        Some(QuantizedWeights { layout: Layout::Panels(kernel, packed), scales, inputs })
    }

    /// The same of rows and scales.
    pub fn of_rows(rows: Shared<i8>, scales: Shared<f32>, inputs: usize) -> Option<Self> {
        let fits = inputs <= MAX_INPUTS && scales.len().checked_mul(inputs) == Some(rows.len());
        fits.then_some(QuantizedWeights { layout: Layout::Rows(rows), scales, inputs })
    }

    /// All that they are made of, by name.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, Box<dyn AsRef<[u8]> + Send + Sync>)> {
        let mut sections: Vec<(_, Box<dyn AsRef<[u8]> + Send + Sync>)> = Vec::new();
        match &self.layout {
            Layout::Panels(_, packed) => {
                let (panels, sums) = packed.parts();
                sections.push(("panels", Box::new(panels)));
                sections.push(("sums", Box::new(sums)));
            }
            Layout::Rows(rows) => sections.push(("rows", Box::new(rows.clone()))),
        }
        sections.push(("scales", Box::new(self.scales.clone())));
        sections.into_iter()
    }

    /// Rows of the matrix.
    pub fn outputs(&self) -> usize {
        self.scales.len()
    }
}

/// Refuses layers whose sums may not be exact.
fn check_inputs(inputs: usize) -> Result<(), EngineError> {
    if inputs <= MAX_INPUTS {
        return Ok(());
    }
    let what = format!(
        "a layer of {inputs} inputs in int8, whose sums may leave 32 bits; --precision f32 has no limit"
    );
    Err(EngineError::Unsupported(what))
}

/// Weights in the layout of the kernel that will multiply them.
enum Packed {
    Own(Kernel, PackedWeights),
    Rten(PackedBMatrix<i8>),
}

impl Packed {
    fn new(layout: Layout, outputs: usize, inputs: usize) -> Self {
        match layout {
            Layout::Panels(kernel, packed) => Packed::Own(kernel, packed),
            Layout::Rows(rows) => {
                // This kernel wants inputs × outputs: the same values seen through swapped strides.
                let view = NdTensorView::from_data([outputs, inputs], &*rows);
                Packed::Rten(EXECUTOR.with(|executor| executor.prepack_b(view.transposed())))
            }
        }
    }
}

/// A linear layer in int8, packed for the kernel.
pub struct QuantizedLinear {
    packed: Packed,
    scales: Shared<f32>,
    bias: Option<Vec<f32>>,
    preparation: Preparation,
    relu: bool,
}

impl QuantizedLinear {
    /// A layer of turned weights; `bias` has a value an output.
    pub fn new(weights: QuantizedWeights, bias: Option<Vec<f32>>) -> Self {
        let QuantizedWeights { layout, scales, inputs } = weights;
        let preparation = Preparation::Turned(Rotation::new(inputs));
        let packed = Packed::new(layout, scales.len(), inputs);
        QuantizedLinear { packed, scales, bias, preparation, relu: false }
    }

    /// Packs `weights`, row-major, each row of which is to be multiplied by its scale. They must have been made for
    /// inputs that undergo `preparation`.
    pub fn of_int8(
        weights: Vec<i8>,
        scales: Vec<f32>,
        bias: Option<Vec<f32>>,
        preparation: Preparation,
    ) -> Result<Self, EngineError> {
        let (outputs, inputs) = (scales.len(), preparation.width());
        check_inputs(inputs)?;
        let packed = Packed::new(Layout::new(Kernel::detect(), weights, outputs, inputs), outputs, inputs);
        Ok(QuantizedLinear { packed, scales: Shared::own(scales), bias, preparation, relu: false })
    }

    /// The same layer followed by max(x, 0).
    pub fn rectified(self) -> Self {
        QuantizedLinear { relu: true, ..self }
    }

    /// Outputs of the layer.
    pub fn outputs(&self) -> usize {
        self.scales.len()
    }

    /// Inputs of the layer.
    pub fn inputs(&self) -> usize {
        self.preparation.width()
    }

    /// What its inputs undergo.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// `out` = `x` · Wᵀ + b, for rows of [`QuantizedLinear::outputs`] values. `sums` is scratch.
    pub fn forward(
        &self,
        x: &QuantizedRows,
        sums: &mut Vec<i32>,
        out: &mut [f32],
    ) -> Result<(), EngineError> {
        let outputs = self.outputs();
        debug_assert_eq!((x.cols, out.len()), (self.inputs(), x.rows() * outputs));
        let bias = self.bias.as_deref();
        let packed = match &self.packed {
            Packed::Own(kernel, packed) => {
                let zero = x.zero_points.first().copied().unwrap_or_default();
                let x = Rows { data: &x.data, zero, scales: &x.scales };
                let finish = Finish { scales: &self.scales, bias, relu: self.relu };
                int8::product(*kernel, x, packed, finish, out);
                return Ok(());
            }
            Packed::Rten(packed) => packed,
        };
        multiply(x, packed, outputs, sums)?;
        for ((row, sums), &scale) in
            out.chunks_exact_mut(outputs).zip(sums.chunks_exact(outputs)).zip(&x.scales)
        {
            Dequantize { sums, scale, scales: &self.scales, bias, relu: self.relu, out: row }.dispatch();
        }
        Ok(())
    }
}

/// `sums` = `x` · weights, rows × `outputs`, by `rten-gemm`.
fn multiply(
    x: &QuantizedRows,
    weights: &PackedBMatrix<i8>,
    outputs: usize,
    sums: &mut Vec<i32>,
) -> Result<(), EngineError> {
    let rows = x.rows();
    sums.resize(rows * outputs, 0);
    let a = NdTensorView::from_data([rows, x.cols], x.data.as_slice());
    let a_quant = Some(QuantParams { zero_point: x.zero_points.as_slice() });
    let options = GemmOptions { a_quant, ..GemmOptions::default() };
    EXECUTOR
        .with(|executor| executor.gemm(sums, GemmInputA::Unpacked(a), GemmInputB::Packed(weights), options))
        .map_err(|e| EngineError::Compute(format!("int8 product of {rows}×{}×{outputs}: {e}", x.cols)))
}

/// What products need besides weights and inputs, kept between calls.
#[derive(Default)]
pub struct Int8Scratch {
    gemm: Int8Gemm,
    rows: QuantizedRows,
    sums: Vec<i32>,
}

impl Int8Scratch {
    /// `out` = layer(`x`), rows of the layer's inputs to rows of its outputs.
    pub fn apply(
        &mut self,
        layer: &QuantizedLinear,
        x: &[f32],
        out: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        self.quantize(layer, x);
        self.product(layer, out)
    }

    /// Quantises `x` for `layer` and for others of the same preparation.
    pub fn quantize(&mut self, layer: &QuantizedLinear, x: &[f32]) {
        self.rows.quantize(self.gemm, layer.preparation(), x);
    }

    /// `out` = layer(what was quantised last).
    pub fn product(&mut self, layer: &QuantizedLinear, out: &mut Vec<f32>) -> Result<(), EngineError> {
        out.resize(self.rows.rows() * layer.outputs(), 0.0);
        layer.forward(&self.rows, &mut self.sums, out)
    }
}

/// `out = x / scale + zero`, rounded to whole numbers, with `x / scale` cut off at `reach`.
struct Quantize<'a> {
    x: &'a [f32],
    scale: f32,
    reach: f32,
    zero: u8,
    out: &'a mut [u8],
}

impl SimdOp for Quantize<'_> {
    type Output = ();

    // A plain loop, compiled for the instruction set of `I`.
    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        // Added, it leaves the nearest integer in the low bits.
        const ROUND: f32 = 12_582_912.0;
        let inverse = if self.scale > 0.0 { 1.0 / self.scale } else { 0.0 };
        for (out, x) in self.out.iter_mut().zip(self.x) {
            let x = (x * inverse).clamp(-self.reach, self.reach);
            *out = ((x + ROUND).to_bits() as u8).wrapping_add(self.zero);
        }
    }
}

/// `out = sums · scale · scales + bias`, one row.
struct Dequantize<'a> {
    sums: &'a [i32],
    scale: f32,
    scales: &'a [f32],
    bias: Option<&'a [f32]>,
    relu: bool,
    out: &'a mut [f32],
}

impl SimdOp for Dequantize<'_> {
    type Output = ();

    // Plain loops, compiled for the instruction set of `I`.
    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        for ((out, &sum), scale) in self.out.iter_mut().zip(self.sums).zip(self.scales) {
            *out = sum as f32 * (scale * self.scale);
        }
        if let Some(bias) = self.bias {
            self.out.iter_mut().zip(bias).for_each(|(out, bias)| *out += bias);
        }
        if self.relu {
            self.out.iter_mut().for_each(|out| *out = out.max(0.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small deterministic sequence in -1..1; tests need variety, not randomness.
    fn values(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    fn linear(weights: &[f32], inputs: usize, bias: Option<Vec<f32>>) -> QuantizedLinear {
        let weights = QuantizedWeights::new(weights.to_vec(), inputs, Kernel::detect()).unwrap();
        QuantizedLinear::new(weights, bias)
    }

    fn forward(layer: &QuantizedLinear, gemm: &Int8Gemm, x: &[f32], cols: usize) -> Vec<f32> {
        let mut rows = QuantizedRows::default();
        assert_eq!(cols, layer.inputs());
        rows.quantize(*gemm, layer.preparation(), x);
        let mut out = vec![0.0; rows.rows() * layer.outputs()];
        layer.forward(&rows, &mut Vec::new(), &mut out).unwrap();
        out
    }

    #[test]
    fn close_to_the_product_in_f32() {
        let gemm = Int8Gemm::default();
        for (rows, inputs, outputs) in [(1, 64, 8), (3, 65, 33), (17, 640, 48), (40, 31, 5)] {
            let (x, w, b) = (values(rows * inputs, 1), values(outputs * inputs, 2), values(outputs, 3));
            let layer = linear(&w, inputs, Some(b.clone()));
            let got = forward(&layer, &gemm, &x, inputs);
            for r in 0..rows {
                for o in 0..outputs {
                    let exact: f32 =
                        (0..inputs).map(|i| x[r * inputs + i] * w[o * inputs + i]).sum::<f32>() + b[o];
                    // Two roundings of at most half a step each, summed over the inputs at random: √n steps.
                    let bound = (inputs as f32).sqrt() * 3.0 / gemm.reach as f32;
                    let error = (got[r * outputs + o] - exact).abs();
                    assert!(error < bound, "{rows}×{inputs}×{outputs} at {r},{o}: off by {error}");
                }
            }
        }
    }

    #[test]
    fn both_kernels_give_the_same() {
        let (rows, inputs, outputs) = (7, 100, 50);
        let weights: Vec<i8> = values(outputs * inputs, 11).iter().map(|w| (w * 127.0) as i8).collect();
        let x = values(rows * inputs, 12);
        let saturates = EXECUTOR.with(GemmExecutor::may_saturate);
        let rten = Int8Gemm { own: None, reach: if saturates { 63 } else { 127 } };
        for relu in [false, true] {
            let outputs_of = |gemm: Int8Gemm| {
                let layer = QuantizedLinear {
                    packed: Packed::new(
                        Layout::new(gemm.own, weights.clone(), outputs, inputs),
                        outputs,
                        inputs,
                    ),
                    scales: Shared::own(values(outputs, 13)),
                    bias: Some(values(outputs, 14)),
                    preparation: Preparation::Fixed { width: inputs, factor: 90.0 },
                    relu,
                };
                forward(&layer, &gemm, &x, inputs)
            };
            let (ours, theirs) = (outputs_of(Int8Gemm::default()), outputs_of(rten));
            let bound = if saturates { 5.0 } else { 1e-3 };
            for (a, b) in ours.iter().zip(&theirs) {
                assert!((a - b).abs() <= bound, "{a} and {b}");
                assert!(!relu || (*a >= 0.0 && *b >= 0.0));
            }
            assert_eq!(relu, ours.iter().chain(&theirs).all(|x| *x >= 0.0));
        }
    }

    #[test]
    fn too_many_inputs_for_exact_sums_are_refused() {
        let inputs = MAX_INPUTS + 1;
        let refused = QuantizedWeights::new(vec![1.0; inputs], inputs, None);
        assert!(matches!(refused, Err(EngineError::Unsupported(what)) if what.contains("65537 inputs")));
    }

    #[test]
    fn one_large_channel_does_not_drown_the_others() {
        let gemm = Int8Gemm::default();
        let (inputs, outputs) = (640, 24);
        let (mut x, mut w) = (values(inputs, 8), values(outputs * inputs, 9));
        // As in the residual stream of real models; what it adds is taken off again to look at the rest.
        x[100] = 60.0;
        w.iter_mut().skip(100).step_by(inputs).for_each(|w| *w = 0.0);
        let got = forward(&linear(&w, inputs, None), &gemm, &x, inputs);
        for (got, w) in got.iter().zip(w.chunks_exact(inputs)) {
            let exact: f32 = x.iter().zip(w).map(|(x, w)| x * w).sum();
            // Unturned, a step would be 60 / 127, and the error about 2 = 0.47 / √12 · √(640 / 3).
            assert!((got - exact).abs() < 0.8, "{got}, not {exact}");
        }
    }

    #[test]
    fn a_row_is_the_same_alone_and_among_others() {
        let gemm = Int8Gemm::default();
        let (inputs, outputs, rows) = (96, 40, 23);
        let (x, w) = (values(rows * inputs, 4), values(outputs * inputs, 5));
        let layer = linear(&w, inputs, None);
        let together = forward(&layer, &gemm, &x, inputs);
        for r in 0..rows {
            let alone = forward(&layer, &gemm, &x[r * inputs..(r + 1) * inputs], inputs);
            assert_eq!(alone, together[r * outputs..(r + 1) * outputs], "row {r}");
        }
    }

    #[test]
    fn a_row_of_zeros_gives_the_bias() {
        let gemm = Int8Gemm::default();
        let layer = linear(&values(32 * 8, 6), 32, Some(vec![0.5; 8]));
        assert_eq!(forward(&layer, &gemm, &[0.0; 32], 32), vec![0.5; 8]);
    }
}
