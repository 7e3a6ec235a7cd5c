//! `hyperframes-ci auth`: sign in once, for this and the other HeyGen tools of the machine.

use crate::app::sign_in::{self, SignInMethod, SignOutSpec};
use crate::fault::Error;
use crate::ui::{Console, table};

/// Sign in once, for this and the other HeyGen tools
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Login(LoginArgs),
    /// Who is signed in, by what, and what is left to spend; fails where nothing works
    Status,
    /// Refresh the stored sign-in now
    Refresh,
    Logout(LogoutArgs),
}

/// Sign in with the browser; what was stored before stays until the new credential has been verified
#[derive(Debug, clap::Args)]
pub(super) struct LoginArgs {
    /// Sign in on another device, with a code: for terminals without a browser
    #[arg(long, conflicts_with = "api_key")]
    device: bool,
    /// Store an API key, which is asked for or read from standard input; a key on the command line is refused
    #[arg(long, num_args = 0..=1, value_name = "KEY")]
    #[expect(clippy::option_option, reason = "the flag, and a value that must not be there")]
    api_key: Option<Option<String>>,
}

/// Give the stored sign-in back and forget it
#[derive(Debug, clap::Args)]
pub(super) struct LogoutArgs {
    /// Keep the stored API key
    #[arg(long)]
    keep_api_key: bool,
    /// Do not ask
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
                "a key on the command line is visible in the list of processes and in the history of the shell",
                "run `hyperframes-ci auth login --api-key` and enter the key, or pass it on standard input; consider \
                 replacing the key that was on the command line",
            )),
            (Some(None), _) => Ok(SignInMethod::ApiKey),
            (None, true) => Ok(SignInMethod::Device),
            (None, false) => Ok(SignInMethod::Browser),
        }
    }
}
