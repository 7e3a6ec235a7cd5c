//! What the tests of generated media share: runs of `media generate`, and the faults and kills that every kind survives.

use std::path::Path;
use std::process::Command;

use crate::support::{Emulator, Ran};

/// The requests of a kind of job, as the faults of the emulator name them.
pub(crate) struct Endpoints {
    pub(crate) submit: &'static str,
    pub(crate) poll: &'static str,
    pub(crate) list: &'static str,
    pub(crate) make: &'static str,
}

/// A fault by its name: the request, how often, what happens, and then the exit code, the status and the number of jobs.
pub(crate) type Fault = (&'static str, &'static str, u32, &'static str, i32, &'static str, u64);

/// Steps at which a process is killed, and the status of the next run.
pub(crate) const KILLS: [(&str, &str); 8] = [
    ("uploaded", "generated"),
    ("made", "recovered"),
    ("staged", "recovered"),
    ("answered", "recovered"),
    ("digested", "recovered"),
    ("audio", "recovered"),
    ("written", "recovered"),
    ("recorded", "current"),
];

pub(crate) fn command(emulator: &Emulator, folder: &Path, flags: &[&str]) -> Command {
    let mut command = emulator.command();
    command.args(["media", "generate", "--json"]).args(flags).current_dir(folder);
    // Pauses between attempts are short; their number is not.
    command.env("HYPERFRAMES_CI_TIME_SCALE", "1000").env("HEYGEN_MAX_RETRIES", "3");
    command
}

pub(crate) fn generate(emulator: &Emulator, folder: &Path, flags: &[&str]) -> Ran {
    Ran::of(&mut command(emulator, folder, flags))
}

pub(crate) fn statuses(ran: &Ran) -> Vec<String> {
    let media = ran.json()["media"].as_array().unwrap().clone();
    media.iter().map(|media| media["status"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn fault(emulator: &Emulator, on: &str, times: u32, fault: &str) {
    emulator.script(&format!(r#"{{"rules": [{{"on": "{on}", "times": {times}, "do": {fault}}}]}}"#));
}

/// Returns the faults of a job that is submitted once and found again.
pub(crate) fn faults(endpoints: &Endpoints) -> Vec<Fault> {
    vec![
        ("submission 503 twice", endpoints.submit, 2, r#"{"status": 503}"#, 0, "generated", 1),
        ("submission lost", endpoints.submit, 1, "\"drop_after\"", 0, "generated", 1),
        ("submission cut", endpoints.submit, 1, r#"{"truncate": 20}"#, 0, "generated", 1),
        ("submission closed before", endpoints.submit, 1, "\"drop_before\"", 0, "generated", 1),
        (
            "submission 429 twice",
            endpoints.submit,
            2,
            r#"{"status": 429, "retry_after": "0"}"#,
            0,
            "generated",
            1,
        ),
        (
            "409 in progress",
            endpoints.submit,
            1,
            r#"{"status": 409, "code": "request_in_progress"}"#,
            0,
            "generated",
            1,
        ),
        ("submission 401", endpoints.submit, 1, r#"{"status": 401}"#, 3, "failed", 0),
        (
            "submission 402",
            endpoints.submit,
            1,
            r#"{"status": 402, "code": "insufficient_credit"}"#,
            1,
            "failed",
            0,
        ),
        ("submission 403", endpoints.submit, 1, r#"{"status": 403, "code": "forbidden"}"#, 3, "failed", 0),
        (
            "submission 422",
            endpoints.submit,
            1,
            r#"{"status": 422, "code": "validation_error"}"#,
            1,
            "failed",
            0,
        ),
        ("HTML for a submission", endpoints.submit, 9, "\"html\"", 1, "failed", 0),
        ("poll 503", endpoints.poll, 2, r#"{"status": 503}"#, 0, "generated", 1),
        ("HTML for a poll", endpoints.poll, 1, "\"html\"", 0, "generated", 1),
        ("list 503", endpoints.list, 1, r#"{"status": 503}"#, 0, "generated", 1),
        ("upload 503", "put", 1, r#"{"status": 503}"#, 0, "generated", 1),
        ("the job failed", endpoints.make, 1, r#"{"fail": "no face"}"#, 1, "failed", 1),
        ("download cut", "download", 1, r#"{"truncate": 100}"#, 0, "generated", 1),
        ("URL expired once", "download", 1, "\"expire\"", 0, "generated", 1),
        ("URL expired", "download", 99, "\"expire\"", 1, "not-saved", 1),
        ("HTML instead of a file", "download", 99, "\"html\"", 1, "not-saved", 1),
    ]
}

/// Half a second of silence: a WAV file of 8,000 samples a second.
pub(crate) fn sound() -> Vec<u8> {
    let mut wav =
        b"RIFF\xc4\x0f\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\xa0\x0f\0\0"
            .to_vec();
    wav.resize(44 + 4000, 128);
    wav
}
