"""BLEU and chrF of a file of lines against another, as one JSON line: python score.py TARGETS REFERENCES"""

import json
import sys
from pathlib import Path

import sacrebleu

targets, references = (Path(path).read_text(encoding="utf-8").splitlines() for path in sys.argv[1:3])
bleu, chrf = sacrebleu.corpus_bleu(targets, [references]), sacrebleu.corpus_chrf(targets, [references])
print(json.dumps({"bleu": round(bleu.score, 2), "chrf": round(chrf.score, 2)}))
