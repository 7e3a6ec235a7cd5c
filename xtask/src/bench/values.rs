//! Values, by the npm package and by the official validator, in one process of Node.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::measure::Row;
use crate::command::root;
use crate::npm;

/// 1,000 rows against one composition.
pub(super) fn rows() -> Result<Vec<Row>> {
    npm::pack()?;
    let node = npm::node(npm::NODES[npm::NODES.len() - 1])?;
    let declared = (0..12).map(|number| {
        let (kind, default) =
            [("string", "\"a\""), ("number", "1"), ("color", "\"#fff\""), ("boolean", "true")][number % 4];
        format!("{{\"id\":\"v{number}\",\"label\":\"V\",\"type\":\"{kind}\",\"default\":{default}}}")
    });
    let declared = declared.collect::<Vec<_>>().join(",");
    let page = super::inputs::composition(0, "");
    let (head, tail) = page.split_once('\'').context("no declarations")?;
    let html = format!("{head}'[{declared}]'{}", tail.split_once('\'').context("no declarations")?.1);
    let mut child = Command::new(node)
        .arg(root().join("xtask/src/bench/values.mjs"))
        .arg(root().join("target/wasm/package"))
        .arg(npm::official()?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("no input")?.write_all(html.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the benchmark in Node failed");
    let text = String::from_utf8(output.stdout)?;
    let times = text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let [ours, official, bare] = times[..] else { anyhow::bail!("expected three times, got {text}") };
    let row = |what: &str, reference| Row {
        what: what.to_owned(),
        ours: ours * 1e3,
        reference: reference * 1e3,
        unit: "ms",
    };
    Ok(vec![
        row(
            "1,000 x checkVariables with the page, and @hyperframes/core with the declarations as text",
            official,
        ),
        row("the same, and @hyperframes/core with declarations that are read once", bare),
    ])
}
