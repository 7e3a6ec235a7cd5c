//! Holds everything that the binary prints with `--json` against the JSON Schemas that it publishes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::process::Command;
use std::sync::OnceLock;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

use crate::support::{Ran, command};

/// The error envelope's name in `schema output`.
const ERROR: &str = "error";

/// The schemas of `schema output`, compiled.
struct Contract {
    /// By command.
    schemas: BTreeMap<String, SchemaIndex>,
    compiled: Schemas,
}

fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let (mut compiler, mut compiled) = (Compiler::new(), Schemas::new());
        let names = print(&[])["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let compile = |name: String| {
            let place = format!("https://schemas.invalid/{name}");
            compiler.add_resource(&place, print(&[&name])).unwrap();
            let index = compiler.compile(&place, &mut compiled).unwrap();
            (name, index)
        };
        Contract { schemas: names.into_iter().map(compile).collect(), compiled }
    })
}

/// What `schema output` prints for these arguments.
pub(crate) fn print(arguments: &[&str]) -> Value {
    let output = command().args(["schema", "output"]).args(arguments).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The names that `schema output` takes.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    contract().schemas.keys().map(String::as_str)
}

/// What about an output is not as its schema says.
pub(crate) fn mistake(name: &str, output: &Value) -> Option<String> {
    let Contract { schemas, compiled } = contract();
    let index = schemas.get(name).unwrap_or_else(|| panic!("there is no schema {name}"));
    compiled.validate(output, *index).err().map(|error| format!("{error:#}"))
}

/// Members of an action's result beside those of the render.
const OF_ACTION: [&str; 6] = ["composition", "state", "output_paths", "poster_path", "gif_path", "diff"];

/// Checks the action's output `results`: what it has rendered is a render's outcome without its findings.
pub(crate) fn check_results(results: &str) {
    for mut result in serde_json::from_str::<Vec<Value>>(results).unwrap() {
        let members = result.as_object_mut().unwrap();
        members.retain(|name, _| !OF_ACTION.contains(&name.as_str()));
        // Neither a composition without a video nor one of another run has more than figures.
        if (members.contains_key("render") || members.contains_key("rows"))
            && let Some(mistake) = mistake("render", &result)
        {
            panic!("the action's results are not what the schema of render says: {mistake} in {results}");
        }
    }
}

/// Checks what a command has printed, if it was asked for JSON.
pub(crate) fn check(command: &Command, ran: &Ran) {
    let is_program = command.get_program() == OsStr::new(env!("CARGO_BIN_EXE_hyperframes-ci"));
    let is_json = |(name, value): (&OsStr, Option<&OsStr>)| {
        name == "HEYGEN_OUTPUT" && value.is_some_and(|value| value == "json")
    };
    let arguments = command.get_args().map(|argument| argument.to_str().unwrap()).collect::<Vec<_>>();
    // Whoever is interrupted has nothing to say.
    let is_whole = (0..128).contains(&ran.code);
    if is_program && is_whole && (arguments.contains(&"--json") || command.get_envs().any(is_json)) {
        for (name, output) in outputs(&arguments, ran) {
            if let Some(mistake) = mistake(&name, &output) {
                panic!("{arguments:?} does not print what the schema of {name} says: {mistake} in {ran:?}");
            }
        }
    }
}

/// What a command has printed, each with the name of its schema.
pub(crate) fn outputs(arguments: &[&str], ran: &Ran) -> Vec<(String, Value)> {
    let mut outputs = Vec::new();
    if let Some(name) = schema_of(arguments) {
        for value in serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>() {
            let value = value.unwrap_or_else(|error| panic!("{error} in {ran:?}"));
            let is_row = name == "render" && value.get("row").is_some();
            outputs.push((if is_row { "render-row".to_owned() } else { name.clone() }, value));
        }
    }
    if ran.code != 0 {
        let envelope = serde_json::from_str(&ran.stderr).unwrap_or_else(|error| panic!("{error} in {ran:?}"));
        outputs.push((ERROR.to_owned(), envelope));
    }
    outputs
}

/// The name of the schema for what a command prints; `None` where that is a document for something else.
fn schema_of(arguments: &[&str]) -> Option<String> {
    let has = |flags: &[&str]| {
        let is_flag = |argument: &&str| {
            flags.iter().any(|flag| argument == flag || argument.starts_with(&format!("{flag}=")))
        };
        arguments.iter().any(is_flag)
    };
    let mut words = arguments.iter().filter(|argument| !argument.starts_with('-'));
    let name = match *words.next()? {
        "schema" | "completions" | "action" => return None,
        "render" if has(&["--all", "--entry"]) => "render-all".to_owned(),
        "check" if has(&["--explain"]) => "check-explain".to_owned(),
        "get" if has(&["--wait", "-o", "--output"]) => "get-wait".to_owned(),
        "media" if words.clone().next() == Some(&"list") => match words.nth(1)? {
            &"avatars" if has(&["--groups"]) => "media-list-avatar-groups".to_owned(),
            catalogue => format!("media-list-{catalogue}"),
        },
        group @ ("auth" | "media" | "webhook") => format!("{group}-{}", words.next()?),
        "config" => "config-show".to_owned(),
        name => name.to_owned(),
    };
    contract().schemas.contains_key(&name).then_some(name)
}
