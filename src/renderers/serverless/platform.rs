//! Names and messages of the platforms that renders run on.

/// Whose account a stack is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::renderers) enum Account {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    GoogleCloud,
}

/// Names and messages of a platform.
#[derive(Debug, PartialEq)]
pub(crate) struct Platform {
    /// What renders run on, such as `Lambda`.
    pub(in crate::renderers) name: &'static str,
    /// Who rejects credentials, such as `AWS`.
    pub(in crate::renderers) provider: &'static str,
    pub(in crate::renderers) account: Account,
    /// Prefixes of the variables of its SDK. They contain credentials, but its processes do not run the project.
    pub(in crate::renderers) variables: &'static [&'static str],
    /// Maximum size of the variables in bytes.
    pub(in crate::renderers) max_variables_size: usize,
    /// Parts of error messages about credentials.
    pub(in crate::renderers) credential_errors: &'static [&'static str],
    /// Parts of error messages about quotas.
    pub(in crate::renderers) quota_errors: &'static [&'static str],
    /// Parts of error messages about a stack that does not exist.
    pub(in crate::renderers) missing_errors: &'static [&'static str],
    /// What to do about credentials.
    pub(in crate::renderers) credential_help: &'static str,
    /// What to do about a stack that does not exist.
    pub(in crate::renderers) stack_help: &'static str,
}
