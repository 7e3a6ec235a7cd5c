//! Converts an order to the plan of its job.

use hyperframes_ci_core::job::{AssetFact, Keys, ListSays, Plan, Reuse, Source, Wait};

use crate::renderers::{Order, RunContext};
use crate::system::random;

/// Returns the plan of an order's job. The caller sets retries and the result of searching the account.
pub(super) fn plan(
    context: &RunContext<'_>,
    source: Source,
    order: &mut Order,
    asset: Option<AssetFact>,
) -> Plan {
    let options = context.options;
    Plan {
        product: context.input.product(),
        source,
        body: std::mem::take(&mut order.body),
        keys: Keys {
            identity: order.identity.clone(),
            chosen: order.idempotency_key.take(),
            is_chosen_for_many: context.is_batch,
            chosen_for: None,
            // For a project at a URL, whose contents may change.
            fallback: format!("hfci_run_{:016x}{:016x}", random(), random()).parse().ok(),
        },
        reuse: Reuse {
            // An identical order of this run is no earlier one.
            none: options.reuse.is_off && !order.limits.is_reuse_only,
            since: options.reuse.since(),
            render: order.known.take(),
            asset,
            is_asset_shared: context.is_batch,
            listed: ListSays::Unasked,
        },
        limits: std::mem::take(&mut order.limits),
        route: options.upload,
        wait: options.is_waiting.then_some(Wait {
            poll_interval: options.poll_interval,
            download: true,
            is_watched: context.is_batch,
        }),
        max_wait: context.time_left(),
        max_retries: 0,
        seed: random(),
    }
}
