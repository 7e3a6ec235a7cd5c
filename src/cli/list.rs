//! `hyperframes-ci list`

use std::collections::BTreeSet;

use hyperframes_ci_core::api::{RenderDetail, RenderList, Request};
use hyperframes_ci_core::time::format_unix;

use super::values;
use crate::fault::Error;
use crate::heygen::transport::CallError;
use crate::ui::{Console, table};

/// Pages that `--all` follows at most: a server that hands out cursors for ever must not hold a job for ever.
const MOST_PAGES: usize = 1000;

/// List the account's renders, newest first
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Renders per page, 1 to 100 [default: 10, or 100 with --all]
    #[arg(long, value_parser = values::page_size)]
    limit: Option<u32>,
    /// Go on from the cursor of an earlier page
    #[arg(long)]
    token: Option<String>,
    /// Follow the cursors to the last page
    #[arg(long)]
    all: bool,
    /// Show the presigned URLs with their signatures in JSON; whoever sees them can fetch the videos
    #[arg(long)]
    show_urls: bool,
}

pub(super) fn run(args: &Args, console: &mut Console) -> Result<(), Error> {
    let transport = values::transport()?;
    let (retries, seed) = (values::max_retries()?, crate::system::random());
    let limit = args.limit.or(if args.all { Some(100) } else { None });
    let mut token = args.token.clone();
    let mut renders = Vec::new();
    let mut seen = BTreeSet::new();
    let has_more = loop {
        let response = transport.call(&Request::renders(limit, token.as_deref()), retries, seed)?;
        let page: RenderList = response.whole().map_err(CallError::from)?;
        renders.extend(page.data);
        token = page.next_token;
        if !args.all || !page.has_more {
            break page.has_more;
        }
        let Some(next) = &token else {
            return Err(CallError::Malformed(
                "the API says that there are more renders and not where".to_owned(),
            )
            .into());
        };
        if !seen.insert(next.clone()) || seen.len() >= MOST_PAGES {
            return Err(CallError::Malformed("the API's pages do not come to an end".to_owned()).into());
        }
    };
    let token = token.filter(|_| has_more);
    show(&renders, token.as_deref(), console);
    let shown = |detail: &RenderDetail| if args.show_urls { detail.clone() } else { detail.redacted() };
    let mut result = serde_json::json!({
        "renders": renders.iter().map(shown).collect::<Vec<_>>(),
        "has_more": has_more,
    });
    if let Some(token) = token {
        result["next_token"] = token.into();
    }
    console.json(&result);
    Ok(())
}

fn show(renders: &[RenderDetail], token: Option<&str>, console: &mut Console) {
    if renders.is_empty() {
        console.result("no renders\n");
        return;
    }
    let mut rows = vec![["RENDER", "STATUS", "CREATED", "SECONDS", "TITLE"].map(str::to_owned).to_vec()];
    rows.extend(renders.iter().map(|detail| {
        vec![
            detail.render_id.clone(),
            detail.status.clone(),
            detail.created_at.as_ref().map_or_else(String::new, format_unix),
            detail.duration.as_ref().map_or_else(String::new, ToString::to_string),
            detail.title.clone().unwrap_or_default(),
        ]
    }));
    console.result(&table(&rows));
    if let Some(token) = token {
        console.detail(&format!("more with --token {token}, or all with --all"));
    }
}
