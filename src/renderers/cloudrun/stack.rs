//! Stacks: the file that `hyperframes cloudrun deploy` writes.

use std::path::Path;

use serde::Deserialize;

use super::options::CloudRunOptions;
use super::platform::PLATFORM;
use crate::renderers::serverless::{ServerlessError, is_name, state_folders};
use crate::system::file;

/// Name of the file in `.hyperframes`.
const FILE: &str = "cloudrun-state.json";

/// A deployed stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CloudRunState {
    pub(super) project_id: String,
    pub(super) region: String,
    pub(super) bucket_name: String,
    pub(super) service_url: String,
    pub(super) workflow_id: String,
}

impl CloudRunState {
    /// Finds the file of the stack: in `.hyperframes` of `folder` or of an ancestor inside the repository, or in that of `home`,
    /// where the official command writes it. Options override its project and region.
    ///
    /// # Errors
    /// Returns [`ServerlessError::Stack`] if the file is missing, invalid or incomplete.
    pub(super) fn find(
        options: &CloudRunOptions,
        folder: &Path,
        home: Option<&Path>,
    ) -> Result<Self, ServerlessError> {
        let home = home.map(|home| home.join(".hyperframes"));
        let paths = state_folders(folder).chain(home).map(|folder| folder.join(FILE));
        let found = paths.filter_map(|path| Some((file::read_to_string(&path).ok()?, path))).next();
        let Some((text, path)) = found else {
            return Err(unknown(format!("Cloud Run stack not found: .hyperframes/{FILE} does not exist")));
        };
        let mut state = Self::read(&path, &text)?;
        for (option, member) in
            [(&options.project, &mut state.project_id), (&options.region, &mut state.region)]
        {
            if let Some(value) = option {
                member.clone_from(value);
            }
        }
        state.check(&path)?;
        Ok(state)
    }

    fn read(path: &Path, text: &str) -> Result<Self, ServerlessError> {
        serde_json::from_str(text).map_err(|error| invalid(path, &error.to_string()))
    }

    /// Checks that names can be parts of the addresses of Google's services.
    fn check(&self, path: &Path) -> Result<(), ServerlessError> {
        let names = [
            ("projectId", &self.project_id),
            ("region", &self.region),
            ("bucketName", &self.bucket_name),
            ("workflowId", &self.workflow_id),
        ];
        let all = names.into_iter().chain([("serviceUrl", &self.service_url)]);
        let missing = all.filter(|(_, value)| value.is_empty()).map(|(name, _)| name).collect::<Vec<_>>();
        if !missing.is_empty() {
            return Err(invalid(path, &format!("{} is missing", missing.join(" and "))));
        }
        if let Some((name, value)) = names.iter().find(|(_, value)| !is_name(value)) {
            return Err(invalid(path, &format!("{name} must not be {value:?}")));
        }
        let is_plain = self.service_url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
        if !self.service_url.starts_with("https://") || !is_plain {
            return Err(invalid(path, "serviceUrl must be an https URL without a user"));
        }
        Ok(())
    }

    /// Returns whether an execution of this name may be one of its workflow. Workflows names the project of executions by its
    /// number, which the file of the stack does not have.
    pub(super) fn may_have(&self, execution: &str) -> bool {
        let Self { project_id, region, workflow_id, .. } = self;
        let rest = execution.strip_prefix("projects/").and_then(|rest| rest.split_once('/'));
        rest.is_some_and(|(project, rest)| {
            let is_number = !project.is_empty() && project.bytes().all(|byte| byte.is_ascii_digit());
            (is_number || project == project_id)
                && rest.starts_with(&format!("locations/{region}/workflows/{workflow_id}/executions/"))
        })
    }
}

fn invalid(path: &Path, reason: &str) -> ServerlessError {
    unknown(format!("invalid stack file {}: {reason}", path.display()))
}

fn unknown(message: String) -> ServerlessError {
    ServerlessError::Stack { message, help: PLATFORM.stack_help.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const STATE: &str = r#"{"projectId": "p", "region": "us-central1", "bucketName": "b", "workflowId": "w",
        "serviceUrl": "https://render.invalid"}"#;

    #[test]
    fn the_nearest_file_is_read_and_then_that_of_the_user() {
        let folder = tempfile::tempdir().expect("a folder");
        let (root, home) = (folder.path().join("repository"), folder.path().join("home"));
        let deep = root.join("videos/intro");
        for made in [&deep, &root.join(".git"), &root.join(".hyperframes"), &home.join(".hyperframes")] {
            fs::create_dir_all(made).expect("made");
        }
        let options = CloudRunOptions::default();
        let find = |options: &CloudRunOptions| {
            CloudRunState::find(options, &deep, Some(&home)).map_err(|error| error.to_string())
        };
        assert!(find(&options).is_err_and(|error| error.contains("does not exist")));
        fs::write(home.join(".hyperframes/cloudrun-state.json"), STATE).expect("written");
        let users = find(&options).expect("found");
        for (project, may_have) in [("p", true), ("1051295516635", true), ("q", false), ("", false)] {
            let execution = format!("projects/{project}/locations/us-central1/workflows/w/executions/e");
            assert_eq!(users.may_have(&execution), may_have, "{execution}");
        }
        let own = root.join(".hyperframes/cloudrun-state.json");
        fs::write(&own, STATE.replace("\"p\"", "\"own\"")).expect("written");
        assert_eq!(find(&options).expect("found").project_id, "own");
        let elsewhere = CloudRunOptions {
            project: Some("q".to_owned()),
            region: Some("europe-west1".to_owned()),
            ..CloudRunOptions::default()
        };
        let other = find(&elsewhere).expect("found");
        assert!(other.may_have("projects/q/locations/europe-west1/workflows/w/executions/e"));
        assert!(!other.may_have("projects/q/locations/us-central1/workflows/w/executions/e"));
        for (from, to, problem) in [
            ("\"b\"", "\"\"", "bucketName is missing"),
            ("\"w\"", "\"../w\"", "workflowId must not be \"../w\""),
            ("https:", "http:", "serviceUrl must be an https URL"),
            ("https://", "https://u:p@", "serviceUrl must be an https URL without a user"),
            ("{", "[", "invalid stack file"),
        ] {
            fs::write(&own, STATE.replace(from, to)).expect("written");
            assert!(find(&options).is_err_and(|error| error.contains(problem)), "{problem}");
        }
    }
}
