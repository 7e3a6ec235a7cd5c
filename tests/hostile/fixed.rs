//! Probes that stand in the files of a project: the project is refused, and nothing starts.

use std::sync::Mutex;
use std::thread;

use super::collector::Collector;
use super::program::{Secrets, page, render};
use super::setup::Setup;
use super::{HeldBy, Row};

/// A project: its name in the table, and its files.
struct Project {
    name: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    variables: Option<String>,
}

/// Two at once: each run is a process that does little.
const WORKERS: usize = 2;

/// Renders every project, and returns what came of it.
pub(crate) fn run(collector: &Collector, secrets: &Secrets) -> Vec<Row> {
    let projects = Mutex::new(projects(collector, secrets).into_iter().enumerate());
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = projects.lock().unwrap().next();
                    let Some((place, project)) = next else { break };
                    let row = attempt(&project, collector);
                    rows.lock().unwrap().push((place, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap();
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn attempt(project: &Project, collector: &Collector) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("project");
    for (path, contents) in &project.files {
        let file = source.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, contents).unwrap();
    }
    let variables = project.variables.as_deref().map(|values| ["--variables", values]);
    let arguments = variables.as_ref().map_or(&[][..], |pair| &pair[..]);
    let (code, output) = render(&source, folder.path(), &Setup::default(), arguments);
    let mut arrived = collector.arrived(&project.name.replace(' ', "-"));
    if code != 5 || !output.contains("project_refused") || folder.path().join("v.mp4").exists() {
        arrived =
            format!("{arrived} the engine was started or another error came first: exit {code}: {output}");
    }
    Row { name: project.name.to_owned(), held_by: HeldBy::Refusal, arrived, is_tried: true, setup: "" }
}

fn projects(collector: &Collector, secrets: &Secrets) -> Vec<Project> {
    let text = secrets.climb("canary.txt");
    let local = |name: &str| format!("127.0.0.1:{}/{}", collector.port, name.replace(' ', "-"));
    let climb = |name: &str| secrets.climb(name);
    let mut all = Vec::new();
    let mut add = |name: &'static str, index: String, others: Vec<(&'static str, Vec<u8>)>| {
        let files = [vec![("index.html", page(&index).into_bytes())], others].concat();
        all.push(Project { name, files, variables: None });
    };
    for (name, markup) in [
        ("file by a href", format!("<a href='{text}'>x</a>")),
        ("file by area href", format!("<map><area href='{text}'></map>")),
        ("file by base href", format!("<base href='{text}'>")),
        ("file by img src", format!("<img src='{text}'>")),
        ("file by iframe src", format!("<iframe src='{text}'></iframe>")),
        ("file by script src", format!("<script src='{}'></script>", climb("canary.js"))),
        ("file by link href", format!("<link rel=stylesheet href='{}'>", climb("canary.css"))),
        ("file by any element", format!("<x-y src='{text}'></x-y>")),
        ("file by svg xlink:href", format!("<svg><image xlink:href='{text}'/></svg>")),
        ("file by style attribute", format!("<p style='background:url({text})'></p>")),
        ("file by url() in a CSS comment", format!("<style>/* url({text}) */</style>")),
        ("file by @font-face", format!("<style>@font-face{{font-family:x;src:url('{text}')}}</style>")),
        ("file by @import", format!("<style>@import '{}';</style>", climb("canary.css"))),
        ("file by composition", format!("<div data-composition-src='{}'></div>", climb("canary.html"))),
        (
            "file by absolute composition",
            format!("<div data-composition-src='{}'></div>", secrets.path("canary.html")),
        ),
        ("file in noscript", format!("<noscript><img src='{text}'></noscript>")),
        ("file in template", format!("<template><img src='{text}'></template>")),
        ("file in srcdoc", format!("<iframe srcdoc=\"<img src='{text}'>\"></iframe>")),
        ("file in textarea", format!("<textarea><img src='{text}'></textarea>")),
        ("file, percent-encoded", format!("<a href='{}'>x</a>", text.replace("..", "%2e%2e"))),
        ("file, entities", format!("<a href='{}'>x</a>", text.replace("..", "&#46;&period;"))),
        ("file, backslashes", format!("<a href='{}'>x</a>", text.replace('/', "\\"))),
        ("file behind a made-up scheme", format!("<a href='web+x:/{text}'>x</a>")),
        ("file by srcset", format!("<img srcset='{text} 2x'>")),
        ("file by poster", format!("<video poster='{text}'></video>")),
        (
            "video by absolute path",
            format!("<video id=v data-start=0 src='{}'></video>", secrets.path("canary.mp4")),
        ),
        ("video by .//", format!("<video id=v data-start=0 src='./{}'></video>", secrets.path("canary.mp4"))),
        ("engine's folder of outside files", format!("<img src='hf-ext{}'>", secrets.path("canary.txt"))),
        ("file: URL", format!("<iframe src='file://{}'></iframe>", secrets.path("canary.txt"))),
        ("/proc by a href", format!("<a href='{}proc/self/environ'>x</a>", "../".repeat(16))),
        ("script of loopback", format!("<script src='http://{}'></script>", local("script of loopback"))),
        (
            "script of loopback, decimal",
            format!("<script src='http://2130706433:{}/x'></script>", collector.port),
        ),
        (
            "script of localhost in noscript",
            format!("<noscript><script src='http://localhost:{}/x'></script></noscript>", collector.port),
        ),
        ("script of IPv6 loopback", format!("<script src='http://[::1]:{}/x'></script>", collector.port)),
        (
            "script of the metadata service",
            "<script src='http://169.254.169.254/latest/meta-data/'></script>".to_owned(),
        ),
        ("script of metadata by name", "<script src='http://metadata.google.internal/'></script>".to_owned()),
        ("image of loopback", format!("<img src='http://{}'>", local("image of loopback"))),
        (
            "preconnect to loopback",
            format!("<link rel=preconnect href='http://127.0.0.1:{}'>", collector.preconnect),
        ),
        (
            "prefetch of loopback",
            format!("<link rel=prefetch href='http://{}'>", local("prefetch of loopback")),
        ),
    ] {
        add(name, markup, Vec::new());
    }
    let video = "<video id=v data-start=0 data-duration=1 src=list.mp4></video>".to_owned();
    let media = secrets.path("canary.mp4");
    let hls = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{media}\n#EXT-X-ENDLIST\n");
    for (name, list) in [
        ("playlist: HLS", hls.clone().into_bytes()),
        ("playlist: HLS behind ID3", [b"ID3\x04\0\0\0\0\0\x02xx".to_vec(), hls.into_bytes()].concat()),
        ("playlist: concat", format!("ffconcat version 1.0\nfile '{media}'\n").into_bytes()),
        ("playlist: DASH", format!("<?xml version='1.0'?><MPD profiles='urn:mpeg:dash:profile:isoff-on-demand:2011'><BaseURL>{media}</BaseURL></MPD>").into_bytes()),
        ("playlist: SDP", b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n".to_vec()),
        ("playlist: PLS", format!("[playlist]\nFile1={media}\n").into_bytes()),
    ] {
        add(name, video.clone(), vec![("list.mp4", list)]);
    }
    let mount = "<div data-composition-id=s data-composition-src=scenes/s.html></div>".to_owned();
    let scene = |content: &str| {
        format!("<template><div data-composition-id=s>{content}</div></template>").into_bytes()
    };
    add(
        "file in a mounted composition",
        mount.clone(),
        vec![("scenes/s.html", scene(&format!("<a href='{text}'>x</a>")))],
    );
    add(
        "script of loopback in a mounted composition",
        mount,
        vec![(
            "scenes/s.html",
            scene(&format!(
                "<script src='http://{}'></script>",
                local("script of loopback in a mounted composition")
            )),
        )],
    );
    add(
        "file in a composition with another name",
        "<div data-composition-id=s data-composition-src=s.png></div>".to_owned(),
        vec![("s.png", scene(&format!("<a href='{text}'>x</a>")))],
    );
    add(
        "file by an @import chain",
        "<link rel=stylesheet href=css/a.css>".to_owned(),
        vec![
            ("css/a.css", b"@import 'b.css';".to_vec()),
            ("css/b.css", format!("@import '{}';", climb("canary.css")).into_bytes()),
        ],
    );
    let variables = serde_json::json!({ "x": format!("url({text})") }).to_string();
    let files = vec![("index.html", page("x").into_bytes())];
    all.push(Project { name: "file by the value of a variable", files, variables: Some(variables) });
    all
}
