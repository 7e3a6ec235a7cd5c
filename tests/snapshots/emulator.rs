//! An emulator with placeholder clips, for the flows.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::program::command;

/// The key that the emulator accepts.
const KEY: &str = "sk_test_0123456789";

/// An emulator that ends with the test.
pub(crate) struct Emulator {
    child: Child,
    url: String,
}

impl Emulator {
    /// Starts one.
    pub(crate) fn start(home: &Path) -> Self {
        let mut emulator = command(home);
        emulator.args(["emulator", "--placeholder", "--json", "--api-key", KEY]).stdout(Stdio::piped());
        let mut child = emulator.spawn().unwrap();
        let started = serde_json::Deserializer::from_reader(child.stdout.as_mut().unwrap());
        let started: Value = started.into_iter().next().unwrap().unwrap();
        Self { url: started["url"].as_str().unwrap().to_owned(), child }
    }

    /// Returns the binary with this emulator as its API.
    pub(crate) fn command(&self, home: &Path) -> Command {
        let mut command = command(home);
        command.env("HEYGEN_API_URL", &self.url).env("HEYGEN_API_KEY", KEY);
        command.env("HYPERFRAMES_CI_TIME_SCALE", "20");
        command
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
