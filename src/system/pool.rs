//! Work on many items, a few at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What comes from the work on items.
pub(crate) enum Message<P, R> {
    /// A message of a worker.
    Progress(P),
    /// The result of an item.
    Result(R),
}

/// Processes an item; progress goes to the second argument.
pub(crate) type Work<'a, T, P, R> = dyn Fn(T, &mut dyn FnMut(P)) -> R + Sync + 'a;

/// Processes items with `work`, `at_a_time` of them concurrently, and passes on messages as they arrive, until
/// `hear` returns false: then no further item is begun.
pub(crate) fn work_on<T: Send, P: Send, R: Send>(
    items: &mut (dyn Iterator<Item = T> + Send),
    at_a_time: usize,
    work: &Work<'_, T, P, R>,
    hear: &mut dyn FnMut(Message<P, R>) -> bool,
) {
    let items = Mutex::new(items);
    let is_stopped = AtomicBool::new(false);
    let (messages, heard) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            let (items, is_stopped, messages) = (&items, &is_stopped, messages.clone());
            scope.spawn(move || {
                while !is_stopped.load(Ordering::SeqCst) {
                    let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(item) = next else { break };
                    let mut report = |progress| drop(messages.send(Message::Progress(progress)));
                    let result = work(item, &mut report);
                    let _ = messages.send(Message::Result(result));
                }
            });
        }
        drop(messages);
        for message in heard {
            if !hear(message) {
                is_stopped.store(true, Ordering::SeqCst);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_begun_after_a_no() {
        let mut items = 0_u32..;
        let mut results = Vec::new();
        let double = |item: u32, report: &mut dyn FnMut(u32)| {
            report(item);
            item * 2
        };
        work_on(&mut items, 1, &double, &mut |message| match message {
            Message::Progress(_) => true,
            Message::Result(result) => {
                results.push(result);
                false
            }
        });
        assert_eq!(results[0], 0);
        // The items have no end: that this line is reached is the point.
    }
}
