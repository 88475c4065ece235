"""Makes DATA/arwikicats/{people,cities}.tsv (arabic TAB english) from the wheel
of the Python package arwikicats (MIT): `python lists.py WHEEL DATA`."""

import json
import sys
import zipfile
from pathlib import Path

# The package writes English in small letters; these stay small within a name.
SMALL = set("of the and de du la le en in al von van der bin ibn el da di".split())


def title(name: str) -> str:
    words = name.split(" ")
    capital = lambda word: "-".join(part[:1].upper() + part[1:] for part in word.split("-"))
    return " ".join(w if i and w in SMALL else capital(w) for i, w in enumerate(words))


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    wheel, folder = zipfile.ZipFile(sys.argv[1]), Path(sys.argv[2]) / "arwikicats"
    folder.mkdir(parents=True, exist_ok=True)
    for name, member in {"people": "people/peoples", "cities": "cities/cities_full"}.items():
        rows = json.loads(wheel.read(f"ArWikiCats/jsons/{member}.json"))
        # Brackets hold what tells namesakes apart, on one side only.
        lines = [f"{ar}\t{title(en)}" for en, ar in rows.items() if ar and "(" not in en + ar]
        (folder / f"{name}.tsv").write_text("\n".join(["ar\ten", *lines]) + "\n", encoding="utf-8")
        print(f"{folder / name}.tsv: {len(lines)} names")


if __name__ == "__main__":
    main()
