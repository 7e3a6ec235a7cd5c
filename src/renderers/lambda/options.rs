//! What users decide about Lambda.

/// The stack that the official tooling takes unless it is told another.
pub(crate) const DEFAULT_STACK: &str = "hyperframes-default";

/// The version of the official command line and of `@hyperframes/aws-lambda`, the newest that this was tested with; the
/// stack should be deployed with the same one.
pub(crate) const LAMBDA_VERSION: &str = "0.8.31";

/// Where and with what Lambda renders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LambdaOptions {
    /// The name of the stack.
    pub(crate) stack: String,
    /// The version of the official tooling.
    pub(crate) version: String,
}

impl Default for LambdaOptions {
    fn default() -> Self {
        Self { stack: DEFAULT_STACK.to_owned(), version: LAMBDA_VERSION.to_owned() }
    }
}
