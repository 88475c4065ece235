//! Which sources are translated side by side: a pure function from lengths to batches.
//!
//! A batch costs rows × longest row, so rows of like length belong together. The longest come first: memory peaks
//! in the first batch, where a run that does not fit fails within seconds, and the estimate of the time left
//! errs on the long side and shrinks.

/// Packs rows of `lengths` (tokens) into batches of at most `max_rows` rows, where rows × longest row is at most
/// `token_budget`. Returns the rows' indices; every index stands in exactly one batch. A row that alone exceeds
/// the budget is a batch of its own; an empty row counts as one token. Longest first; rows of equal length keep
/// their order.
pub fn pack(lengths: &[usize], max_rows: usize, token_budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));

    let mut batches = Vec::new();
    let mut rest = order.as_slice();
    while let Some(&longest) = rest.first() {
        let fitting = token_budget / lengths[longest].max(1);
        let rows = fitting.min(max_rows).max(1).min(rest.len());
        let (batch, after) = rest.split_at(rows);
        batches.push(batch.to_vec());
        rest = after;
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_like_length_go_together_longest_first() {
        let lengths = [3, 10, 4, 9, 1];
        assert_eq!(pack(&lengths, 2, 100), [vec![1, 3], vec![2, 0], vec![4]]);
        assert_eq!(pack(&lengths, 9, 20), [vec![1, 3], vec![2, 0, 4]]);
        assert_eq!(pack(&[], 8, 100), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn a_row_beyond_the_budget_is_alone() {
        assert_eq!(pack(&[500, 5, 5], 8, 100), [vec![0], vec![1, 2]]);
        assert_eq!(pack(&[5, 5], 0, 0), [vec![0], vec![1]]);
    }

    #[test]
    fn equal_lengths_keep_their_order() {
        assert_eq!(pack(&[7; 5], 2, 100), [vec![0, 1], vec![2, 3], vec![4]]);
    }

    /// A multiplicative generator (Lehmer 1951, as MINSTD): enough to reach odd corners, and the same every time.
    fn draw(state: &mut u64, below: usize) -> usize {
        *state = *state * 48271 % 0x7fff_ffff;
        *state as usize % below
    }

    #[test]
    fn every_row_is_in_one_batch_and_every_batch_within_its_limits() {
        let mut state = 1;
        for _ in 0..2000 {
            let lengths: Vec<usize> = (0..draw(&mut state, 80)).map(|_| draw(&mut state, 70)).collect();
            let (max_rows, budget) = (draw(&mut state, 12), draw(&mut state, 400));
            let batches = pack(&lengths, max_rows, budget);
            let case = format!("{lengths:?} {max_rows} {budget}: {batches:?}");

            let mut rows: Vec<usize> = batches.concat();
            assert!(rows.is_sorted_by_key(|&row| (usize::MAX - lengths[row], row)), "longest first: {case}");
            rows.sort_unstable();
            assert!(rows.iter().copied().eq(0..lengths.len()), "each once: {case}");

            for batch in &batches {
                let cost = batch.len() * lengths[batch[0]];
                assert!(batch.len() == 1 || batch.len() <= max_rows, "rows: {case}");
                assert!(batch.len() == 1 || cost <= budget, "budget: {case}");
            }
            for pair in batches.windows(2) {
                let (rows, longest) = (pair[0].len(), lengths[pair[0][0]].max(1));
                assert!(rows >= max_rows || (rows + 1) * longest > budget, "no batch ends early: {case}");
            }
            assert_eq!(batches, pack(&lengths, max_rows, budget), "the same every time");
        }
    }
}
