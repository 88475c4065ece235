//! The store against a server and a pip on this machine. No test changes the environment.

mod archive;
mod hub;
mod server;
#[cfg(unix)]
mod wheels;

use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use server::{COMMIT, Server};

struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        Home { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn options(&self, endpoint: &str) -> StoreOptions {
        let hub =
            HubOptions { endpoint: endpoint.into(), cache: self.path("hf/hub"), token: None, offline: false };
        let connect_timeout = Duration::from_secs(1);
        StoreOptions { root: self.path("root"), offline: false, hub, pip: None, connect_timeout }
    }

    fn store(&self, server: &Server) -> Store {
        Store::new(self.options(&server.address))
    }

    fn offline(&self, server: &Server) -> Store {
        Store::new(StoreOptions { offline: true, ..self.options(&server.address) })
    }
}

/// Keeps what was told, and stops after so many bytes.
#[derive(Default)]
struct Recorder {
    lines: Mutex<Vec<String>>,
    bytes: Mutex<u64>,
    stop_after: Option<u64>,
}

impl FetchWatch for Recorder {
    fn event(&self, event: FetchEvent<'_>) {
        match event {
            FetchEvent::Bytes(n) => *self.bytes.lock().unwrap() += n,
            other => self.lines.lock().unwrap().push(format!("{other:?}")),
        }
    }
    fn cancelled(&self) -> bool {
        self.stop_after.is_some_and(|limit| *self.bytes.lock().unwrap() >= limit)
    }
}

fn sha(content: &[u8]) -> String {
    lock::hex(&Sha256::digest(content))
}

/// An entry written as in a registry file.
fn spec(name: &str, rest: &str) -> ModelSpec {
    let text = format!(
        "name = \"{name}\"\nabout = \"a\"\ntasks = [\"translate\"]\nfamily = \"echo\"\nlicence = \"MIT\"\n{rest}"
    );
    toml::from_str(&text).unwrap()
}

fn alone(spec: ModelSpec) -> ResolvedModel {
    ResolvedModel { spec, base: None }
}

fn weights() -> Vec<u8> {
    (0..200_000u32).flat_map(|i| (i.wrapping_mul(2_654_435_761)).to_le_bytes()).collect()
}

fn hub_model() -> ResolvedModel {
    alone(spec(
        "m",
        "source.hub = { repo = \"o/n\" }\nfiles = [{ name = \"model.bin\", parts = [\"sub/w.bin\"] }, { name = \"config.json\" }, { name = \"extra\", optional = true }]",
    ))
}

fn hub_server() -> Server {
    let server = Server::start();
    server.put_hub("o/n/sub/w.bin", &weights());
    server.put_hub("o/n/config.json", b"{}");
    server
}

fn read(model: &InstalledModel, name: &str) -> Vec<u8> {
    fs::read(&model.files[name]).unwrap()
}

// ---------------------------------------------------------------- plain addresses

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn url_model(server: &Server, file: &str) -> ResolvedModel {
    alone(spec("u", &format!("source.url = {{ base = \"{}/d/\" }}\nfiles = [{{ {file} }}]", server.address)))
}

#[test]
fn a_packed_file_is_checked_unpacked_and_resumed() {
    let (home, server) = (Home::new(), Server::start());
    let packed = gzip(&weights());
    server.put("d/w.gz", &packed);
    server.cut_after(&[1000]);
    for digest in
        [format!("packed_sha256 = \"{}\"", sha(&packed)), format!("sha256 = \"{}\"", sha(&weights()))]
    {
        let model = url_model(
            &server,
            &format!("name = \"w\", parts = [\"w.gz\"], compression = \"gzip\", {digest}"),
        );
        let store = home.store(&server);
        let installed = store.pull(&model, &FetchUnwatched).unwrap();
        assert_eq!(read(&installed, "w"), weights());
        assert_eq!(fs::read_dir(store.path(&model)).unwrap().count(), 2, "file and lock, no remains");
        store.remove(&model).unwrap();
    }
    assert!(server.take_log().iter().any(|line| line.contains("bytes=1000-")));
}

#[test]
fn wrong_content_is_refused_and_not_kept() {
    let (home, server) = (Home::new(), Server::start());
    server.put("d/w", b"something else");
    server.put("d/w.gz", b"no gzip at all");
    for file in [
        format!("name = \"w\", sha256 = \"{}\"", sha(b"x")),
        "name = \"w\", size = 3".to_string(),
        format!(
            "name = \"w\", parts = [\"w.gz\"], compression = \"gzip\", packed_sha256 = \"{}\"",
            sha(b"x")
        ),
        "name = \"w\", parts = [\"w.gz\"], compression = \"gzip\"".to_string(),
    ] {
        let model = url_model(&server, &file);
        let error = home.store(&server).pull(&model, &FetchUnwatched).unwrap_err();
        assert!(matches!(error, FetchError::Altered { .. } | FetchError::Http { .. }), "{file}: {error}");
        assert!(!home.store(&server).status(&model).unwrap().is_installed());
        assert!(!home.path("root/models/u/w").exists());
    }
}

#[test]
fn remains_of_another_file_are_not_joined_to_the_new_one() {
    let (home, server) = (Home::new(), Server::start());
    server.put("d/w", &weights());
    fs::create_dir_all(home.path("root/models/u")).unwrap();
    fs::write(home.path("root/models/u/w.0.part"), vec![7; 5000]).unwrap();
    let model = url_model(&server, &format!("name = \"w\", sha256 = \"{}\"", sha(&weights())));
    assert_eq!(read(&home.store(&server).pull(&model, &FetchUnwatched).unwrap(), "w"), weights());
}

// ---------------------------------------------------------------- compiled in, local folders

#[test]
fn the_adapter_is_compiled_in_and_is_the_one_of_the_registry() {
    let home = Home::new();
    let text = include_str!("../../../models.toml");
    let file: toml::Table = toml::from_str(text).unwrap();
    let entries = file["model"].as_array().unwrap().iter();
    let entry = entries.into_iter().find(|m| m["name"].as_str() == Some("gemma-3-270m-ar-en")).unwrap();
    let mut spec: ModelSpec = entry.clone().try_into().unwrap();
    let offline = Store::new(StoreOptions { offline: true, ..home.options("http://127.0.0.1:9") });
    let installed = offline.pull(&alone(spec.clone()), &FetchUnwatched).unwrap();
    assert_eq!(installed.files.keys().collect::<Vec<_>>(), ["GEMMA-TERMS", "NOTICE", "adapter.safetensors"]);
    spec.files[0].name = "other.safetensors".into();
    let error = offline.pull(&alone(spec), &FetchUnwatched).unwrap_err().to_string();
    assert!(error.contains("other.safetensors is not compiled into this program"), "{error}");
}

#[test]
fn a_folder_is_used_in_place_and_its_changes_are_seen() {
    let home = Home::new();
    fs::create_dir_all(home.path("mine")).unwrap();
    fs::write(home.path("mine/x.gguf"), b"one").unwrap();
    let text = format!(
        "source.path = {{ dir = {:?} }}\nfiles = [{{ name = \"model.gguf\", parts = [\"x.gguf\"] }}]",
        home.path("mine")
    );
    let model = alone(spec("x", &text));
    let store = Store::new(home.options("http://127.0.0.1:9"));
    let one = store.open(&model).unwrap();
    assert_eq!(one.files["model.gguf"], home.path("mine/x.gguf"));
    assert_eq!(store.open(&model).unwrap().digest, one.digest);
    fs::write(home.path("mine/x.gguf"), b"two").unwrap();
    assert_ne!(
        store.open(&model).unwrap().digest,
        one.digest,
        "the memory must not take one model for another"
    );
    fs::remove_file(home.path("mine/x.gguf")).unwrap();
    assert!(store.open(&model).unwrap_err().to_string().contains("x.gguf is missing"));
}

#[test]
fn a_model_can_be_installed_from_a_folder_of_downloads() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    fs::create_dir_all(home.path("usb")).unwrap();
    fs::write(home.path("usb/w.bin"), weights()).unwrap();
    let store = home.offline(&server);
    let error =
        store.install_from_folder(&model, &home.path("usb"), &FetchUnwatched).unwrap_err().to_string();
    assert!(error.contains("config.json is not in"), "{error}");
    fs::write(home.path("usb/config.json"), b"{}").unwrap();
    let installed = store.install_from_folder(&model, &home.path("usb"), &FetchUnwatched).unwrap();
    assert_eq!(read(&installed, "model.bin"), weights());
    assert!(installed.files["model.bin"].starts_with(home.path("root")));
}

#[test]
fn the_digest_of_a_packed_file_is_asked_of_a_folder_too() {
    let (home, server) = (Home::new(), hub_server());
    fs::create_dir_all(home.path("usb")).unwrap();
    let store = home.offline(&server);
    let packed = gzip(b"words");
    let file = |more: &str| {
        let parts = "{ name = \"vocab\", parts = [\"vocab.gz\"], compression = \"gzip\"";
        alone(spec("p", &format!("files = [{parts}, packed_sha256 = \"{}\"{more} }}]", sha(&packed))))
    };
    let install = |more: &str| store.install_from_folder(&file(more), &home.path("usb"), &FetchUnwatched);
    fs::write(home.path("usb/vocab.gz"), gzip(b"other words")).unwrap();
    let error = install("").unwrap_err().to_string();
    assert!(error.contains("vocab.gz of model `p` has the SHA-256"), "{error}");
    // An unpacked file has no digest to be compared with, unless the entry gives that one too.
    fs::remove_file(home.path("usb/vocab.gz")).unwrap();
    fs::write(home.path("usb/vocab"), b"words").unwrap();
    let error = install("").unwrap_err().to_string();
    assert!(error.contains("vocab.gz is not in"), "{error}");
    assert_eq!(read(&install(&format!(", sha256 = \"{}\"", sha(b"words"))).unwrap(), "vocab"), b"words");
    store.remove(&file("")).unwrap();
    fs::write(home.path("usb/vocab.gz"), &packed).unwrap();
    assert_eq!(read(&install("").unwrap(), "vocab"), b"words");
}

#[test]
fn the_digest_depends_on_files_adapter_prompt_and_languages_alone() {
    let home = Home::new();
    let store = Store::new(home.options("http://127.0.0.1:9"));
    let digest = |rest: &str| store.open(&alone(spec("e", rest))).unwrap().digest;
    let plain = digest("");
    assert_eq!(plain.len(), 64);
    assert_eq!(digest("licence_note = \"x\"\nmemory_mib = 5"), plain);
    assert_ne!(digest("prompt = { template = \"{source}\" }"), plain);
    // A model of many languages is told by them what to write; the usual pair has the digest of before they counted.
    let pair = |source: &str, target: &str| {
        digest(&format!("source_langs = [\"{source}\"]\ntarget_langs = [\"{target}\"]"))
    };
    assert_eq!(pair("ar", "en"), plain);
    let others = [pair("ar", "fr"), pair("fa", "en"), pair("en", "ar"), plain];
    assert_eq!(others.iter().collect::<std::collections::BTreeSet<_>>().len(), others.len());
}
