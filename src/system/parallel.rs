//! Work on many items on all processors, whose results are needed in their order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How far it is.
struct State<R> {
    /// The item that is to be begun next.
    next: usize,
    /// The item whose result is taken next.
    taken: usize,
    /// The cost of what is begun and not taken yet.
    ahead: u64,
    /// Results of neighbors, by the place of the first.
    done: BTreeMap<usize, Vec<R>>,
    /// How many threads wait for room.
    waiting: usize,
    is_over: bool,
}

/// Small items are worked on together, since handing a result over takes as long as a small item: at most this part of the
/// budget, and so many that each thread comes by this often.
const SHARE: u64 = 64;
const TURNS: usize = 8;

struct Shared<R> {
    state: Mutex<State<R>>,
    /// The result that is taken next is there.
    ready: Condvar,
    /// There is room for more.
    room: Condvar,
}

/// Ends the work of the others where this thread ends before its time.
struct Over<'a, R>(&'a Shared<R>);

impl<R> Drop for Over<'_, R> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.ready.notify_all();
        self.0.room.notify_all();
    }
}

impl<R> Shared<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The results that are taken next; none where a thread has panicked.
    fn results(&self) -> Vec<R> {
        let mut state = self.lock();
        loop {
            let taken = state.taken;
            match state.done.remove(&taken) {
                Some(results) => return results,
                None if state.is_over => return Vec::new(),
                None => state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// As many results as `count` are taken, and no longer held.
    fn took(&self, count: usize, cost: u64) {
        let mut state = self.lock();
        state.taken += count;
        state.ahead -= cost;
        if state.waiting > 0 {
            self.room.notify_all();
        }
    }

    fn finish(&self, first: usize, results: Vec<R>) {
        let mut state = self.lock();
        state.done.insert(first, results);
        if first == state.taken {
            self.ready.notify_one();
        }
    }

    /// The items that are to be worked on next, once there is room for them.
    fn begin<T>(
        &self,
        items: &[T],
        most: usize,
        budget: u64,
        cost: &impl Fn(&T) -> u64,
    ) -> Option<Range<usize>> {
        let mut state = self.lock();
        loop {
            let first = state.next;
            let rest = items.get(first..).filter(|rest| !rest.is_empty() && !state.is_over)?;
            let mut sum = 0_u64;
            let small = rest.iter().take(most).take_while(|item| {
                sum = sum.saturating_add(cost(item));
                sum <= budget / SHARE
            });
            let range = first..first + small.count().max(1);
            let ahead = items[range.clone()].iter().map(cost).fold(state.ahead, u64::saturating_add);
            // What is waited for is begun in any case.
            if ahead <= budget || first == state.taken {
                state.next = range.end;
                state.ahead = ahead;
                return Some(range);
            }
            state.waiting += 1;
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }
}

/// Gives `take` the results of `work` on `items`, in their order. Other threads, as many as there are processors, work ahead
/// while the `cost` of what they hold stays within `budget`; each has a tool from `make`, which it uses again.
///
/// # Errors
/// The first error of `take`; nothing more is begun then.
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
    let state = State { next: 0, taken: 0, ahead: 0, done: BTreeMap::new(), waiting: 0, is_over: false };
    let shared = Shared { state: Mutex::new(state), ready: Condvar::new(), room: Condvar::new() };
    let most = items.len() / (threads * TURNS);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let over = Over(&shared);
                let mut tool = make();
                while let Some(range) = shared.begin(items, most, budget, &cost) {
                    let first = range.start;
                    let results = items[range].iter().map(|item| work(&mut tool, item));
                    shared.finish(first, results.collect());
                }
                std::mem::forget(over);
            });
        }
        let _over = Over(&shared);
        let mut left = items;
        while !left.is_empty() {
            let results = shared.results();
            let (now, later) = left.split_at(results.len());
            if now.is_empty() {
                // A thread has panicked, and so will the scope.
                return Ok(());
            }
            for (item, result) in now.iter().zip(results) {
                take(item, result)?;
            }
            shared.took(now.len(), now.iter().map(&cost).sum());
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
    fn an_error_ends_it() {
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
