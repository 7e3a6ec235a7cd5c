//! Concurrent work on many items, with limited concurrency.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Runs `work` on each item, at most `at_a_time` at once, and calls `on_result` with each result as it arrives. After `on_result`
/// returns false, no further item is started.
pub(crate) fn a_few_at_a_time<T: Send, R: Send>(
    items: impl Iterator<Item = T> + Send,
    at_a_time: usize,
    work: &(dyn Fn(T) -> R + Sync),
    on_result: &mut dyn FnMut(R) -> bool,
) {
    let items = Mutex::new(items);
    let is_stopped = AtomicBool::new(false);
    let (results, received) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            let (items, is_stopped, results) = (&items, &is_stopped, results.clone());
            scope.spawn(move || {
                while !is_stopped.load(Ordering::SeqCst) {
                    let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(item) = next else { break };
                    let _ = results.send(work(item));
                }
            });
        }
        drop(results);
        for result in received {
            if !on_result(result) {
                is_stopped.store(true, Ordering::SeqCst);
            }
        }
    });
}
