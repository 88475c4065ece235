"""The training pairs: what manifest.toml names, and what is made of it.

An epoch is a fresh list of (arabic, english); joining, changed numbers and
changed names are drawn anew for each, so that no epoch repeats another.
"""

import random
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

# The longest source of a pair, in words: the runner never sends the model
# more (max_source_tokens of models.toml).
MAX_WORDS = 110
ARABIC = re.compile("[\u0600-\u06ff]")
DIGITS = re.compile(r"\d+")
EASTERN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
WESTERN = str.maketrans("٠١٢٣٤٥٦٧٨٩٫", "0123456789.")


@dataclass
class Source:
    """One file of pairs, in its own order."""

    name: str
    licence: str
    group: str
    share: float
    documents: bool
    pairs: list[tuple[str, str]]


@dataclass
class Names:
    """One list of names or words: (every Arabic spelling, English), and how
    often each is drawn beside the others."""

    name: str
    licence: str
    kind: str
    entries: list[tuple[list[str], str]]
    weights: list[float]


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")


def read_source(folder: Path, row: dict) -> Source:
    file = folder / row["file"]
    if "target" in row:
        pairs = list(zip(lines(file), lines(folder / row["target"])))
    else:
        cells = (line.split("\t") for line in lines(file))
        pairs = [(c[0], c[1]) for c in cells if len(c) >= 2]
    pairs = [(a.strip(), e.strip()) for a, e in pairs[: row.get("first")]]
    pairs = [(a, e) for a, e in pairs if a and e and ARABIC.search(a) and len(a.split()) <= MAX_WORDS]
    return Source(row["name"], row["licence"], row["group"], row["share"], row.get("documents", False), pairs)


def read_names(folder: Path, row: dict) -> Names:
    ar, en = row["columns"]
    column, wanted = row.get("only", (0, None))
    entries, weights = [], []
    for line in lines(folder / row["file"]):  # a heading has no Arabic
        cells = line.split("\t")
        if wanted not in (None, cells[column]):
            continue
        if len(cells) > max(ar, en) and ARABIC.search(cells[ar]) and cells[en]:
            entries.append(([v.strip() for v in cells[ar].split("|")], cells[en].strip()))
            weights.append(float(cells[row["weight"]]) if "weight" in row else 1.0)
    return Names(row["name"], row["licence"], row["kind"], entries, weights)


def read_manifest(manifest: Path, folder: Path) -> tuple[list[Source], list[Names]]:
    """Every source and list of the manifest; a file that is not there is an
    error that names it (FileNotFoundError)."""
    rows = tomllib.loads(manifest.read_text(encoding="utf-8"))
    return (
        [read_source(folder, row) for row in rows["source"]],
        [read_names(folder, row) for row in rows["list"]],
    )


def change_numbers(ar: str, en: str, rng: random.Random) -> tuple[str, str]:
    """Other digits, the same on both sides: the model must copy them, not
    recall them. Only where both sides hold the same numbers, each of two
    digits or more, is a change certain to be right."""
    western = ar.translate(WESTERN)
    runs = sorted(DIGITS.findall(western))
    if not runs or runs != sorted(DIGITS.findall(en)) or min(map(len, runs)) < 2:
        return ar, en
    fresh = {}
    for run in runs:
        keep = 2 if len(run) == 4 and run[:2] in ("18", "19", "20") else 0
        tail = "".join(rng.choice("0123456789") for _ in run[keep:])
        if keep and run[:2] == "20":  # a year that was
            tail = f"{rng.randrange(26):02}"
        if not keep and run[0] != "0":
            tail = rng.choice("123456789") + tail[1:]
        fresh[run] = run[:keep] + tail
    swap = lambda text: DIGITS.sub(lambda m: fresh[m[0]], text)
    ar, en = swap(western), swap(en)
    return (ar.translate(EASTERN) if rng.random() < 0.3 else ar), en


class Places:
    """Places known by name on both sides, to be changed for one another."""

    def __init__(self, lists: list[Names]):
        self.by_english = {}
        self.kinds = {}
        for names in lists:
            if names.kind not in ("territory", "place"):
                continue
            for variants, english in names.entries:
                if len(english) >= 4 and english[0].isupper():
                    self.by_english.setdefault(english, (names.kind, variants))
                    self.kinds.setdefault(names.kind, []).append((variants[0], english))
        self.run = re.compile(r"[A-Z][\w'-]+(?: [A-Z][\w'-]+)*")

    def change(self, ar: str, en: str, rng: random.Random) -> tuple[str, str]:
        for start, name in self.names_in(en):
            found = self.by_english.get(name)
            # "the" belongs to some names and not to the one that would take their place.
            if not found or en.count(name) != 1 or en[:start].lower().endswith("the "):
                continue
            kind, variants = found
            for variant in variants:
                # و "and", ف "so" and ب "in" are written onto the name.
                here = list(re.finditer(rf"(?<!\w)([وفب]?){re.escape(variant)}(?!\w)", ar))
                if len(here) != 1:
                    continue
                new_ar, new_en = rng.choice(self.kinds[kind])
                at, end = here[0].span()
                ar = ar[:at] + here[0][1] + new_ar + ar[end:]
                return ar, en[:start] + new_en + en[start + len(name) :]
        return ar, en

    def names_in(self, en: str):
        """Every part of a run of capitalised words and where it starts, the longest first: of "In Aleppo" also
        "Aleppo"."""
        for run in self.run.finditer(en):
            words = [w.span() for w in re.finditer(r"\S+", run[0])]
            for count in range(len(words), 0, -1):
                for (start, _), (_, end) in zip(words, words[count - 1 :]):
                    yield run.start() + start, run[0][start:end]


@dataclass
class Recipe:
    """The levers of an epoch: how often each change is made."""

    groups: set[str]
    joined: float = 0.0
    numbers: float = 0.0
    names: float = 0.0
    lists: int = 0
    words: int = 0


def epoch(sources: list[Source], lists: list[Names], recipe: Recipe, rng: random.Random) -> list[tuple[str, str]]:
    """One epoch of (arabic, english)."""
    places = Places(lists)
    out = []
    for source in sources:
        if source.group not in recipe.groups:
            continue
        share = source.share
        order = []
        while share > 0:
            n = len(source.pairs)
            order += sorted(rng.sample(range(n), round(n * min(share, 1.0))))
            share -= 1.0
        skip = False
        for i in order:
            if skip:
                skip = False
                continue
            pair = source.pairs[i]
            # The neighbour of the same document where the file is in order,
            # any other line where it is not.
            other = source.pairs[(i + 1) % len(source.pairs)] if source.documents else rng.choice(source.pairs)
            # A joined pair stands for two of the epoch, so that joining does not lengthen it.
            if rng.random() < recipe.joined and len(pair[0].split()) + len(other[0].split()) <= 60:
                pair = tuple(f"{a} {b}" for a, b in zip(pair, other))
                skip = True
            if rng.random() < recipe.names:
                pair = places.change(*pair, rng)
            if rng.random() < recipe.numbers:
                pair = change_numbers(*pair, rng)
            out.append(pair)
    names = [n for n in lists if n.entries and n.kind != "word"]
    words = [n for n in lists if n.entries and n.kind == "word"]
    for of, count, length in (names, recipe.lists, 6), (words, recipe.words, 12):
        out += [one_list(rng.choice(of), length, rng) for _ in range(count if of else 0)]
    return out


def one_list(names: Names, length: int, rng: random.Random) -> tuple[str, str]:
    """Some of a list's entries as one line, each in one of its spellings."""
    some = rng.choices(names.entries, names.weights, k=length)
    return "، ".join(rng.choice(v) for v, _ in some), ", ".join(rng.choice(e.split("|")) for _, e in some)
