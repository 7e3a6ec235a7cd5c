//! Names and messages of Google Cloud Run.

use crate::renderers::serverless::{Account, Platform};

/// Google Cloud Run.
pub(crate) static PLATFORM: Platform = Platform {
    name: "Cloud Run",
    provider: "Google Cloud",
    account: Account::GoogleCloud,
    // Variables of Google's client libraries and of gcloud.
    variables: &[
        "CLOUDSDK_",
        "GCE_METADATA_",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_",
        "GOOGLE_EXTERNAL_ACCOUNT_",
        "METADATA_SERVER_DETECTION",
        "NO_GCE_CHECK",
    ],
    // Source: the official SDK, which follows the quotas of Workflows for arguments (512 KiB), less a margin for the rest.
    max_variables_size: 500 * 1024,
    // Sources: Google's authentication library and the status codes of its APIs.
    credential_errors: &[
        "Could not load the default credentials",
        "Could not refresh access token",
        // OpenSSL cannot read the private key.
        "DECODER routines",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
        "invalid_client",
        "invalid_grant",
    ],
    quota_errors: &["RESOURCE_EXHAUSTED"],
    missing_errors: &["NOT_FOUND"],
    credential_help: "set credentials, for example with google-github-actions/auth; they need the roles Storage Object User on the \
                      bucket and Workflows Invoker",
    stack_help: "run `npx hyperframes cloudrun deploy --project ID`, then copy ~/.hyperframes/cloudrun-state.json to .hyperframes in \
                 the repository; it contains no secrets",
};
