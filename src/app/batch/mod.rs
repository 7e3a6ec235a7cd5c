//! Batches: one render of a project for each row of a file, in constant memory.
//!
//! Rows are read twice before anything is submitted: once to validate them, once to plan the run. The state of earlier
//! runs is in the manifest, the ledger and the list of the account.

mod count;
mod earlier_outputs;
mod findings;
mod manifest;
mod outputs;
mod places;
mod plan;
mod row_outcome;
mod rows;
mod rows_file;
mod single;
mod summary;

use std::time::Instant;

use hyperframes_ci_core::job::Failure;

pub(crate) use count::RowCount;
pub(crate) use earlier_outputs::earlier_outputs;
pub(crate) use manifest::{Entry, Manifest};
pub(crate) use places::{check_appended_files, own_files};
pub(crate) use row_outcome::RowOutcome;
pub(crate) use rows::BatchRows;
pub(crate) use rows_file::RowsFile;
pub(crate) use single::RowRender;

use super::outcome::{BatchOutcome, Outcome};
use super::prepare::{PreparedProject, check_size};
use super::request::RequestBody;
use super::spec::RenderSpec;
use crate::fault::Error;
use crate::renderers::{Input, Renderer, RunContext, Session};
use crate::ui::{Console, counted};
use plan::{BatchPlan, FirstRows, PriorState};
use summary::BatchSummary;

/// Renders the rows; in a dry run, `session` is `None`.
///
/// # Errors
/// Returns an error if the batch as a whole cannot continue. Failed rows are in the outcome.
pub(crate) fn run(
    spec: &RenderSpec,
    request: &RequestBody,
    project: &PreparedProject,
    renderer: Option<&'static dyn Renderer>,
    mut session: Option<Box<dyn Session>>,
    (file, count): (&RowsFile, RowCount),
    console: &mut Console,
) -> Result<Outcome, Error> {
    let RowCount { rows: total, invalid, refused, repeated, diagnostics, refusal } = count;
    let rows = BatchRows::new(spec, request, project, renderer, file)?.refusing(&refused);
    let packed = project.pack(console)?;
    let description = renderer.map(Renderer::description);
    let limit = description.and_then(|description| description.upload_limit);
    check_size(&packed, limit.map(|limit| limit(spec.run.upload)))?;
    let digest = packed.manifest.digest();
    let context = RunContext {
        input: Input::Archive(&packed),
        options: &spec.run,
        name: &project.project().name,
        size: project.size(),
        began: Instant::now(),
        is_batch: true,
        max_failures: spec.batch.max_failures,
        has_callback: request.options.callback_url.is_some(),
    };
    let path = rows.manifest();
    let mut manifest = match spec.is_dry_run {
        true => Manifest::read(path, total, &spec.reach("manifest"))?,
        false => Manifest::open(path, total)?,
    };
    if let Some(session) = &mut session {
        session.prepare(&context, console)?;
        session.search_account(&context, total, console)?;
    }
    let known = manifest.take_known();
    let prior = PriorState { manifest: &known, session: session.as_deref(), digest: &digest };
    let plan = BatchPlan::new(&rows, &prior, &repeated, console)?;
    let outcome = BatchOutcome {
        digest: digest.clone(),
        rows: total,
        invalid,
        would_render: plan.renders,
        reused: plan.reused,
        done: plan.done,
        failed_before: plan.failed,
        diagnostics: [project.findings.diagnostics.clone(), diagnostics].concat(),
        refusal,
        results: None,
    };
    let Some((session, description)) = session.as_deref().zip(description) else {
        console.done(&format!(
            "dry run: {}; {} to render, {} to reuse, {} already done, {invalid} invalid",
            counted(usize::try_from(total).unwrap_or(usize::MAX), "row"),
            plan.renders,
            plan.reused,
            plan.done
        ));
        return Ok(Outcome::Batch(Box::new(outcome)));
    };
    if let Some(refusal) = spec.limits.exceeded(plan.renders, plan.seconds).filter(|_| description.is_billed)
    {
        return Err(Failure::refused(refusal).into());
    }
    let is_billed = description.is_billed;
    let mut summary = BatchSummary::new(manifest, outcome, spec, is_billed, console);
    let mut first = FirstRows::new(&repeated);
    let mut ran = session.render(&context, &mut plan::orders(&rows, &prior, &mut first)?, &mut summary);
    if let Ok(totals) = &ran
        && plan.equal > 0
        && !summary.is_over()
    {
        let rendered = Manifest::read(path, total, &spec.reach("manifest"))?;
        let mut orders = plan::equal_orders(&rows, &prior, &first, &rendered)?;
        let equal = session.render(&context, &mut orders, &mut summary);
        ran = equal.map(|equal| totals.clone().plus(equal));
    }
    match ran {
        Err(error) if !summary.has_results() => return Err(error),
        _ => (),
    }
    let outcome = summary.end(ran.as_ref().ok())?;
    ran?;
    Ok(Outcome::Batch(Box::new(outcome)))
}
