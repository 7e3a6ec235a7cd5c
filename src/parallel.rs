//! Work on many items on all processors, whose results are needed in their order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How far it is.
struct State<R> {
    /// The item that is to be begun next.
    next: usize,
    /// The item whose result is taken next.
    taken: usize,
    /// The cost of what is begun and not taken yet.
    ahead: u64,
    done: BTreeMap<usize, R>,
    is_over: bool,
}

struct Shared<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
}

/// Ends the work of the others where this thread ends before its time.
struct Over<'a, R>(&'a Shared<R>);

impl<R> Drop for Over<'_, R> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl<R> Shared<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State<R>>) -> MutexGuard<'a, State<R>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
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
    let state = State { next: 0, taken: 0, ahead: 0, done: BTreeMap::new(), is_over: false };
    let shared = Shared { state: Mutex::new(state), changed: Condvar::new() };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let over = Over(&shared);
                let mut tool = make();
                while let Some(index) = begin(&shared, items, budget, &cost) {
                    let result = work(&mut tool, &items[index]);
                    shared.lock().done.insert(index, result);
                    shared.changed.notify_all();
                }
                std::mem::forget(over);
            });
        }
        let _over = Over(&shared);
        for (index, item) in items.iter().enumerate() {
            let mut state = shared.lock();
            let result = loop {
                match state.done.remove(&index) {
                    Some(result) => break result,
                    // A thread has panicked, and so will the scope.
                    None if state.is_over => return Ok(()),
                    None => state = shared.wait(state),
                }
            };
            drop(state);
            take(item, result)?;
            let mut state = shared.lock();
            state.taken = index + 1;
            state.ahead -= cost(item);
            shared.changed.notify_all();
        }
        Ok(())
    })
}

/// The item that is to be worked on next, once there is room for it.
fn begin<T, R>(shared: &Shared<R>, items: &[T], budget: u64, cost: &impl Fn(&T) -> u64) -> Option<usize> {
    let mut state = shared.lock();
    loop {
        let index = state.next;
        let item = items.get(index).filter(|_| !state.is_over)?;
        let ahead = state.ahead.saturating_add(cost(item));
        // The one that is waited for is begun in any case.
        if ahead <= budget || index == state.taken {
            state.next += 1;
            state.ahead = ahead;
            return Some(index);
        }
        state = shared.wait(state);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_and_the_budget_is_kept() {
        let items = (0..2000_u64).collect::<Vec<_>>();
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut seen = Vec::new();
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
            seen.push(result);
            Ok::<_, ()>(())
        };
        in_order(&items, 40, cost, || 0, work, take).expect("no error");
        assert_eq!(seen, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert!(most.load(Ordering::SeqCst) <= 540, "{most:?}");
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
