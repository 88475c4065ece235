//! A tiny HTTP server that plays the Hub (and any other host) on this machine, with the faults that real ones have.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[derive(Default)]
struct State {
    /// Path below `/` → content, for plain downloads.
    plain: BTreeMap<String, Vec<u8>>,
    /// `owner/name/file` → content, for the Hub: of `main`, which is this commit, and of earlier ones.
    hub: BTreeMap<String, Vec<u8>>,
    commit: String,
    earlier: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// Close the connection after so many bytes of a body, so many times.
    cuts: Vec<usize>,
    /// So many requests are answered that it is busy.
    busy: usize,
    ignore_ranges: bool,
    log: Vec<String>,
    tokens: Vec<String>,
}

pub struct Server {
    pub address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { commit: COMMIT.into(), ..State::default() }));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                // A client that goes away in the middle is no matter for the server.
                std::thread::spawn(move || drop(answer(stream, &state, port)));
            }
        });
        Server { address: format!("http://127.0.0.1:{port}"), state }
    }

    pub fn put(&self, path: &str, content: &[u8]) {
        self.state.lock().unwrap().plain.insert(path.into(), content.into());
    }

    pub fn put_hub(&self, path: &str, content: &[u8]) {
        self.state.lock().unwrap().hub.insert(path.into(), content.into());
    }

    /// What is put from here on is of this commit; the one before can still be asked for.
    pub fn commit(&self, commit: &str) {
        let mut state = self.state.lock().unwrap();
        let (hub, before) = (state.hub.clone(), std::mem::replace(&mut state.commit, commit.into()));
        state.earlier.insert(before, hub);
    }

    /// The earlier commits are gone.
    pub fn forget_commits(&self) {
        self.state.lock().unwrap().earlier.clear();
    }

    pub fn cut_after(&self, bytes: &[usize]) {
        self.state.lock().unwrap().cuts = bytes.into();
    }

    pub fn be_busy(&self, requests: usize) {
        self.state.lock().unwrap().busy = requests;
    }

    pub fn ignore_ranges(&self) {
        self.state.lock().unwrap().ignore_ranges = true;
    }

    /// `METHOD path` or `METHOD path bytes=5-`, since the last call.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }

    /// `path: Authorization` of the requests that had one.
    pub fn tokens(&self) -> Vec<String> {
        self.state.lock().unwrap().tokens.clone()
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>, port: u16) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_string);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(()) };
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_string());
    }
    let (head, body) = reply(&method, &path, &headers, &mut state.lock().unwrap(), port);
    stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes())?;
    stream.write_all(&body)
}

fn reply(
    method: &str,
    path: &str,
    headers: &HashMap<String, String>,
    state: &mut State,
    port: u16,
) -> (String, Vec<u8>) {
    let range = headers.get("range").filter(|_| !state.ignore_ranges);
    let asked = headers.get("range").map(|r| format!(" {r}")).unwrap_or_default();
    state.log.push(format!("{method} {path}{asked}"));
    if let Some(token) = headers.get("authorization") {
        state.tokens.push(format!("{path}: {token}"));
    }
    if state.busy > 0 && path != "/" {
        state.busy -= 1;
        return ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n".into(), vec![]);
    }
    let not_found = |code: &str| {
        (format!("HTTP/1.1 404 Not Found\r\nx-error-code: {code}\r\ncontent-length: 0\r\n"), vec![])
    };
    let path = path.trim_start_matches('/');
    if path.is_empty() {
        return ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n".into(), vec![]);
    }
    let mut extra = String::new();
    let content = if let Some((repo, rest)) = path.split_once("/resolve/") {
        let Some((revision, file)) = rest.split_once('/') else { return not_found("RevisionNotFound") };
        let is_commit = revision.len() == 40;
        let (commit, hub) = match state.earlier.get_key_value(revision) {
            Some(earlier) => earlier,
            None if is_commit && revision != state.commit => return not_found("RevisionNotFound"),
            None => (&state.commit, &state.hub),
        };
        if !hub.keys().any(|k| k.starts_with(&format!("{repo}/"))) {
            return not_found("RepoNotFound");
        }
        let Some(content) = hub.get(&format!("{repo}/{file}")) else {
            return not_found("EntryNotFound");
        };
        let sha256: String = Sha256::digest(content).iter().map(|b| format!("{b:02x}")).collect();
        if content.len() > 100 {
            // Large files lie in another store; its host is another one.
            let head = format!(
                "HTTP/1.1 302 Found\r\nx-repo-commit: {commit}\r\nx-linked-etag: \"{sha256}\"\r\nx-linked-size: {}\r\n\
                 etag: \"other\"\r\nlocation: http://localhost:{port}/{repo}/{file}?signed={commit}\r\ncontent-length: 0\r\n",
                content.len()
            );
            return (head, vec![]);
        }
        extra = format!("x-repo-commit: {commit}\r\netag: W/\"{}\"\r\n", &sha256[..40]);
        content.clone()
    } else {
        let (path, commit) = path.split_once("?signed=").unwrap_or((path, ""));
        let hub = state.earlier.get(commit).unwrap_or(&state.hub);
        match hub.get(path).or(state.plain.get(path)) {
            Some(content) => content.clone(),
            None => return not_found("EntryNotFound"),
        }
    };
    let start = range.and_then(|r| r.strip_prefix("bytes=")?.trim_end_matches('-').parse().ok()).unwrap_or(0);
    let total = content.len();
    if start >= total && start > 0 {
        let head = format!(
            "HTTP/1.1 416 Range Not Satisfiable\r\ncontent-range: bytes */{total}\r\ncontent-length: 0\r\n"
        );
        return (head, vec![]);
    }
    let status = match start {
        0 => "HTTP/1.1 200 OK\r\n".to_string(),
        _ => {
            format!("HTTP/1.1 206 Partial Content\r\ncontent-range: bytes {start}-{}/{total}\r\n", total - 1)
        }
    };
    let head = format!("{status}{extra}content-length: {}\r\n", total - start);
    let mut body = if method == "HEAD" { vec![] } else { content[start..].to_vec() };
    if method == "GET" && !state.cuts.is_empty() {
        body.truncate(state.cuts.remove(0));
    }
    (head, body)
}
