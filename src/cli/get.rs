//! `hyperframes-ci get`

use std::path::PathBuf;

use hyperframes_ci_core::api::{RenderDetail, Request};
use hyperframes_ci_core::job::{Job, Plan};
use hyperframes_ci_core::time::format_unix;
use hyperframes_ci_core::video::Expected;

use super::values::{self, WaitArgs};
use crate::fault::Error;
use crate::heygen::download::Download;
use crate::renderers::cloud::run::Means;
use crate::system::output::OutputFile;
use crate::ui::{Console, table};

/// Show one render, or wait for it and download its video
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The render's id
    render_id: String,
    /// Wait until the render is complete and download the video
    #[arg(long)]
    wait: bool,
    /// Where the video goes; implies --wait [default: renders/RENDER_ID.FORMAT]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show the presigned URLs with their signatures; whoever sees them can fetch the video
    #[arg(long)]
    show_urls: bool,
    #[command(flatten)]
    waiting: WaitArgs,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let transport = values::transport()?;
    if args.wait || args.output.is_some() {
        let target = Download::new(OutputFile::prepare(args.output.as_deref())?);
        let job = Job::new(Plan::existing(
            args.render_id.clone(),
            args.waiting.wait(),
            args.waiting.max_wait,
            values::render_retries()?,
            crate::system::random(),
        ));
        let means = Means {
            transport: &transport,
            archive: None,
            target: Some(target),
            ledger: None,
            expected: Expected::default(),
            is_strict: false,
        };
        let finished = crate::renderers::cloud::run::run(job, means, console)?;
        finished.tell(console);
        console.json(&finished.to_json());
        return Ok(());
    }
    let response =
        transport.call(&Request::render(&args.render_id), values::max_retries()?, crate::system::random())?;
    let detail: RenderDetail = response.data().map_err(crate::heygen::transport::CallError::from)?;
    let detail = if args.show_urls { detail } else { detail.redacted() };
    let value = serde_json::json!(detail);
    let rows =
        value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            let text = match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Number(at) if name.ends_with("_at") => format_unix(at),
                other => other.to_string(),
            };
            vec![name.clone(), crate::ui::plain(&text)]
        });
    console.result(&table(&rows.collect::<Vec<_>>()));
    console.json(&serde_json::json!({ "render": detail }));
    Ok(())
}
