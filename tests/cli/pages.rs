//! Web pages whose lines mean something, through the whole program and back.

use crate::place::Place;

#[test]
fn lines_that_were_broken_on_purpose_are_translated_by_themselves_and_stay_in_place() {
    let place = Place::new();
    let arabic = "<div dir=\"rtl\">عاجل | قصف<br><br>وصل <b>الوفد</b> صباحا<br/>وعاد مساء</div>\n";
    place.write("in/a.html", arabic);
    place.run("run in --out out --model echo --formats original,txt --brief none", 0, "out");
    let english = "<div dir=\"ltr\">ajl | ksf<br><br>wsl <b>alwfd</b> sbaha<br/>wad msa</div>\n";
    assert_eq!(place.read("out/a.en.html"), english);
}
