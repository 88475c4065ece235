use super::*;
use crate::model::{FileSpec, PromptStyle};

fn laid_over(text: &str) -> Result<Registry, RegistryError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.toml");
    std::fs::write(&path, text).unwrap();
    Registry::load(&Overlays { file: Some(path), ..Overlays::default() })
}

fn entry(name: &str, rest: &str) -> String {
    format!(
        "[[model]]\nname = \"{name}\"\nabout = \"\"\ntasks = [\"translate\"]\nfamily = \"echo\"\nlicence = \"none\"\n{rest}\n"
    )
}

#[test]
fn the_built_in_list_is_whole() {
    let registry = Registry::built_in().unwrap();
    for spec in registry.iter() {
        assert!(!spec.about.is_empty() && !spec.licence.is_empty(), "{}", spec.name);
        // `auto` chooses by quality, so it may only choose what has been measured.
        assert!(spec.auto == 0 || !spec.quality.is_empty(), "{}", spec.name);
        // A file over a plain connection, or joined from wheels, is trusted by its digest alone.
        let needs_digest = matches!(spec.source, Source::Wheels { .. } | Source::Url { .. });
        let has_digest = |f: &FileSpec| f.sha256.is_some() || f.packed_sha256.is_some();
        assert!(!needs_digest || spec.files.iter().all(has_digest), "{}", spec.name);
        let gemma = spec.licence == "Gemma" && !matches!(spec.source, Source::Hub { .. });
        let terms = |f: &FileSpec| f.name.to_lowercase().replace('_', "-").starts_with("gemma-terms");
        assert!(
            !gemma || spec.files.iter().any(terms),
            "{}: the Gemma terms must go with the weights",
            spec.name
        );
    }
    let ranks: Vec<_> = registry.iter().filter(|m| m.auto > 0).map(|m| m.auto).collect();
    let mut unique = ranks.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(ranks.len(), unique.len(), "two models on one place of `auto`");
}

#[test]
fn the_adapter_model_stands_on_its_base() {
    let model = Registry::built_in().unwrap().get("gemma-3-270m-ar-en").unwrap();
    assert_eq!(model.base.as_ref().unwrap().name, "gemma-3-270m");
    let prompt = model.spec.prompt.clone().unwrap();
    assert_eq!(prompt.template, "Arabic: {source}\nEnglish translation:");
    assert_eq!(
        (prompt.style, &*prompt.target_prefix, prompt.stop),
        (PromptStyle::Completion, " ", vec!["\n".into()])
    );
    assert!(model.spec.warning.is_some());
    // The adapter is in the program already.
    assert_eq!(model.download_size(), 253_113_024 + 168_357);
    assert_eq!(model.base.unwrap().prompt.unwrap().examples.len(), 8);
}

#[test]
fn an_unknown_model_names_its_nearest() {
    let registry = Registry::built_in().unwrap();
    for (given, nearest) in [
        ("opus-mt-tc-big-ar", "opus-mt-tc-big-ar-en"),
        ("OPUS-MT-AR-EN", "opus-mt-ar-en"),
        ("gemma-3-270m-aren", "gemma-3-270m-ar-en"),
        ("nllb", "nllb-200-distilled-600M"),
    ] {
        let error = registry.get(given).unwrap_err();
        let RegistryError::Unknown { nearest: found, .. } = &error else { panic!("{error}") };
        assert_eq!(found.first().map(String::as_str), Some(nearest), "{given}: {found:?}");
    }
    let error = registry.get("zzz").unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no model `zzz` in the registry\nhint: `tarjuman models list` shows them all; a path to a .gguf file or a model folder works too"
    );
    let missing = registry.get("./no/such.gguf").unwrap_err().to_string();
    assert!(missing.starts_with("./no/such.gguf: cannot be opened"), "{missing}");
}

#[test]
fn the_same_name_replaces_and_a_new_one_is_added() {
    let count = Registry::built_in().unwrap().iter().count();
    let text =
        entry("echo", "licence_note = \"mine\"") + &entry("new", "source.path = { dir = \"weights\" }");
    let registry = laid_over(&text).unwrap();
    assert_eq!(registry.iter().count(), count + 1);
    assert_eq!(registry.get("echo").unwrap().spec.licence_note, "mine");
    assert!(matches!(registry.origin("echo"), Some(Origin::File(_))));
    assert_eq!(registry.origin("opus-mt-ar-en"), Some(&Origin::BuiltIn));
    // A folder is meant relative to the file that names it.
    let Source::Path { dir } = registry.get("new").unwrap().spec.source else { panic!() };
    assert!(dir.is_absolute() && dir.ends_with("weights"));
}

#[test]
fn the_file_named_by_the_user_is_stronger_than_the_folders() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, note: &str| {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, entry("echo", &format!("licence_note = \"{note}\""))).unwrap();
        path
    };
    write("config/models.toml", "config");
    write("here/models.toml", "here");
    let imported = vec![write("imported/entry.toml", "imported")];
    let file = write("given.toml", "given");
    let mut overlays = Overlays { imported, ..Overlays::default() };
    let note = |overlays: &Overlays| Registry::load(overlays).unwrap().get("echo").unwrap().spec.licence_note;
    assert_eq!(note(&overlays), "", "an import never changes what is built in");
    overlays.config_dir = Some(dir.path().join("config"));
    assert_eq!(note(&overlays), "config");
    overlays.working_dir = Some(dir.path().join("here"));
    assert_eq!(note(&overlays), "here");
    overlays.file = Some(file);
    assert_eq!(note(&overlays), "given");
}

#[test]
fn the_built_in_file_itself_is_no_overlay() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("models.toml"), BUILT_IN).unwrap();
    let registry =
        Registry::load(&Overlays { working_dir: Some(dir.path().into()), ..Overlays::default() }).unwrap();
    assert_eq!(registry.origin("echo"), Some(&Origin::BuiltIn));
}

#[test]
fn a_broken_import_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("entry.toml");
    std::fs::write(&broken, "[[model]]\nfrom_the_future = 1\n").unwrap();
    let good = dir.path().join("good.toml");
    std::fs::write(&good, entry("imported-one", "")).unwrap();
    let registry = Registry::load(&Overlays { imported: vec![broken, good], ..Overlays::default() }).unwrap();
    assert_eq!(registry.skipped().len(), 1);
    assert!(matches!(registry.origin("imported-one"), Some(Origin::Imported(_))));
    // One whose base has been removed since is as good as broken, and so is what stands on that.
    let path = dir.path().join("tuned.toml");
    std::fs::write(&path, entry("tuned", "base = \"nowhere\"")).unwrap();
    let overlays =
        Overlays { imported: vec![dir.path().join("good.toml"), path.clone()], ..Overlays::default() };
    let registry = Registry::load(&overlays).unwrap();
    let says = registry.skipped()[0].to_string();
    assert!(says.contains("tuned.toml: model `tuned`: its base `nowhere` is not in the registry"), "{says}");
    assert!(registry.origin("tuned").is_none() && registry.origin("imported-one").is_some());
}

#[test]
fn mistakes_are_errors_with_their_place() {
    struct Case {
        text: String,
        says: &'static [&'static str],
    }
    let case = |text: String, says| Case { text, says };
    for case in [
        case(
            entry("a", "licnse_note = \"\""),
            &["mine.toml:7:1: unknown key `licnse_note`", "hint: did you mean `licence_note`"],
        ),
        case(
            entry("a", "files = [\n  { name = \"x\", sha265 = \"\" },\n]"),
            &["mine.toml:8:", "unknown key `sha265`", "`sha256`"],
        ),
        case(
            entry("a", "").replace("echo", "marain"),
            &["mine.toml:5:", "unknown value `marain`", "`marian`"],
        ),
        case(
            entry("a", "source = { hob = { repo = \"a/b\" } }"),
            &["mine.toml:7:", "unknown value `hob`", "`hub`"],
        ),
        case("[model]\nname = 1".into(), &["mine.toml:1:"]),
        case("[[model]]\nname = \"x\"\n".into(), &["mine.toml:1:", "missing field"]),
        case(entry("a", "") + &entry("a", ""), &["mine.toml:8:", "occurs twice"]),
        case(entry("../evil", ""), &["a name consists of"]),
        case(entry("a", "files = [{ name = \"../x\" }]"), &["`../x` is not a plain file name"]),
        case(entry("a", "files = [{ name = \"x\", parts = [\"/etc/passwd\"] }]"), &["`/etc/passwd`"]),
        case(entry("a", "source.wheels = { packages = [\"--index-url=x==1\"] }"), &["name==version"]),
        case(entry("a", "source.url = { base = \"ftp://x/\" }"), &["`ftp://x/`"]),
        case(entry("a", "base = \"nobody\""), &["its base `nobody` is not in the registry"]),
        case(entry("a", "adapter = { file = \"x\", rank = 1, alpha = 1 }"), &["its adapter `x`"]),
        case(entry("a", "prompt = { template = \"Translate\" }"), &["lacks `{source}`"]),
        case(entry("a", "").replace("echo", "llm"), &["needs a `prompt`"]),
    ] {
        let error = laid_over(&case.text).map(|_| ()).unwrap_err().to_string();
        for part in case.says {
            assert!(error.contains(part), "{error:?} does not say {part:?}");
        }
    }
}

#[test]
fn auto_prefers_what_is_installed_then_what_is_best() {
    let text = [("best", 1), ("good", 2), ("weak", 9), ("never", 0)]
        .map(|(name, auto)| entry(name, &format!("auto = {auto}")))
        .concat()
        + &entry("summariser", "auto = 1").replace("translate", "brief");
    let registry = laid_over(&text).unwrap();
    let order = |installed: &[&str]| -> Vec<String> {
        let mine = ["best", "good", "weak", "never", "summariser"];
        registry
            .auto_candidates(|m| installed.contains(&&*m.spec.name))
            .into_iter()
            .map(|c| c.model.spec.name)
            .filter(|n| mine.contains(&&**n))
            .collect()
    };
    assert_eq!(order(&[]), ["best", "good", "weak"]);
    assert_eq!(order(&["weak"]), ["weak", "best", "good"]);
    assert_eq!(order(&["weak", "good", "never"]), ["good", "weak", "best"]);
}
