"""`python -m unittest` in this folder: what is made of the pairs is still a pair."""

import random
import tempfile
import unittest
from pathlib import Path

import data


class Pairs(unittest.TestCase):
    def test_numbers_change_alike_on_both_sides(self):
        rng = random.Random(1)
        changed = 0
        for _ in range(200):
            ar, en = data.change_numbers("قتل ٢٥ شخصا عام 2016", "In 2016, 25 people were killed", rng)
            numbers = sorted(data.DIGITS.findall(en))
            self.assertEqual(sorted(data.DIGITS.findall(ar.translate(data.WESTERN))), numbers)
            changed += numbers != ["2016", "25"]
            year = next(n for n in numbers if len(n) == 4)
            self.assertTrue(2000 <= int(year) <= 2025)
        self.assertGreater(changed, 150)

    def test_numbers_that_differ_or_have_one_digit_are_left(self):
        for pair in [("عام 1437", "In 2016"), ("3 أشخاص", "3 people"), ("لا شيء", "Nothing")]:
            self.assertEqual(data.change_numbers(*pair, random.Random(1)), pair)

    def test_places_change_on_both_sides_with_what_is_written_onto_them(self):
        names = data.Names("", "", "place", [(["حلب"], "Aleppo"), (["حلب"], "Aleppo"), (["درعا"], "Daraa")], [1.0] * 3)
        places, seen = data.Places([names]), set()
        for seed in range(20):
            seen.add(places.change("حمص وحلب بعيدتان", "Homs and Aleppo are far", random.Random(seed)))
        self.assertEqual(seen, {("حمص وحلب بعيدتان", "Homs and Aleppo are far"), ("حمص ودرعا بعيدتان", "Homs and Daraa are far")})

    def test_a_place_is_found_behind_another_capital_and_not_where_it_has_an_article(self):
        places = data.Places([data.Names("", "", "place", [(["حلب"], "Aleppo")], [1.0]), data.Names("", "", "territory", [(["السودان"], "Sudan")], [1.0])])
        places.kinds = {"place": [("درعا", "Daraa")], "territory": [("اليمن", "Yemen")]}
        for pair, changed in [
            (("في حلب سوق", "In Aleppo there is a market"), ("في درعا سوق", "In Daraa there is a market")),
            (("جامعة حلب", "Aleppo University"), ("جامعة درعا", "Daraa University")),
            (("في السودان", "in the Sudan"), ("في السودان", "in the Sudan")),
        ]:
            self.assertEqual(places.change(*pair, random.Random(1)), changed)

    def test_of_a_list_only_the_rows_of_one_kind_are_read(self):
        with tempfile.TemporaryDirectory() as folder:
            rows = ["kind\tcode\tar\ten", "territory\tSY\tسوريا\tSyria", "language\tfr\tالفرنسية\tFrench"]
            Path(folder, "names.tsv").write_text("\n".join(rows), encoding="utf-8")
            row = {"name": "", "file": "names.tsv", "columns": [2, 3], "licence": "", "kind": "territory"}
            read = lambda row: [english for _, english in data.read_names(Path(folder), row).entries]
            self.assertEqual(read(row | {"only": [0, "territory"]}), ["Syria"])
            self.assertEqual(read(row), ["Syria", "French"])

    def test_joined_lines_of_a_document_are_neighbours(self):
        pairs = [(f"سطر {i}", f"Line {i}") for i in range(50)]
        source = data.Source("", "", "base", 1.0, True, pairs)
        made = data.epoch([source], [], data.Recipe({"base"}, joined=1.0), random.Random(1))
        self.assertEqual(made[0], ("سطر 0 سطر 1", "Line 0 Line 1"))
        self.assertEqual(len(made), 25)

    def test_lists_say_the_same_on_both_sides_and_heavier_words_come_oftener(self):
        entries = [(["فأر", "فار"], "mouse"), (["وزير"], "minister|secretary")]
        lists = [data.Names("", "", "word", entries, [1.0, 9.0]), data.Names("", "", "person", [(["أحمد"], "Ahmed")], [1.0])]
        english = {"فأر": {"mouse"}, "فار": {"mouse"}, "وزير": {"minister", "secretary"}}
        made = data.epoch([], lists, data.Recipe(set(), lists=1, words=30), random.Random(1))
        self.assertEqual(made[0], ("، ".join(["أحمد"] * 6), ", ".join(["Ahmed"] * 6)))
        pairs = [pair for ar, en in made[1:] for pair in zip(ar.split("، "), en.split(", "), strict=True)]
        self.assertEqual(len(pairs), 30 * 12)
        self.assertTrue(all(e in english[a] for a, e in pairs))
        ministers = sum(a == "وزير" for a, _ in pairs)
        self.assertTrue(290 < ministers < 350, ministers)


if __name__ == "__main__":
    unittest.main()
