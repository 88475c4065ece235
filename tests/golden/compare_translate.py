"""`tarjuman translate` against transformers, line by line: python compare_translate.py TARJUMAN MODEL_FOLDER TEXTS [MAX_TOKENS [PRECISION]]

MODEL_FOLDER is laid out as the Hub serves a Marian model, TEXTS has a source a line. tarjuman splits and normalises
sources before it translates; transformers is given what came of that, and must write the same targets with the model's
own generation_config.json, greedy and with a beam of 4. pip install torch==2.15.0 transformers==5.23.0 sentencepiece==0.2.3
"""

import json
import subprocess
import sys

import torch
from transformers import MarianMTModel, MarianTokenizer


def main(tarjuman, folder, texts, max_tokens="30", precision="f32"):
    torch.set_num_threads(2)
    tokenizer = MarianTokenizer.from_pretrained(folder)
    model = MarianMTModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    model.generation_config.max_length = None  # else a warning a line: max_new_tokens is given
    failed = False
    for beam in [1, 4]:
        command = [tarjuman, "translate", "--jsonl", "--model", folder, "--precision", precision,
                   "--beam", str(beam), "--max-tokens", max_tokens]
        with open(texts, "rb") as lines:
            output = subprocess.run(command, stdin=lines, stdout=subprocess.PIPE).stdout.decode()
        units = [unit for line in output.splitlines() for unit in json.loads(line)["units"] if unit["score"]]
        same = 0
        for unit in units:
            source = tokenizer([unit["source_normalized"]], return_tensors="pt")
            with torch.no_grad():
                ids = model.generate(**source, num_beams=beam, max_new_tokens=int(max_tokens))
            wanted = tokenizer.decode(ids[0], skip_special_tokens=True)
            same += unit["target"] == wanted
            if unit["target"] != wanted:
                print(f"beam {beam}: {unit['source_normalized']}\n  tarjuman     {unit['target']}\n  transformers {wanted}")
        print(f"beam {beam}: {same} of {len(units)} targets are the same")
        failed |= same < len(units)
    sys.exit(failed)


if __name__ == "__main__":
    main(*sys.argv[1:])
