"""What a glossary of territories does to sentences that name one.

    python benches/glossary.py make CLDR.tsv SOURCES REFERENCES FOLDER
    cd FOLDER
    tarjuman translate --jsonl --memory M < sources.txt > before.jsonl
    tarjuman translate --jsonl --memory M --no-repair --glossary terms.tsv < sources.txt > missing.jsonl
    tarjuman translate --jsonl --memory M --glossary terms.tsv < sources.txt > after.jsonl
    python benches/glossary.py count missing.jsonl after.jsonl
    python benches/repair.py before.jsonl after.jsonl references.txt

`CLDR.tsv` has the columns kind, code, Arabic and English; rows of the kind `territory` are taken.
"""

import json
import re
import sys
from pathlib import Path


def make(cldr, sources, references, folder):
    rows = [line.split("\t") for line in Path(cldr).read_text().splitlines()]
    terms = [(row[2], row[3]) for row in rows if row[0] == "territory"]
    words = [re.compile(rf"(^|\s)[وفبلك]*{re.escape(arabic)}($|\W)") for arabic, _ in terms if len(arabic) > 3]
    pairs = zip(Path(sources).read_text().splitlines(), Path(references).read_text().splitlines(), strict=True)
    kept = [pair for pair in pairs if any(word.search(pair[0]) for word in words)]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "terms.tsv").write_text("".join(f"{a}\t{e}\n" for a, e in [("arabic", "english"), *terms]))
    (folder / "sources.txt").write_text("".join(f"{source}\n" for source, _ in kept))
    (folder / "references.txt").write_text("".join(f"{reference}\n" for _, reference in kept))
    print(f"{len(terms)} terms, {len(kept)} sentences")


def count(*files):
    for file in files:
        lines = (json.loads(line) for line in Path(file).read_text().splitlines())
        findings = [f for line in lines for unit in line["units"] for f in unit.get("findings", [])]
        print(file, sum(f["check"] == "glossary" for f in findings), "terms missing")


{"make": make, "count": count}[sys.argv[1]](*sys.argv[2:])
