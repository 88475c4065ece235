//! The threads of a loaded model: rows are dealt out to them, or all work on the same ones.

use std::cmp::Reverse;
use std::iter::StepBy;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, ScopedJoinHandle};

use rayon::ThreadPool;

use super::EngineError;

/// Threads for one model.
pub struct Workers {
    /// One pool a thread, each of one: a worker's kernels must not wait for another's.
    alone: Vec<ThreadPool>,
    /// All threads in one pool, for rows too few to share out.
    together: ThreadPool,
}

impl Workers {
    /// `threads` of them, at least one.
    pub fn new(threads: usize) -> Result<Self, EngineError> {
        let threads = threads.max(1);
        let alone = (0..threads).map(|_| pool(1)).collect::<Result<_, _>>()?;
        Ok(Workers { alone, together: pool(threads)? })
    }

    /// Runs `work` with all threads.
    pub fn together<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.together.install(work)
    }

    /// Has `work` done on all `rows`, and returns its results in their order; `work` names the row with each. Where
    /// there are enough, every thread works on its own: the first rows are dealt out like cards, since neighbours are
    /// alike in length, and whoever has places free takes more, so that a slower core does less.
    pub fn share<T: Send>(
        &self,
        rows: Rows,
        work: impl Fn(Hand<'_>) -> Result<Vec<(usize, T)>, EngineError> + Sync,
    ) -> Result<Vec<T>, EngineError> {
        let threads = self.alone.len();
        // Rows that go in together should be alike in length; and the longest last would leave the others waiting.
        let mut order: Vec<usize> = (0..rows.lengths.len()).collect();
        order.sort_by_key(|&row| Reverse(rows.lengths[row]));
        let mut results = if !rows.apart || order.len() < threads {
            self.together(|| work(Hand::of(&order, rows.at_once)))?
        } else {
            let at_once = rows.at_once.clamp(1, order.len().div_ceil(threads));
            let dealt = order.len().min(threads * at_once);
            let rest = AtomicUsize::new(dealt);
            let start = |thread: usize| {
                let hand = Hand {
                    cards: (thread..dealt).step_by(threads),
                    rest: Some(&rest),
                    order: &order,
                    at_once,
                };
                self.alone[thread].install(|| work(hand))
            };
            let join = |handle: ScopedJoinHandle<'_, _>| {
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            std::thread::scope(|scope| {
                let start = &start;
                let begin = |thread| Builder::new().spawn_scoped(scope, move || start(thread));
                let handles = (0..threads).map(begin).collect::<Result<Vec<_>, _>>();
                let handles =
                    handles.map_err(|e| EngineError::Compute(format!("cannot start a thread: {e}")))?;
                handles.into_iter().map(join).collect::<Result<Vec<Vec<_>>, _>>()
            })?
            .into_iter()
            .flatten()
            .collect()
        };
        results.sort_unstable_by_key(|(row, _)| *row);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }
}

/// What there is to do.
pub struct Rows {
    /// How long each row is.
    pub lengths: Vec<usize>,
    /// The most under way at a time on each thread.
    pub at_once: usize,
    /// Whether a thread may work alone.
    pub apart: bool,
}

/// What a thread has to do: the numbers of rows.
pub struct Hand<'a> {
    /// Places in `order` that are its own.
    cards: StepBy<Range<usize>>,
    /// The first place that nobody has taken yet.
    rest: Option<&'a AtomicUsize>,
    order: &'a [usize],
    at_once: usize,
}

impl<'a> Hand<'a> {
    /// All rows of `order`, for one alone.
    pub fn of(order: &'a [usize], at_once: usize) -> Self {
        Hand { cards: (0..order.len()).step_by(1), rest: None, order, at_once: at_once.max(1) }
    }

    /// How many may be under way at a time.
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// Up to `n` more; fewer only where no more are left.
    pub fn take(&mut self, n: usize) -> Vec<usize> {
        let mut taken: Vec<usize> = self.cards.by_ref().take(n).map(|place| self.order[place]).collect();
        if let Some(rest) = self.rest.filter(|_| taken.len() < n) {
            let more = n - taken.len();
            let first = rest.fetch_add(more, Ordering::Relaxed).min(self.order.len());
            taken.extend(&self.order[first..(first + more).min(self.order.len())]);
        }
        taken
    }
}

fn pool(threads: usize) -> Result<ThreadPool, EngineError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| EngineError::Compute(format!("cannot start {threads} threads: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize, at_once: usize, apart: bool) -> Rows {
        Rows { lengths: (0..count).map(|i| i * 7 % 5).collect(), at_once, apart }
    }

    /// Takes all there is, as a search does: as many as may be under way, then a few at a time.
    fn all_of(mut hand: Hand<'_>) -> Vec<usize> {
        let mut all = hand.take(hand.at_once());
        loop {
            match hand.take(2) {
                more if more.is_empty() => return all,
                more => all.extend(more),
            }
        }
    }

    #[test]
    fn every_row_is_done_once_and_results_come_in_their_order() {
        for threads in [1, 2, 3] {
            let workers = Workers::new(threads).unwrap();
            for (count, at_once) in [(0, 4), (1, 4), (2, 4), (7, 1), (7, 4), (50, 4), (50, 0), (50, 100)] {
                for apart in [true, false] {
                    let work = |hand: Hand| Ok(all_of(hand).into_iter().map(|row| (row, row)).collect());
                    let found = workers.share(rows(count, at_once, apart), work).unwrap();
                    assert!(found.into_iter().eq(0..count), "{threads} threads, {count} rows");
                }
            }
            let failed = workers.share(rows(3, 4, true), |hand| {
                let all = all_of(hand);
                if all.contains(&2) { Err(EngineError::Interrupted) } else { Ok(vec![(all[0], ())]) }
            });
            assert!(failed.is_err());
        }
    }

    #[test]
    fn the_longest_come_first_and_hands_are_alike() {
        let workers = Workers::new(2).unwrap();
        let dealt = std::sync::Mutex::new(Vec::new());
        let rows = Rows { lengths: vec![1, 9, 5, 8, 2, 7], at_once: 8, apart: true };
        let work = |hand: Hand| {
            let all = all_of(hand);
            dealt.lock().unwrap().push(all.clone());
            Ok(all.into_iter().map(|row| (row, ())).collect())
        };
        workers.share(rows, work).unwrap();
        let mut dealt = dealt.into_inner().unwrap();
        dealt.sort();
        assert_eq!(dealt, [vec![1, 5, 4], vec![3, 2, 0]]);
    }
}
