"""CTranslate2 on a Marian folder, for comparison with `cargo bench --bench seq2seq`: python ct2_marian.py FOLDER TEXTS

The same sentences, exactly 40 target tokens each, int8, the best of its batch sizes shown by running them all. Sources are sorted
by length, as tarjuman does. pip install ctranslate2==4.8.5 torch==2.15.0 transformers==5.23.0 sentencepiece==0.2.3
"""

import os
import statistics
import sys
import tempfile
import time

import ctranslate2
import torch
from ctranslate2.converters import transformers as converters
from transformers import MarianMTModel, MarianTokenizer

TOKENS, SENTENCES, ROUNDS = 40, 64, 3
SETTINGS = [(1, 1, 1), (1, 16, 1), (1, 64, 1), (2, 64, 1), (1, 64, 4), (2, 64, 4)]  # threads, rows, beam


def convert(folder, out):
    model = MarianMTModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = MarianTokenizer.from_pretrained(folder)
    loader = converters.MarianMTLoader()
    with torch.no_grad():
        spec = loader.get_model_spec(model)
        loader.set_config(spec.config, model, tokenizer)
        pieces = sorted(tokenizer.encoder, key=tokenizer.encoder.get)
        loader.set_vocabulary(spec, pieces[: model.config.vocab_size - 1])
        spec.validate()
        spec.optimize(quantization="int8")
        spec.save(out)
    return tokenizer


def main(folder, texts):
    lines = [line for line in open(texts, encoding="utf-8").read().split("\n") if line.strip()]
    lines = (lines * SENTENCES)[:SENTENCES]
    with tempfile.TemporaryDirectory() as out:
        tokenizer = convert(folder, out)
        sources = [tokenizer.convert_ids_to_tokens(tokenizer(line)["input_ids"]) for line in lines]
        sources.sort(key=len, reverse=True)
        models = {}
        for threads in (1, 2):  # one sentence after the other on each thread: its faster way for batches
            models[threads] = ctranslate2.Translator(out, compute_type="int8", inter_threads=threads, intra_threads=1)
        rates = {setting: [] for setting in SETTINGS}
        for _ in range(ROUNDS):
            for setting in SETTINGS:
                threads, rows, beam = setting
                given = sources[:8] if rows == 1 else sources
                options = dict(beam_size=beam, max_decoding_length=TOKENS, min_decoding_length=TOKENS)
                batch = max(1, rows // threads)
                started = time.perf_counter()
                found = models[threads].translate_batch(given, max_batch_size=batch, **options)
                seconds = time.perf_counter() - started
                rates[setting].append(sum(len(f.hypotheses[0]) for f in found) / seconds)
        print("size", os.path.getsize(os.path.join(out, "model.bin")) / 1e6, "MB")
    for (threads, rows, beam), found in rates.items():
        median, least, most = statistics.median(found), min(found), max(found)
        print(f"{threads} threads, {rows} rows, beam {beam}: {median:.0f} target tokens/s ({least:.0f}, {most:.0f})")


if __name__ == "__main__":
    main(*sys.argv[1:])
