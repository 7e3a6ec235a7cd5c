//! Where renders go: what `hyperframes lambda deploy` wrote down about the stack.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::LambdaError;

/// A deployed stack.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stack {
    /// The name that it was asked for by: the one in the file is anybody's.
    #[serde(skip)]
    pub(super) name: String,
    pub(super) region: String,
    pub(super) bucket_name: String,
    pub(super) state_machine_arn: String,
    /// In MB; what a second of a function costs depends on it.
    pub(super) lambda_memory_mb: Option<u32>,
    /// The file that says so.
    #[serde(skip)]
    pub(super) path: PathBuf,
}

impl Stack {
    /// Finds the file of the stack `name` in `folder`, or in the closest folder around it that has one, up to the root of
    /// the repository.
    ///
    /// # Errors
    /// Where there is none, or where it is of no use.
    pub(crate) fn find(name: &str, folder: &Path) -> Result<Self, LambdaError> {
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !is_name(name) {
            let message = format!("{name:?} is no name of a stack: those have letters, digits and hyphens");
            return Err(LambdaError::Stack { message, known: Vec::new() });
        }
        let is_root = |folder: &&Path| folder.join(".git").exists();
        let depth = folder.ancestors().position(|folder| is_root(&folder)).unwrap_or_default();
        let folders = folder.ancestors().take(depth + 1).map(|folder| folder.join(".hyperframes"));
        let mut known = Vec::new();
        for folder in folders {
            let path = folder.join(format!("lambda-stack-{name}.json"));
            match fs::read_to_string(&path) {
                Ok(text) => return Self::read(name, path, &text),
                Err(_) => known.extend(names(&folder)),
            }
        }
        let message = format!("there is no stack {name:?}: .hyperframes/lambda-stack-{name}.json is missing");
        Err(LambdaError::Stack { message, known })
    }

    fn read(name: &str, path: PathBuf, text: &str) -> Result<Self, LambdaError> {
        let wrong = |what: String| LambdaError::Stack {
            message: format!("{} is of no use: {what}", path.display()),
            known: Vec::new(),
        };
        let stack: Self = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if stack.state_machine_arn.split(':').nth(5) != Some("stateMachine") {
            return Err(wrong(format!("{:?} names no state machine", stack.state_machine_arn)));
        }
        if stack.bucket_name.is_empty() || stack.region.is_empty() {
            return Err(wrong("it names no bucket or no region".to_owned()));
        }
        Ok(Self { name: name.to_owned(), path, ..stack })
    }

    /// The execution of this name, whether or not there is one.
    pub(super) fn execution(&self, name: &str) -> String {
        format!("{}:{name}", self.state_machine_arn.replacen(":stateMachine:", ":execution:", 1))
    }
}

/// The stacks that a folder knows.
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
    fn the_closest_file_inside_the_repository_counts() {
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
        let stack = Stack::find("s", &deep).expect("found");
        assert_eq!((stack.path.as_path(), stack.name.as_str()), (path.as_path(), "s"));
        assert_eq!(stack.execution("n"), "arn:aws:states:eu-west-1:123456789012:execution:render:n");
        match Stack::find("other", &deep) {
            Err(LambdaError::Stack { known, .. }) => assert_eq!(known, ["s"]),
            other => unreachable!("{other:?}"),
        }
        assert!(Stack::find("../other", &deep).is_err());
        fs::write(&path, STATE.replace("stateMachine:", "function:")).expect("written");
        assert!(Stack::find("s", &deep).is_err());
    }
}
