"""What a card says of its data and figures; without torch."""

import tempfile
import unittest
from pathlib import Path

import card


class Card(unittest.TestCase):
    def test_each_set_has_the_adapters_beside_each_other(self):
        with tempfile.TemporaryDirectory() as folder:
            folders = {name: Path(folder, name) for name in ("this", "first")}
            for name, sets in {"this": {"dev": "a\nb\n", "pud": "c\n"}, "first": {"dev": "d\n"}}.items():
                folders[name].mkdir()
                for s, text in sets.items():
                    Path(folders[name], f"{s}.en").write_text(text, encoding="utf-8")
            seen = []

            def measured(name, outputs):
                seen.append((name, outputs))
                return dict.fromkeys(card.COLUMNS, len(seen))

            lines = card.figures(folders, measured).split("\n")
        self.assertEqual(seen, [("dev", ["a", "b"]), ("dev", ["d"]), ("pud", ["c"])])
        self.assertEqual([line.split(" | ")[:4] for line in lines[2:]], [
            ["| this", card.SETS["dev"], "2", "1"], ["| first", card.SETS["dev"], "1", "2"], ["| this", "PUD", "1", "3"],
        ])
        self.assertTrue(all(line.count("|") == lines[0].count("|") for line in lines))

    def test_all_data_are_named_with_their_licences(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "pairs.tsv").write_text("نعم\tYes\nلا\tNo\n", encoding="utf-8")
            Path(folder, "names.tsv").write_text("حلب\tAleppo\n", encoding="utf-8")
            manifest = Path(folder, "manifest.toml")
            manifest.write_text(
                '[[source]]\nname = "S"\nfile = "pairs.tsv"\nlicence = "CC0"\ngroup = "base"\nshare = 1.0\n'
                '[[list]]\nname = "L"\nfile = "names.tsv"\ncolumns = [0, 1]\nlicence = "MIT"\nkind = "place"\n'
            )
            rows = card.sources(manifest, Path(folder)).split("\n")[2:]
        self.assertEqual(rows, ["| S | 2 pairs | CC0 |", "| L | 1 entries | MIT |"])


if __name__ == "__main__":
    unittest.main()
