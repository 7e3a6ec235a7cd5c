//! Queues that threads wait for: immediate work, delayed work, and permits.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Locks a mutex, ignoring poisoning.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A first-in, first-out queue of work for one kind of threads.
pub(super) struct Lane<T> {
    state: Mutex<(VecDeque<T>, bool)>,
    changed: Condvar,
}

impl<T> Lane<T> {
    /// Creates an empty lane.
    pub(super) fn new() -> Self {
        Self { state: Mutex::new((VecDeque::new(), false)), changed: Condvar::new() }
    }

    /// Adds work at the end.
    pub(super) fn push(&self, work: T) {
        lock(&self.state).0.push_back(work);
        self.changed.notify_one();
    }

    /// Waits for work; returns `None` once the lane is closed and empty.
    pub(super) fn pop(&self) -> Option<T> {
        let state = lock(&self.state);
        let is_idle = |state: &mut (VecDeque<T>, bool)| state.0.is_empty() && !state.1;
        let mut state = self.changed.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        state.0.pop_front()
    }

    /// Closes the lane: no more work follows.
    pub(super) fn close(&self) {
        lock(&self.state).1 = true;
        self.changed.notify_all();
    }
}

/// A number of permits.
pub(super) struct Semaphore {
    permits: Mutex<usize>,
    released: Condvar,
}

impl Semaphore {
    /// Creates a semaphore with this number of permits.
    pub(super) fn new(permits: usize) -> Self {
        Self { permits: Mutex::new(permits), released: Condvar::new() }
    }

    /// Acquires a permit; waits if none is available.
    pub(super) fn acquire(&self) {
        let permits = lock(&self.permits);
        let mut permits = self
            .released
            .wait_while(permits, |permits| *permits == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *permits -= 1;
    }

    /// Releases a permit.
    pub(super) fn release(&self) {
        *lock(&self.permits) += 1;
        self.released.notify_one();
    }
}

/// Delayed work.
pub(super) struct Schedule<S, P> {
    state: Mutex<Later<S, P>>,
    changed: Condvar,
    /// Minimum time between two requests about parked tasks.
    shortest: Duration,
}

struct Later<S, P> {
    sleeping: Vec<(Instant, S)>,
    parked: Vec<(Instant, P)>,
    looked: Instant,
    is_closed: bool,
}

/// Tasks that are due.
pub(super) struct Due<S, P> {
    /// A task whose pause is over.
    pub(super) woken: Vec<S>,
    /// All parked tasks with their due times, returned as soon as one of them is due.
    pub(super) parked: Vec<(Instant, P)>,
}

impl<S, P> Schedule<S, P> {
    /// Creates an empty schedule.
    pub(super) fn new(shortest: Duration) -> Self {
        let later =
            Later { sleeping: Vec::new(), parked: Vec::new(), looked: Instant::now(), is_closed: false };
        Self { state: Mutex::new(later), changed: Condvar::new(), shortest }
    }

    /// Wakes `work` at a time.
    pub(super) fn sleep(&self, until: Instant, work: S) {
        lock(&self.state).sleeping.push((until, work));
        self.changed.notify_one();
    }

    /// Wakes all sleeping tasks, except parked ones.
    pub(super) fn wake_sleepers(&self) {
        let now = Instant::now();
        lock(&self.state).sleeping.iter_mut().for_each(|(until, _)| *until = now);
        self.changed.notify_one();
    }

    /// Parks `work` until a time, or until other parked work is due, since one request may cover all of it.
    pub(super) fn park(&self, until: Instant, work: P) {
        lock(&self.state).parked.push((until, work));
        self.changed.notify_one();
    }

    /// Waits until a task is due; returns `None` once the queue is closed and empty.
    pub(super) fn next(&self) -> Option<Due<S, P>> {
        let mut state = lock(&self.state);
        loop {
            if state.is_closed {
                return None;
            }
            let now = Instant::now();
            let look = state.parked.iter().map(|(due, _)| *due).min();
            let look = look.map(|due| due.max(state.looked + self.shortest));
            let earliest = state.sleeping.iter().map(|(due, _)| *due).min().into_iter().chain(look).min();
            match earliest {
                Some(due) if due <= now => {
                    let (due, sleeping): (Vec<_>, Vec<_>) =
                        std::mem::take(&mut state.sleeping).into_iter().partition(|(due, _)| *due <= now);
                    state.sleeping = sleeping;
                    let mut parked = Vec::new();
                    if look.is_some_and(|look| look <= now) {
                        state.looked = now;
                        parked = std::mem::take(&mut state.parked);
                    }
                    return Some(Due { woken: due.into_iter().map(|(_, work)| work).collect(), parked });
                }
                Some(due) => {
                    let waited = self.changed.wait_timeout(state, due - now);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Closes the queue: no more tasks follow.
    pub(super) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_ends_when_it_is_closed_and_empty() {
        let lane = Lane::new();
        lane.push(1);
        lane.close();
        assert_eq!((lane.pop(), lane.pop()), (Some(1), None));
    }

    #[test]
    fn what_is_parked_is_looked_at_together() {
        let schedule = Schedule::<&str, &str>::new(Duration::ZERO);
        let now = Instant::now();
        schedule.park(now + Duration::from_secs(60), "later");
        schedule.sleep(now, "woken");
        let due = schedule.next().expect("something");
        assert_eq!((due.woken, due.parked.len()), (vec!["woken"], 0));
        schedule.park(now, "due");
        let due = schedule.next().expect("something");
        assert_eq!(due.parked.iter().map(|(_, work)| *work).collect::<Vec<_>>(), ["later", "due"]);
        schedule.close();
        assert!(schedule.next().is_none());
    }

    #[test]
    fn permits_are_given_back() {
        let semaphore = Semaphore::new(1);
        semaphore.acquire();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| semaphore.acquire());
            semaphore.release();
            waiting.join().expect("acquired");
        });
    }
}
