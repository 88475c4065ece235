//! HTTP downloads that go on where they stopped.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::config::RedirectAuthHeaders;
use ureq::http::{Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy, ProxyBuilder};

use super::{FetchError, FetchEvent, FetchWatch};

/// Attempts without a single new byte before a download is given up.
const ATTEMPTS: u32 = 4;

/// Names of this machine, which no proxy stands before.
const THIS_MACHINE: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The client: system certificates (so that company proxies work), proxies from the environment, no compression.
#[derive(Debug)]
pub(super) struct Http {
    agent: Agent,
    connect_timeout: Duration,
}

/// The header lines that the Hub answers with; see [`Http::head`].
pub(super) struct Head {
    pub status: StatusCode,
    pub headers: ureq::http::HeaderMap,
}

impl Head {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Http {
    pub(super) fn new(connect_timeout: Duration) -> Self {
        let unproxied = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok());
        let proxy = Proxy::try_from_env()
            .map(|proxy| not_for_this_machine(&proxy, &unproxied.unwrap_or_default()).unwrap_or(proxy));
        let agent = Agent::config_builder()
            .proxy(proxy)
            .http_status_as_error(false)
            .timeout_resolve(Some(connect_timeout))
            .timeout_connect(Some(connect_timeout))
            .timeout_recv_response(Some(Duration::from_secs(30)))
            .timeout_per_read(Some(Duration::from_secs(60)))
            // A token must not follow a redirect to another host.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .user_agent(concat!("tarjuman/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .build()
            .new_agent();
        Http { agent, connect_timeout }
    }

    /// Whether anybody answers at `address`; the trouble in words if not.
    pub(super) fn probe(&self, address: &str) -> Result<(), String> {
        let limit = self.connect_timeout + Duration::from_secs(1);
        let call =
            self.agent.head(address).config().max_redirects(0).timeout_global(Some(limit)).build().call();
        match call {
            Ok(response) if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                Err("the proxy wants a password".into())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(in_words(&error)),
        }
    }

    /// The header lines of `url`, without following redirects. A server in trouble is asked again.
    pub(super) fn head(&self, url: &str, token: Option<&str>) -> Result<Head, FetchError> {
        let mut failures = 0;
        loop {
            let head = self.head_once(url, token)?;
            failures += 1;
            if !is_passing(head.status) || failures >= ATTEMPTS {
                return Ok(head);
            }
            std::thread::sleep(pause(failures));
        }
    }

    fn head_once(&self, url: &str, token: Option<&str>) -> Result<Head, FetchError> {
        let mut request = self.agent.head(url).config().max_redirects(0).build();
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = request
            .call()
            .map_err(|e| FetchError::Unreachable { what: url.into(), message: in_words(&e) })?;
        let (parts, _) = response.into_parts();
        Ok(Head { status: parts.status, headers: parts.headers })
    }

    /// Downloads `url` into the file `part`, behind what is there already: of an earlier attempt at the same bytes.
    pub(super) fn download(
        &self,
        url: &str,
        token: Option<&str>,
        part: &Path,
        expected: Option<u64>,
        label: &str,
        watch: &dyn FetchWatch,
    ) -> Result<(), FetchError> {
        let mut failures = 0;
        loop {
            let before = length(part);
            let trouble = match self.attempt(url, token, part, expected, label, watch) {
                Ok(()) => match expected {
                    Some(expected) if length(part) < expected => {
                        format!("the connection ended after {} of {expected} bytes", length(part))
                    }
                    Some(expected) if length(part) > expected => {
                        let message = format!("the server sent {} bytes instead of {expected}", length(part));
                        return Err(FetchError::Http { what: url.into(), message });
                    }
                    _ => {
                        watch.event(FetchEvent::Downloaded { file: label });
                        return Ok(());
                    }
                },
                Err(Attempt::NoConnection(message)) => {
                    failures += 1;
                    if failures >= ATTEMPTS {
                        return Err(FetchError::Unreachable { what: origin(url).into(), message });
                    }
                    std::thread::sleep(pause(failures));
                    continue;
                }
                Err(Attempt::Again(message)) => message,
                Err(Attempt::Final(error)) => return Err(error),
            };
            failures = if length(part) > before { 1 } else { failures + 1 };
            if failures >= ATTEMPTS {
                return Err(FetchError::Http { what: url.into(), message: trouble });
            }
            std::thread::sleep(pause(failures));
        }
    }

    fn attempt(
        &self,
        url: &str,
        token: Option<&str>,
        part: &Path,
        expected: Option<u64>,
        label: &str,
        watch: &dyn FetchWatch,
    ) -> Result<(), Attempt> {
        let mut start = length(part);
        if expected.is_some_and(|expected| start > expected) {
            start = 0;
        }
        if expected == Some(start) && start > 0 {
            return Ok(());
        }
        let mut request = self.agent.get(url);
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
        }
        let response = request.call().map_err(|e| Attempt::NoConnection(in_words(&e)))?;
        let done = match response.status().as_u16() {
            206 if range_start(&response) == Some(start) => start,
            // The server does not do ranges, or disagrees about where we are: from the start.
            200 => 0,
            416 if complete_size(&response) == Some(start) => return Ok(()),
            206 | 416 => {
                fs::remove_file(part).map_err(|e| Attempt::Final(FetchError::io(part, e)))?;
                return Err(Attempt::Again("the server has another file than before".into()));
            }
            401 | 403 => return Err(Attempt::Final(FetchError::Denied { what: url.into() })),
            404 | 410 => return Err(Attempt::Final(FetchError::NotFound { what: url.into() })),
            code if is_passing(response.status()) => {
                return Err(Attempt::Again(format!("the server answered {code}")));
            }
            code => {
                let message = format!("the server answered {code}");
                return Err(Attempt::Final(FetchError::Http { what: url.into(), message }));
            }
        };
        let total = expected.or_else(|| response.body().content_length().map(|rest| done + rest));
        watch.event(FetchEvent::Download { file: label, done, total });
        append(response, part, done, watch)
    }
}

/// `proxy`, but not for this machine, nor for the hosts of `unproxied` (as in `NO_PROXY`).
fn not_for_this_machine(proxy: &Proxy, unproxied: &str) -> Result<Proxy, ureq::Error> {
    let mut builder = Proxy::builder(proxy.protocol())
        .host(proxy.host())
        .port(proxy.port())
        .resolve_target(proxy.resolve_target());
    if let Some(name) = proxy.username() {
        builder = builder.username(name);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    unproxied.split(',').chain(THIS_MACHINE).fold(builder, ProxyBuilder::no_proxy).build()
}

/// How an attempt failed.
enum Attempt {
    /// Nobody answered.
    NoConnection(String),
    /// Somebody did, but not as expected; worth another try.
    Again(String),
    Final(FetchError),
}

fn append(response: Response<Body>, part: &Path, done: u64, watch: &dyn FetchWatch) -> Result<(), Attempt> {
    let disk = |e| Attempt::Final(FetchError::io(part, e));
    let mut file = OpenOptions::new().create(true).append(true).open(part).map_err(disk)?;
    if done == 0 {
        file.set_len(0).map_err(disk)?;
    }
    let mut reader = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 17];
    loop {
        if watch.cancelled() {
            return Err(Attempt::Final(FetchError::Cancelled));
        }
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                file.write_all(&buffer[..n]).map_err(disk)?;
                watch.event(FetchEvent::Bytes(n as u64));
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Attempt::Again(format!("the connection broke: {e}"))),
        }
    }
    file.sync_all().map_err(disk)
}

/// Whether a later answer may be another: the server is busy or broken.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500..)
}

fn pause(failures: u32) -> Duration {
    Duration::from_millis(125 << failures)
}

/// `https://host:1/a/b` → `https://host:1`
pub(super) fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |i| i + 3);
    let end = url[host..].find('/').map_or(url.len(), |i| host + i);
    &url[..end]
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |m| m.len())
}

/// `bytes 5-9/10` → 5
fn range_start(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get("content-range")?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// `bytes */10` → 10
fn complete_size(response: &Response<Body>) -> Option<u64> {
    response.headers().get("content-range")?.to_str().ok()?.strip_prefix("bytes */")?.parse().ok()
}

fn in_words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".into(),
        ureq::Error::HostNotFound => "its name is not known (no network, or no name server)".into(),
        ureq::Error::ConnectionFailed => "no connection".into(),
        ureq::Error::Io(e) => e.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_other_machines_are_asked_through_the_proxy() {
        for given in [
            "http://proxy.example:3128",
            "proxy.example",
            "https://me:se%40cr%3Aet@proxy.example",
            "socks4://proxy.example",
            "socks5://me@10.0.0.1:1081",
            "socks5h://[fd00::1]:1081",
        ] {
            let given = Proxy::new(given).unwrap();
            let proxy = not_for_this_machine(&given, "hub.example,*.inside.example").unwrap();
            let parts = |proxy: &Proxy| {
                let [name, password] = [proxy.username(), proxy.password()].map(|s| s.map(str::to_owned));
                (
                    proxy.protocol(),
                    proxy.host().to_owned(),
                    proxy.port(),
                    proxy.resolve_target(),
                    name,
                    password,
                )
            };
            assert_eq!(parts(&proxy), parts(&given));
            for (url, direct) in [
                ("http://127.0.0.1:8080/m/x", true),
                ("http://localhost/x", true),
                ("http://[::1]:8080/x", true),
                ("https://hub.example/x", true),
                ("https://a.inside.example/x", true),
                ("https://huggingface.co/x", false),
                ("https://127.0.0.1.example/x", false),
            ] {
                assert_eq!(proxy.is_no_proxy(&url.parse().unwrap()), direct, "{given:?}: {url}");
            }
        }
    }
}
