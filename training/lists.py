"""Makes lists of names and words under DATA, each line arabic TAB english:

    python lists.py names WHEEL DATA
    python lists.py words DICTIONARY WORDS DATA

`names`: arwikicats/{people,cities}.tsv from the wheel of the Python package
arwikicats (MIT). `words`: freedict/words.tsv, with the weight of each as a
third column, from Debian's dict-freedict-ara-eng (freedict-ara-eng.dict.dz,
GPL-2+) and wamerican (american-english), which tells words from names.
"""

import gzip
import json
import re
import sys
import zipfile
from pathlib import Path

# The package writes English in small letters; these stay small within a name.
SMALL = set("of the and de du la le en in al von van der bin ibn el da di".split())
ARABIC = re.compile("[\u0600-\u06ff]")
MARKS = re.compile("[\u064b-\u0652\u0640]")
# A report has no use for these as the meaning of a common word.
COARSE = re.compile("fuck|shit|bitch")


def title(name: str) -> str:
    words = name.split(" ")
    capital = lambda word: "-".join(part[:1].upper() + part[1:] for part in word.split("-"))
    return " ".join(w if i and w in SMALL else capital(w) for i, w in enumerate(words))


def write(file: Path, rows: list[str]):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(f"{file}: {len(rows)} lines")


def names(wheel: Path, folder: Path):
    archive = zipfile.ZipFile(wheel)
    for name, member in {"people": "people/peoples", "cities": "cities/cities_full"}.items():
        rows = json.loads(archive.read(f"ArWikiCats/jsons/{member}.json"))
        # Brackets hold what tells namesakes apart, on one side only.
        lines = [f"{ar}\t{title(en)}" for en, ar in rows.items() if ar and "(" not in en + ar]
        write(folder / f"arwikicats/{name}.tsv", lines)


def words(dictionary: Path, english: Path, folder: Path):
    """Common Arabic words with their one or two commonest meanings. The
    dictionary has every meaning in every form, rare ones first."""
    from wordfreq import zipf_frequency

    small = {word for word in english.read_text(encoding="utf-8").split() if word[0].islower()}
    meanings, head = {}, None
    for line in gzip.open(dictionary, "rt", encoding="utf-8").read().split("\n"):
        if ARABIC.search(line):
            said = re.match(r"([^/]+?) /", line)
            head = MARKS.sub("", said[1]).strip() if said else None
        elif head and line.strip():
            meanings.setdefault(head, []).append(re.sub(r"^\d+\. ", "", line.strip()).lower())
    rows = []
    for head, english in meanings.items():
        frequency = zipf_frequency(head, "ar")
        if frequency < 2.5 or len(head.split()) > 3 or re.search("[(A-Za-z0-9]", head):
            continue
        # Capitals are lost: what is not in the list of words in small letters is a name.
        known = lambda e: all(w in small for w in re.split("[ -]", e))
        good = [(zipf_frequency(e, "en"), e) for e in english if len(e.split()) <= 3 and known(e) and not COARSE.search(e)]
        best = [e for f, e in sorted(good, reverse=True)[:2] if f >= 2.8]
        if best:
            rows.append((frequency, f"{head}\t{'|'.join(best)}\t{1 + max(0, frequency - 2.5):.2f}"))
    write(folder / "freedict/words.tsv", [row for _, row in sorted(rows, reverse=True)])


def main():
    match sys.argv[1:]:
        case ["names", wheel, folder]:
            names(Path(wheel), Path(folder))
        case ["words", dictionary, english, folder]:
            words(Path(dictionary), Path(english), Path(folder))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
