//! Parallel work on many items, with results in the order of the items.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Progress of all threads.
struct State<R> {
    /// Index of the next item to start.
    next: usize,
    /// Index of the next item whose result is consumed.
    consumed: usize,
    /// Cost of the items that are started and not consumed.
    pending_cost: u64,
    /// Results of consecutive items, by the index of the first.
    done: BTreeMap<usize, Vec<R>>,
    /// Number of threads that wait for budget.
    waiting: usize,
    is_stopped: bool,
}

/// Small items are grouped, since handing over a result takes as long as a small item. A group costs at most this
/// fraction of the budget.
const BUDGET_FRACTION: u64 = 64;

/// Each thread gets at least this many groups, so that all threads stay busy.
const GROUPS_PER_THREAD: usize = 8;

struct Shared<R> {
    state: Mutex<State<R>>,
    /// The next result to consume is available.
    ready: Condvar,
    /// Budget was freed.
    budget_freed: Condvar,
}

/// Stops all threads when dropped, such as by a panic or an error of one of them.
struct StopOnDrop<'a, R>(&'a Shared<R>);

impl<R> Drop for StopOnDrop<'_, R> {
    fn drop(&mut self) {
        self.0.lock().is_stopped = true;
        self.0.ready.notify_all();
        self.0.budget_freed.notify_all();
    }
}

impl<R> Shared<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next results; returns none if a thread has panicked.
    fn next_results(&self) -> Vec<R> {
        let mut state = self.lock();
        loop {
            let consumed = state.consumed;
            match state.done.remove(&consumed) {
                Some(results) => return results,
                None if state.is_stopped => return Vec::new(),
                None => state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Frees the budget of `count` results that were consumed.
    fn release(&self, count: usize, cost: u64) {
        let mut state = self.lock();
        state.consumed += count;
        state.pending_cost -= cost;
        if state.waiting > 0 {
            self.budget_freed.notify_all();
        }
    }

    /// Passes on the results of consecutive items.
    fn finish(&self, first: usize, results: Vec<R>) {
        let mut state = self.lock();
        state.done.insert(first, results);
        if first == state.consumed {
            self.ready.notify_one();
        }
    }

    /// Waits for budget and returns the next group of items; `None` if none are left.
    fn next_group<T>(
        &self,
        items: &[T],
        max_count: usize,
        budget: u64,
        cost: &impl Fn(&T) -> u64,
    ) -> Option<Range<usize>> {
        let mut state = self.lock();
        loop {
            let first = state.next;
            let rest = items.get(first..).filter(|rest| !rest.is_empty() && !state.is_stopped)?;
            let mut sum = 0_u64;
            let small = rest.iter().take(max_count).take_while(|item| {
                sum = sum.saturating_add(cost(item));
                sum <= budget / BUDGET_FRACTION
            });
            let range = first..first + small.count().max(1);
            let pending_cost =
                items[range.clone()].iter().map(cost).fold(state.pending_cost, u64::saturating_add);
            // The next item to consume is started in any case.
            if pending_cost <= budget || first == state.consumed {
                state.next = range.end;
                state.pending_cost = pending_cost;
                return Some(range);
            }
            state.waiting += 1;
            state = self.budget_freed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }
}

/// Calls `take` with the results of `work` on `items`, in their order. As many threads as there are processors work ahead,
/// while the total `cost` of pending results stays within `budget`; each reuses a tool from `make`.
///
/// # Errors
/// Returns the first error of `take`; no further item is started then.
pub(crate) fn in_order<T: Sync, W, R: Send, E>(
    items: &[T],
    budget: u64,
    cost: impl Fn(&T) -> u64 + Sync,
    make: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, &T) -> R + Sync,
    mut take: impl FnMut(&T, R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    if threads <= 1 {
        let mut tool = make();
        return items.iter().try_for_each(|item| take(item, work(&mut tool, item)));
    }
    let state =
        State { next: 0, consumed: 0, pending_cost: 0, done: BTreeMap::new(), waiting: 0, is_stopped: false };
    let shared = Shared { state: Mutex::new(state), ready: Condvar::new(), budget_freed: Condvar::new() };
    let max_count = items.len() / (threads * GROUPS_PER_THREAD);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let stop_on_panic = StopOnDrop(&shared);
                let mut tool = make();
                while let Some(range) = shared.next_group(items, max_count, budget, &cost) {
                    let first = range.start;
                    let results = items[range].iter().map(|item| work(&mut tool, item));
                    shared.finish(first, results.collect());
                }
                std::mem::forget(stop_on_panic);
            });
        }
        let _stop = StopOnDrop(&shared);
        let mut left = items;
        while !left.is_empty() {
            let results = shared.next_results();
            let (now, later) = left.split_at(results.len());
            if now.is_empty() {
                // A thread has panicked, and the scope will panic as well.
                return Ok(());
            }
            for (item, result) in now.iter().zip(results) {
                take(item, result)?;
            }
            shared.release(now.len(), now.iter().map(&cost).sum());
            left = later;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_and_the_budget_is_kept() {
        let items = (0..2000_u64).collect::<Vec<_>>();
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let expected = items.iter().map(|item| item * 2).collect::<Vec<_>>();
        let seen = Mutex::new(Vec::new());
        // Every hundredth costs more than the budget, and is done nevertheless.
        let cost = |item: &u64| if item.is_multiple_of(100) { 500 } else { item % 7 };
        let work = |count: &mut u64, item: &u64| {
            *count += 1;
            let now = held.fetch_add(cost(item), Ordering::SeqCst) + cost(item);
            most.fetch_max(now, Ordering::SeqCst);
            item * 2
        };
        let take = |item: &u64, result| {
            held.fetch_sub(cost(item), Ordering::SeqCst);
            seen.lock().expect("no panic").push(result);
            Ok::<_, ()>(())
        };
        // With the small budget one at a time, with the large one many.
        for budget in [40, 1000] {
            in_order(&items, budget, cost, || 0, work, |item, result| take(item, result)).expect("no error");
            assert_eq!(seen.lock().expect("no panic").split_off(0), expected);
            assert!(most.swap(0, Ordering::SeqCst) <= budget + 500, "{budget}");
        }
    }

    #[test]
    fn an_error_stops_the_work() {
        let items = (0..100_000_u64).collect::<Vec<_>>();
        let begun = AtomicU64::new(0);
        let work = |(): &mut (), item: &u64| {
            begun.fetch_add(1, Ordering::SeqCst);
            *item
        };
        let ended =
            in_order(&items, 10, |_| 1, || (), work, |_, item| if item == 50 { Err(item) } else { Ok(()) });
        assert_eq!(ended, Err(50));
        assert!(begun.load(Ordering::SeqCst) < 100);
        assert_eq!(in_order(&[] as &[u64], 0, |_| 1, || (), work, |_, _| Err(())), Ok(()));
    }
}
