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
    /// Store an API key: asked for without showing it, or read from standard input
    #[arg(long)]
    api_key: bool,
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
            let outcome = sign_in::sign_in(args.method(), console)?;
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
    fn method(&self) -> SignInMethod {
        match self {
            Self { api_key: true, .. } => SignInMethod::ApiKey,
            Self { device: true, .. } => SignInMethod::Device,
            _ => SignInMethod::Browser,
        }
    }
}
