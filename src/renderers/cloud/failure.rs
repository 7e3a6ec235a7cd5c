//! A failed job as an error of the command.

use hyperframes_ci_core::api::ApiError;
use hyperframes_ci_core::job::{Failure, FailureKind};
use serde_json::{Map, Value};

use crate::fault::{Exit, Fault};
use crate::heygen::transport::api_members;
use crate::ui::plain;

/// Returns the command that polls and downloads a render that is still running.
pub(crate) fn resume_command(failure: &Failure) -> Option<String> {
    let render_id = failure.render_id.as_ref().filter(|_| failure.is_resumable())?;
    Some(get_command(render_id))
}

/// Returns the shell command that waits for the render `id` and downloads it.
pub(crate) fn get_command(id: &str) -> String {
    let is_word = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_word && !id.starts_with('-') && !id.is_empty() {
        return format!("hyperframes-ci get {id} --wait");
    }
    // IDs come from the server; one with shell syntax must not run as a command.
    format!("hyperframes-ci get --wait -- '{}'", plain(id).replace('\'', r"'\''"))
}

impl Fault for Box<Failure> {
    fn code(&self) -> &str {
        Failure::code(self)
    }

    fn help(&self) -> Option<String> {
        match (Failure::help(self), resume_command(self)) {
            (Some(help), Some(resume)) => Some(format!("{help}; then run `{resume}` to resume")),
            (None, Some(resume)) => Some(format!("run `{resume}` to resume")),
            (help, None) => help.map(str::to_owned),
        }
    }

    fn exit(&self) -> Exit {
        match self.kind {
            _ if self.api_error().is_some_and(ApiError::is_authentication) => Exit::Auth,
            FailureKind::TimedOut { .. } => Exit::Timeout,
            FailureKind::Limit(_) => Exit::Limit,
            FailureKind::KeyUsed(_) => Exit::Usage,
            _ => Exit::General,
        }
    }

    fn is_unexplained(&self) -> bool {
        matches!(&self.kind, FailureKind::RenderFailed(reason) if reason.trim().is_empty())
    }

    fn members(&self) -> Map<String, Value> {
        let mut members = self.api_error().map(api_members).unwrap_or_default();
        members.extend(self.render_id.clone().map(|id| ("render_id".to_owned(), id.into())));
        members
    }
}

#[cfg(test)]
mod tests {
    use super::get_command;

    #[test]
    fn ids_of_a_server_are_quoted_for_a_shell() {
        for (id, command) in [
            ("hf_1-2.a", "hyperframes-ci get hf_1-2.a --wait"),
            ("a; rm -rf ~", "hyperframes-ci get --wait -- 'a; rm -rf ~'"),
            ("a'$(id)", r"hyperframes-ci get --wait -- 'a'\''$(id)'"),
            ("--help", "hyperframes-ci get --wait -- '--help'"),
            ("", "hyperframes-ci get --wait -- ''"),
        ] {
            assert_eq!(get_command(id), command);
        }
    }
}
