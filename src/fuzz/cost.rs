//! The time that an input takes, as its length grows.

use std::time::Duration;

use super::Target;
use super::mutate::Growing;

/// Lengths in bytes, each four times the one before.
const LENGTHS: [usize; 4] = [4 << 10, 16 << 10, 64 << 10, 256 << 10];

/// How much longer an input of four times the length may take. Linear is 4, quadratic 16.
const MOST: f64 = 10.0;

/// Shorter times are not compared.
const SHORTEST: Duration = Duration::from_millis(25);

/// Returns an error if the time of a target grows faster than the length, on two steps in a row or on the last one.
pub(super) fn check(target: &Target, growing: &Growing) -> Result<(), String> {
    judge(|length, runs| measure(target, &growing.of_length(length), runs))
}

/// Judges the times of inputs of each length. `measure` takes the length and a number of runs.
fn judge(mut measure: impl FnMut(usize, u32) -> Duration) -> Result<(), String> {
    let mut before: Option<Duration> = None;
    let mut suspicious = 0;
    for length in LENGTHS {
        let mut time = measure(length, 1);
        if time < SHORTEST {
            before = Some(time);
            continue;
        }
        let limit = before.map(|before| before.max(Duration::from_millis(2)).mul_f64(MOST));
        if limit.is_some_and(|limit| time > limit) {
            // Somebody else may have used the processor's caches.
            time = measure(length, 3);
        }
        suspicious = if limit.is_some_and(|limit| time > limit) { suspicious + 1 } else { 0 };
        if suspicious == 2 || suspicious == 1 && time > Duration::from_secs(1) {
            return Err(format!(
                "{length} bytes take {time:.1?}, a quarter of them {:.1?}",
                before.unwrap_or_default()
            ));
        }
        if time > Duration::from_secs(1) && suspicious == 0 {
            break;
        }
        before = Some(time);
    }
    Ok(())
}

/// The shortest time of several runs.
fn measure(target: &Target, input: &[u8], runs: u32) -> Duration {
    let run = || {
        let began = clock();
        (target.run)(input);
        clock().saturating_sub(began)
    };
    (0..runs).map(|_| run()).min().unwrap_or_default()
}

/// The processor time of this thread, which does not depend on what else runs.
#[cfg(unix)]
pub(super) fn clock() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(not(unix))]
pub(super) fn clock() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// The times are made up, so that the speed of the machine decides nothing.
#[test]
fn quadratic_times_are_noticed() {
    for nanoseconds in [5, 10, 20, 100, 1_000, 10_000] {
        // Nanoseconds for 1,000 bytes or pairs of bytes.
        let linear = |length: usize, _: u32| Duration::from_nanos(length as u64 * nanoseconds / 1_000);
        let quadratic = |length: usize, runs: u32| linear(length * length, runs);
        // Shorter times are not compared, whatever the growth.
        let too_short = quadratic(LENGTHS[2], 1) < SHORTEST;
        let judged = judge(quadratic);
        assert_eq!(judged.is_ok(), too_short, "{nanoseconds} ns: {judged:?}");
        assert_eq!(judge(linear), Ok(()), "{nanoseconds} ns");
    }
    let longer_once = |length: usize, runs: u32| {
        Duration::from_micros(length as u64 * if runs == 1 && length == LENGTHS[2] { 20 } else { 1 })
    };
    assert_eq!(judge(longer_once), Ok(()), "a time that does not repeat");
}
