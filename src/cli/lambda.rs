//! `hyperframes-ci render --renderer lambda`: the same render, in the user's own AWS account.

use std::path::PathBuf;

use hyperframes_ci_core::api::RenderRequest;
use hyperframes_ci_core::composition::Shape;
use hyperframes_ci_core::findings::{Level, Levels, Rule};
use hyperframes_ci_core::job::{ProjectIdentity, RenderIdentity};
use hyperframes_ci_core::options::Format;
use serde_json::json;

use super::batch::refused;
use super::render::{Args, Checked, Made, Rendered, expected};
use super::values;
use crate::fault::Error;
use crate::project::pack::Packed;
use crate::renderers::cloud::{Outcome, RowResult};
use crate::renderers::lambda;
use crate::renderers::lambda::{
    DEFAULT_STACK, Fleet, LAMBDA_VERSION, Lambda, LambdaError, Layout, Order, Stack, Told,
};
use crate::system::interrupt;
use crate::ui::Console;

/// Flags of renders on Lambda.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Lambda")]
pub(super) struct LambdaArgs {
    /// The stack that `npx hyperframes lambda deploy` has deployed, by its file in .hyperframes
    #[arg(long, value_name = "NAME", default_value = DEFAULT_STACK)]
    lambda_stack: String,
    /// Version of the official tooling, which should be that of the stack
    #[arg(long, value_name = "VERSION", default_value = LAMBDA_VERSION, value_parser = values::version)]
    lambda_version: String,
}

impl LambdaArgs {
    /// The stack.
    ///
    /// # Errors
    /// When nobody knows it.
    pub(super) fn stack(&self) -> Result<Stack, Error> {
        let folder = std::env::current_dir().map_err(LambdaError::Folder)?;
        Ok(Stack::find(&self.lambda_stack, &folder)?)
    }
}

/// Says whether Lambda can render what is asked for, before anything is packed.
///
/// # Errors
/// With what it cannot.
pub(super) fn check(args: &Args, options: &RenderRequest) -> Result<(), Error> {
    if args.no_wait {
        return Err(Error::usage(
            "--no-wait is for the cloud",
            "leave it out: what was started is found again",
        ));
    }
    if args.limits.min_balance().is_some() {
        return Err(Error::usage(
            "--min-balance is about a HeyGen account",
            "use --max-renders or --max-seconds",
        ));
    }
    Ok(lambda::check(options)?)
}

/// Findings that do not matter to Lambda.
pub(super) fn relax(levels: &mut Levels) {
    levels.set(Rule::AspectRatioUnsupported, Level::Allow);
}

/// Makes ready to render a project there, so many at a time.
///
/// # Errors
/// When the tooling is not there, or nobody knows how large the composition is.
pub(super) fn fleet(
    args: &Args,
    checked: &Checked,
    packed: &Packed,
    stack: &Stack,
    concurrency: usize,
    console: &mut Console,
) -> Result<Fleet, Error> {
    if checked.request.options.callback_url.is_some() {
        console.warning("no webhook is called for a render on Lambda");
    }
    let layout = match checked.prepared.shape {
        Shape::Matched { width, height, .. } | Shape::Unsupported { width, height } => {
            Layout { width, height }
        }
        Shape::NoRoot | Shape::NoDimensions | Shape::InvalidDimensions { .. } => {
            return Err(LambdaError::Unsupported {
                message: "Lambda must be told how large the composition is".to_owned(),
                help: "set data-width and data-height on its root",
            }
            .into());
        }
    };
    let version = &args.lambda.lambda_version;
    let announce = &mut |what: &str| console.status(&format!("installing {what}"));
    let lambda = Lambda::new(stack, version, packed.path(), announce)?;
    console.end_bar();
    Ok(Fleet {
        lambda,
        layout,
        concurrency,
        pause: args.waiting.wait().poll_interval,
        max_wait: args.waiting.max_wait,
        is_fresh: args.reuse.is_off(),
        since: args.reuse.reuse().since,
    })
}

/// Renders one video.
///
/// # Errors
/// As every render.
pub(super) fn render(
    args: &Args,
    checked: &Checked,
    packed: &Packed,
    stack: &Stack,
    console: &mut Console,
) -> Result<Rendered, Error> {
    let options = &checked.request.options;
    let duration = checked.prepared.duration;
    if let Some(refusal) = args.limits.limits(options, duration).exceeded {
        return Err(refused(refusal));
    }
    let digest = packed.manifest.digest();
    let identity = RenderIdentity::new(ProjectIdentity::Digest(&digest), &checked.request.body);
    let format = options.format.unwrap_or(Format::Mp4);
    let default = || PathBuf::from(format!("renders/{}.{format}", checked.prepared.project().name));
    let order = Order {
        index: 0,
        identity: identity.clone(),
        options: options.clone(),
        output: args.output.clone().unwrap_or_else(default),
        expected: expected(options, duration),
        known: None,
    };
    let fleet = fleet(args, checked, packed, stack, 1, console)?;
    console.step("Rendering on Lambda");
    let mut ended = None;
    let cost = fleet.run(std::iter::once(order), &mut |_, told| {
        match told {
            Told::Progress(progress) => console.percent("rendering", progress * 100.0),
            Told::Result(result) => match (&result.outcome, &result.render_id) {
                (Outcome::Submitted, Some(execution)) => {
                    console.detail(&format!("execution {execution}"));
                    interrupt::set_resume_hint(Some("the same command goes on with it".to_owned()));
                }
                _ => ended = Some(*result),
            },
        }
        true
    });
    console.end_bar();
    interrupt::set_resume_hint(None);
    let cost = cost?;
    let Some(RowResult { outcome, output, render_id, is_reused, generation, .. }) = ended else {
        return Err(LambdaError::Render("nothing came of it".to_owned()).into());
    };
    let verified = match outcome {
        Outcome::Completed(verified) => verified,
        Outcome::Failed(error) => return Err(*error),
        Outcome::Submitted => return Err(LambdaError::Render("nothing came of it".to_owned()).into()),
    };
    let how = if is_reused { "reused, ".to_owned() } else { format!("about ${cost:.4}, ") };
    let render = json!({ "renderer": "lambda", "status": "completed", "format": format, "render_id": render_id,
        "resolution": options.resolution });
    let made = Made { render, identity, generation, is_reused, digest, path: output, verified: *verified };
    let mut rendered = made.tell(&how, args, checked, console)?;
    rendered.result["cost_usd"] = cost.into();
    Ok(rendered)
}
