//! The generated pages of the documentation: commands from clap, options from their table.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use hyperframes_ci_core::options::{Format, Quality};

use super::Cli;
use crate::app::options::{Fallback, Kind, OPTIONS, RenderOption, Scope};
use crate::renderers::{Capability, Description, RENDERERS};

const GENERATED: &str = "<!-- Generated: `cargo xtask docs --update` writes this page. -->\n";

/// The renderer that only tests have.
const TEST_RENDERER: &str = "clip";

/// `BLESS=1` writes the page.
#[test]
fn the_reference_of_commands_is_up_to_date() {
    let mut command = Cli::command();
    command.build();
    let mut page = format!(
        "# Commands\n\n{GENERATED}\nEvery command and flag of `hyperframes-ci`, as `--help` prints them. \
         Options of `render` can also be set elsewhere: see [Options](options.md).\n\n\
         ## Global flags\n\n{}",
        flags(&command, true)
    );
    for subcommand in shown(&command) {
        describe(subcommand, "hyperframes-ci", 2, &mut page);
    }
    hold("docs/cli.md", &page);
}

/// `BLESS=1` writes the page.
#[test]
fn the_reference_of_options_is_up_to_date() {
    let mut page = format!(
        "# Options\n\n{GENERATED}\nEvery option of `render`, with its flag, its key in `hyperframes-ci.toml`, its environment \
         variable and its input of the action. A flag overrides the environment variable, which overrides `[[render]]`, \
         which overrides `[defaults]`: see [Configuration](configuration.md).\n"
    );
    let mut titles = OPTIONS.iter().map(|option| option.heading.title()).collect::<Vec<_>>();
    let mut seen = std::collections::HashSet::new();
    titles.retain(|title| seen.insert(*title));
    for title in titles {
        let _ = write!(page, "\n## {title}\n");
        for option in OPTIONS.iter().filter(|option| option.heading.title() == title) {
            let help = escaped(option.help);
            let _ = write!(page, "\n### {}\n\n{}.\n\n", option.name, help.trim_end_matches('.'));
            page += &places(option);
        }
    }
    hold("docs/options.md", &page);
}

/// `BLESS=1` writes the page.
#[test]
fn the_table_of_renderers_is_up_to_date() {
    let known = RENDERERS.iter().map(|renderer| renderer.description());
    let known = known.filter(|description| description.name != TEST_RENDERER).collect::<Vec<_>>();
    let row = |name: &str, cell: &dyn Fn(&Description) -> String| {
        let cells = known.iter().map(|description| format!(" {} |", cell(description))).collect::<String>();
        format!("| {name} |{cells}\n")
    };
    let yes = |is_so: bool| if is_so { "yes".to_owned() } else { String::new() };
    let mut table = row("", &|description| match description.is_selectable {
        true => format!("`{}`", description.name),
        false => format!("`--{}`", description.name),
    });
    table += &format!("|---|{}\n", "---|".repeat(known.len()));
    table += &row("pages run", &|description| {
        if description.is_on_this_machine { "on this machine" } else { "elsewhere" }.to_owned()
    });
    table += &row("billed, so that limits apply", &|description| yes(description.is_billed));
    for format in Format::ALL {
        table +=
            &row(&format!("`--format {format}`"), &|description| yes(description.formats.contains(format)));
    }
    for quality in Quality::ALL {
        let name = format!("`--quality {quality}`");
        table += &row(&name, &|description| yes(description.qualities.contains(quality)));
    }
    for (capability, name) in Capability::ALL {
        table += &row(name, &|description| yes(description.supports(capability)));
    }
    let page = format!(
        "# Renderers\n\n{GENERATED}\nWhat each renderer can do. An option that the chosen renderer does not support is an error \
         before anything is packed, uploaded or installed, and the error names the renderer that does. See also \
         [Local rendering](local.md), [Containers](docker.md), [AWS Lambda](lambda.md), [Google Cloud Run](cloudrun.md), \
         [HTTP endpoints](http.md) and \
         [The emulator](emulator.md).\n\n{table}"
    );
    hold("docs/renderers.md", &page);
}

/// Returns the table of the places where an option can be set.
fn places(option: &RenderOption) -> String {
    let mut rows = vec![("Flag", format!("`--{}`", option.name))];
    if let Some(short) = option.short {
        rows[0].1 += &format!(", `-{short}`");
    }
    match option.scope {
        Scope::Entry(name) => rows.push(("Key", format!("`{name}` of `[[render]]`"))),
        scope if scope.is_key() => {
            rows.push(("Key", format!("`{}`", option.name)));
            rows.push(("Environment", format!("`{}`", option.variable())));
        }
        _ => {}
    }
    if option.scope.is_input() {
        rows.push(("Input", format!("`{}`", option.name)));
    }
    rows.push(("Value", escaped(&value(option.kind))));
    let default = match option.fallback {
        Fallback::None if option.kind.is_switch() => "`false`".to_owned(),
        Fallback::None => String::new(),
        Fallback::Value(value) => format!("`{value}`"),
        Fallback::Server(value) => format!("`{value}`, set by the server"),
        Fallback::Words(words) => escaped(words),
    };
    if !default.is_empty() {
        rows.push(("Default", default));
    }
    let excluded = OPTIONS.iter().filter(|other| option.excludes(other));
    let excluded = excluded.map(|other| format!("[`--{0}`](#{0})", other.name)).collect::<Vec<_>>();
    if !excluded.is_empty() {
        rows.push(("Conflicts with", excluded.join(", ")));
    }
    let rows = rows.iter().map(|(name, text)| format!("| {name} | {text} |\n")).collect::<String>();
    format!("| | |\n|---|---|\n{rows}")
}

/// Describes the values of an option.
fn value(kind: Kind) -> String {
    match kind {
        Kind::Switch => "`true` or `false`; the flag takes no value".to_owned(),
        Kind::Integer { min, max: i64::MAX } => format!("integer, at least {min}"),
        Kind::Integer { min, max } => format!("integer, {min} to {max}"),
        Kind::FrameRate => "integer, 1 to 240, or a fraction such as `30000/1001`".to_owned(),
        Kind::Number(min) => format!("number, at least {min}"),
        Kind::Text => "string".to_owned(),
        Kind::Path => {
            "path; in the configuration, relative to the root of the repository and inside it".to_owned()
        }
        Kind::OneOf(words) => {
            let words = words().iter().filter(|word| **word != TEST_RENDERER);
            words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        Kind::Values => "JSON object; a table in the configuration".to_owned(),
    }
}

/// Appends the section of a command and its subcommands.
fn describe(command: &Command, parent: &str, level: usize, page: &mut String) {
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let heading = "#".repeat(level);
    let _ = write!(page, "\n{heading} {name}\n\n{}\n\n```text\n{usage}\n```\n", escaped(about.trim()));
    let arguments = command.get_positionals().map(|arg| row(&format!("`{arg}`"), arg)).collect::<String>();
    if !arguments.is_empty() {
        let _ = write!(page, "\n| argument | |\n|---|---|\n{arguments}");
    }
    let table = flags(command, false);
    if !table.is_empty() {
        let _ = write!(page, "\n{table}");
    }
    for subcommand in shown(command) {
        describe(subcommand, &name, level + 1, page);
    }
}

/// Returns the subcommands that the help shows.
fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

/// Returns tables of the flags by heading, global ones if `is_global`.
fn flags(command: &Command, is_global: bool) -> String {
    let mut tables = Vec::<(String, String)>::new();
    let flags = command.get_arguments().filter(|arg| {
        let is_builtin = matches!(arg.get_id().as_str(), "help" | "version");
        !arg.is_positional() && !arg.is_hide_set() && (arg.is_global_set() || is_builtin) == is_global
    });
    for arg in flags {
        let heading = arg.get_help_heading().unwrap_or("Flags").to_owned();
        let long = arg.get_long().map(|long| format!("--{long}"));
        let short = arg.get_short().map(|short| format!("-{short}"));
        let mut name = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
        if arg.get_action().takes_values() {
            for value in arg.get_value_names().unwrap_or_default() {
                let _ = write!(name, " <{value}>");
            }
        }
        let row = row(&format!("`{}`", name.replace('|', "\\|")), arg);
        match tables.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, rows)) => *rows += &row,
            None => tables.push((heading, row)),
        }
    }
    let tables = tables.iter().map(|(heading, rows)| format!("| {heading} | |\n|---|---|\n{rows}"));
    tables.collect::<Vec<_>>().join("\n")
}

/// Returns the row of an argument: its help, its values, its default and its variable.
fn row(name: &str, arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let paragraphs = help.split("\n\n").map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    // Values and defaults have cells of their own.
    let paragraphs = paragraphs.filter(|text| !text.starts_with("[possible values"));
    let sentences =
        paragraphs.map(|text| if text.ends_with(['.', ']', ':']) { text } else { format!("{text}.") });
    let mut text = escaped(&sentences.collect::<Vec<_>>().join(" "));
    let values = arg.get_possible_values();
    let values = values
        .iter()
        .filter(|value| !value.is_hide_set() && value.get_name() != TEST_RENDERER)
        .map(|value| format!("`{}`", value.get_name()));
    let values = values.collect::<Vec<_>>();
    if arg.get_action().takes_values() && !values.is_empty() {
        let _ = write!(text, "<br>Values: {}", values.join(", "));
    }
    let defaults = arg.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy()));
    let defaults = defaults.collect::<Vec<_>>();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(text, "<br>Default: {}", defaults.join(", "));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(text, "<br>Environment: `{}`", variable.to_string_lossy());
    }
    format!("| {name} | {text} |\n")
}

/// Escapes text for Markdown outside of code spans.
fn escaped(text: &str) -> String {
    let mut is_code = false;
    let escape = |letter: char| {
        is_code ^= letter == '`';
        match letter {
            '|' => "\\|".to_owned(),
            '<' if !is_code => "&lt;".to_owned(),
            '[' if !is_code => "\\[".to_owned(),
            ']' if !is_code => "\\]".to_owned(),
            '*' if !is_code => "\\*".to_owned(),
            letter => letter.to_string(),
        }
    };
    text.chars().map(escape).collect()
}

/// Holds a page against the file, which `BLESS=1` writes.
fn hold(path: &str, page: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, page).expect("a page is written");
    }
    let present = fs::read_to_string(&file).unwrap_or_default();
    assert!(present == page, "{path} is out of date: run `cargo xtask docs --update`");
}
