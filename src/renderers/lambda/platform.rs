//! Names and messages of AWS Lambda.

use crate::renderers::serverless::{Account, Platform};

/// AWS Lambda.
pub(crate) static PLATFORM: Platform = Platform {
    name: "Lambda",
    provider: "AWS",
    account: Account::Aws,
    variables: &["AWS_"],
    // Source: the quotas of Step Functions for the input of an execution (256 KiB), less a margin for the rest of the input.
    max_variables_size: 250 * 1024,
    // Sources: the AWS SDK for JavaScript, common errors of the AWS APIs.
    credential_errors: &[
        "AccessDenied",
        "AuthFailure",
        "Could not load credentials",
        "CredentialsProviderError",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignature",
        "SignatureDoesNotMatch",
        "UnrecognizedClient",
        "is not authorized to perform",
        "security token included in the request is",
    ],
    quota_errors: &[],
    missing_errors: &[],
    credential_help: "set AWS credentials, for example with aws-actions/configure-aws-credentials; run `npx hyperframes lambda \
                      policies` to print the required permissions",
    stack_help: "run `npx hyperframes lambda deploy`, then commit the file that it writes or restore it in CI; it contains no \
                 secrets",
};
