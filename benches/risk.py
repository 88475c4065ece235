"""How far a model's own log-probabilities tell good translations from bad ones, where references are known.

    tarjuman translate --jsonl < SOURCES > lines.jsonl
    python benches/risk.py lines.jsonl REFERENCES

Needs sacrebleu. Lines of several sentences are left out of the first part. The second makes documents of ten lines
that stand together, and groups them by the share of their sentences that are of high risk.
"""

import json
import statistics
import sys
from pathlib import Path

import sacrebleu

# As in src/unit.rs.
GUESSED = -0.97
LINES = 10


def is_of_high_risk(unit: dict) -> bool:
    guessed = unit.get("score") and unit["score"]["mean_log_prob"] < GUESSED
    return unit["state"] in ("flagged", "skipped") or bool(guessed)


rows = []
lines = []
references = Path(sys.argv[2]).read_text().splitlines()
for text, reference in zip(Path(sys.argv[1]).read_text().splitlines(), references, strict=True):
    line = json.loads(text)
    lines.append((line, reference))
    if len(line["units"]) == 1 and line.get("score"):
        chrf = sacrebleu.sentence_chrf(line["target"], [reference]).score
        rows.append((line["score"]["mean_log_prob"], line["score"]["min_log_prob"], chrf, line["state"]))

chrf = [row[2] for row in rows]
for column, name in enumerate(("mean", "least")):
    print(f"{name} log-probability and chrF: r = {statistics.correlation([row[column] for row in rows], chrf):.2f}")
for state in sorted({row[3] for row in rows}):
    of = [row[2] for row in rows if row[3] == state]
    print(f"{state}: {len(of)} sentences, chrF {statistics.mean(of):.1f}")
rows.sort()
for tenth in range(10):
    part = rows[tenth * len(rows) // 10 : (tenth + 1) * len(rows) // 10]
    print(f"tenth {tenth + 1}: up to {part[-1][0]:.2f}, chrF {statistics.mean(row[2] for row in part):.1f}")

documents = []
for start in range(0, len(lines) - LINES + 1, LINES):
    part = lines[start : start + LINES]
    units = [unit for line, _ in part for unit in line["units"] if unit["state"] != "copied"]
    share = sum(map(is_of_high_risk, units)) / len(units)
    of_document = sacrebleu.corpus_chrf([line["target"] for line, _ in part], [[reference for _, reference in part]])
    poor = sum(sacrebleu.sentence_chrf(line["target"], [reference]).score < 30 for line, reference in part)
    documents.append((share, of_document.score, poor))
print(f"share of high risk and chrF of {len(documents)} documents: r = {statistics.correlation(*list(zip(*documents))[:2]):.2f}")
for name, least, most in (("low", 0, 0.1), ("medium", 0.1, 0.25), ("high", 0.25, 2)):
    of = [document for document in documents if least <= document[0] < most]
    if of:
        chrf, poor = statistics.mean(d[1] for d in of), sum(d[2] for d in of) / len(of) / LINES
        print(f"{name}: {len(of)} documents, chrF {chrf:.1f}, {100 * poor:.0f} % of lines below chrF 30")
