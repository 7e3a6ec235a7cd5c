//! The ways in and out of a command: proxies, standard output, flags of the official client, and what is left behind.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Emulator, KEY, Ran, command, listener, names, project, run_in, write};

/// The command without the proxies of the machine.
fn direct(mut command: Command) -> Command {
    for (name, _) in std::env::vars() {
        if name.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command
}

fn status(url: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = direct(command());
    command.args(["auth", "status", "--json"]).env("HEYGEN_API_URL", url).env("HEYGEN_API_KEY", KEY);
    Ran::of(command.env("HEYGEN_MAX_RETRIES", "0").envs(variables.iter().copied()))
}

/// A SOCKS5 proxy without authentication (RFC 1928), and how many connections it made.
fn socks() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("socks5://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut greeting = [0; 2];
            client.read_exact(&mut greeting).unwrap();
            client.read_exact(&mut vec![0; usize::from(greeting[1])]).unwrap();
            client.write_all(&[5, 0]).unwrap();
            let mut request = [0; 4];
            client.read_exact(&mut request).unwrap();
            assert_eq!(request, [5, 1, 0, 1], "a connection to an IPv4 address");
            let mut address = [0; 6];
            client.read_exact(&mut address).unwrap();
            let [a, b, c, d, high, low] = address;
            let port = u16::from_be_bytes([high, low]);
            let server = TcpStream::connect((std::net::Ipv4Addr::new(a, b, c, d), port)).unwrap();
            client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            for (mut from, mut to) in
                [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
            {
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
    (url, count)
}

#[test]
fn a_socks_proxy_is_used_and_never_bypassed() {
    let emulator = Emulator::placeholder(&[]);
    let (proxy, count) = socks();
    status(&emulator.url, &[("ALL_PROXY", &proxy)]).ok();
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let before = emulator.requests().len();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for proxy in [format!("socks5://{free}"), "socks9://127.0.0.1:1".to_owned()] {
        assert_ne!(status(&emulator.url, &[("ALL_PROXY", &proxy)]).code, 0, "{proxy}");
    }
    let unusable = status(&emulator.url, &[("all_proxy", "ftp://user:hunter2@x")]);
    assert_eq!(unusable.code, 2);
    let message = unusable.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("all_proxy") && !unusable.stderr.contains("hunter2"), "{message}");
    assert_eq!(emulator.requests().len(), before, "nothing went past the proxy");
}

#[test]
fn a_proxy_for_https_is_not_used_for_http() {
    let emulator = Emulator::placeholder(&[]);
    let (proxy, heard) = listener(|_, _| "HTTP/1.1 502 No\r\nconnection: close\r\n\r\n".to_owned());
    status(&emulator.url, &[("HTTPS_PROXY", &proxy)]).ok();
    assert!(heard.lock().unwrap().is_empty());
    assert_ne!(status(&emulator.url, &[("HTTP_PROXY", &proxy)]).code, 0);
    assert!(!heard.lock().unwrap().is_empty());
    status(&emulator.url, &[("HTTP_PROXY", &proxy), ("NO_PROXY", "127.0.0.1")]).ok();
}

#[test]
fn flags_of_the_official_client_are_accepted() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let rendered = emulator.run(folder.path(), &["render", "--wait", "-o", "v.mp4", "--json"]).ok().json();
    assert!(folder.path().join("v.mp4").is_file());
    assert_eq!(emulator.run(folder.path(), &["render", "--wait", "--no-wait"]).code, 2);
    let id = rendered["render"]["render_id"].as_str().unwrap();
    emulator.run(folder.path(), &["delete", id, "--confirm"]).ok();
}

#[test]
fn a_key_on_the_command_line_is_refused_and_not_repeated() {
    let folder = project();
    for arguments in
        [&["auth", "login", "--api-key=sk_visible"][..], &["auth", "login", "--api-key", "sk_visible"]]
    {
        let ran = run_in(folder.path(), arguments);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.stderr.contains("shell history"), "{ran:?}");
        assert!(!ran.stderr.contains("sk_visible") && ran.stdout.is_empty(), "{ran:?}");
    }
}

#[test]
fn the_client_says_what_it_is() {
    let (url, heard) =
        listener(|_, _| "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_owned());
    status(&url, &[]);
    let asked = heard.lock().unwrap().pop().unwrap().to_ascii_lowercase();
    assert!(asked.contains("x-heygen-client-source: hyperframes\r\n"), "{asked}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let folder = project();
    for arguments in
        [&["check", "--json"][..], &["check", "--format", "sarif"], &["schema", "config"], &["--help"]]
    {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = command();
        command.args(arguments).current_dir(folder.path()).stdout(full).stderr(Stdio::piped());
        let ran = Ran::from(command.spawn().unwrap().wait_with_output().unwrap());
        assert_eq!(ran.code, 1, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains("standard output"), "{arguments:?}: {ran:?}");
    }
    // A reader that has what it wants is no error.
    let mut command = command();
    command
        .args(["check", "--json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn a_run_that_is_refused_leaves_no_folder_behind() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    let before = names(folder.path());
    let ran = emulator.run(folder.path(), &["render", "--ledger", "."]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(names(folder.path()), before);
}

#[test]
fn equal_rows_count_as_one_render() {
    let emulator = Emulator::placeholder(&[]);
    let folder = project();
    write(folder.path(), "rows.jsonl", &"{\"title\": \"a\"}\n".repeat(4));
    let flags =
        ["render", "--batch", "rows.jsonl", "-o", "renders/{index}.{ext}", "--json", "--concurrency", "1"];
    let run = |more: &[&str]| {
        let ran = emulator.run(folder.path(), &[&flags, more].concat()).ok();
        let values = serde_json::Deserializer::from_str(&ran.stdout).into_iter::<serde_json::Value>();
        values.map(Result::unwrap).last().unwrap()
    };
    let planned = run(&["--dry-run"]);
    assert_eq!((&planned["would_render"], &planned["reused"]), (&1.into(), &3.into()), "{planned}");
    // One render is all that the limit has to allow.
    let summary = run(&["--max-renders", "1"]);
    assert_eq!(emulator.created(), (1, 1));
    assert_eq!((&summary["billed"]["renders"], &summary["reused"]), (&1.into(), &3.into()), "{summary}");
    assert_eq!(summary["would_render"], 1, "{summary}");
}
