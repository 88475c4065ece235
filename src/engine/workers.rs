//! The threads of a loaded model: rows are dealt out to them, or all work on the same ones.

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

    /// Runs `work` on all `items`, and gives back what it made of each, in the order of `items`. Where `apart` says so
    /// and there are enough, every thread gets its own share, dealt out like cards: neighbours are alike in length, so
    /// the shares are alike in work. `work` must return as many results as it was given items.
    pub fn share<T: Send>(
        &self,
        items: &[usize],
        apart: bool,
        work: impl Fn(&[usize]) -> Result<Vec<T>, EngineError> + Sync,
    ) -> Result<Vec<T>, EngineError> {
        let threads = self.alone.len();
        if !apart || items.len() < threads {
            return self.together(|| work(items));
        }
        let hands: Vec<Vec<usize>> =
            (0..threads).map(|t| items.iter().copied().skip(t).step_by(threads).collect()).collect();
        let results = std::thread::scope(|scope| {
            let start = |(pool, hand): (&'_ ThreadPool, &'_ Vec<usize>)| pool.install(|| work(hand));
            let handles: Vec<_> =
                self.alone.iter().zip(&hands).map(|share| scope.spawn(move || start(share))).collect();
            let join = |handle: std::thread::ScopedJoinHandle<'_, _>| {
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            handles.into_iter().map(join).collect::<Result<Vec<Vec<T>>, _>>()
        })?;
        let mut hands: Vec<_> = results.into_iter().map(Vec::into_iter).collect();
        Ok((0..items.len()).filter_map(|i| hands[i % threads].next()).collect())
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

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for threads in [1, 2, 3] {
            let workers = Workers::new(threads).unwrap();
            for (count, apart) in [(0, true), (1, true), (2, true), (7, true), (7, false)] {
                let items: Vec<usize> = (0..count).rev().collect();
                let found = workers.share(&items, apart, |hand| Ok(hand.to_vec())).unwrap();
                assert_eq!(found, items, "{threads} threads");
            }
            let failed = workers.share(&[1, 2, 3], true, |hand| match hand.contains(&3) {
                true => Err(EngineError::Interrupted),
                false => Ok(hand.to_vec()),
            });
            assert!(failed.is_err());
        }
    }
}
