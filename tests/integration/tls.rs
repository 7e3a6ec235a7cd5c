//! The way to servers: certificates of the user's own, and proxies.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::real::provisioned;
use crate::support::{KEY, Ran, command, listener};

/// A server with a certificate of an authority that nobody knows.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let openssl = |arguments: &[&str]| {
            let ran = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
            assert!(ran.status.success(), "{ran:?}");
        };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let authority =
            ["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test"];
        openssl(&[&authority[..], &key].concat());
        let request = ["req", "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost"];
        openssl(&[&request[..], &key].concat());
        fs::write(folder.join("names"), "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n")
            .unwrap();
        let sign =
            ["x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
        openssl(&[&sign[..], &["-days", "2", "-extfile", "names", "-out", "cert.pem"]].concat());
        let script = "const { readFileSync } = require('node:fs');
            const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(name));
            const server = require('node:https').createServer({ key, cert }, (request, response) => {
                response.setHeader('content-type', 'application/json');
                response.end(JSON.stringify({ data: { email: 'over@tls', key: request.headers['x-api-key'] === process.env.KEY } }));
            });
            server.listen(0, '127.0.0.1', () => console.log(server.address().port));";
        let mut child = Command::new(provisioned().0)
            .args(["--eval", script])
            .env("KEY", KEY)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut port)
            .unwrap();
        Self { child, url: format!("https://localhost:{}", port.trim()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status(url: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = command();
    // What the machine has of proxies and certificates is not what is tested.
    for (name, _) in std::env::vars() {
        let lower = name.to_ascii_lowercase();
        if lower.ends_with("_proxy") || lower.contains("ssl_cert") {
            command.env_remove(name);
        }
    }
    command.args(["auth", "status", "--json"]).env("HEYGEN_API_URL", url).env("HEYGEN_API_KEY", KEY);
    Ran::of(command.env("HEYGEN_MAX_RETRIES", "0").envs(variables.iter().copied()))
}

#[test]
fn an_authority_of_the_users_own_is_trusted_when_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let refused = status(&server.url, &[]);
    assert_eq!((refused.code, refused.error()["code"].as_str()), (1, Some("network_error")));
    let authority = folder.path().join("ca.pem").display().to_string();
    let trusted = status(&server.url, &[("SSL_CERT_FILE", &authority)]).ok().json();
    assert_eq!((&trusted["valid"], &trusted["user"]["email"]), (&true.into(), &"over@tls".into()));
}

#[test]
fn proxies_are_used_where_they_are_wanted() {
    let (proxy, heard) = listener(|_, _| "HTTP/1.1 502 No\r\nconnection: close\r\n\r\n".to_owned());
    let url = "https://api.example.invalid";
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        assert_eq!(status(url, &[(name, &proxy)]).code, 1);
        let asked = heard.lock().unwrap().pop().expect("the proxy is asked");
        assert!(asked.starts_with("CONNECT api.example.invalid:443"), "{name}: {asked}");
        assert!(!asked.contains(KEY), "{asked}");
    }
    assert_eq!(
        status(url, &[("HTTPS_PROXY", &proxy), ("NO_PROXY", "example.org,api.example.invalid")]).code,
        1
    );
    assert!(heard.lock().unwrap().is_empty(), "not where it is not wanted");
}

#[test]
fn plain_http_does_not_leave_the_machine() {
    for url in [
        "http://api.example.invalid",
        "http://127.0.0.1.example.invalid",
        "ftp://localhost",
        "http://user@localhost",
    ] {
        let ran = status(url, &[]);
        assert_eq!((ran.code, ran.error()["code"].as_str()), (2, Some("invalid_api_url")), "{url}");
    }
}
