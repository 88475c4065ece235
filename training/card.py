"""Writes the tables of an adapter's card: the data with their licences, and the figures of adapters beside each other.

    python card.py --data DATA "this=lines/this" "the first=lines/first"

Each folder holds what an adapter has made of dev.ar, pud.ar and joined.ar (`evaluate.py --texts`), as dev.en, pud.en and
joined.en, as many lines as it may be; sets that are not there are left out.
"""

import argparse
from pathlib import Path

import data

SETS = {"dev": "FLORES-200 dev, the last 200", "pud": "PUD", "joined": "FLORES lines, two by two"}
COLUMNS = {"bleu": "BLEU", "chrf": "chrF", "numbers": "numbers kept", "names": "names kept", "dropped": "dropped", "arabic": "Arabic left", "loops": "loops"}


def table(head: list[str], rows: list[list]) -> str:
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows])


def sources(manifest: Path, folder: Path) -> str:
    """What was trained on: pairs or entries, and licence."""
    pairs, lists = data.read_manifest(manifest, folder)
    rows = [[s.name, f"{len(s.pairs):,} pairs", s.licence] for s in pairs]
    rows += [[n.name, f"{len(n.entries):,} entries", n.licence] for n in lists]
    return table(["data", "", "licence"], rows)


def figures(folders: dict[str, Path], measured) -> str:
    """One row for each set and folder; `measured` gives the figures of a set (`evaluate.measure`) for its outputs."""
    rows = []
    for name, title in SETS.items():
        for adapter, folder in folders.items():
            file = folder / f"{name}.en"
            if file.is_file():
                outputs = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
                found = measured(name, outputs)
                rows.append([adapter, title, f"{len(outputs):,}", *(found[c] for c in COLUMNS)])
    return table(["adapter", "set", "lines", *COLUMNS.values()], rows)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=Path, required=True, help="folder the manifest's files lie in")
    p.add_argument("folders", nargs="+", metavar="ADAPTER=FOLDER", help="name in the table, and outputs")
    o = p.parse_args()
    folders = {name: Path(folder) for name, _, folder in (pair.partition("=") for pair in o.folders)}
    for name, folder in folders.items():
        if not any((folder / f"{s}.en").is_file() for s in SETS):
            p.error(f"{name}={folder}: no {', '.join(f'{s}.en' for s in SETS)} there")
    import evaluate  # here: it needs torch, which the tables do not

    def measured(name: str, outputs: list[str]) -> dict:
        pairs = evaluate.test_set(name, o.data, len(outputs))
        if len(pairs) != len(outputs):
            raise SystemExit(f"{name}.en: {len(outputs)} lines, where the set has {len(pairs)}")
        return evaluate.measure(pairs, outputs)

    print(sources(Path(__file__).with_name("manifest.toml"), o.data))
    print()
    print(figures(folders, measured))


if __name__ == "__main__":
    main()
