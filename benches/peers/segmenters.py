"""Other sentence splitters on the texts and by the protocol of docs/segmentation.md.

    python3 -m venv venv && venv/bin/pip install blingfire==0.1.8 sentencex==1.0.32 pysbd==0.3.4
    TARJUMAN_DATA=FOLDER venv/bin/python benches/peers/segmenters.py

A boundary is the end of a sentence, in code points; counts are over all documents together. Ours are measured by
`cargo test --release --lib segment::measure -- --ignored --nocapture` on the same folder.
"""

import glob
import json
import os
from pathlib import Path

import blingfire
import pysbd
import sentencex

DATA = Path(os.environ["TARJUMAN_DATA"])
PYSBD = pysbd.Segmenter(language="ar", clean=False)
SPLITTERS = {
    "blingfire": lambda text: blingfire.text_to_sentences(text).split("\n"),
    "sentencex": lambda text: list(sentencex.segment("ar", text)),
    "pysbd": lambda text: PYSBD.segment(text),
}


def ends(parts, text):
    """Where the parts end in the text; a part that was rewritten and cannot be found has no end."""
    at, found = 0, set()
    for part in filter(None, (p.strip() for p in parts)):
        start = text.find(part, at)
        if start >= 0:
            at = start + len(part)
            found.add(at)
    return found


def joined(lines):
    """Lines joined by spaces, and where each ends."""
    text, ends_of_lines = "", []
    for line in lines:
        text = f"{text} {line}" if text else line
        ends_of_lines.append(len(text))
    return text, ends_of_lines


def score(splitter, documents, inner):
    """Precision, recall and F1; `inner` leaves the ends of documents out."""
    right = found = wanted = 0
    for text, gold in documents:
        got = ends(splitter(text), text)
        keep = lambda marks: {m for m in marks if not inner or m < len(text)}
        got, gold = keep(got), keep(gold)
        right, found, wanted = right + len(got & gold), found + len(got), wanted + len(gold)
    return f"P {right / found:.4f}  R {right / wanted:.4f}  F1 {2 * right / (found + wanted):.4f}"


def lines_of(path):
    return [l.strip() for l in open(path, encoding="utf-8") if l.strip()]


def main():
    pud = [json.loads(l) for l in open(DATA / "sentseg-pud/docs.jsonl", encoding="utf-8")]
    pud = [(d["text"], {end for _, end in d["spans"]}) for d in pud]
    articles = [f for f in sorted(glob.glob(str(DATA / "ant-news/*.txt")))]
    news = [joined(lines_of(f)) for f in articles]
    for name, splitter in SPLITTERS.items():
        print(f"{name}: PUD, ends left out  {score(splitter, pud, True)}")
        print(f"{name}: PUD, ends counted   {score(splitter, pud, False)}")
        found = lines = heads = 0
        for text, gold in news:
            got = ends(splitter(text), text)
            found, lines, heads = found + len(got & set(gold)), lines + len(gold), heads + (gold[0] in got)
        print(f"{name}: news, {found} of {lines} line ends, {heads} of {len(news)} headlines")
        for corpus in ("flores-dev/ar", "tico19-dev/tico19-dev.ar"):
            lines = lines_of(DATA / corpus)
            fives = [joined(lines[i : i + 5]) for i in range(0, len(lines), 5)]
            fives = [(text, set(gold)) for text, gold in fives]
            print(f"{name}: {corpus}, five lines joined, ends counted  {score(splitter, fives, False)}")


main()
