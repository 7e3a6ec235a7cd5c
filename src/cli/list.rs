//! `hyperframes-ci list`

use hyperframes_ci_core::api::RenderDetail;
use hyperframes_ci_core::time::format_unix;

use super::page::print_page;
use super::values;
use crate::app::account::list;
use crate::app::pages::PageSpec;
use crate::fault::Error;
use crate::ui::Console;

/// List the account's renders, newest first
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Renders per page, from 1 to 100 [default: 10, or 100 with --all]
    #[arg(long, value_parser = values::page_size)]
    limit: Option<u32>,
    /// Start from the cursor of a previous page
    #[arg(long)]
    token: Option<String>,
    /// List all pages
    #[arg(long)]
    all: bool,
    /// Include the signatures of presigned URLs in JSON output
    ///
    /// Anyone with a signed URL can download the video.
    #[arg(long)]
    show_urls: bool,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let mut outcome = list(&PageSpec { limit: args.limit, token: args.token.clone(), is_all: args.all })?;
    print(&outcome.renders, outcome.next_token.as_deref(), console);
    if !args.show_urls {
        outcome.renders = outcome.renders.iter().map(RenderDetail::redacted).collect();
    }
    console.outcome(&outcome);
    Ok(())
}

/// Prints the renders as a table.
fn print(renders: &[RenderDetail], token: Option<&str>, console: &mut Console) {
    let rows = renders.iter().map(|detail| {
        vec![
            detail.render_id.clone(),
            detail.status.clone(),
            detail.created_at.as_ref().map_or_else(String::new, format_unix),
            detail.duration.as_ref().map_or_else(String::new, ToString::to_string),
            detail.title.clone().unwrap_or_default(),
        ]
    });
    print_page(
        "renders",
        ["RENDER", "STATUS", "CREATED", "SECONDS", "TITLE"],
        rows.collect(),
        token,
        console,
    );
}
