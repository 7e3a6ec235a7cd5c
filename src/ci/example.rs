//! A minimal CI service: a template for adding another one. It exists in tests only.

use std::path::PathBuf;

use super::error::ProviderError;
use super::event::{Event, PullRequest, Subject};
use super::log::LogSyntax;
use super::provider::{CiProvider, Environment, ProviderDescription, Settings, required, variable};
use super::trust::{ConfigSource, Trust};

/// The example service.
pub(super) const DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Example CI",
    detect: |environment| variable(environment, "EXAMPLE_CI").is_some(),
    workspace: |environment| variable(environment, "EXAMPLE_CHECKOUT").map(PathBuf::from),
    default_output: |environment, workspace| {
        variable(environment, "EXAMPLE_CI").map(|_| workspace.join("example-output"))
    },
    annotation: None,
    connect: |environment, settings| Ok(Box::new(Example::connect(environment, settings)?)),
};

struct Example {
    event: Event,
    output: PathBuf,
}

impl Example {
    fn connect(environment: &Environment<'_>, settings: &Settings) -> Result<Self, ProviderError> {
        let commit = required(environment, "EXAMPLE_COMMIT")?;
        let number = variable(environment, "EXAMPLE_PULL_REQUEST").and_then(|number| number.parse().ok());
        let subject = number.map_or(Subject::Other, |number| {
            let (head, base) = (commit.clone(), String::new());
            Subject::PullRequest(PullRequest { number, head, base, is_fork: false, is_closed: false })
        });
        let name = required(environment, "EXAMPLE_TRIGGER")?;
        let kind = if name == "button" { "workflow_dispatch" } else { &name };
        let event = Event {
            kind: subject.kind().unwrap_or(kind).to_owned(),
            name,
            subject,
            repository: required(environment, "EXAMPLE_REPOSITORY")?,
            commit,
            trust: Trust::Own,
            config: ConfigSource::Checkout,
            run_url: String::new(),
            is_private: false,
            job: String::new(),
        };
        Ok(Self { event, output: settings.output_dir.clone() })
    }

    fn write(&self, name: &str, text: &str) -> Result<(), ProviderError> {
        let path = self.output.join(name);
        std::fs::write(&path, text).map_err(|error| ProviderError::Runner(path, error))
    }
}

impl LogSyntax for Example {
    fn group_start(&self, title: &str) -> String {
        format!("--- {title}")
    }

    fn group_end(&self) -> Option<String> {
        Some("---".to_owned())
    }

    fn error(&self, title: &str, message: &str) -> String {
        format!("!!! {title}: {message}")
    }

    fn debug(&self, _: &str) -> Option<String> {
        None
    }
}

impl CiProvider for Example {
    fn event(&self) -> &Event {
        &self.event
    }

    fn log(&self) -> &dyn LogSyntax {
        self
    }

    fn output(&self, name: &str, value: &str) -> Result<(), ProviderError> {
        self.write(name, value)
    }

    fn summary(&self, markdown: &str) -> Result<(), ProviderError> {
        self.write("summary.md", markdown)
    }
}
