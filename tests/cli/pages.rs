//! Web pages whose lines mean something, through the whole program and back.

use crate::place::{Place, document};

#[test]
fn lines_that_were_broken_on_purpose_are_translated_by_themselves_and_stay_in_place() {
    for (arabic, english) in [
        (
            "<div dir=\"rtl\">عاجل | قصف<br><br>وصل <b>الوفد</b> صباحا<br/>وعاد مساء</div>\n",
            "<div dir=\"ltr\">ajl | ksf<br><br>wsl <b>alwfd</b> sbaha<br/>wad msa</div>\n",
        ),
        (
            "<PRE>\r\nوصل <b>الوفد</b> &amp; عاد.\r\n\r\n  - بند\r\nنعم</PRE><pre>x  = 'نص' <code>y</code></pre>\n",
            "<PRE>\r\nwsl <b>alwfd</b> &amp; ad.\r\n\r\n  - bnd\r\nnm</PRE><pre>x  = 'نص' <code>y</code></pre>\n",
        ),
    ] {
        let place = Place::new();
        place.write("in/a.html", arabic);
        place.run("run in --out out --model echo --formats original,txt --brief none", 0, "out");
        assert_eq!(place.read("out/a.en.html"), english);
    }
}

#[test]
fn a_letter_in_lines_is_read_and_a_page_of_code_says_so() {
    let place = Place::new();
    let head = "From: a@b\nTo: c@d\nSubject: x\nDate: Thu, 12 May 2016 10:30:00 +0300\nMIME-Version: 1.0\n\
                Content-Type: text/html; charset=utf-8\n\n";
    place.write("in/a.eml", format!("{head}<pre>\nوصل الوفد.\nوعاد مساء.\n</pre>"));
    place.write("in/b.html", "<pre><code>رمز</code></pre>");
    place.write("in/c.eml", format!("{head}<p>وصل.</p><pre><code>رمز</code></pre>"));
    let record = place.run("run in --out out --model echo --formats txt", 0, "out");
    let left = "one passage with Arabic in code, markup or drawings was left as it is";
    assert_eq!(document(&record, "c.eml")["notes"][0], left);
    let text = place.read("out/a.en.txt");
    assert!(text.trim_end().ends_with("\n\nwsl alwfd.\nwad msa."), "{text:?}");
    let code = document(&record, "b.html");
    assert_eq!(code["outcome"], "nothing_to_translate", "{code}");
    assert_eq!(code["reason"], format!("no Arabic text in it ({left})"));
}
