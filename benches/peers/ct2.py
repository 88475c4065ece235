"""CTranslate2, int8, on a Marian folder of the Hub. A worker of compare.py, in two steps:

- a job with `convert` (the folder) writes the int8 model and the pieces of all lines to `out`, with transformers
- other jobs translate `lines` with the `model` so made, `tokens` target tokens each, `batch` sentences side by side

Every thread has sentences of its own (`inter_threads`), CTranslate2's faster way to use two; it sorts by length itself.
"""

import json
import time
from pathlib import Path

import ctranslate2

import worker


def convert(folder, lines, out):
    import torch
    from ctranslate2.converters import transformers as converters
    from transformers import MarianMTModel, MarianTokenizer

    model = MarianMTModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = MarianTokenizer.from_pretrained(folder)
    loader = converters.MarianMTLoader()
    Path(out).mkdir()
    with torch.no_grad():
        spec = loader.get_model_spec(model)
        loader.set_config(spec.config, model, tokenizer)
        pieces = sorted(tokenizer.encoder, key=tokenizer.encoder.get)
        loader.set_vocabulary(spec, pieces[: model.config.vocab_size - 1])
        spec.validate()
        spec.optimize(quantization="int8")
        spec.save(out)
    pieces = {line: tokenizer.convert_ids_to_tokens(tokenizer(line)["input_ids"]) for line in lines}
    Path(out, "pieces.json").write_text(json.dumps(pieces), encoding="utf-8")


def translate(job):
    lines = worker.lines_of(job.lines)
    pieces = json.loads(Path(job.model, "pieces.json").read_text(encoding="utf-8"))
    started = time.perf_counter()
    model = ctranslate2.Translator(job.model, compute_type="int8", inter_threads=job.threads, intra_threads=1)

    def run(given):
        return model.translate_batch(
            [pieces[line] for line in given],
            max_batch_size=job.batch,
            beam_size=job.beam,
            min_decoding_length=job.tokens,
            max_decoding_length=job.tokens,
        )

    run(lines[:1] * job.threads)
    load_s = time.perf_counter() - started
    clock = worker.Clock()
    found = run(lines)
    times = clock.read()
    found = [f.hypotheses[0] for f in found]
    targets = ["".join(pieces).replace("▁", " ") for pieces in found]
    worker.finish(job, targets, sum(map(len, found)), times, load_s)


if __name__ == "__main__":
    job = worker.job()
    if hasattr(job, "convert"):
        convert(job.convert, worker.lines_of(job.lines), job.out)
    else:
        translate(job)
