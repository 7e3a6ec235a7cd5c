//! Probes of a script on a page that nothing refuses: one render carries all of them.
//!
//! Requests are recorded by the collector. What a page can read shows in the video: each probe has a cell, which is white
//! if the probe succeeded.

use std::path::Path;
use std::process::Command;

use super::collector::Collector;
use super::network;
use super::program::{Secrets, page, render};
use super::setup::Setup;
use super::{HeldBy, Layer, Row};

/// Size of a cell in pixels, and cells in a row.
const CELL: usize = 32;
const CELLS: usize = 20;
const WIDTH: usize = CELL * CELLS;

/// How the success of a probe is seen.
enum Sign {
    /// A request that the collector records under the name.
    Request(&'static str),
    /// A white cell.
    Cell,
}

/// A probe: its name, what holds it, its sign, and its script, in which `mark()` makes the cell white.
struct Probe(String, HeldBy, Sign, String);

/// Scripts that must succeed: pages run, and load scripts of public hosts by themselves and through the engine.
const CONTROLS: [(&str, &str); 3] = [
    ("the page did not run, so that its probes prove nothing", "mark();"),
    (
        "a script of a public host was not loaded by the page",
        "const s = document.createElement('script'); s.onload = mark; s.src = 'http://cdn.test/loaded.js'; document.head.append(s);",
    ),
    ("a script of a public host was not loaded by the engine", "if (window.LIB === 'yes') mark();"),
];

/// Renders the pages, and returns what came of them.
pub(crate) fn run(collector: &Collector, secrets: &Secrets, setup: &Setup) -> Vec<Row> {
    collector.forget();
    let mut rows = Vec::new();
    // A file that the engine may not read fails the whole render.
    let needs_files = |probe: &Probe| matches!(probe.1, HeldBy::Layer(Layer::Files));
    let (files, mut probes) = probes(collector, secrets).into_iter().partition::<Vec<_>, _>(needs_files);
    let (targets, untried) = network::of_scripts(collector);
    probes.extend(targets.into_iter().map(|target| {
        let script = format!("new Image().src = '{}';", target.url);
        Probe(target.name, HeldBy::Layer(Layer::Network), Sign::Request(target.request), script)
    }));
    match draw(setup, &probes, "", collector) {
        Ok(pixels) => rows.extend(judge(collector, probes, &pixels)),
        Err(output) => panic!("{output}"),
    }
    if setup.layers.is_some() {
        // The other pages meet the layers that every system has; one render is enough to see a layer alone.
        return rows;
    }
    match draw(setup, &files, "", collector) {
        Ok(pixels) => rows.extend(judge(collector, files, &pixels)),
        Err(output) => {
            assert!(output.contains("Access to this API has been restricted"), "{output}");
            let held = files.into_iter().map(|probe| Row::of(&probe, String::new()));
            rows.extend(held);
        }
    }
    if !setup.is_off {
        rows.extend(elements(collector, setup));
    }
    rows.extend(untried.into_iter().map(Row::untried));
    rows
}

/// Renders a page whose elements name public hosts that redirect to this machine. The engine may refuse to render it.
fn elements(collector: &Collector, setup: &Setup) -> Vec<Row> {
    let elements = network::of_elements(collector);
    let markup = elements.iter().map(|(_, markup)| markup.as_str()).collect::<String>();
    let drawn = draw(setup, &[], &markup, collector);
    let note = drawn.err().map(|output| format!("; the render failed: {output}")).unwrap_or_default();
    let asked = collector.arrived("redirect");
    assert!(!asked.is_empty(), "no element of the page was loaded, so that they prove nothing{note}");
    let row = |(target, _): (network::Target, String)| Row {
        arrived: collector.arrived(target.request),
        name: target.name,
        held_by: HeldBy::Layer(Layer::Network),
        is_tried: true,
        setup: "",
    };
    elements.into_iter().map(row).collect()
}

/// Renders a page with probes and other elements, and returns the pixels of its last frame.
///
/// # Errors
/// Returns the output of the program if the render fails.
fn draw(setup: &Setup, probes: &[Probe], markup: &str, collector: &Collector) -> Result<Vec<u8>, String> {
    let controls =
        CONTROLS.map(|(name, script)| Probe(name.to_owned(), HeldBy::Browser, Sign::Cell, script.to_owned()));
    let probes = || controls.iter().chain(probes).enumerate();
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    std::fs::create_dir(&project).unwrap();
    let cells = probes().map(|(place, _)| {
        let (x, y) = (place % CELLS * CELL, place / CELLS * CELL);
        format!("<div id=\"cell{place}\" style=\"position:absolute;left:{x}px;top:{y}px;width:{CELL}px;height:{CELL}px\"></div>")
    });
    let scripts = probes().map(|(place, Probe(_, _, _, script))| {
        // The refusal also finds addresses after `src =`. This is how to avoid it.
        let script = script.replace(".src = ", "['s' + 'rc'] = ").replace(".href = ", "['hr' + 'ef'] = ");
        format!(
            "(() => {{ const cell = document.getElementById('cell{place}');\n\
             const mark = () => {{ cell.style.background = '#fff'; }};\ntry {{ {script} }} catch {{}} }})();\n"
        )
    });
    let cells = cells.collect::<String>();
    let content = format!(
        "{cells}{markup}<script src=\"http://cdn.test/lib.js\"></script>\n<script>\n{}</script>",
        scripts.collect::<String>()
    );
    std::fs::write(project.join("index.html"), page(&content)).unwrap();
    let worker = format!("fetch('http://127.0.0.1:{}/service-worker', {{mode: 'no-cors'}})", collector.port);
    std::fs::write(project.join("sw.js"), worker).unwrap();
    let (code, output) = render(&project, folder.path(), setup, &[]);
    if code != 0 {
        return Err(output);
    }
    let pixels = last_frame(&folder.path().join("v.mp4"));
    // Without layers there is no proxy, which knows the public hosts of the test.
    let controls = if setup.is_off { &CONTROLS[..1] } else { &CONTROLS[..] };
    for (place, (message, _)) in controls.iter().enumerate() {
        assert!(is_white(&pixels, place), "{message}");
    }
    Ok(pixels)
}

fn judge(collector: &Collector, probes: Vec<Probe>, pixels: &[u8]) -> Vec<Row> {
    let row = |(place, probe): (usize, Probe)| {
        let arrived = match probe.2 {
            Sign::Request(request) => collector.arrived(request),
            Sign::Cell if is_white(pixels, place + CONTROLS.len()) => "the page saw it".to_owned(),
            Sign::Cell => String::new(),
        };
        Row::of(&probe, arrived)
    };
    probes.into_iter().enumerate().map(row).collect()
}

impl Row {
    fn of(probe: &Probe, arrived: String) -> Self {
        Self { name: probe.0.clone(), held_by: probe.1, arrived, is_tried: true, setup: "" }
    }
}

/// Returns the gray pixels of the last frame.
fn last_frame(video: &Path) -> Vec<u8> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(video);
    let output = ffmpeg.args(["-vf", "format=gray", "-f", "rawvideo", "-"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let frame = WIDTH * 360;
    output.stdout[output.stdout.len() - frame..].to_vec()
}

fn is_white(pixels: &[u8], place: usize) -> bool {
    let (x, y) = (place % CELLS * CELL + CELL / 2, place / CELLS * CELL + CELL / 2);
    pixels[y * WIDTH + x] > 128
}

fn probes(collector: &Collector, secrets: &Secrets) -> Vec<Probe> {
    let network = HeldBy::Layer(Layer::Network);
    let files = HeldBy::Layer(Layer::Files);
    let port = collector.port;
    let secret = secrets.path("canary.txt");
    let seen = |url: &str| {
        format!(
            "fetch({url:?}).then(a => a.text()).then(t => {{ if (/canary|PATH=|root:/.test(t)) mark(); }}).catch(() => {{}});"
        )
    };
    let local =
        |script: &str, name: &str| script.replace("TARGET", &format!("'http://127.0.0.1:{port}/{name}'"));
    let mut all = Vec::new();
    for (name, request, script) in [
        ("loopback by fetch", "fetch", "fetch(TARGET, {mode: 'no-cors'});"),
        ("loopback by image", "image", "new Image().src = TARGET;"),
        (
            "loopback by iframe",
            "iframe",
            "const f = document.createElement('iframe'); f.src = TARGET; document.body.append(f);",
        ),
        ("loopback by WebSocket", "websocket", "new WebSocket(TARGET.replace('http', 'ws'));"),
        ("loopback by EventSource", "eventsource", "new EventSource(TARGET);"),
        ("loopback by sendBeacon", "beacon", "navigator.sendBeacon(TARGET, 'x');"),
        (
            "loopback by XMLHttpRequest",
            "xhr",
            "const x = new XMLHttpRequest(); x.open('POST', TARGET); x.send('x');",
        ),
        (
            "loopback by keepalive fetch",
            "keepalive",
            "fetch(TARGET, {mode: 'no-cors', keepalive: true, method: 'POST'});",
        ),
        (
            "loopback by stylesheet",
            "stylesheet",
            "const l = document.createElement('link'); l.rel = 'stylesheet'; l.href = TARGET; document.head.append(l);",
        ),
        ("loopback by background", "background", "cell.style.backgroundImage = 'url(' + TARGET + ')';"),
        ("loopback by font", "font", "new FontFace('x', 'url(' + TARGET + ')').load();"),
        (
            "loopback by prefetch",
            "prefetch",
            "const l = document.createElement('link'); l.rel = 'prefetch'; l.href = TARGET; document.head.append(l);",
        ),
        ("loopback by import()", "import", "import(TARGET);"),
        (
            "loopback by script element",
            "script",
            "const s = document.createElement('script'); s.src = TARGET; document.head.append(s);",
        ),
        (
            "loopback by form",
            "form",
            "const f = document.createElement('iframe'); f.name = 'target'; document.body.append(f); const g = document.createElement('form'); g.target = 'target'; g.method = 'post'; g.action = TARGET; document.body.append(g); g.submit();",
        ),
        (
            "loopback by video",
            "video",
            "const v = document.createElement('video'); v.src = TARGET; v.load();",
        ),
        (
            "loopback by object",
            "object",
            "const o = document.createElement('object'); o.data = TARGET; document.body.append(o);",
        ),
        (
            "loopback by worker",
            "worker",
            "new Worker(window.URL.createObjectURL(new Blob(['fetch(\"' + TARGET + '\", {mode: \"no-cors\"})'])));",
        ),
        (
            "loopback by shared worker",
            "sharedworker",
            "new SharedWorker(window.URL.createObjectURL(new Blob(['fetch(\"' + TARGET + '\", {mode: \"no-cors\"})'])));",
        ),
    ] {
        all.push(Probe(name.to_owned(), network, Sign::Request(request), local(script, request)));
    }
    let service = "navigator.serviceWorker.register('sw.js');".to_owned();
    all.push(Probe(
        "loopback by service worker".to_owned(),
        network,
        Sign::Request("service-worker"),
        service,
    ));
    let preconnect = format!(
        "const l = document.createElement('link'); l.rel = 'preconnect'; l.href = 'http://127.0.0.1:{}'; document.head.append(l);",
        collector.preconnect
    );
    all.push(Probe("loopback by preconnect".to_owned(), network, Sign::Request("preconnect"), preconnect));
    let peer = |server: &str| {
        format!(
            "const p = new RTCPeerConnection({{iceServers: [{server}]}}); p.createDataChannel('x'); p.createOffer().then(o => p.setLocalDescription(o));"
        )
    };
    let stun = peer(&format!("{{urls: 'stun:127.0.0.1:{}'}}", collector.stun));
    all.push(Probe("loopback by WebRTC, UDP".to_owned(), network, Sign::Request("webrtc-udp"), stun));
    let turn = peer(&format!(
        "{{urls: 'turn:127.0.0.1:{}?transport=tcp', username: 'a', credential: 'b'}}",
        collector.turn
    ));
    all.push(Probe("loopback by WebRTC, TCP".to_owned(), network, Sign::Request("webrtc-tcp"), turn));
    let quic = format!("new WebTransport('https://127.0.0.1:{}/x');", collector.quic);
    all.push(Probe("loopback by WebTransport".to_owned(), network, Sign::Request("webtransport"), quic));
    let name = format!("new Image().src = 'http://a.localhost:{port}/localhost-name';");
    all.push(Probe("a name below localhost".to_owned(), network, Sign::Request("localhost-name"), name));
    if let Some((name, port)) = &collector.named {
        let script = format!("new Image().src = 'http://{name}:{port}/private-name';");
        all.push(Probe(
            "a name with a private address".to_owned(),
            network,
            Sign::Request("private-name"),
            script,
        ));
    }
    let metadata =
        "fetch('http://169.254.169.254/', {mode: 'no-cors'}).then(mark).catch(() => {});".to_owned();
    all.push(Probe("metadata service by fetch".to_owned(), network, Sign::Cell, metadata));
    all.push(Probe(
        "DevTools on its usual port".to_owned(),
        network,
        Sign::Cell,
        seen("http://127.0.0.1:9222/json/version"),
    ));
    let browser = HeldBy::Browser;
    all.push(Probe(
        "a file by the engine's folder".to_owned(),
        browser,
        Sign::Cell,
        seen(&format!("/hf-ext{secret}")),
    ));
    all.push(Probe(
        "a file by encoded dots".to_owned(),
        browser,
        Sign::Cell,
        seen(&format!("/{}{secret}", "..%2f".repeat(16))),
    ));
    all.push(Probe(
        "a file by double slashes".to_owned(),
        browser,
        Sign::Cell,
        seen(&format!("/.//{secret}")),
    ));
    all.push(Probe(
        "/proc by the engine's folder".to_owned(),
        browser,
        Sign::Cell,
        seen("/hf-ext/proc/self/environ"),
    ));
    all.push(Probe(
        "/proc by encoded dots".to_owned(),
        browser,
        Sign::Cell,
        seen(&format!("/{}proc/self/environ", "%2e%2e%2f".repeat(16))),
    ));
    all.push(Probe("file: by fetch".to_owned(), browser, Sign::Cell, seen(&format!("file://{secret}"))));
    let frame = format!(
        "const f = document.createElement('iframe'); f.src = 'file://{secret}'; f.onload = () => {{ try {{ if (/canary/.test(f.contentDocument.body.textContent)) mark(); }} catch {{}} }}; document.body.append(f);"
    );
    all.push(Probe("file: by iframe".to_owned(), browser, Sign::Cell, frame));
    let video = format!(
        "cell.innerHTML = '<video id=outside muted data-start=0 data-duration=1 style=\"width:100%;height:100%;object-fit:cover\" s' + 'rc=\".' + '/{}\"></video>';",
        secrets.path("canary.mp4")
    );
    all.push(Probe("a video outside by a script".to_owned(), files, Sign::Cell, video));
    all
}
