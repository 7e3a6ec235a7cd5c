//! Options of Lambda.

/// The default stack of the official tooling.
pub(crate) const DEFAULT_STACK: &str = "hyperframes-default";

/// Default version of the official command line and of `@hyperframes/aws-lambda`, the newest that was tested. The stack
/// should be deployed with the same version.
pub(crate) const LAMBDA_VERSION: &str = "0.8.31";

/// Options of renders on Lambda.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LambdaOptions {
    /// Name of the stack.
    pub(crate) stack: String,
    /// AWS region, which must be that of the stack.
    pub(crate) region: Option<String>,
    /// AWS profile with the credentials; the environment's if absent.
    pub(crate) profile: Option<String>,
    /// Version of the official tooling.
    pub(crate) version: String,
}

impl Default for LambdaOptions {
    fn default() -> Self {
        Self {
            stack: DEFAULT_STACK.to_owned(),
            region: None,
            profile: None,
            version: LAMBDA_VERSION.to_owned(),
        }
    }
}
