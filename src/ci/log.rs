//! Markup in the log of a job.

/// The markup that a service recognizes in the log of a job. Every method returns whole lines.
pub(crate) trait LogSyntax {
    /// Returns the line that starts a collapsible group.
    fn group_start(&self, title: &str) -> String;

    /// Returns the line that ends the current group, or `None` if no group is open.
    fn group_end(&self) -> Option<String>;

    /// Returns the lines that make the service mask `secret` from here on. The default is none, for services that mask by
    /// their own settings.
    fn mask(&self, _secret: &str) -> Vec<String> {
        Vec::new()
    }

    /// Returns the line of an error that is not about a file, such as a failed render.
    fn error(&self, title: &str, message: &str) -> String;

    /// Returns a debug line, or `None` if debug logging is off.
    fn debug(&self, text: &str) -> Option<String>;
}

/// Prints lines to standard output, where the runner reads markup.
#[expect(clippy::print_stdout, reason = "the runner reads markup from standard output")]
pub(super) fn print(lines: impl IntoIterator<Item = String>) {
    for line in lines {
        println!("{line}");
    }
}
