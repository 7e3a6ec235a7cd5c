//! The markup of GitLab's log; source: docs.gitlab.com, "Custom collapsible sections".

use std::cell::RefCell;

use hyperframes_ci_core::archive::hex;
use hyperframes_ci_core::report::plain;
use sha2::{Digest, Sha256};

use crate::ci::log::LogSyntax;
use crate::system::clock::unix_now;

/// Collapsible sections. Secrets are masked by the settings of CI/CD variables; a job cannot add to them.
pub(super) struct LogSections {
    /// The name of the open section.
    open: RefCell<Option<String>>,
    is_debug: bool,
}

impl LogSections {
    /// Creates the markup of a job, with debug lines if `is_debug`.
    pub(super) fn new(is_debug: bool) -> Self {
        Self { open: RefCell::new(None), is_debug }
    }
}

impl LogSyntax for LogSections {
    fn group_start(&self, title: &str) -> String {
        let name = format!("hyperframes_{}", &hex(&Sha256::digest(title))[..12]);
        let line = format!(
            "\u{1b}[0Ksection_start:{}:{name}[collapsed=true]\r\u{1b}[0K{}",
            unix_now(),
            plain(title)
        );
        *self.open.borrow_mut() = Some(name);
        line
    }

    fn group_end(&self) -> Option<String> {
        let name = self.open.borrow_mut().take()?;
        Some(format!("\u{1b}[0Ksection_end:{}:{name}\r\u{1b}[0K", unix_now()))
    }

    fn error(&self, title: &str, message: &str) -> String {
        plain(&format!("{title}: {message}"))
    }

    fn debug(&self, text: &str) -> Option<String> {
        self.is_debug.then(|| plain(text))
    }
}
