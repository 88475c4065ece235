//! Products of int8 matrices: u8 activations by i8 weights, exact sums in i32, f32 out.
//!
//! Weights lie in panels of [`PANEL`] outputs, four inputs of each output side by side, which is what the dot product
//! instructions take (`vpdpbusd`, or pairs of `vpmaddwd`). Activations are read where they are, four bytes of a row
//! at a time. A tile of rows by outputs is summed in registers over the whole depth and leaves them as finished f32
//! values, so there is neither a packed copy of the activations nor a buffer of sums.
//!
//! Every kernel computes the same sums and then the same f32 operations in the same order: results are equal to the
//! last bit between kernels, and between a row computed alone and the same row in a batch.

use bytemuck::{Pod, Zeroable};

use super::shared::Shared;

/// Outputs in a panel: 128 bytes for each four inputs, two registers of AVX-512. At 512 inputs a panel is 16 KiB,
/// half of a small first-level cache.
const PANEL: usize = 32;

/// Inputs whose products an instruction adds up.
const GROUP: usize = 4;

/// Lines that a panel has for each group of inputs.
const LINES: usize = PANEL * GROUP / 64;

/// With more inputs than this a sum may leave i32: 65 536 · 255 · 128 < 2³¹.
pub const MAX_INPUTS: usize = 1 << 16;

/// Groups between two requests for weights that are wanted later.
const STRETCH: usize = 8;

/// How far ahead of a lone tile weights are asked for, in lines: for rows as few as [`FEW`], which only wait for
/// memory, and for more, which have time between two lines.
const AHEAD: (usize, usize) = (32, 192);
/// See [`AHEAD`].
const FEW: usize = 2;

/// Rows so many bytes apart compete for the same lines of a first-level cache, which has [`ALIAS_ROWS`] of them.
const ALIAS: usize = 4096;
/// See [`ALIAS`].
const ALIAS_ROWS: usize = 8;

/// Rows of the tallest tile of any kernel.
const MAX_TILE_ROWS: usize = 12;

/// A cache line of weights: 16 outputs by four inputs.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Line([i8; 64]);

/// Sums of the weights of a panel's outputs.
pub type PanelSums = [i32; PANEL];

/// A weight matrix of `outputs` × `inputs` in the kernels' layout; cheap to clone.
#[derive(Clone)]
pub struct PackedWeights {
    /// `[panel][group of inputs][output of the panel][input of the group]`, zeros beyond the matrix.
    lines: Shared<Line>,
    /// Sum of each output's weights, by panel.
    sums: Shared<PanelSums>,
    outputs: usize,
    inputs: usize,
}

impl PackedWeights {
    /// Packs `weights`, row-major, one row of `inputs` values an output.
    ///
    /// # Panics
    ///
    /// If `weights` is not `outputs` × `inputs`, or `inputs` is above [`MAX_INPUTS`].
    pub fn new(weights: &[i8], outputs: usize, inputs: usize) -> Self {
        assert_eq!(weights.len(), outputs * inputs, "weights are not {outputs} × {inputs}");
        assert!(inputs <= MAX_INPUTS, "{inputs} inputs are more than {MAX_INPUTS}");
        let (panels, groups) = (outputs.div_ceil(PANEL), inputs.div_ceil(GROUP));
        let mut lines = vec![Line([0; 64]); panels * groups * LINES];
        let mut sums = vec![[0; PANEL]; panels];
        for output in 0..outputs {
            let (panel, column) = (output / PANEL, output % PANEL);
            let (line, place) = (column * GROUP / 64, column * GROUP % 64 / GROUP);
            let lines = &mut lines[panel * groups * LINES..][..groups * LINES];
            let places = lines.as_chunks_mut::<LINES>().0;
            let row = &weights[output * inputs..(output + 1) * inputs];
            let (words, rest) = row.as_chunks::<GROUP>();
            for (lines, word) in places.iter_mut().zip(words) {
                lines[line].0.as_chunks_mut().0[place] = *word;
            }
            if let (false, Some(lines)) = (rest.is_empty(), places.last_mut()) {
                lines[line].0[place * GROUP..][..rest.len()].copy_from_slice(rest);
            }
            sums[panel][column] = row.iter().map(|&w| i32::from(w)).sum();
        }
        PackedWeights { lines: Shared::own(lines), sums: Shared::own(sums), outputs, inputs }
    }

    /// What [`PackedWeights::parts`] gave, if it is of a matrix of that size.
    pub fn of_parts(
        lines: Shared<Line>,
        sums: Shared<PanelSums>,
        outputs: usize,
        inputs: usize,
    ) -> Option<Self> {
        let (panels, groups) = (outputs.div_ceil(PANEL), inputs.div_ceil(GROUP));
        let fits = inputs <= MAX_INPUTS && lines.len() == panels * groups * LINES && sums.len() == panels;
        fits.then_some(PackedWeights { lines, sums, outputs, inputs })
    }

    /// Weights and their sums as they lie in memory.
    pub fn parts(&self) -> (Shared<Line>, Shared<PanelSums>) {
        (self.lines.clone(), self.sums.clone())
    }

    fn panel(&self, panel: usize) -> &[Line] {
        let lines = self.inputs.div_ceil(GROUP) * LINES;
        &self.lines[panel * lines..][..lines]
    }
}

/// Quantised activations: row `r` stands for `scales[r] · (data[r][i] − zero)`.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// Rows × inputs, row-major.
    pub data: &'a [u8],
    /// What stands for nought, the same in all rows.
    pub zero: u8,
    /// A scale a row.
    pub scales: &'a [f32],
}

/// What makes values of sums, for all outputs of the matrix.
#[derive(Clone, Copy)]
pub struct Finish<'a> {
    /// A scale an output.
    pub scales: &'a [f32],
    /// A value an output, added at the end.
    pub bias: Option<&'a [f32]>,
    /// Whether what is below nought becomes nought.
    pub relu: bool,
}

/// Which instructions compute products. One can only be had on a machine that has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Choice);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// The code of `AvxVnni` with the instruction's other encoding, which more machines have.
    #[cfg(all(target_arch = "x86_64", test))]
    Avx512VnniHalf,
    Portable,
}

impl Kernel {
    /// The fastest kernel of this machine, if it has dot products of bytes; for the others `rten-gemm` is faster.
    pub fn detect() -> Option<Self> {
        Self::available().next().filter(|kernel| kernel.0 != Choice::Portable)
    }

    /// All kernels of this machine, fastest first.
    pub fn available() -> impl Iterator<Item = Kernel> {
        #[cfg(target_arch = "x86_64")]
        let special = {
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni");
            let avx2 = is_x86_feature_detected!("avx2");
            [
                (Choice::Avx512Vnni, avx512),
                (Choice::AvxVnni, avx2 && is_x86_feature_detected!("avxvnni")),
                #[cfg(test)]
                (Choice::Avx512VnniHalf, avx2 && avx512),
            ]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let special: [(Choice, bool); 0] = [];
        let special = special.into_iter().filter_map(|(choice, there)| there.then_some(choice));
        special.chain([Choice::Portable]).map(Kernel)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Choice::Avx512Vnni => "avx512-vnni",
            #[cfg(target_arch = "x86_64")]
            Choice::AvxVnni => "avx-vnni",
            #[cfg(all(target_arch = "x86_64", test))]
            Choice::Avx512VnniHalf => "avx512-vnni, 256 bits",
            Choice::Portable => "portable",
        }
    }

    /// What computes a tile, and how many rows it may have.
    fn tiles(self) -> (TileFn, usize) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Choice::Avx512Vnni => (avx512_vnni::run, avx512_vnni::ROWS),
            #[cfg(target_arch = "x86_64")]
            Choice::AvxVnni => (avx_vnni::run, avx_vnni::ROWS),
            #[cfg(all(target_arch = "x86_64", test))]
            Choice::Avx512VnniHalf => (avx512_vnni_half::run, avx512_vnni_half::ROWS),
            Choice::Portable => (portable::run, portable::ROWS),
        }
    }
}

/// Computes a tile.
///
/// # Safety
///
/// The machine has the instructions of the kernel, and the tile's fields are as [`Tile`] says.
type TileFn = unsafe fn(&mut Tile);

/// Some rows by the outputs of a panel.
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "plain loops ask for nothing early"))]
struct Tile<'a> {
    /// `row_scales.len()` × `inputs`.
    x: &'a [u8],
    inputs: usize,
    /// From one row to as many as the kernel takes.
    row_scales: &'a [f32],
    /// [`LINES`] lines for each group of inputs.
    panel: &'a [Line],
    /// Σ weights of the outputs.
    sums: &'a [i32; PANEL],
    /// What they are taken times, to start from: −zero.
    factor: i32,
    scales: &'a [f32; PANEL],
    /// Where there is none, −0, which changes no value.
    bias: &'a [f32; PANEL],
    /// What values are raised to: 0, or −∞ for none.
    floor: f32,
    /// Weights to ask for early, `ahead_lines` of them for each [`STRETCH`] of groups. Never read through: it may lie
    /// beyond all weights.
    ahead: *const Line,
    ahead_lines: usize,
    /// [`PANEL`] values a row, rows `stride` apart.
    out: &'a mut [f32],
    stride: usize,
}

impl Tile<'_> {
    /// The bytes of group `groups`, which row `row` has only some of, as they lie in memory; zeros for the others.
    #[inline]
    fn last_word(&self, row: usize, groups: usize) -> i32 {
        let mut word = [0; GROUP];
        let rest = &self.x[row * self.inputs + groups * GROUP..(row + 1) * self.inputs];
        word[..rest.len()].copy_from_slice(rest);
        i32::from_ne_bytes(word)
    }

    fn check(&self, max_rows: usize) {
        let rows = self.row_scales.len();
        assert!((1..=max_rows).contains(&rows));
        assert_eq!(self.x.len(), rows * self.inputs);
        assert_eq!(self.panel.len(), self.inputs.div_ceil(GROUP) * LINES);
        assert!(self.stride >= PANEL && self.out.len() >= (rows - 1) * self.stride + PANEL);
    }
}

/// `x` · Wᵀ, rows × outputs, row-major:
///
/// `out[r][c] = (Σ x[r][i] · w[c][i] − zero · Σ w[c][i]) as f32 · (finish.scales[c] · x.scales[r]) + bias[c]`
///
/// # Panics
///
/// If the length of a slice does not fit the matrix.
pub fn product(kernel: Kernel, x: Rows, w: &PackedWeights, finish: Finish, out: &mut [f32]) {
    let (rows, stride, inputs) = (x.scales.len(), w.outputs, w.inputs);
    assert_eq!(x.data.len(), rows * inputs, "activations are not {rows} × {inputs}");
    assert_eq!(finish.scales.len(), w.outputs, "scales of outputs");
    assert!(finish.bias.is_none_or(|bias| bias.len() == w.outputs), "biases of outputs");
    assert_eq!(out.len(), rows * stride, "values are not {rows} × {stride}");
    if rows == 0 {
        return;
    }
    let (run, mut max_rows) = kernel.tiles();
    if inputs.is_multiple_of(ALIAS) {
        max_rows = max_rows.min(ALIAS_ROWS);
    }
    let tiles = rows.div_ceil(max_rows);
    let factor = -i32::from(x.zero);
    let floor = if finish.relu { 0.0 } else { f32::NEG_INFINITY };
    // Values of a panel that has more outputs than there are.
    let mut edge = [0.0; MAX_TILE_ROWS * PANEL];
    // A panel stays in the first-level cache while the rows pass. Meanwhile the next one comes into the second level,
    // spread over the tiles: weights of a model come from memory each time, which is slower than the products.
    for first in (0..w.outputs).step_by(PANEL) {
        let width = PANEL.min(w.outputs - first);
        let panel = w.panel(first / PANEL);
        let (mut padded_scales, mut padded_bias) = ([0.0; PANEL], [0.0; PANEL]);
        let scales = whole(&finish.scales[first..first + width], &mut padded_scales);
        let bias =
            finish.bias.map_or(&[-0.0; PANEL], |bias| whole(&bias[first..first + width], &mut padded_bias));
        let mut row = 0;
        for tile in 0..tiles {
            // Tiles of nearly the same height, none of them low.
            let end = rows * (tile + 1) / tiles;
            let column = row * stride + first;
            let (target, target_stride) =
                if width == PANEL { (&mut out[column..], stride) } else { (&mut edge[..], PANEL) };
            let mut job = Tile {
                x: &x.data[row * inputs..end * inputs],
                inputs,
                row_scales: &x.scales[row..end],
                panel,
                sums: &w.sums[first / PANEL],
                factor,
                scales,
                bias,
                floor,
                ahead: panel.as_ptr().wrapping_add(match tiles {
                    1 if rows <= FEW => AHEAD.0,
                    1 => AHEAD.1,
                    _ => panel.len() * (tiles + tile) / tiles,
                }),
                ahead_lines: (STRETCH * LINES).div_ceil(tiles),
                out: target,
                stride: target_stride,
            };
            job.check(max_rows);
            // SAFETY: a `Kernel` exists only where its instructions do, and `check` has seen the slices.
            unsafe { run(&mut job) };
            if width < PANEL {
                for (r, values) in edge.chunks_exact(PANEL).take(end - row).enumerate() {
                    out[column + r * stride..][..width].copy_from_slice(&values[..width]);
                }
            }
            row = end;
        }
    }
}

/// Values of a panel, copied only where they are fewer.
fn whole<'a>(values: &'a [f32], padded: &'a mut [f32; PANEL]) -> &'a [f32; PANEL] {
    values.first_chunk().unwrap_or_else(|| {
        padded[..values.len()].copy_from_slice(values);
        padded
    })
}

/// Kernel of plain loops, against which the others are held.
mod portable {
    use super::{GROUP, LINES, Line, PANEL, Tile};

    pub const ROWS: usize = 4;

    /// Computes a tile.
    ///
    /// # Safety
    ///
    /// None needed; it is unsafe to be a `TileFn`.
    pub unsafe fn run(tile: &mut Tile) {
        let groups = tile.inputs / GROUP;
        for (r, &row_scale) in tile.row_scales.iter().enumerate() {
            let mut sums = tile.sums.map(|sum| sum.wrapping_mul(tile.factor));
            let (words, rest) = tile.x[r * tile.inputs..(r + 1) * tile.inputs].as_chunks::<GROUP>();
            let mut groups_of_weights = tile.panel.chunks_exact(LINES);
            for (word, lines) in words.iter().zip(&mut groups_of_weights) {
                step(&mut sums, *word, lines);
            }
            if let (false, Some(lines)) = (rest.is_empty(), groups_of_weights.next()) {
                step(&mut sums, tile.last_word(r, groups).to_ne_bytes(), lines);
            }
            let out = &mut tile.out[r * tile.stride..][..PANEL];
            for (((out, &sum), scale), bias) in out.iter_mut().zip(&sums).zip(tile.scales).zip(tile.bias) {
                let value = sum as f32 * (scale * row_scale) + bias;
                // As `maxps` has it: a NaN stays.
                *out = if tile.floor > value { tile.floor } else { value };
            }
        }
    }

    #[inline(always)]
    fn step(sums: &mut [i32; PANEL], x: [u8; GROUP], lines: &[Line]) {
        for (sums, line) in sums.as_chunks_mut::<16>().0.iter_mut().zip(lines) {
            for (sum, w) in sums.iter_mut().zip(line.0.as_chunks::<GROUP>().0) {
                let products = x.iter().zip(w).map(|(&x, &w)| i32::from(x) * i32::from(w));
                *sum = sum.wrapping_add(products.sum());
            }
        }
    }
}

/// `$body` for `$m` from 0 on, below `$end`: written out, since sums stay in registers only where no index is left.
#[cfg(target_arch = "x86_64")]
macro_rules! unroll {
    ($m:ident < M, $body:expr) => {
        unroll!($m < M, $body, 0 1 2 3 4 5 6 7 8 9 10 11)
    };
    ($n:ident < N, $body:expr) => {
        unroll!($n < N, $body, 0 1 2 3)
    };
    ($m:ident < $end:expr, $body:expr, $($index:literal)*) => {
        $(if $index < $end {
            let $m: usize = $index;
            $body
        })*
    };
}

/// A group of inputs: `$acc[m][n] += $word(m) · weights of vector n`.
#[cfg(target_arch = "x86_64")]
macro_rules! step {
    ($acc:expr, $weights:expr, $word:expr) => {
        let mut weights = [zero(); N];
        for (n, weights) in weights.iter_mut().enumerate() {
            // SAFETY: the caller's pointer is to N vectors of a panel.
            *weights = unsafe { load($weights.add(n * LANES * GROUP)) };
        }
        unroll!(m < M, {
            let x = broadcast($word(m));
            for (acc, weights) in $acc[m].iter_mut().zip(weights) {
                *acc = dot(*acc, x, weights);
            }
        });
    };
}

/// The tile of a kernel. Around it are its vectors: `Ints`, `LANES` and what is done to them.
#[cfg(target_arch = "x86_64")]
macro_rules! tiles {
    ($features:literal, { $($rows:literal => $vectors:literal, $ways:literal;)* }) => {
        /// Computes a tile.
        ///
        /// # Safety
        ///
        /// The machine has the instructions, and the tile passed `Tile::check`.
        #[target_feature(enable = $features)]
        pub unsafe fn run(tile: &mut Tile) {
            match tile.row_scales.len() {
                $($rows => for first in (0..PANEL).step_by($vectors * LANES) {
                    // SAFETY: as here; the outputs are a part of the panel.
                    unsafe { part::<$rows, $vectors, $ways>(tile, first) };
                },)*
                _ => {}
            }
        }

        /// Outputs `first` to `first` + N · LANES of a tile of M rows. Low tiles have `WAYS` sums for each value, to
        /// hide how long an addition takes.
        ///
        /// # Safety
        ///
        /// As [`run`], and the tile has M rows, the panel these outputs.
        #[target_feature(enable = $features)]
        unsafe fn part<const M: usize, const N: usize, const WAYS: usize>(tile: &mut Tile, first: usize) {
            let groups = tile.inputs / GROUP;
            let mut acc = [[[zero(); N]; M]; WAYS];
            unroll!(n < N, {
                // SAFETY: the panel has these outputs.
                let sums = unsafe { load(tile.sums.as_ptr().add(first + n * LANES).cast()) };
                let start = multiply(sums, broadcast(tile.factor));
                unroll!(m < M, acc[0][m][n] = start);
            });
            // SAFETY: the panel has these outputs.
            let panel = unsafe { tile.panel.as_ptr().cast::<i8>().add(first * GROUP) };
            if groups * GROUP < tile.inputs {
                let words: [i32; M] = std::array::from_fn(|m| tile.last_word(m, groups));
                // SAFETY: the panel has a group for what whole groups leave of a row.
                let weights = unsafe { panel.add(groups * PANEL * GROUP) };
                step!(acc[0], weights, |m: usize| words[m]);
            }
            let (x, inputs) = (tile.x.as_ptr(), tile.inputs);
            // SAFETY: this is asked for m < M and whole groups of the row only; there are M rows of `inputs` bytes.
            let word = |m: usize, group: usize| unsafe { x.add(m * inputs + group * GROUP).cast::<i32>().read_unaligned() };
            let mut ahead = tile.ahead;
            let mut group = 0;
            while group + WAYS <= groups {
                let end = groups.min(group + STRETCH);
                for _ in 0..tile.ahead_lines {
                    prefetch(ahead.cast());
                    ahead = ahead.wrapping_add(1);
                }
                while group + WAYS <= end {
                    for (way, acc) in acc.iter_mut().enumerate() {
                        // SAFETY: there are PANEL · GROUP bytes for each of the groups.
                        let weights = unsafe { panel.add((group + way) * PANEL * GROUP) };
                        step!(acc, weights, |m| word(m, group + way));
                    }
                    group += WAYS;
                }
            }
            while WAYS > 1 && group < groups {
                // SAFETY: as above.
                let weights = unsafe { panel.add(group * PANEL * GROUP) };
                step!(acc[0], weights, |m| word(m, group));
                group += 1;
            }
            unroll!(n < N, {
                let column = first + n * LANES;
                // SAFETY: the slices have PANEL values, `out` has them for each of M rows.
                unsafe {
                    let scales = tile.scales.as_ptr().add(column);
                    let bias = tile.bias.as_ptr().add(column);
                    let out = tile.out.as_mut_ptr().add(column);
                    unroll!(m < M, {
                        let mut sum = acc[0][m][n];
                        for acc in &acc[1..] {
                            sum = add(sum, acc[m][n]);
                        }
                        let row_scale = *tile.row_scales.as_ptr().add(m);
                        finish(sum, scales, row_scale, bias, tile.floor, out.add(m * tile.stride));
                    });
                }
            });
        }
    };
}

/// `vpdpbusd` on 512 bits.
#[cfg(target_arch = "x86_64")]
mod avx512_vnni {
    use std::arch::x86_64::*;

    use super::{GROUP, PANEL, STRETCH, Tile};

    type Ints = __m512i;
    const LANES: usize = 16;
    pub const ROWS: usize = 12;

    tiles!("avx512f,avx512bw,avx512vl,avx512vnni", {
        1 => 2, 4;
        2 => 2, 2;
        3 => 2, 2;
        4 => 2, 1;
        5 => 2, 1;
        6 => 2, 1;
        7 => 2, 1;
        8 => 2, 1;
        9 => 2, 1;
        10 => 2, 1;
        11 => 2, 1;
        12 => 2, 1;
    });

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn zero() -> Ints {
        _mm512_setzero_si512()
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(from: *const i8) -> Ints {
        // SAFETY: the caller's pointer is to 64 bytes.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn broadcast(word: i32) -> Ints {
        _mm512_set1_epi32(word)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn add(a: Ints, b: Ints) -> Ints {
        _mm512_add_epi32(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn multiply(a: Ints, b: Ints) -> Ints {
        _mm512_mullo_epi32(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn dot(sums: Ints, x: Ints, weights: Ints) -> Ints {
        _mm512_dpbusd_epi32(sums, x, weights)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn prefetch(at: *const i8) {
        // SAFETY: a prefetch does not fault, whatever the address.
        #[allow(unused_unsafe)] // not unsafe in later compilers
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(at);
        }
    }

    /// # Safety
    ///
    /// The pointers are to `LANES` values.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn finish(
        sum: Ints,
        scales: *const f32,
        row_scale: f32,
        bias: *const f32,
        floor: f32,
        out: *mut f32,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let scale = _mm512_mul_ps(_mm512_loadu_ps(scales), _mm512_set1_ps(row_scale));
            let value = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale);
            let value = _mm512_add_ps(value, _mm512_loadu_ps(bias));
            // In this order a NaN stays.
            _mm512_storeu_ps(out, _mm512_max_ps(_mm512_set1_ps(floor), value));
        }
    }
}

/// A kernel on 256 bits.
#[cfg(target_arch = "x86_64")]
macro_rules! half {
    ($(#[$doc:meta])* $name:ident, $features:literal, $rows:literal, $tiles:tt, |$sums:ident, $x:ident, $weights:ident| $dot:expr) => {
        $(#[$doc])*
        mod $name {
            use std::arch::x86_64::*;

            use super::{GROUP, PANEL, STRETCH, Tile};

            type Ints = __m256i;
            const LANES: usize = 8;
            pub const ROWS: usize = $rows;

            tiles!($features, $tiles);

            #[inline]
            #[target_feature(enable = $features)]
            fn zero() -> Ints {
                _mm256_setzero_si256()
            }

            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn load(from: *const i8) -> Ints {
                // SAFETY: the caller's pointer is to 32 bytes.
                unsafe { _mm256_loadu_si256(from.cast()) }
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn broadcast(word: i32) -> Ints {
                _mm256_set1_epi32(word)
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn add(a: Ints, b: Ints) -> Ints {
                _mm256_add_epi32(a, b)
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn multiply(a: Ints, b: Ints) -> Ints {
                _mm256_mullo_epi32(a, b)
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn dot($sums: Ints, $x: Ints, $weights: Ints) -> Ints {
                $dot
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn prefetch(at: *const i8) {
                // SAFETY: a prefetch does not fault, whatever the address.
                #[allow(unused_unsafe)] // not unsafe in later compilers
                unsafe {
                    _mm_prefetch::<_MM_HINT_T1>(at);
                }
            }

            /// # Safety
            ///
            /// The pointers are to `LANES` values.
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn finish(
                sum: Ints,
                scales: *const f32,
                row_scale: f32,
                bias: *const f32,
                floor: f32,
                out: *mut f32,
            ) {
                // SAFETY: the caller's promise.
                unsafe {
                    let scale = _mm256_mul_ps(_mm256_loadu_ps(scales), _mm256_set1_ps(row_scale));
                    let value = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), scale);
                    let value = _mm256_add_ps(value, _mm256_loadu_ps(bias));
                    // In this order a NaN stays.
                    _mm256_storeu_ps(out, _mm256_max_ps(_mm256_set1_ps(floor), value));
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
half!(
    /// `vpdpbusd` on 256 bits, of processors without AVX-512.
    avx_vnni,
    "avx2,avxvnni",
    6,
    { 1 => 4, 1; 2 => 4, 1; 3 => 2, 1; 4 => 2, 1; 5 => 2, 1; 6 => 2, 1; },
    |sums, x, weights| _mm256_dpbusd_avx_epi32(sums, x, weights)
);

#[cfg(all(target_arch = "x86_64", test))]
half!(
    /// `avx_vnni` for tests, in the encoding of AVX-512.
    avx512_vnni_half,
    "avx2,avx512f,avx512vl,avx512vnni",
    6,
    { 1 => 4, 1; 2 => 4, 1; 3 => 2, 1; 4 => 2, 1; 5 => 2, 1; 6 => 2, 1; },
    |sums, x, weights| _mm256_dpbusd_epi32(sums, x, weights)
);

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    /// Deterministic bytes.
    fn bytes(n: usize, seed: u64) -> Vec<u8> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as u8
        };
        (0..n).map(|_| next()).collect()
    }

    struct Case {
        x: Vec<u8>,
        zero: u8,
        row_scales: Vec<f32>,
        w: Vec<i8>,
        scales: Vec<f32>,
        bias: Option<Vec<f32>>,
        relu: bool,
        inputs: usize,
        outputs: usize,
    }

    impl Case {
        fn new(rows: usize, inputs: usize, outputs: usize) -> Self {
            let seed = (rows * 131 + inputs * 7 + outputs) as u64;
            let scale = |byte: u8| f32::from(byte) / 997.0 - 0.1;
            Case {
                x: bytes(rows * inputs, seed),
                zero: bytes(1, seed + 1)[0],
                row_scales: bytes(rows, seed + 2).into_iter().map(scale).collect(),
                w: bytes(outputs * inputs, seed + 3).into_iter().map(|b| (b as i8).max(-127)).collect(),
                scales: bytes(outputs, seed + 4).into_iter().map(scale).collect(),
                bias: (!seed.is_multiple_of(3))
                    .then(|| bytes(outputs, seed + 5).into_iter().map(scale).collect()),
                relu: seed.is_multiple_of(4),
                inputs,
                outputs,
            }
        }

        fn rows(&self) -> usize {
            self.row_scales.len()
        }

        fn finish(&self) -> Finish<'_> {
            Finish { scales: &self.scales, bias: self.bias.as_deref(), relu: self.relu }
        }

        fn part(&self, kernel: Kernel, packed: &PackedWeights, rows: Range<usize>) -> Vec<u32> {
            let x = Rows {
                data: &self.x[rows.start * self.inputs..rows.end * self.inputs],
                zero: self.zero,
                scales: &self.row_scales[rows.clone()],
            };
            let mut out = vec![f32::NAN; rows.len() * self.outputs];
            product(kernel, x, packed, self.finish(), &mut out);
            out.into_iter().map(f32::to_bits).collect()
        }

        fn run(&self, kernel: Kernel) -> Vec<u32> {
            let packed = PackedWeights::new(&self.w, self.outputs, self.inputs);
            self.part(kernel, &packed, 0..self.rows())
        }

        fn naive(&self) -> Vec<u32> {
            let mut out = Vec::new();
            for r in 0..self.rows() {
                let x = &self.x[r * self.inputs..(r + 1) * self.inputs];
                for c in 0..self.outputs {
                    let w = &self.w[c * self.inputs..(c + 1) * self.inputs];
                    let sum: i64 = x
                        .iter()
                        .zip(w)
                        .map(|(&x, &w)| (i64::from(x) - i64::from(self.zero)) * i64::from(w))
                        .sum();
                    let mut value = sum as f32 * (self.scales[c] * self.row_scales[r]);
                    if let Some(bias) = &self.bias {
                        value += bias[c];
                    }
                    if self.relu && value < 0.0 {
                        value = 0.0;
                    }
                    out.push(value.to_bits());
                }
            }
            out
        }

        fn check(&self) {
            let expected = self.naive();
            let packed = PackedWeights::new(&self.w, self.outputs, self.inputs);
            for kernel in Kernel::available() {
                let got = self.part(kernel, &packed, 0..self.rows());
                let shape = (self.rows(), self.inputs, self.outputs);
                assert!(got == expected, "{} at {shape:?}", kernel.name());
            }
        }
    }

    #[test]
    fn as_the_naive_product_at_all_depths() {
        for inputs in (0..=130).chain([512]) {
            for (rows, outputs) in [(1, 1), (2, 33), (3, 16), (5, 31), (13, 64), (25, 7)] {
                Case::new(rows, inputs, outputs).check();
            }
        }
    }

    #[test]
    fn as_the_naive_product_at_all_widths() {
        for outputs in 0..=100 {
            for (rows, inputs) in [(1, 9), (4, 64), (12, 3), (14, 130), (1, 512), (8, 512)] {
                Case::new(rows, inputs, outputs).check();
            }
        }
    }

    #[test]
    fn as_the_naive_product_at_all_heights() {
        for rows in 0..=40 {
            for (inputs, outputs) in [(1, 1), (7, 40), (66, 32), (130, 100), (512, 48), (512, 96), (4096, 5)]
            {
                Case::new(rows, inputs, outputs).check();
            }
        }
    }

    #[test]
    fn exact_at_the_extremes() {
        for (x, w, zero) in
            [(255, -127, 0), (255, 127, 0), (0, -127, 255), (0, 127, 255), (255, -128, 0), (255, -128, 128)]
        {
            for inputs in [4, 5, 130, 512, 4096, MAX_INPUTS] {
                let mut case = Case::new(3, inputs, 33);
                (case.x, case.w, case.zero) = (vec![x; 3 * inputs], vec![w; 33 * inputs], zero);
                case.check();
            }
        }
    }

    #[test]
    fn a_row_is_the_same_alone_and_among_others() {
        for (rows, inputs, outputs) in [(40, 512, 100), (29, 131, 64), (64, 64, 31)] {
            let case = Case::new(rows, inputs, outputs);
            let packed = PackedWeights::new(&case.w, outputs, inputs);
            for kernel in Kernel::available() {
                let together = case.run(kernel);
                for r in 0..rows {
                    let alone = case.part(kernel, &packed, r..r + 1);
                    assert!(alone == together[r * outputs..(r + 1) * outputs], "{} row {r}", kernel.name());
                }
            }
        }
    }
}
