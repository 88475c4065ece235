"""The bilingual page in headless Chromium: what a reader and an editor do with it, on pages made with `--model echo`.

    pip install -r tests/page/requirements.txt
    cargo build && python tests/page/test_page.py

`TARJUMAN` names another binary, `CHROMIUM` another browser; without one, Playwright's own is used. `--measure` prints
how long a page of 10,000 sentences takes (docs/performance.md).
"""

import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
TARJUMAN = os.environ.get("TARJUMAN", ROOT / "target/debug/tarjuman")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")

# Sentences 2, 5 and 8 have a number in words, which echo does not translate: they are flagged.
EDITOR = """تقرير عن مدرسة الفتح

وصل ستة متطوعين إلى القرية صباح اليوم. قال أحمد إن الطريق مقطوع منذ الفجر. وأضاف أن المياه جرفت الجسر الصغير.

قضى خمسة أشخاص في الحادث قرب الوادي. وشُرِّدت عائلات كثيرة من بيوتها القديمة. أُغلِق مستشفى المدينة قرب مقهى Café Noir أمس.

بقيت سبعة بيوت فقط في الحي الشرقي. وتقـــول البلدية إن الإصلاح يحتاج إلى وقت طويل.

- خيام كبيرة للعائلات
- مياه صالحة للشرب
"""

# What must stay text, whatever stands around it.
HOSTILE = """عنوان </title><script>window.broken=1</script>

قال أحدهم <script>window.broken=1</script> ثم خرج. وكتب "><img src=x onerror=window.broken=1> على الجدار.

</script><svg onload=window.broken=1> كلام آخر. وقال {{ 7*7 }} ]]> &amp; <!-- ثم سكت.

=HYPERLINK("http://example.org";"اضغط") هنا. ثم \u2066ستة\u2069 كلمات javascript:alert(1) أخرى.
"""


def tarjuman(*args):
    done = subprocess.run([TARJUMAN, *map(str, args)], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done


def run(reports, out):
    tarjuman("run", reports, "--out", out, "--model", "echo", "--no-repair")


def long_report(sentences):
    """A report of this many different sentences, five a paragraph, each tenth to be flagged."""
    lines = []
    for n in range(sentences):
        who = "ستة" if n % 10 == 3 else "بعض"
        lines.append(f"في اليوم رقم {n + 1} وصل {who} متطوعين إلى المدينة ومعهم ماء وخبز للعائلات التي فقدت بيوتها.")
    return "\n\n".join(" ".join(lines[at : at + 5]) for at in range(0, sentences, 5)) + "\n"


class Pages(unittest.TestCase):
    """Starts a browser and makes the pages once."""

    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.home = Path(cls.temp.name)
        cls.reports, cls.out = cls.home / "reports", cls.home / "out"
        cls.reports.mkdir()
        (cls.reports / "editor.txt").write_text(EDITOR, "utf-8")
        (cls.reports / 'a"><img src=x onerror=broken=1>.txt').write_text(HOSTILE, "utf-8")
        run(cls.reports, cls.out)
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.playwright.stop()
        cls.temp.cleanup()

    def context(self, **options):
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        context = self.browser.new_context(**options)
        self.addCleanup(context.close)
        return context

    def page(self, path=None, context=None, **options):
        """A page that is open; whatever it asks for or complains of besides itself fails the test."""
        page = (context or self.context(**options)).new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("request", lambda request: request.url.startswith(("file:", "blob:")) or page.complaints.append(request.url))
        page.goto((path or self.out / "editor.bilingual.html").as_uri())
        self.addCleanup(lambda: self.assertEqual(page.complaints, []))
        return page

    def reload(self, page):
        # The browser writes down what a page stores a moment later.
        page.wait_for_timeout(500)
        page.reload()

    def chosen(self, page):
        ids = page.eval_on_selector_all(".en .chosen", "sides => sides.map(side => Number(side.id.slice(1)))")
        self.assertLessEqual(len(ids), 1)
        return ids[0] if ids else None

    def press(self, page, *keys):
        for key in keys:
            page.keyboard.press(key)

    def shown(self, page):
        """Numbers of the English sentences that can be seen and are not mere context."""
        return page.eval_on_selector_all(
            ".en .u:not(.aside)",
            "all => all.filter(u => u.getClientRects().length).map(u => Number(u.id.slice(1)))",
        )

    def double_click(self, page, number):
        """On a word of the sentence: the middle of its box may be its number or another sentence."""
        x, y = page.locator(f"#u{number}").evaluate(
            """(sentence) => {
              sentence.scrollIntoView({ block: 'center' });
              const words = document.createRange();
              words.selectNodeContents(sentence.lastChild);
              const { left, top, width, height } = words.getClientRects()[0];
              return [left + width / 2, top + height / 2];
            }"""
        )
        page.mouse.dblclick(x, y)

    def correct(self, page, number, text, end="Enter"):
        self.double_click(page, number)
        page.get_by_role("textbox", name=f"Correction of sentence {number}").fill(text)
        self.press(page, end)

    def download(self, page, name):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name).click()
        path = self.home / f"{self.id()}-{waiting.value.suggested_filename}"
        waiting.value.save_as(path)
        return path


class Reading(Pages):
    def test_layouts_show_the_sides_they_promise_and_are_remembered(self):
        context = self.context()
        page = self.page(context=context)
        english, arabic = page.locator("#u3"), page.locator("#s3")
        self.assertLess(english.bounding_box()["x"], arabic.bounding_box()["x"])
        layout = page.get_by_label("Layout")
        layout.select_option("English")
        expect(arabic).to_be_hidden()
        layout.select_option("Arabic")
        expect(english).to_be_hidden()
        expect(arabic).to_be_visible()
        layout.select_option("Sentence by sentence")
        order = page.evaluate(
            "[...document.querySelectorAll('.u, .notes li')].sort((a, b) =>"
            " a.getBoundingClientRect().top - b.getBoundingClientRect().top).map(e => e.id || 'note')"
        )
        self.assertEqual(order[:7], ["u1", "s1", "u2", "s2", "note", "u3", "s3"])
        self.reload(page)
        expect(layout).to_have_value("lines")
        self.assertEqual(self.page(context=context, path=self.out / "editor.bilingual.html").locator("#layout").input_value(), "lines")
        self.press(page, "v")
        expect(layout).to_have_value("english")

    def test_languages_and_directions_are_marked(self):
        page = self.page()
        self.assertEqual(page.evaluate("document.documentElement.lang"), "en")
        for side in page.locator(".ar").all():
            self.assertEqual((side.get_attribute("lang"), side.get_attribute("dir")), ("ar", "rtl"))
        self.assertEqual(page.evaluate("getComputedStyle(document.querySelector('#s2')).direction"), "rtl")
        self.assertEqual(page.evaluate("getComputedStyle(document.querySelector('#u2')).direction"), "ltr")

    def test_everything_has_a_name_for_a_screen_reader(self):
        page = self.page()
        for element in page.locator("button:visible, select:visible, input:visible").all():
            name = element.evaluate("e => e.ariaLabel || e.labels?.[0]?.textContent || e.textContent")
            self.assertTrue(name.strip(), element)
        for role, name in [("navigation", "View"), ("region", "Review"), ("searchbox", "Search both languages"), ("main", None)]:
            expect(page.get_by_role(role, name=name) if name else page.get_by_role(role)).to_be_visible()
        self.press(page, "j", "j")
        focused = page.evaluate("[document.activeElement.id, document.activeElement.getAttribute('aria-describedby')]")
        self.assertEqual(focused, ["u2", "s2 position"])

    def test_flags_do_not_depend_on_colour(self):
        page = self.page()
        marks = page.evaluate("[2, 3].map(n => getComputedStyle(document.querySelector(`#u${n} .n`), '::after').content)")
        self.assertIn("⚠", marks[0])
        self.assertNotIn("⚠", marks[1])
        expect(page.locator(".notes").first).to_contain_text("numbers")

    def test_both_sides_light_up_under_the_pointer(self):
        page = self.page()
        page.locator("#s3").hover()
        self.assertEqual(page.eval_on_selector_all(".on", "all => all.map(u => u.id)"), ["u3", "s3"])

    def test_links_of_the_brief_choose_their_sentence_even_when_it_is_filtered_out(self):
        page = self.page()
        page.get_by_label("Show").select_option("flagged")
        cite = page.locator(".brief .cite").first
        number = int(cite.text_content())
        self.assertNotIn(number, self.shown(page))
        cite.click()
        self.assertEqual(self.chosen(page), number)
        expect(page.locator(f"#u{number}")).to_be_in_viewport()

    def test_dark_as_the_system_and_by_the_switch(self):
        paper = "getComputedStyle(document.body).backgroundColor"
        light = self.page().evaluate(paper)
        context = self.context(color_scheme="dark")
        page = self.page(context=context)
        dark = page.evaluate(paper)
        self.assertNotEqual(light, dark)
        page.get_by_role("button", name="dark or light").click()
        self.assertEqual(page.evaluate(paper), light)
        self.reload(page)
        self.assertEqual(page.evaluate(paper), light)
        page = self.page()
        page.get_by_role("button", name="dark or light").click()
        self.assertEqual(page.evaluate(paper), dark)

    def test_nothing_sticks_out_on_a_phone(self):
        page = self.page(viewport={"width": 400, "height": 800})
        expect(page.get_by_label("Layout")).to_have_value("lines")
        for layout in ["columns", "lines", "english", "arabic"]:
            page.get_by_label("Layout").select_option(layout)
            self.press(page, "n")
            self.assertLessEqual(page.evaluate("document.scrollingElement.scrollWidth"), 400)
        bars = page.locator(".bar").bounding_box()["height"] + page.locator(".work").bounding_box()["height"]
        self.assertLess(bars, 150)
        self.assertGreater(page.get_by_role("searchbox").bounding_box()["width"], 100)

    def test_print_has_both_languages_and_no_controls(self):
        page = self.page()
        page.get_by_role("button", name="dark or light").click()
        page.emulate_media(media="print")
        for hidden in [".bar", ".work", "dialog", ".keys"]:
            expect(page.locator(hidden)).to_be_hidden()
        expect(page.locator("#u10")).to_be_visible()
        expect(page.locator("#s10")).to_be_visible()
        self.assertEqual(page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
        self.assertTrue(page.pdf().startswith(b"%PDF"))

    def test_a_browser_that_keeps_nothing_still_shows_and_corrects(self):
        context = self.context()
        context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused'); } });")
        page = self.page(context=context)
        page.get_by_label("Layout").select_option("lines")
        page.get_by_role("button", name="dark or light").click()
        self.correct(page, 3, "Ahmad said so.")
        expect(page.locator("#u3")).to_contain_text("Ahmad said so.")
        expect(page.locator("#corrections")).to_contain_text("keeps nothing")

    def test_without_script_both_languages_are_there(self):
        page = self.page(java_script_enabled=False)
        expect(page.locator("#u3")).to_be_visible()
        expect(page.locator("#s3")).to_be_visible()
        expect(page.locator(".bar")).to_be_hidden()


class Walking(Pages):
    def test_keys_walk_sentences_and_what_is_to_be_checked(self):
        page = self.page()
        self.assertEqual(self.shown(page), list(range(1, 12)))
        for key, number in [("n", 2), ("n", 5), ("n", 8), ("n", 2), ("p", 8), ("j", 9), ("k", 8), ("k", 7), ("n", 8), ("Escape", None), ("j", 1)]:
            self.press(page, key)
            self.assertEqual(self.chosen(page), number, key)
        page.get_by_role("button", name="next to check", exact=True).click()
        self.assertEqual(self.chosen(page), 2)
        expect(page.locator("#position")).to_have_text("sentence 2 of 11 · 3 to check")

    def test_filters_count_and_show(self):
        page = self.page()
        show = page.get_by_label("Show")
        labels = show.locator("option").all_text_contents()
        self.assertEqual(labels[:4], ["All sentences (11)", "To review (3)", "Doubtful (3)", "Flagged (3)"])
        show.select_option("flagged")
        self.assertEqual(self.shown(page), [2, 5, 8])
        # The paragraph stays for context, the others go.
        expect(page.locator("#u3")).to_be_visible()
        expect(page.locator("#u1")).to_be_hidden()
        page.get_by_label("Layout").select_option("lines")
        expect(page.locator("#u3")).to_be_hidden()
        page.locator("body").press("Escape")
        for number in [2, 5, 8, 2]:
            self.press(page, "j")
            self.assertEqual(self.chosen(page), number)
        page.locator("main").click(position={"x": 1, "y": 1})
        for _ in range(3):
            self.press(page, "f")
        expect(show).to_have_value("doubtful")

    def test_slash_and_question_mark(self):
        page = self.page()
        self.press(page, "/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        # Letters typed there are letters.
        page.keyboard.type("nejk?")
        expect(page.get_by_role("searchbox")).to_have_value("nejk?")
        self.assertIsNone(self.chosen(page))
        self.press(page, "Escape", "?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        self.press(page, "Escape")
        expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


class Searching(Pages):
    def hits(self, page, words):
        page.get_by_role("searchbox").fill(words)
        self.press(page, "Enter")
        return page.eval_on_selector_all(".en .hit", "all => all.map(u => Number(u.id.slice(1)))")

    def painted(self, page):
        return page.evaluate(
            """[...CSS.highlights.get('found')].map(({ startContainer, startOffset, endContainer, endOffset }) => {
                 const range = document.createRange();
                 range.setStart(startContainer, startOffset);
                 range.setEnd(endContainer, endOffset);
                 return range.toString();
               })"""
        )

    def test_both_languages_are_found_whatever_the_spelling(self):
        page = self.page()
        for words, number, painted in [
            ("وشردت", 6, "وشُرِّدت"),
            ("وشُرّدت", 6, "وشُرِّدت"),
            ("وتقول", 9, "وتقـــول"),
            ("تقـول  البلديه", 9, "تقـــول البلدية"),
            ("احمد", 3, "أحمد"),
            ("مدرسه", 1, "مدرسة"),
            ("مستشفي المدينة", 7, "مستشفى المدينة"),
            ("cafe NOIR", 7, "Café Noir"),
            ("اغلق", 7, "أُغلِق"),
        ]:
            self.assertEqual(self.hits(page, words), [number], words)
            self.assertIn(painted, self.painted(page), words)
            self.assertEqual(self.chosen(page), number)
        english = page.locator("#u3").inner_text().split()[2].upper()
        self.assertIn(3, self.hits(page, english))
        self.assertEqual(self.hits(page, "nowhere"), [])
        expect(page.locator("#found")).to_have_text("none")
        self.assertEqual(self.hits(page, "."), [n for n in range(2, 10)])
        self.assertEqual(len(self.painted(page)), 16)

    def test_enter_goes_through_what_was_found(self):
        page = self.page()
        self.hits(page, "إلى")
        walk = [self.chosen(page)]
        for key in ["Enter", "Enter", "Shift+Enter"]:
            self.press(page, key)
            walk.append(self.chosen(page))
        self.assertEqual(walk, [2, 9, 2, 9])
        expect(page.locator("#found")).to_have_text("2 of 2")
        page.get_by_role("button", name="next match").click()
        self.assertEqual(self.chosen(page), 2)
        page.get_by_label("Show").select_option("found")
        self.assertEqual(self.shown(page), [2, 9])
        page.get_by_role("searchbox").press("Escape")
        self.assertEqual(self.shown(page), list(range(1, 12)))

    def test_what_was_corrected_is_found_as_it_stands_now(self):
        page = self.page()
        self.correct(page, 3, "Ahmad said the road was cut.")
        self.assertEqual(self.hits(page, "the road was"), [3])
        self.correct(page, 3, "Ahmad said nothing.")
        expect(page.locator("#found")).to_have_text("none")


class Correcting(Pages):
    def test_typed_in_place_kept_and_taken_back(self):
        context = self.context()
        page = self.page(context=context)
        before = page.locator("#u2").inner_text()
        self.correct(page, 2, "  Six volunteers\n came.  ")
        expect(page.locator("#u2")).to_have_text("2Six volunteers came.")
        expect(page.locator("#u2")).to_be_focused()
        expect(page.locator("#corrections")).to_have_text("1 correction, 1 not saved")
        expect(page.locator("#position")).to_contain_text("2 to check")
        self.correct(page, 3, "not kept", end="Escape")
        expect(page.locator("#u3")).not_to_contain_text("not kept")
        self.reload(page)
        expect(page.locator("#u2")).to_have_text("2Six volunteers came.")
        page.locator("#s2").click()
        self.press(page, "e")
        page.get_by_role("button", name="As it was").click()
        self.assertEqual(page.locator("#u2").inner_text(), before)
        expect(page.locator(".export")).to_be_hidden()
        self.assertEqual(page.evaluate("Object.keys(localStorage)"), [])

    def test_keys_correct_and_go_on(self):
        page = self.page()
        self.press(page, "n", "e")
        page.keyboard.insert_text(" (six)")
        self.press(page, "Control+Enter")
        expect(page.get_by_role("textbox", name="Correction of sentence 5")).to_be_focused()
        # Left as it is: no correction.
        self.press(page, "Enter", "n", "a")
        self.assertEqual(self.chosen(page), 8)
        expect(page.get_by_role("button", name="Right as it is")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#corrections")).to_have_text("2 corrections, 2 not saved")
        self.press(page, "n")
        self.assertEqual(self.chosen(page), 5)
        expect(page.locator("#u2")).to_contain_text("(six)")
        self.press(page, "j", "j", "j", "a")
        expect(page.locator("#corrections")).to_have_text("1 correction, 1 not saved")

    def test_what_was_typed_is_kept_when_something_else_is_clicked(self):
        page = self.page()
        self.double_click(page, 4)
        page.get_by_role("textbox", name="Correction of sentence 4").fill("The bridge fell.")
        page.locator("#s9").click()
        expect(page.locator("#u4")).to_have_text("4The bridge fell.")

    def test_windows_of_one_report_do_not_overwrite_each_other(self):
        context = self.context()
        one, two = self.page(context=context), self.page(context=context)
        self.correct(one, 3, "Three.")
        expect(two.locator("#u3")).to_have_text("3Three.")
        self.correct(two, 4, "Four.")
        self.reload(one)
        expect(one.locator("#u3")).to_have_text("3Three.")
        expect(one.locator("#u4")).to_have_text("4Four.")

    def test_leaving_with_unsaved_corrections_is_warned_of(self):
        page = self.page()
        asked = []
        page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
        self.correct(page, 2, "Six volunteers came.")
        page.goto("about:blank")
        self.assertEqual(asked, ["beforeunload"])
        page.goto((self.out / "editor.bilingual.html").as_uri())
        self.download(page, "Save CSV")
        expect(page.locator("#corrections")).to_have_text("1 correction, saved")
        page.goto("about:blank")
        self.assertEqual(asked, ["beforeunload"])

    def test_forget_takes_all_back(self):
        page = self.page()
        page.on("dialog", lambda dialog: dialog.accept())
        self.correct(page, 2, "Six.")
        self.correct(page, 3, "Seven.")
        page.get_by_role("button", name="Forget all").click()
        expect(page.locator("#u2")).not_to_contain_text("Six.")
        self.assertEqual(page.evaluate("Object.keys(localStorage)"), [])

    def test_garbage_in_the_store_does_no_harm(self):
        for kept in ["{", "7", "null", '{"2":null}', '{"2":{"correction":7}}', '{"99":{"source":"x","correction":"y"}}', '{"2":{"source":"x","correction":"y"}}']:
            context = self.context()
            page = self.page(context=context)
            key = page.evaluate("'tarjuman:' + document.querySelector('main').dataset.digest")
            page.evaluate("([key, kept]) => { localStorage.setItem(key, kept); localStorage.setItem('tarjuman', kept); }", [key, kept])
            self.reload(page)
            expect(page.locator(".bar")).to_be_visible()
            expect(page.locator(".export")).to_be_hidden()

    def test_exports_reach_the_next_run(self):
        """CSV by `memory import`, then TMX the same way, then CSV as review.csv of the folder."""
        out = self.home / "loop"
        run(self.reports, out)
        editor = out / "editor.bilingual.html"
        context = self.context(accept_downloads=True)
        page = self.page(editor, context)
        texts = {2: "=Six \"volunteers\", came", 3: "'+Ahmad & sons", 4: "-the <b>bridge</b>"}
        for number, text in texts.items():
            self.correct(page, number, text)
        page.locator("#s5").click()
        self.press(page, "a")
        accepted = page.locator("#u5").inner_text().removeprefix("5").strip()
        table = self.download(page, "Save CSV")
        self.assertTrue(table.read_bytes().startswith("\ufeffcorrection,english,arabic,risk,why,document,sentence\n".encode()))
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["sentence"] for row in rows], ["2", "3", "4", "5"])
        for row in rows:
            for text in row.values():
                self.assertNotIn(text[:1], ("=", "+", "-", "@"), row)
        self.assertEqual(rows[0]["correction"], "'=Six \"volunteers\", came")
        self.assertEqual(rows[1]["correction"], "''+Ahmad & sons")
        self.assertEqual(rows[1]["arabic"], "قال أحمد إن الطريق مقطوع منذ الفجر.")
        self.assertEqual((rows[0]["risk"], rows[0]["document"]), ("high", "editor.txt"))
        with (out / "review.csv").open(encoding="utf-8-sig", newline="") as file:
            ours = next(row for row in csv.DictReader(file) if row["sentence"] == "2" and row["document"] == "editor.txt")
        for column in ("english", "arabic", "risk", "why", "document"):
            self.assertEqual(rows[0][column], ours[column])

        done = tarjuman("memory", "import", out / "memory.sqlite", table)
        self.assertIn("4 corrections taken in", done.stderr)
        run(self.reports, out)
        english = (out / "editor.en.txt").read_text("utf-8")
        for text in [*texts.values(), accepted]:
            self.assertIn(text, english)
        # The page has them now, and the browser need not keep them.
        self.reload(page)
        expect(page.locator("#u2")).to_have_text("2" + texts[2])
        expect(page.locator(".export")).to_be_hidden()
        self.assertEqual(page.evaluate("Object.keys(localStorage)"), [])
        expect(page.locator("#position")).to_contain_text("1 to check")

        self.correct(page, 7, "The hospital <was> closed & \"shut\" \u0001")
        memory = self.download(page, "Save TMX")
        [unit] = ElementTree.parse(memory).getroot().iter("tu")
        self.assertEqual([seg.text for seg in unit.iter("seg")][1], 'The hospital <was> closed & "shut" ')
        self.assertIn("1 correction taken in", tarjuman("memory", "import", out / "memory.sqlite", memory).stderr)
        # An earlier correction that is emptied is taken back.
        self.correct(page, 2, "")
        shutil.copy(self.download(page, "Save CSV"), out / "review.csv")
        run(self.reports, out)
        english = (out / "editor.en.txt").read_text("utf-8")
        self.assertIn('The hospital <was> closed & "shut"', english)
        self.assertNotIn("Six", english)
        self.assertIn(texts[3], english)

    def test_words_of_strangers_stay_words(self):
        context = self.context(accept_downloads=True)
        page = self.page(next(self.out.glob("a*.bilingual.html")), context)
        hostile = '<img src=x onerror="window.broken=1"></textarea><script>window.broken=1</script> قال'
        self.correct(page, 2, hostile)
        expect(page.locator("#u2")).to_have_text("2" + hostile)
        page.get_by_role("searchbox").fill("<script>")
        self.press(page, "Enter")
        self.assertGreater(page.locator(".hit").count(), 1)
        self.reload(page)
        expect(page.locator("#u2")).to_have_text("2" + hostile)
        with self.download(page, "Save CSV").open(encoding="utf-8-sig", newline="") as file:
            self.assertEqual(next(csv.DictReader(file))["correction"], hostile)
        sides = [seg.text for seg in ElementTree.parse(self.download(page, "Save TMX")).getroot().iter("seg")]
        self.assertEqual(sides[1], hostile)
        self.assertIn("<script>", sides[0])
        self.assertIsNone(page.evaluate("window.broken ?? null"))
        self.assertEqual(page.locator("script").count(), 1)
        self.assertEqual(page.locator("img, svg, iframe, link").count(), 0)
        expect(page.locator("main")).to_contain_text("{{ 7*7 }}")


class Index(Pages):
    def test_what_is_looked_for_is_shown_near_duplicate_or_not(self):
        reports, out = self.home / "twice", self.home / "twice-out"
        reports.mkdir()
        (reports / "one.txt").write_text(EDITOR, "utf-8")
        (reports / "two.txt").write_text(EDITOR + "\nوصلت شاحنة.\n", "utf-8")
        run(reports, out)
        page = self.page(out / "index.html")
        shown, words = page.locator(".reports > li:visible"), page.get_by_role("searchbox")
        expect(shown).to_have_count(1)
        words.fill("two.txt")
        expect(page.locator("li.like")).to_be_visible()
        # Not in the names of files and states, which all have.
        words.fill("bilingual")
        expect(shown).to_have_count(0)
        words.fill("")
        expect(shown).to_have_count(1)
        page.get_by_label("Risk").select_option(page.locator("li.like").get_attribute("data-risk"))
        expect(page.locator("li.like")).to_be_visible()


class TenThousand(Pages):
    """Correct and quick on a page of 10,000 sentences."""

    SENTENCES = 10_000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.long = cls.home / "long"
        cls.long.mkdir()
        (cls.long / "long.txt").write_text(long_report(cls.SENTENCES), "utf-8")
        run(cls.long, cls.home / "long-out")
        cls.path = cls.home / "long-out/long.bilingual.html"

    def timings(self):
        """Seconds that each thing takes until it is painted: by the clock, and of the main thread's own work."""
        context = self.context()
        page = context.new_page()
        meter = context.new_cdp_session(page)
        meter.send("Performance.enable", {"timeDomain": "threadTicks"})

        def work():
            metrics = meter.send("Performance.getMetrics")["metrics"]
            return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

        painted = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
        pick = "(id, value) => { const e = document.getElementById(id); e.value = value; e.dispatchEvent(new Event('change')); }"
        key = "(key) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))"
        search = (
            "(words) => { const e = document.getElementById('words'); e.value = words;"
            " e.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' })); }"
        )
        timed = {}
        for name, act in [
            ("load", None),
            ("filter: flagged", f"({pick})('filter', 'flagged')"),
            ("filter: all", f"({pick})('filter', 'all')"),
            ("first search, one found", f"({search})('اليوم رقم 7777 ')"),
            ("search, all found", f"({search})('المدينه')"),
            ("search, none found", f"({search})('zzz')"),
            ("next to check", f"({key})('n')"),
            ("previous to check, at the other end", f"(({key})('Escape'), ({key})('p'))"),
            ("sentence by sentence", f"({pick})('layout', 'lines')"),
            ("side by side", f"({pick})('layout', 'columns')"),
        ]:
            start, worked = time.monotonic(), work()
            if act is None:
                page.goto(self.path.as_uri())
                page.evaluate(painted)
            else:
                page.evaluate(f"() => {{ {act}; return {painted}; }}")
            timed[name] = (time.monotonic() - start, work() - worked)
        page.close()
        return timed

    def test_everything_answers_within_a_second_or_so(self):
        # Its own work, so that a busy machine does not decide.
        slow = {what: worked for what, (_, worked) in self.timings().items() if worked > 1.5}
        self.assertEqual(slow, {})

    def test_counts_and_walk_are_right(self):
        page = self.page(self.path)
        labels = page.get_by_label("Show").locator("option").all_text_contents()
        self.assertEqual(labels[0], "All sentences (10000)")
        self.assertEqual(labels[3], "Flagged (1000)")
        self.press(page, "p")
        self.assertEqual(self.chosen(page), 9994)
        expect(page.locator("#u9994")).to_be_in_viewport(ratio=1)
        self.press(page, "n", "n")
        self.assertEqual(self.chosen(page), 14)
        expect(page.locator("#u14")).to_be_in_viewport(ratio=1)
        page.get_by_role("searchbox").fill("يوم رقم 7777 وصل")
        self.press(page, "Enter")
        self.assertEqual(self.chosen(page), 7777)
        expect(page.locator("#s7777")).to_be_in_viewport(ratio=1)
        page.get_by_label("Layout").select_option("lines")
        expect(page.locator("#s7777")).to_be_in_viewport(ratio=1)
        page.get_by_label("Show").select_option("flagged")
        self.assertEqual(len(self.shown(page)), 1000)
        page = self.context().new_page()
        page.goto(f"{self.path.as_uri()}#u5000")
        self.assertEqual(self.chosen(page), 5000)
        expect(page.locator("#u5000")).to_be_in_viewport(ratio=1)


def measure(rounds=5):
    TenThousand.setUpClass()
    size = TenThousand.path.stat().st_size
    all_rounds = []
    for _ in range(rounds):
        case = TenThousand("timings")
        all_rounds.append(case.timings())
        case.doCleanups()
    TenThousand.tearDownClass()
    print(f"{TenThousand.SENTENCES} sentences, {size / 1e6:.1f} MB; seconds, median (least, most) of {rounds}")
    for what in all_rounds[0]:
        columns = []
        for which in (0, 1):
            times = sorted(timed[what][which] for timed in all_rounds)
            columns.append(f"{statistics.median(times):.2f} ({times[0]:.2f}, {times[-1]:.2f})")
        print(f"| {what} | {' | '.join(columns)} |")


if __name__ == "__main__":
    if sys.argv[1:] == ["--measure"]:
        measure()
    else:
        unittest.main()
