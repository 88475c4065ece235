//! The Hub and its cache.

use super::*;

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
