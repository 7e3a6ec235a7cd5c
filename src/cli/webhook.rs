//! `hyperframes-ci webhook`

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use super::workspace::workspace;
use crate::app::webhook::{Delivery, ListenSpec, SeenFile, Verifier, listen};
use crate::fault::Error;
use crate::system::gate::Reach;
use crate::ui::{Console, plain, table};

/// Verify webhooks of HeyGen, or receive them on this machine
///
/// HEYGEN_WEBHOOK_SECRET is the secret of the endpoint; several are separated by spaces.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Verify the signature and the time of a webhook on standard input
    ///
    /// Reads the raw body. Exits with code 0 if the webhook is authentic, 3 if it is not, and 8 if its event is in the file of
    /// --seen.
    Verify(VerifyArgs),
    /// Receive webhooks on loopback, and run a command for each
    ///
    /// The command receives the body on standard input, and HEYGEN_EVENT_TYPE, HEYGEN_EVENT_ID, HEYGEN_RESOURCE_ID and
    /// HEYGEN_CALLBACK_ID as variables, but no secrets. If it fails, the response is an error, so that HeyGen delivers the
    /// event again.
    Listen(ListenArgs),
}

#[derive(Debug, clap::Args)]
struct Rules {
    /// Maximum age of a webhook, in seconds
    ///
    /// Applies to the future as well.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(i64).range(1..=86_400))]
    max_skew: i64,
    /// File of received events, to refuse repeated ones
    ///
    /// An event is recognized by its ID and by its body, since HeyGen signs only the body.
    #[arg(long, value_name = "FILE")]
    seen: Option<PathBuf>,
    /// Include the signatures of presigned URLs
    ///
    /// Anyone with a signed URL can download the video.
    #[arg(long)]
    show_urls: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// Value of the header Heygen-Signature
    #[arg(long, value_name = "HEX", env = "HEYGEN_SIGNATURE")]
    signature: Option<String>,
    /// Value of the header Heygen-Timestamp
    #[arg(long, value_name = "SECONDS", env = "HEYGEN_TIMESTAMP", allow_hyphen_values = true)]
    timestamp: Option<String>,
    /// Value of the header Heygen-Event-Id
    #[arg(long, value_name = "ID", env = "HEYGEN_EVENT_ID")]
    event_id: Option<String>,
    #[command(flatten)]
    rules: Rules,
}

#[derive(Debug, clap::Args)]
pub(super) struct ListenArgs {
    /// Program to run for each event; no shell interprets it
    #[arg(long, value_name = "PROGRAM")]
    exec: PathBuf,
    /// Arguments of the program
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
    /// Port on 127.0.0.1; 0 chooses a free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Exit after this number of handled events
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    #[command(flatten)]
    rules: Rules,
}

impl Rules {
    fn seen(&self) -> Result<Option<SeenFile>, Error> {
        let reach = Reach::of_user(workspace().as_deref());
        Ok(self.seen.as_deref().map(|path| SeenFile::new(path, &reach)).transpose()?)
    }
}

pub(super) fn run(command: &Command, console: &mut Console) -> Result<(), Error> {
    match command {
        Command::Verify(args) => verify(args, console),
        Command::Listen(args) => {
            let spec = ListenSpec {
                port: args.port,
                command: (args.exec.clone(), args.arguments.clone()),
                verifier: Verifier::from_environment(args.rules.max_skew)?,
                seen: args.rules.seen()?,
                count: args.count,
                shows_urls: args.rules.show_urls,
            };
            listen(&spec, console)
        }
    }
}

fn verify(args: &VerifyArgs, console: &mut Console) -> Result<(), Error> {
    let verifier = Verifier::from_environment(args.rules.max_skew)?;
    let seen = args.rules.seen()?;
    if std::io::stdin().is_terminal() {
        return Err(Error::usage(
            "the body of the webhook is read from standard input",
            "for example `hyperframes-ci webhook verify < body.json`",
        ));
    }
    let delivery = Delivery {
        body: Delivery::read_body(&mut std::io::stdin())?,
        signature: args.signature.clone(),
        timestamp: args.timestamp.clone(),
        event_id: args.event_id.clone(),
    };
    let verified = verifier.verify(&delivery)?;
    seen.map_or(Ok(()), |seen| seen.accept(&verified))?;
    let outcome = verified.outcome(args.rules.show_urls);
    let row = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| vec![name.to_owned(), plain(value).to_string()])
    };
    let rows = [
        row("event_id", &outcome.event_id),
        row("event_type", &Some(outcome.event_type.clone())),
        row("resource_id", &outcome.resource_id),
        row("callback_id", &outcome.callback_id),
        row("url", &outcome.url),
        row("message", &outcome.message),
    ];
    console.result(&table(&rows.into_iter().flatten().collect::<Vec<_>>()));
    console.outcome(&outcome);
    Ok(())
}
