//! Holds the refusal against the engine's own compiler: whatever it opens or copies outside of a project is refused.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::inspect;
use crate::engine::Engine;
use crate::system::deadline::Deadline;
use crate::system::sandbox::SandboxOptions;

/// Number of pages; `HYPERFRAMES_CI_HOSTILE_PAGES` overrides it.
const PAGES: usize = 3_000;

/// Random choices that a seed repeats.
struct Choices(u64);

impl Choices {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("small")
    }

    fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Spells a path to a file outside in one of many ways.
fn spell(choices: &mut Choices, base: &Path) -> String {
    let name = *choices.one(&["canary.txt", "canary.html", "canary.mp4", "canary.gif", "canary.ttf"]);
    let up = *choices.one(&[
        "../../",
        "../../",
        "../../../BASE/",
        "a/../../../",
        "./../.././",
        "..//../",
        ".././/../",
    ]);
    let up = up.replace("BASE", &base.file_name().expect("a name").to_string_lossy());
    let absolute = format!("{}/{name}", base.display());
    let mut path = match choices.below(12) {
        0 => absolute,
        1 => format!("/{absolute}"),
        2 => format!("./{absolute}"),
        3 => format!("a/..{absolute}"),
        4 => format!(
            "{}{up}{name}",
            choices.one(&[
                "x:/../",
                "HTTP://../../../",
                "web+x:../",
                "https://../../../",
                "data:/../",
                "javascript:/../"
            ])
        ),
        _ => format!("{up}{name}"),
    };
    for _ in 0..choices.below(3) {
        path = match choices.below(14) {
            0 => path.replace("..", "%2e%2E"),
            1 => path.replace('/', "%2f"),
            2 => path.replacen('.', "%252e", 1),
            3 => path.replace('/', "\\"),
            4 => path.replace("..", "&#46;&#x2e;"),
            5 => path.replace("..", "&period;&#46"),
            6 => path.replace("..", "&amp;#46;."),
            7 => path.replacen("..", ".\t.", 1),
            8 => format!("{path}?x=1"),
            9 => format!("{path}#t=1"),
            10 => format!(" \n{path} "),
            11 => path.replace("..", "\\2e ."),
            12 => path.replace("canary", "%63anary"),
            _ => path.replace('/', "&sol;"),
        };
    }
    path
}

/// Puts a path into markup.
fn refer(choices: &mut Choices, path: &str) -> String {
    let quote = *choices.one(&["\"", "'", ""]);
    let space = *choices.one(&["", "", " ", "\n"]);
    let value = format!("{space}={space}{quote}{path}{quote}");
    let element = *choices.one(&[
        "a href",
        "area href",
        "base href",
        "link rel=stylesheet href",
        "img src",
        "IMG SRC",
        "script src",
        "iframe src",
        "video id=v data-start=0 data-duration=1 src",
        "audio id=w data-start=0 data-duration=1 src",
        "video id=v data-start=0 src",
        "img id=i data-start=0 data-duration=1 src",
        "source src",
        "track src",
        "embed src",
        "div data-composition-id=c data-composition-src",
        "image href",
        "image xlink:href",
        "use href",
        "x-y src",
        "p title='\"' src",
        "p src=a.png src",
        "p/src",
        "p a=\"b\"src",
    ]);
    let css = format!("url({quote}{path}{quote})");
    match choices.below(9) {
        0 => format!("<style>p{{background:{css}}}</style>"),
        1 => format!("<style>/* {css} */ q{{content:\"{css}\"}}</style>"),
        2 => format!("<style>@font-face{{font-family:x;src:{css}}} p{{font-family:x}}</style>"),
        3 => format!("<p style=\"background:{}\"></p>", css.replace('"', "'")),
        4 => format!("<style>@import {css};@import {quote}{path}{quote};</style>"),
        _ => format!("<{element}{value}></p>"),
    }
}

/// Refers to a script on this machine.
fn fetch(choices: &mut Choices) -> String {
    let host = *choices.one(&[
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0",
        "127.0.0.1.",
        "localhost.",
        "a.localhost",
        "169.254.169.254",
        "10.1.2.3",
        "u:p@127.0.0.1",
        "cdn.example@127.0.0.1",
        "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "ⓛocalhost",
        "127.0.&#48;.1",
        "&#108;ocalhost",
        "&amp;#108;ocalhost",
        "127.0\t.0.1",
        "loc&shy;alhost",
    ]);
    let scheme = *choices.one(&["http://", "https://", "http:///", "http://\\", "&#104;ttp://", " http://"]);
    let quote = *choices.one(&["\"", "'", ""]);
    let script = *choices.one(&[
        "script src",
        "SCRIPT SRC",
        "script type=module src",
        "script/src",
        "script a='<' src",
    ]);
    format!("<{script}={quote}{scheme}{host}/x.js{quote}></script>")
}

/// Puts markup where parsers disagree about what it is.
fn wrap(choices: &mut Choices, inner: &str) -> String {
    match choices.below(24) {
        0 => format!("<!-- {inner} -->"),
        1 => format!("<!--> {inner} -->"),
        2 => format!("<!-- a --!> {inner} <!-- -->"),
        3 => format!("<noscript>{inner}</noscript>"),
        4 => format!("<template>{inner}</template>"),
        5 => format!("<textarea>{inner}</textarea>"),
        6 => format!("<title>{inner}</title>"),
        7 => format!("<script>{inner}</script >"),
        8 => format!("<style>{inner}</style>"),
        9 => format!("<svg>{inner}</svg>"),
        10 => format!("<svg><![CDATA[{inner}]]></svg>"),
        11 => format!("<![CDATA[{inner}]]>"),
        12 => format!("<?x {inner} ?>"),
        13 => format!("<iframe>{inner}</iframe>"),
        14 => format!("<xmp>{inner}</xmp>"),
        15 => format!("<plaintext>{inner}"),
        16 => format!("<select><option>{inner}</select>"),
        17 => format!("<p title=\"{}\">", inner.replace('"', "&quot;")),
        18 => format!("<svg><style>{inner}</style></svg>"),
        19 => format!("<math><mtext><p><style><!--</style>{inner}-->"),
        20 => format!("<script><!-- <script> {inner} </script>"),
        _ => inner.to_owned(),
    }
}

/// Writes a page; returns its description and the values of its variables.
fn write(choices: &mut Choices, base: &Path, project: &Path) -> (String, Value) {
    let path = spell(choices, base);
    let markup = if choices.below(6) == 0 { fetch(choices) } else { refer(choices, &path) };
    let hostile = wrap(choices, &markup);
    let page = |content: &str| {
        format!(
            "<!doctype html><html><head></head><body><div data-composition-id=\"main\" data-width=\"64\" \
             data-height=\"64\" data-duration=\"1\">{content}</div></body></html>"
        )
    };
    fs::create_dir_all(project.join("scenes/deep")).expect("a folder");
    let mount =
        |file: &str| page(&format!("<div data-composition-id=\"s\" data-composition-src=\"{file}\"></div>"));
    let scene = format!("<template><div data-composition-id=\"s\">{hostile}</div></template>");
    let mut values = json!({});
    let index = match choices.below(8) {
        0 => {
            fs::write(project.join("scenes/deep/s.html"), &scene).expect("written");
            mount("scenes/deep/s.html")
        }
        1 => {
            fs::write(project.join("scenes/s.txt"), &scene).expect("written");
            mount("scenes/s.txt")
        }
        2 if choices.below(4) == 0 => {
            values = json!({ "v": format!("url({path})") });
            let declared = "[{&quot;id&quot;:&quot;v&quot;,&quot;label&quot;:&quot;v&quot;,&quot;type&quot;:&quot;string&quot;,&quot;default&quot;:&quot;&quot;}]";
            page("x").replacen("<html>", &format!("<html data-composition-variables=\"{declared}\">"), 1)
        }
        3 => hostile.clone() + &page(""),
        4 if choices.below(2) == 0 => {
            let path = if choices.below(2) == 0 {
                path.replace("..", "\\u002e\\u002e").replace('/', "\\/")
            } else {
                path
            };
            let declared =
                json!([{ "id": "v", "label": "v", "type": "string", "default": "DEFAULT" }]).to_string();
            let declared = declared.replace("DEFAULT", &format!("url({path})")).replace('"', "&quot;");
            page("x").replacen(
                "data-composition-id",
                &format!("data-composition-variables=\"{declared}\" data-composition-id"),
                1,
            )
        }
        _ => page(&hostile),
    };
    // Files of the same names inside: a decoy for whoever looks for the file in the project.
    if choices.below(3) == 0 {
        let decoy = project.join(base.strip_prefix("/").unwrap_or(base));
        fs::create_dir_all(&decoy).expect("a folder");
        for folder in [project, &decoy] {
            for name in ["canary.txt", "canary.html", "canary.mp4"] {
                fs::write(folder.join(name), "decoy").expect("written");
            }
        }
    }
    fs::write(project.join("index.html"), &index).expect("written");
    (format!("{index}\nvalues: {values}"), values)
}

#[test]
#[ignore = "needs the engine and Node.js 22.15; `cargo xtask test hostile` runs it"]
fn whatever_the_engine_would_read_outside_is_refused() {
    let engine =
        Engine::provision(SandboxOptions::default(), Deadline::NEVER, &mut |_| {}).expect("the engine");
    let folder = tempfile::tempdir().expect("a folder");
    let base = folder.path().canonicalize().expect("a path");
    for (name, text) in [
        ("canary.txt", "canary"),
        ("canary.html", "<template><div data-composition-id=c>canary</div></template>"),
        ("canary.mp4", "\0\0\0\x20ftypisom"),
        ("canary.gif", "GIF89a"),
        ("canary.ttf", "\0\x01\0\0"),
    ] {
        fs::write(base.join(name), text).expect("written");
    }
    let number = std::env::var("HYPERFRAMES_CI_HOSTILE_PAGES").ok();
    let number = number.map_or(PAGES, |number| number.parse().expect("a number"));
    let mut choices = Choices(0x9e37_79b9_7f4a_7c15);
    let cases = (0..number)
        .map(|index| {
            let project = base.join(format!("{index}/project"));
            let (page, values) = write(&mut choices, &base, &project);
            (project, page, values)
        })
        .collect::<Vec<_>>();
    let list = cases.iter().map(|(project, _, values)| json!({ "project": project, "variables": values }));
    fs::write(base.join("cases.json"), Value::from_iter(list).to_string()).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/compile.mjs");
    let output = Command::new(&engine.programs.node)
        .arg(script)
        .arg(&engine.programs.engine)
        .arg(base.join("cases.json"))
        .output()
        .expect("Node");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout).expect("text");
    let read = output.lines().map(|line| serde_json::from_str::<Vec<String>>(line).expect("a list"));
    let read = read.collect::<Vec<_>>();
    assert_eq!(read.len(), number);
    let (mut leaks, mut refusals, mut missed) = (0, 0, Vec::new());
    for ((project, page, values), read) in cases.iter().zip(read) {
        let is_refused = !inspect(project, None, values.as_object()).expect("readable").is_empty();
        leaks += usize::from(!read.is_empty());
        refusals += usize::from(is_refused);
        if !read.is_empty() && !is_refused {
            missed.push(format!("{page}\n=> {read:?}"));
        }
    }
    let figures = format!("{number} pages, {leaks} of which the engine reads outside, {refusals} refused");
    assert!(missed.is_empty(), "{figures}; {} are missed:\n{}", missed.len(), missed.join("\n\n"));
    // Otherwise the test proves nothing: the pages are not read, or the engine has changed.
    assert!(leaks > number / 12, "{figures}");
    // `cargo xtask test hostile` prints it.
    let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tables");
    fs::create_dir_all(&tables).expect("a folder");
    fs::write(tables.join("refusal.txt"), figures + "\n").expect("written");
}
