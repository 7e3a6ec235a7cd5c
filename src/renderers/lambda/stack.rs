//! Stacks: the files that `hyperframes lambda deploy` writes.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::options::LambdaOptions;
use super::platform::PLATFORM;
use crate::renderers::serverless::{ServerlessError, is_name, state_folders};
use crate::system::file;

/// A deployed stack.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LambdaState {
    /// The requested name; the one in the file is not trusted.
    #[serde(skip)]
    pub(super) name: String,
    pub(super) region: String,
    pub(super) bucket_name: String,
    pub(super) state_machine_arn: String,
    /// Memory of a function in MB, which determines its cost.
    pub(super) lambda_memory_mb: Option<u32>,
    /// The file.
    #[serde(skip)]
    pub(super) text: String,
}

impl LambdaState {
    /// Finds the file of the stack and checks the region.
    ///
    /// # Errors
    /// Returns [`ServerlessError::Stack`] if the name is invalid, the file is missing or invalid, or the stack is in another region.
    pub(super) fn find(options: &LambdaOptions, folder: &Path) -> Result<Self, ServerlessError> {
        let stack = Self::named(&options.stack, folder)?;
        match &options.region {
            Some(region) if *region != stack.region => Err(ServerlessError::Stack {
                message: format!("stack {:?} is in {}, not in {region}", stack.name, stack.region),
                help: "remove --lambda-region, or name a stack of that region with --lambda-stack".to_owned(),
            }),
            _ => Ok(stack),
        }
    }

    /// Reads the file of the stack `name` in the nearest ancestor of `folder` that has one, up to the root of the
    /// repository.
    fn named(name: &str, folder: &Path) -> Result<Self, ServerlessError> {
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !is_name(name) {
            let message = format!(
                "invalid stack name {name:?}: it must start with a letter and contain only letters, digits and hyphens"
            );
            return Err(unknown(message, &[]));
        }
        let mut known = Vec::new();
        for folder in state_folders(folder) {
            let path = folder.join(format!("lambda-stack-{name}.json"));
            match file::read_to_string(&path) {
                Ok(text) => return Self::read(name, &path, text),
                Err(_) => known.extend(names(&folder)),
            }
        }
        let message =
            format!("stack {name:?} not found: .hyperframes/lambda-stack-{name}.json does not exist");
        Err(unknown(message, &known))
    }

    /// Parses and validates the file of a stack.
    fn read(name: &str, path: &Path, text: String) -> Result<Self, ServerlessError> {
        let invalid =
            |reason: String| unknown(format!("invalid stack file {}: {reason}", path.display()), &[]);
        let stack: Self = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        let arn = stack.state_machine_arn.split(':').collect::<Vec<_>>();
        if arn.get(5) != Some(&"stateMachine") {
            return Err(invalid(format!("{:?} is not the ARN of a state machine", stack.state_machine_arn)));
        }
        if stack.bucket_name.is_empty() || stack.region.is_empty() {
            return Err(invalid("bucket or region is missing".to_owned()));
        }
        for (name, value) in [("region", &stack.region), ("bucketName", &stack.bucket_name)] {
            if !is_name(value) {
                return Err(invalid(format!("{name} must not be {value:?}")));
            }
        }
        if arn.get(3) != Some(&stack.region.as_str()) {
            return Err(invalid(format!("the state machine is in {}, not in {}", arn[3], stack.region)));
        }
        Ok(Self { name: name.to_owned(), text, ..stack })
    }

    /// Returns the ARN of the execution of this name, whether or not it exists.
    pub(super) fn execution_arn(&self, name: &str) -> String {
        format!("{}:{name}", self.state_machine_arn.replacen(":stateMachine:", ":execution:", 1))
    }
}

/// Returns the error about a stack that is not one of the `known` ones.
fn unknown(message: String, known: &[String]) -> ServerlessError {
    let help = match known {
        [] => PLATFORM.stack_help.to_owned(),
        known => format!("choose one with --lambda-stack: {}", known.join(", ")),
    };
    ServerlessError::Stack { message, help }
}

/// Returns the names of the stacks with a file in a directory.
fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |file: fs::DirEntry| {
        let name = file.file_name().into_string().ok()?;
        Some(name.strip_prefix("lambda-stack-")?.strip_suffix(".json")?.to_owned())
    };
    let mut names = files.filter_map(name).collect::<Vec<_>>();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{"stackName": "../../s", "region": "eu-west-1", "bucketName": "b", "functionName": "f",
        "stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:render", "lambdaMemoryMb": 10240}"#;

    #[test]
    fn the_nearest_file_inside_the_repository_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("repository");
        let deep = root.join("videos/intro");
        for made in
            [&deep, &root.join(".git"), &root.join(".hyperframes"), &folder.path().join(".hyperframes")]
        {
            fs::create_dir_all(made).expect("made");
        }
        let outside = folder.path().join(".hyperframes/lambda-stack-other.json");
        fs::write(outside, STATE).expect("written");
        let path = root.join(".hyperframes/lambda-stack-s.json");
        fs::write(&path, STATE).expect("written");
        let stack = LambdaState::named("s", &deep).expect("found");
        assert_eq!((stack.text.as_str(), stack.name.as_str()), (STATE, "s"));
        assert_eq!(stack.execution_arn("n"), "arn:aws:states:eu-west-1:123456789012:execution:render:n");
        match LambdaState::named("other", &deep) {
            Err(ServerlessError::Stack { help, .. }) => {
                assert_eq!(help, "choose one with --lambda-stack: s");
            }
            other => unreachable!("{other:?}"),
        }
        assert!(LambdaState::named("../other", &deep).is_err());
        for (region, is_found) in [(None, true), (Some("eu-west-1"), true), (Some("us-east-1"), false)] {
            let region = region.map(ToOwned::to_owned);
            let options = LambdaOptions { stack: "s".to_owned(), region, ..LambdaOptions::default() };
            assert_eq!(LambdaState::find(&options, &deep).is_ok(), is_found, "{options:?}");
        }
        for (from, to, problem) in [
            ("stateMachine:", "function:", "is not the ARN of a state machine"),
            (
                "\"eu-west-1\"",
                "\"eu-west-1.evil.example/\"",
                "region must not be \"eu-west-1.evil.example/\"",
            ),
            ("\"b\"", "\"b/../c\"", "bucketName must not be \"b/../c\""),
            ("\"eu-west-1\"", "\"us-east-1\"", "the state machine is in eu-west-1, not in us-east-1"),
        ] {
            fs::write(&path, STATE.replace(from, to)).expect("written");
            let error = LambdaState::named("s", &deep).err().map(|error| error.to_string());
            assert!(error.as_ref().is_some_and(|error| error.contains(problem)), "{problem}: {error:?}");
        }
    }
}
