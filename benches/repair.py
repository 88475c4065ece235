"""What repair does to sentences whose reference is known: chrF before and after, by the step that was kept.

    tarjuman translate --jsonl --no-repair --memory M < SOURCES > before.jsonl
    tarjuman translate --jsonl --memory M < SOURCES > after.jsonl
    python benches/repair.py before.jsonl after.jsonl REFERENCES

Needs sacrebleu. Lines of several sentences are left out of the table, since their references are not cut.
"""

import collections
import json
import sys
from pathlib import Path

import sacrebleu

before, after = ([json.loads(line) for line in Path(path).read_text().splitlines()] for path in sys.argv[1:3])
references = Path(sys.argv[3]).read_text().splitlines()


def chrf(target, reference):
    return sacrebleu.sentence_chrf(target, [reference]).score


scores = collections.defaultdict(list)
for old, new, reference in zip(before, after, references, strict=True):
    kept = [attempt["step"] for unit in new["units"] for attempt in unit.get("attempts", []) if attempt["kept"]]
    if kept and len(new["units"]) == 1:
        scores[kept[-1], new["state"]].append((chrf(old["target"], reference), chrf(new["target"], reference)))

print("| step | state | sentences | chrF before | after | nearer to the reference |\n|---|---|---|---|---|---|")
for (step, state), pairs in sorted(scores.items()):
    mean = [sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1)]
    print(f"| {step} | {state} | {len(pairs)} | {mean[0]:.1f} | {mean[1]:.1f} | {sum(b > a for a, b in pairs)} |")
print("\nstates before and after:", dict(collections.Counter((a["state"], b["state"]) for a, b in zip(before, after))))
for name, lines in (("before", before), ("after", after)):
    print(f"all lines {name}: chrF {sacrebleu.corpus_chrf([line['target'] for line in lines], [references]).score:.2f}")
