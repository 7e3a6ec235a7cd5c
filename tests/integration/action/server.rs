//! Fakes of services: HTTP, as far as clients of their APIs need it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::{Value, json};

/// Status, body (null is none, a list of bytes under `bytes` is one), and more headers.
pub(super) type Answer = (u16, Value, String);

/// The status of an answer that is not sent: the connection ends.
pub(super) const NONE: u16 = 0;

/// Among the headers: the answer ends in the middle of the body.
pub(super) const CUT: &str = "x-cut: 1\r\n";

pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Answers requests until the process ends.
pub(super) fn serve(listener: TcpListener, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) {
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || converse(stream.unwrap(), &*answer));
        }
    });
}

fn converse(mut stream: TcpStream, answer: &dyn Fn(&Request) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut parts = line.split(' ').map(str::to_owned);
    let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) < 3 {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap();
        headers.push((name.to_ascii_lowercase(), value.trim_end().to_owned()));
    }
    let mut request = Request { method, target, headers, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).unwrap();
    let (status, value, headers) = answer(&request);
    if status == NONE {
        return;
    }
    let bytes = match value.get("bytes").and_then(Value::as_array) {
        Some(bytes) => bytes.iter().map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()).collect(),
        None if value.is_null() => Vec::new(),
        None => value.to_string().into_bytes(),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
        bytes.len()
    );
    let sent = if headers.ends_with(CUT) { &bytes[..bytes.len() / 2] } else { &bytes };
    let _ = stream.write_all(&[head.as_bytes(), sent].concat());
}

pub(super) fn plain(status: u16, value: Value) -> Answer {
    (status, value, String::new())
}

pub(super) fn refuse(status: u16, message: &str) -> Answer {
    plain(status, json!({ "message": message }))
}

/// One page of a list, with the link to the next.
pub(super) fn page(items: &[Value], target: &str, query: &str, base: &str) -> Answer {
    let number =
        query.split('&').find_map(|pair| pair.strip_prefix("page=")).map_or(1, |page| page.parse().unwrap());
    let part = items.iter().skip((number - 1) * 100).take(100).cloned().collect::<Vec<_>>();
    let link = if items.len() > number * 100 {
        let path = target.split("&page=").next().unwrap();
        format!("link: <{base}{path}&page={}>; rel=\"next\"\r\n", number + 1)
    } else {
        String::new()
    };
    (200, json!(part), link)
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut joined = [0; 3];
        joined[..group.len()].copy_from_slice(group);
        let joined = u32::from_be_bytes([0, joined[0], joined[1], joined[2]]);
        for place in 0..4 {
            let digit = DIGITS[(joined >> (18 - 6 * place) & 63) as usize];
            text.push(if place > group.len() { '=' } else { char::from(digit) });
        }
        // As GitHub does it, in lines.
        text.push('\n');
    }
    text
}

pub(super) fn unbase64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits = text.trim_end_matches('=').bytes().map(value).collect::<Vec<_>>();
    let groups = digits.chunks(4).flat_map(|group| {
        let joined =
            group.iter().fold(0_u32, |all, digit| all << 6 | u32::from(*digit)) << (6 * (4 - group.len()));
        joined.to_be_bytes()[1..group.len()].to_vec()
    });
    groups.collect()
}
