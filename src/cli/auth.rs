//! `hyperframes-ci auth`: manages the credential that this and the other HeyGen tools share.

use crate::app::sign_in::{self, SignInMethod, SignOutSpec};
use crate::fault::Error;
use crate::ui::{Console, table};

/// Manage the HeyGen credential, which is shared with the other HeyGen tools
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Login(LoginArgs),
    /// Show the current account, credential and balance
    ///
    /// Fails if no credential is available or HeyGen rejects it.
    Status,
    /// Refresh the stored sign-in
    Refresh,
    Logout(LogoutArgs),
}

/// Sign in with a browser, a device code or an API key
///
/// Replaces a stored credential only after the new one has been verified.
#[derive(Debug, clap::Args)]
pub(super) struct LoginArgs {
    /// Sign in on another device with a code, if this machine has no browser
    #[arg(long, conflicts_with = "api_key")]
    device: bool,
    /// Store an API key, entered at a prompt or read from standard input
    ///
    /// A key on the command line is rejected, since other processes could read it.
    #[arg(long, num_args = 0..=1, value_name = "KEY")]
    #[expect(
        clippy::option_option,
        reason = "a value is accepted only to be rejected with a helpful message"
    )]
    api_key: Option<Option<String>>,
}

/// Revoke and remove the stored credentials
#[derive(Debug, clap::Args)]
pub(super) struct LogoutArgs {
    /// Keep the stored API key
    #[arg(long)]
    keep_api_key: bool,
    /// Do not ask for confirmation
    #[arg(short, long, visible_aliases = ["force", "no-confirm"])]
    yes: bool,
}

pub(super) fn run(command: &Command, console: &mut Console) -> Result<(), Error> {
    match command {
        Command::Login(args) => {
            let outcome = sign_in::sign_in(args.method()?, console)?;
            console.outcome(&outcome);
        }
        Command::Status => {
            let status = sign_in::status()?;
            console.outcome(&status.outcome);
            console.result(&table(&status.rows));
            return status.verdict;
        }
        Command::Refresh => {
            let outcome = sign_in::refresh(console)?;
            console.outcome(&outcome);
        }
        Command::Logout(args) => {
            let spec = SignOutSpec { keeps_api_key: args.keep_api_key, is_confirmed: args.yes };
            let outcome = sign_in::sign_out(spec, console)?;
            console.outcome(&outcome);
        }
    }
    Ok(())
}

impl LoginArgs {
    fn method(&self) -> Result<SignInMethod, Error> {
        match (&self.api_key, self.device) {
            (Some(Some(_)), _) => Err(Error::usage(
                "an API key on the command line is visible to other processes and in the shell history",
                "run `hyperframes-ci auth login --api-key` and enter the key, or pipe it to standard input; consider \
                 revoking the key that was on the command line",
            )),
            (Some(None), _) => Ok(SignInMethod::ApiKey),
            (None, true) => Ok(SignInMethod::Device),
            (None, false) => Ok(SignInMethod::Browser),
        }
    }
}
