//! `hyperframes-ci quota`

use crate::app::outcome::QuotaOutcome;
use crate::app::quota::quota;
use crate::fault::Error;
use crate::ui::{Console, table};

/// Show the account's balance and what it buys
///
/// By HeyGen's price list; the account may have other prices. Renders have no published price.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, console: &mut Console) -> Result<(), Error> {
    let outcome = quota()?;
    print(&outcome, console);
    console.outcome(&outcome);
    Ok(())
}

fn print(outcome: &QuotaOutcome, console: &mut Console) {
    let unit = outcome.currency.as_deref().map_or_else(|| "credits".to_owned(), str::to_uppercase);
    let balance = match (outcome.balance, outcome.unlimited) {
        (Some(balance), _) => format!("{balance:.2} {unit}"),
        (None, true) => "unlimited".to_owned(),
        (None, false) => "unknown".to_owned(),
    };
    let kind = outcome.billing_type.as_deref().unwrap_or("unknown");
    console.result(&format!("Balance: {balance} (billing: {kind})\n\n"));
    let mut rows = vec![["MEDIA", "USD PER SECOND", "SECONDS"].map(str::to_owned).to_vec()];
    rows.extend(outcome.buys.iter().map(|buys| {
        let seconds = buys.seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.0}"));
        vec![buys.media.to_owned(), buys.usd_per_second.to_string(), seconds]
    }));
    console.result(&table(&rows));
}
