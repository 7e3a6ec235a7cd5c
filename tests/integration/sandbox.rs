//! The layers around the engine: each alone, and all together around a real render.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::support::{KEY, Ran, clean, command, example, project, run_in, write};

/// A server that answers everything with a script, and remembers the paths.
struct Collector {
    port: u16,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let paths = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&paths);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = [0; 4096];
                let count = stream.read(&mut head).unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..count]).into_owned();
                seen.lock().unwrap().push(head.split(' ').nth(1).unwrap_or_default().to_owned());
                let body = "window.LOADED = 'yes';";
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\nAccess-Control-Allow-Origin: *\r\n\
                     Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { port, paths }
    }

    fn paths(&self) -> Vec<String> {
        self.paths.lock().unwrap().clone()
    }
}

/// Runs a shell script in the layers of the kernel: it reads the system and `work`, writes `work`, and connects to `port`.
#[cfg(target_os = "linux")]
fn contained(work: &Path, port: u16, script: &str) -> Ran {
    let policy = work.join("policy.json");
    let restriction = json!({
        "readable": ["/usr", "/bin", "/lib", "/lib64", "/proc", "/etc/ld.so.cache"],
        "writable": [work],
        "has_landlock": true,
        "ports": [port],
        "max_file_size": 1 << 20,
    });
    fs::write(&policy, restriction.to_string()).unwrap();
    let mut command = command();
    command.arg("__contain").arg(&policy).args(["bash", "-c", script]);
    Ran::from(command.output().unwrap())
}

/// Whether this kernel has Landlock with rules for TCP, as the program itself says.
#[cfg(target_os = "linux")]
fn has_landlock() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let ran = contained(folder.path(), 1, "true");
    if ran.code == 126 {
        assert!(ran.stderr.contains("landlock"), "{ran:?}");
    }
    ran.code != 126
}

#[test]
#[cfg(target_os = "linux")]
fn a_contained_process_has_its_own_files_and_ports_only() {
    if !has_landlock() {
        return;
    }
    let (work, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(other.path(), "secret", "secret");
    let secret = other.path().join("secret").display().to_string();
    let (allowed, refused) = (Collector::start(), Collector::start());
    let run = |script: &str| contained(work.path(), allowed.port, script);
    let own = work.path().join("own").display().to_string();
    assert_eq!(run(&format!("echo x > {own} && cat {own}")).ok().stdout, "x\n");
    for script in [
        format!("cat {secret}"),
        format!("echo x >> {secret}"),
        format!("rm {secret}"),
        format!("ln {secret} {own}2"),
        format!("ls {}", other.path().display()),
        "cat /etc/passwd".to_owned(),
        "ls /root /home /tmp".to_owned(),
        format!("cat /proc/{}/environ", std::process::id()),
        // The size of a file is limited.
        format!("head -c 2000000 /dev/zero > {own}"),
        format!("kill -0 {}", std::process::id()),
        format!("exec 3<>/dev/tcp/127.0.0.1/{}", refused.port),
    ] {
        let ran = run(&script);
        assert_ne!(ran.code, 0, "{script}: {ran:?}");
        assert!(!ran.stdout.contains("secret"), "{script}");
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    run(&format!("exec 3<>/dev/tcp/127.0.0.1/{}", allowed.port)).ok();
    assert!(refused.paths().is_empty());
    let status = run("grep -E '^(CapEff|CapPrm|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status").ok().stdout;
    let values = status.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let wrong = values.filter(|words| match words[0] {
        "NoNewPrivs:" => words[1] != "1",
        // Without privileges the set of what could be gained stays, and nothing can be gained.
        "CapBnd:" => {
            fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0)
                && words[1].bytes().any(|byte| byte != b'0')
        }
        _ => words[1].bytes().any(|byte| byte != b'0'),
    });
    assert_eq!(wrong.count(), 0, "{status}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_cannot_be_contained_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    for policy in ["missing.json", "broken.json"] {
        write(folder.path(), "broken.json", "{");
        let mut command = command();
        command.arg("__contain").arg(folder.path().join(policy)).arg("touch").arg(&mark);
        let ran = Ran::from(command.output().unwrap());
        assert_eq!(ran.code, 126, "{ran:?}");
        assert!(ran.stderr.starts_with("cannot contain the engine: "), "{ran:?}");
    }
    assert!(!mark.exists());
}

#[test]
#[cfg(target_os = "linux")]
fn no_other_process_reads_the_environment_of_this_program() {
    let mut program = command();
    program.args(["emulator", "--placeholder", "--json"]).env("HEYGEN_API_KEY", KEY);
    let mut child = program.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let file = format!("/proc/{}/environ", child.id());
    // Root reads everything, but not root without capabilities.
    let mut reader = Command::new("setpriv");
    clean(&mut reader);
    let is_root = fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0);
    if is_root {
        reader.args(["--bounding-set=-all", "--inh-caps=-all"]);
    }
    let read = Ran::from(reader.args(["--no-new-privs", "cat", &file]).output().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_ne!(read.code, 0, "{read:?}");
    assert!(!read.stdout.contains(KEY));
}

/// A copy of an example whose page also runs `script`, and loads a script from a public host.
fn page(folder: &Path, script: &str) {
    let card = example("launch-card");
    for file in ["style.css", "assets/mark.svg"] {
        if let Ok(text) = fs::read_to_string(card.join(file)) {
            write(folder, file, &text);
        }
    }
    let html = fs::read_to_string(card.join("index.html")).unwrap();
    let loaded = "<script src=\"http://cdn.test/lib.js\"></script></head>";
    let html = html.replacen("</head>", loaded, 1);
    let html = html.replacen("</body>", &format!("<script>{script}</script></body>"), 1);
    write(folder, "index.html", &html);
}

#[test]
fn a_contained_page_reaches_public_hosts_and_nothing_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let (cdn, service) = (Collector::start(), Collector::start());
    let script = format!(
        "(async () => {{
            const out = ['lib=' + window.LOADED];
            const own = 'http://127.0.0.1:{port}/';
            for (const url of [own + 'a', own.replace('127.0.0.1', 'localhost') + 'b',
                own.replace('127.0.0.1', '[::ffff:127.0.0.1]') + 'c', 'http://169.254.169.254/', 'file:///etc/passwd']) {{
                fetch(url, {{ mode: 'no-cors' }}).catch(() => {{}});
                try {{ await fetch(url); out.push('reached ' + url); }} catch {{ out.push('held'); }}
            }}
            new Image().src = own + 'image';
            try {{ new WebSocket(own.replace('http', 'ws')); }} catch {{}}
            await fetch('http://cdn.test/report?' + encodeURIComponent(out.join(' ')));
        }})();",
        port = service.port
    );
    page(folder.path(), &script);
    let mut command = command();
    command.env("HYPERFRAMES_CI_TEST_HOSTS", format!("cdn.test:80=127.0.0.1:{}", cdn.port));
    command.args(["render", "--renderer", "local", "--allow", "insecure-reference", "--fps", "5"]);
    command.args(["--quality", "draft", "--json", "-o", "v.mp4"]).current_dir(folder.path());
    let ran = Ran::of(&mut command).ok();
    let report = cdn.paths().into_iter().find(|path| path.starts_with("/report")).unwrap_or_default();
    assert!(cdn.paths().iter().any(|path| path == "/lib.js"), "{:?}", cdn.paths());
    assert!(report.contains("lib%3Dyes") && report.matches("held").count() == 5, "{report}");
    assert_eq!(service.paths(), Vec::<String>::new());
    let programs = ran.json()["programs"].clone();
    for (name, start) in
        [("node", "v"), ("browser", "C"), ("ffmpeg", "ffmpeg version "), ("hyperframes", "0.")]
    {
        assert!(programs[name].as_str().is_some_and(|version| version.starts_with(start)), "{programs}");
    }
    let layers = ran.json()["sandbox"].clone();
    let layers = layers.as_array().unwrap().iter().filter_map(|layer| layer.as_str()).collect::<Vec<_>>();
    assert_eq!(layers[..2], ["node-permission", "network-proxy"]);
    #[cfg(target_os = "linux")]
    if has_landlock() {
        assert!(layers.ends_with(&["landlock", "landlock-tcp"]), "{}", ran.stderr);
    }
    // Without a network the host of the script is not reached either.
    let before = cdn.paths().len();
    command.args(["--network", "none", "--no-reuse"]);
    Ran::of(&mut command).ok();
    assert_eq!(cdn.paths().len(), before);
}

#[test]
fn the_repository_does_not_turn_the_sandbox_off() {
    let folder = project();
    write(folder.path(), "hyperframes-ci.toml", "[defaults]\nallow-unsandboxed = true\n");
    let ran = run_in(folder.path(), &["render", "--dry-run", "--json"]);
    assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("invalid_config")), "{ran:?}");
    write(folder.path(), "hyperframes-ci.toml", "[defaults]\nnetwork = \"none\"\n");
    run_in(folder.path(), &["render", "--dry-run", "--json"]).ok();
}

/// What a program in a layer reaches: a browser that is a script, which the doctor starts in the layers.
#[cfg(target_os = "linux")]
fn reached(layer: &str) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    let (tools, other, away) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(other.path(), "secret", "secret");
    let socket = other.path().join("service.sock");
    let _service = UnixListener::bind(&socket).unwrap();
    let mut neighbor = Command::new("sleep").arg("4711").spawn().unwrap();
    let script = format!(
        "#!/bin/bash\nout=\n\
         grep -q secret {other}/secret && out+=' read'\n\
         echo x 2>/dev/null > {other}/written && out+=' write'\n\
         ls {other} >/dev/null && out+=' list'\n\
         cat /etc/passwd >/dev/null && out+=' passwd'\n\
         kill -0 {neighbor} && out+=' signal'\n\
         [ -S {other}/service.sock ] && out+=' socket'\n\
         grep -qa 4711 /proc/[0-9]*/cmdline && out+=' processes'\n\
         echo ok > $HOME/own || out+=' no-home'\n\
         grep -q 'CapEff:.*[1-9a-f]' /proc/self/status && out+=' capabilities'\n\
         echo \"reached:$out.\" >&2\nexit 3\n",
        other = other.path().display(),
        neighbor = neighbor.id(),
    );
    write(tools.path(), "browser", &script);
    let browser = tools.path().join("browser");
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = command();
    command.env("HYPERFRAMES_CI_TEST_LAYERS", layer).env("HYPERFRAMES_BROWSER_PATH", &browser);
    let found = Ran::of(command.args(["doctor", "--json"]).current_dir(away.path())).ok().json();
    neighbor.kill().unwrap();
    neighbor.wait().unwrap();
    let missing = found["sandbox"]["missing"].as_str().unwrap_or_default().to_owned();
    let (_, reached) = missing.split_once("reached:")?;
    Some(reached.split('.').next().unwrap_or_default().to_owned())
}

#[test]
#[cfg(target_os = "linux")]
fn each_layer_of_the_kernel_holds_files_alone() {
    crate::real::provisioned();
    // Landlock hides neither that a socket exists nor the command lines of other processes.
    for (layer, expected) in [
        ("landlock", " socket processes"),
        ("landlock,landlock-tcp", " socket processes"),
        ("bubblewrap", ""),
    ] {
        match reached(layer) {
            Some(reached) => assert_eq!(reached, expected, "{layer}"),
            None => assert!(layer == "bubblewrap" || !has_landlock(), "{layer} was not tried"),
        }
    }
}

#[test]
fn the_doctor_knows_the_programs_and_the_layers() {
    let folder = tempfile::tempdir().unwrap();
    crate::real::provisioned();
    let found = run_in(folder.path(), &["doctor", "--json"]).ok().json();
    let names = found["programs"].as_array().unwrap().iter().map(|program| program["name"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["Node.js", "engine", "browser", "FFmpeg"]);
    assert_eq!(found["sandbox"]["layers"][1]["name"], "network-proxy");
    #[cfg(target_os = "linux")]
    assert_eq!(found["sandbox"]["renders_forks"], has_landlock(), "{found}");
    let text = run_in(folder.path(), &["doctor"]).ok().stdout;
    assert!(text.contains("LAYER") && text.contains("Pages of pull requests from forks"), "{text}");
}
