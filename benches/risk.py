"""How far a model's own log-probabilities tell good translations from bad ones, where references are known.

    tarjuman translate --jsonl < SOURCES > lines.jsonl
    python benches/risk.py lines.jsonl REFERENCES

Needs sacrebleu. Lines of several sentences are left out.
"""

import json
import statistics
import sys
from pathlib import Path

import sacrebleu

rows = []
references = Path(sys.argv[2]).read_text().splitlines()
for text, reference in zip(Path(sys.argv[1]).read_text().splitlines(), references, strict=True):
    line = json.loads(text)
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
