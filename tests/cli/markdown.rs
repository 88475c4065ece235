//! Markdown through the whole program: the model reads words, and the English file has its marks.

use crate::place::Place;

#[test]
fn marks_stand_around_the_same_words_in_english() {
    let mut wrong = Vec::new();
    for (arabic, english) in [
        ("# تقرير *يومي*\n", "# tkryr *ywmy*\n"),
        // A sentence over two lines is one line; so it is in a quotation.
        ("وصل **الوفد** إلى\nالمدينة أمس.\n", "wsl **alwfd** ala almdynt ams.\n"),
        ("> وصل الوفد إلى\n> **المدينة** أمس.\n", "> wsl alwfd ala **almdynt** ams.\n"),
        ("انظر [الموقع](https://a.b/c_d \"x\") الآن.\n", "anzr [almwk](https://a.b/c_d \"x\") alan.\n"),
        // What leads somewhere by its own words goes on leading there.
        (
            "انظر [الموقع] الآن.\n\n[الموقع]: https://a.b\n",
            "anzr [almwk][الموقع] alan.\n\n[الموقع]: https://a.b\n",
        ),
        ("شغّل `a_b*` ثم <https://a.b/c_d> الآن.\n", "shghl `a_b*` thm <https://a.b/c_d> alan.\n"),
        ("1. [x] ~~محذوف~~ بند\n   - بند تحته\n", "1. [x] ~~mhdhwf~~ bnd\n   - bnd thth\n"),
        ("| اسم | عدد |\n|---|---|\n| حلب | 12 |\n", "| asm | dd |\n|---|---|\n| hlb | 12 |\n"),
        (
            "انظر [الموقع][] الآن و[ش][].\n\n[الموقع]: u\n[ش]: v\n",
            "anzr [almwk][الموقع] alan wsh. [↗][ش]\n\n[الموقع]: u\n[ش]: v\n",
        ),
        ("- **الموقع:** [رابط](u)\n", "- **almwk:** [rabt](u)\n"),
        ("**جملة أولى. جملة** ثانية طويلة.\n", "**jmlt awla.** jmlt thanyt twylt.\n"),
        ("| شغّل `a \\| b` ثم |\n|---|\n", "| shghl `a \\| b` thm |\n|---|\n"),
        ("شغّل `` `x` `` ثم.\n", "shghl `` `x` `` thm.\n"),
        // Signs of the text are none of the file.
        ("سعره 5 \\* 3 وهو #1\n", "srh 5 \\* 3 whw #1\n"),
        ("نص.\n\n```\nرمز **نص**\n```\n\n<p>x</p>\n", "ns.\n\n```\nرمز **نص**\n```\n\n<p>x</p>\n"),
        // Blocks of HTML are written as pages are, in which a backslash is one.
        (
            "*نص*\n\n<p dir=rtl>سعره 5 * 3 &amp; هو<br>\n<b>#1</b></p>\n\n*نص*\n",
            "*ns*\n\n<p dir=ltr>srh 5 * 3 &amp; hw<br>\n<b>#1</b></p>\n\n*ns*\n",
        ),
        ("English **only** `x` [a].\n\nنص\n\n[a]: b\n", "English **only** `x` [a].\n\nns\n\n[a]: b\n"),
    ] {
        let place = Place::new();
        place.write("in/a.md", arabic);
        // Some are flagged: this model repeats what is in Latin letters.
        let ran = place.tarjuman("run in --out out --model echo --formats original,txt --brief none");
        ran.expect(ran.code.min(1));
        let found = place.read("out/a.en.md");
        if found != english {
            wrong.push((arabic, english, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
