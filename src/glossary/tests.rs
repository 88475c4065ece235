use super::*;

fn glossary(entries: &[(&str, &str)]) -> Glossary {
    let (glossary, left_out) = Glossary::new(entries.iter().copied());
    assert_eq!(left_out, 0);
    glossary
}

#[test]
fn terms_are_found_however_they_are_inflected() {
    let glossary = glossary(&[
        ("دوما", "Douma"),
        ("الحسكة", "Hasakah"),
        ("خان شيخون", "Khan Shaykhun"),
        ("الدفاع المدني", "Civil Defence"),
        ("الدفاع", "defence"),
        ("حد", "limit"),
        ("إدلب", "Idlib"),
        ("إنفلونزا 1918", "1918 flu"),
        ("فيتامين د", "vitamin D"),
    ]);
    for (source, found) in [
        ("في دوما", &["دوما"][..]),
        ("بدوما، ودوما فدوما ولدوما", &["دوما"; 4]),
        ("دُومَـا", &["دوما"]),
        ("إلى الحسكه", &["الحسكة"]),
        ("من حسكة وللحسكة وبالحسكة", &["الحسكة"; 3]),
        ("ادلب وأدلب", &["إدلب"; 2]),
        ("قرب خان شيخون وخان شيخون", &["خان شيخون"; 2]),
        // The longest one counts; words that belong together stand together.
        ("فرق الدفاع المدني", &["الدفاع المدني"]),
        ("للدفاع المدني", &["الدفاع المدني"]),
        ("الدفاع، المدني", &["الدفاع"]),
        ("كإنفلونزا ١٩١٨.", &["إنفلونزا 1918"]),
        ("إنفلونزا الطيور وفيتامين د", &["فيتامين د"]),
        // Not every word that ends like a term is one.
        ("وحد الصف", &[]),
        ("على حد السيف", &["حد"]),
        ("دومان", &[]),
    ] {
        let all: Vec<&str> = glossary.find(source).iter().map(|f| f.term.source()).collect();
        assert_eq!(all, found, "{source}");
    }
}

#[test]
fn a_translation_is_accepted_as_people_write_it() {
    let has = |target: &str, wanted: &str| glossary(&[("ا ب", wanted)]).terms[0].is_in(target);
    for (target, wanted) in [
        ("The barrel bombs fell.", "barrel bomb"),
        ("A Barrel Bomb fell.", "barrel bombs"),
        ("in the Al-Waer district", "al-Waer"),
        ("in Sana'a.", "Sanaa"),
        ("in Sanaʿa’s centre", "Sana'a"),
        ("two cities", "city"),
        ("the 'state' of things", "state"),
        ("the states' rights", "states"),
        ("(WHO)", "WHO"),
    ] {
        assert!(has(target, wanted), "{target}: {wanted}");
    }
    for (target, wanted) in
        [("a bomb in a barrel", "barrel bomb"), ("Damask", "Damascus"), ("", "x"), ("whom", "WHO")]
    {
        assert!(!has(target, wanted), "{target}: {wanted}");
    }
}

#[test]
fn terms_go_into_the_place_of_the_arabic() {
    let glossary = glossary(&[("دوما", "Douma"), ("الغوطة الشرقية", "Eastern Ghouta")]);
    for (source, target, wanted) in [
        ("بدوما في الغوطة الشرقية.", "in the plain", Some("ب Douma في Eastern Ghouta.")),
        ("بدوما في الغوطة الشرقية.", "in Douma", Some("بدوما في Eastern Ghouta.")),
        ("وللغوطة الشرقية أهل", "people", Some("ول Eastern Ghouta أهل")),
        ("بدوما", "in Douma", None),
        ("لا شيء", "nothing", None),
    ] {
        assert_eq!(glossary.in_place(source, target).as_deref(), wanted, "{source}");
    }
}

#[test]
fn what_says_nothing_is_left_out_and_alternatives_are_kept() {
    let (glossary, left_out) =
        Glossary::new([("دوما", "Douma"), ("دوما", "Duma"), ("دوما", "Douma"), ("x", "y"), ("ب ت", " ")]);
    assert_eq!((glossary.len(), left_out), (1, 2));
    assert_eq!(glossary.terms[0].targets, ["Douma", "Duma"]);
}

fn read(name: &str, content: &str) -> Result<Read, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    Glossary::read(&path)
}

#[test]
fn tables_and_tbx_say_the_same() {
    let tbx = |entry: &str, set: &str, body: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n<martif type=\"TBX\"><text><body><{entry} id=\"1\">{body}</{entry}></body></text></martif>"
        )
        .replace("SET", set)
    };
    let body = "<SET xml:lang=\"ar\"><tig><term>وكالة الأنباء &quot;سانا&quot;</term></tig></SET>\
        <SET xml:lang=\"fr\"><tig><term>Agence</term></tig></SET>\
        <SET xml:lang=\"en-GB\"><tig><term>SANA &amp; agency</term></tig><tig><term>SANA</term></tig></SET>";
    for (name, content) in [
        ("a.csv", "arabic,english\n\"وكالة الأنباء \"\"سانا\"\"\",SANA & agency|SANA\n".to_string()),
        (
            "a.csv",
            "English;Note;Arabic\nSANA & agency;x;وكالة الأنباء سانا\nSANA;;وكالة الأنباء سانا\n".to_string(),
        ),
        ("a.tsv", "وكالة الأنباء سانا\tSANA & agency | SANA\tSY\n".to_string()),
        ("a.tbx", tbx("termEntry", "langSet", body)),
        ("a.xml", tbx("conceptEntry", "langSec", body)),
    ] {
        let Read { glossary, left_out } = read(name, &content).unwrap();
        assert_eq!((glossary.len(), left_out), (1, 0), "{content}");
        let term = &glossary.terms[0];
        assert_eq!(term.words, ["وكاله", "انباء", "سانا"]);
        assert_eq!(term.targets, ["SANA & agency", "SANA"], "{content}");
    }
}

#[test]
fn a_file_that_is_no_glossary_says_so() {
    for (content, wanted) in [
        ("one,two\nthree,four\n", "no column of Arabic"),
        ("arabic,english\n,\n", "no terms"),
        ("<tbx><termEntry>", "it ends too early"),
        ("<tbx><termEntry/></tbx>", "no terms"),
        ("<tbx></termEntry>", "not well-formed"),
        ("<tbx><term>&nonsense;</term></tbx>", "an unknown entity"),
        ("", "no column of Arabic"),
    ] {
        let message = read("g.csv", content).unwrap_err();
        assert!(message.contains(wanted) && message.contains("g.csv"), "{content}: {message}");
    }
    let missing = Glossary::read(std::path::Path::new("/no/such/file.csv")).unwrap_err();
    assert!(missing.contains("file.csv") && missing.contains("hint: "), "{missing}");
}
