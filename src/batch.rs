//! Which sources are translated side by side: a pure function from lengths to batches.
//!
//! What a batch needs is the rows under way × the longest row, so rows of like length belong together. The longest
//! come first: memory peaks in the first batch, where a run that does not fit fails within seconds, and the estimate of
//! the time left errs on the long side and shrinks.

/// Packs rows of `lengths` (tokens) into batches for a model that has at most `at_once` rows under way: where it
/// may have all of them under way, that is, where `at_once` × longest row is at most `token_budget`, up to `rounds` ×
/// `at_once` rows make a batch, since where one ends another can begin; elsewhere as many as the budget allows.
/// Returns the rows' indices; every index stands in exactly one batch. A row that alone exceeds the budget is a batch of
/// its own; an empty row counts as one token. Longest first; rows of equal length keep their order.
pub fn pack(lengths: &[usize], at_once: usize, rounds: usize, token_budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));

    let mut batches = Vec::new();
    let mut rest = order.as_slice();
    while let Some(&longest) = rest.first() {
        let fitting = token_budget / lengths[longest].max(1);
        let rows = if fitting < at_once { fitting } else { at_once.saturating_mul(rounds) };
        let rows = rows.max(1).min(rest.len());
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
        assert_eq!(pack(&lengths, 2, 1, 100), [vec![1, 3], vec![2, 0], vec![4]]);
        assert_eq!(pack(&lengths, 2, 2, 100), [vec![1, 3, 2, 0], vec![4]]);
        assert_eq!(pack(&lengths, 9, 1, 20), [vec![1, 3], vec![2, 0, 4]]);
        assert_eq!(pack(&lengths, 3, 3, 20), [vec![1, 3], vec![2, 0, 4]], "too long for three, then not");
        assert_eq!(pack(&[], 8, 1, 100), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn a_row_beyond_the_budget_is_alone() {
        assert_eq!(pack(&[500, 5, 5], 8, 1, 100), [vec![0], vec![1, 2]]);
        assert_eq!(pack(&[5, 5], 0, 1, 0), [vec![0], vec![1]]);
    }

    #[test]
    fn equal_lengths_keep_their_order() {
        assert_eq!(pack(&[7; 5], 2, 1, 100), [vec![0, 1], vec![2, 3], vec![4]]);
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
            let (at_once, budget) = (draw(&mut state, 12), draw(&mut state, 400));
            let rounds = 1 + draw(&mut state, 3);
            let batches = pack(&lengths, at_once, rounds, budget);
            let case = format!("{lengths:?} {at_once} {rounds} {budget}: {batches:?}");

            let mut rows: Vec<usize> = batches.concat();
            assert!(rows.is_sorted_by_key(|&row| (usize::MAX - lengths[row], row)), "longest first: {case}");
            rows.sort_unstable();
            assert!(rows.iter().copied().eq(0..lengths.len()), "each once: {case}");

            for batch in &batches {
                let cost = batch.len().min(at_once) * lengths[batch[0]];
                assert!(batch.len() == 1 || batch.len() <= at_once * rounds, "rows: {case}");
                assert!(batch.len() == 1 || cost <= budget, "budget: {case}");
            }
            for pair in batches.windows(2) {
                let (rows, longest) = (pair[0].len(), lengths[pair[0][0]].max(1));
                let more_would_fit = rows < at_once && (rows + 1) * longest <= budget;
                let full = at_once * longest > budget || rows >= at_once * rounds;
                assert!(full && !more_would_fit, "no batch ends early: {case}");
            }
            assert_eq!(batches, pack(&lengths, at_once, rounds, budget), "the same every time");
        }
    }
}
