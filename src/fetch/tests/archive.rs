//! Models in one file.

use super::*;

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
