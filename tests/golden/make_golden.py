#!/usr/bin/env python3
"""Golden files for the encoder-decoder models (Marian, M2M100/NLLB, T5/MADLAD, BART).

Small random models are written as the Hub lays such models out (config.json,
generation_config.json, weights, tokenizer files); what Hugging Face
transformers computes with them is written beside them (golden.json,
golden.safetensors). The texts, and the texts that the tokenizers are trained
on, are TICO-19 (CC0 1.0) alone, so the output may be committed.

    python make_golden.py TICO19_FOLDER OUT_FOLDER [CASE ...]
    python make_golden.py --full opus|tc-big|opus-f16|tc-big-f32 OUT_FOLDER TICO19_FOLDER

TICO19_FOLDER holds tico19-dev.ar and tico19-dev.en, line by line.

Pinned versions (the files say with which they were made):

    python 3.11
    torch==2.15.0
    transformers==5.23.0
    tokenizers==0.23.3
    sentencepiece==0.2.3
    safetensors==0.8.0
    numpy==2.4.6
    protobuf==7.36.2

float32, eval mode, attn_implementation="eager", CPU, one thread. Running it
again writes the same bytes. sacremoses must not be installed: MarianTokenizer
would pass the text through its punctuation normaliser.
"""

import argparse
import binascii
import copy
import json
import math
import os
import re
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy  # noqa: E402
import safetensors  # noqa: E402
import safetensors.torch  # noqa: E402
import sentencepiece  # noqa: E402
import tokenizers  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import GenerationConfig  # noqa: E402

warnings.filterwarnings("ignore")
transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)
torch.set_grad_enabled(False)

VERSIONS = {
    "python": ".".join(map(str, sys.version_info[:2])),
    "torch": torch.__version__.split("+")[0],
    "transformers": transformers.__version__,
    "tokenizers": tokenizers.__version__,
    "sentencepiece": sentencepiece.__version__,
    "safetensors": safetensors.__version__,
    "numpy": numpy.__version__,
}

MAX_TOKENS = 18  # of most searches
TARGET = 6  # tokens that the logits are forced with


# ---------------------------------------------------------------- files


def write_json(path, value):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.write("\n")


def compact(value, indent=0):
    """JSON with one line for each list of plain values."""
    pad = " " * indent
    if isinstance(value, dict) and value and any(isinstance(v, (dict, list)) for v in value.values()):
        rows = [f"{pad} {json.dumps(k)}: {compact(v, indent + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{pad}}}"
    if isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        rows = [f"{pad} {compact(v, indent + 1)}" for v in value]
        return "[\n" + ",\n".join(rows) + f"\n{pad}]"
    return json.dumps(value, ensure_ascii=False)


def write_golden(path, value):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(compact(value) + "\n")


def short(number):
    """A float to seven significant digits."""
    return float(f"{number:.7g}")


def rows(folder, language):
    text = (Path(folder) / f"tico19-dev.{language}").read_text(encoding="utf-8")
    return [line for line in text.split("\n") if line]


# ---------------------------------------------------------------- tokenizers

# Small tables in place of nmt_nfkc, whose compiled form is 240 kB: tatweel and
# zero-width space dropped, punctuation, spaces.
PUNCTUATION = """\
0640\t
200B\t
00A0\t20
060C\t2C
061F\t3F
061B\t3B
2013\t2D
2014\t2D
201C\t22
201D\t22
2019\t27
2026\t2E 2E 2E
2265\t3E 3D
"""
# Letters that carry marks too. SentencePiece keeps a mark behind a letter that it
# replaces; the Precompiled normaliser of the tokenizers library drops it, since it
# looks at whole grapheme clusters. So only where SentencePiece itself is the tokenizer.
LETTERS = """\
0622\t0627
0623\t0627
0625\t0627
0649\t064A
"""
RULES = {"punctuation": PUNCTUATION, "letters": PUNCTUATION + LETTERS}


def train_spm(path, lines, size, kind="unigram", rule=None, coverage=0.997, **more):
    """Trains a SentencePiece model; nothing of this machine is left in it."""
    from sentencepiece import sentencepiece_model_pb2 as pb

    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            if rule in RULES:
                Path("rules.tsv").write_text(RULES[rule], encoding="utf-8")
                more["normalization_rule_tsv"] = "rules.tsv"
            else:
                more["normalization_rule_name"] = rule or "identity"
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(lines),
                model_prefix="m",
                vocab_size=size,
                model_type=kind,
                character_coverage=coverage,
                num_threads=1,
                minloglevel=2,
                **more,
            )
            proto = pb.ModelProto()
            proto.ParseFromString(Path("m.model").read_bytes())
        finally:
            os.chdir(here)
    proto.trainer_spec.ClearField("input")
    proto.trainer_spec.model_prefix = "m"
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    Path(path).write_bytes(proto.SerializeToString(deterministic=True))
    return [piece.piece for piece in proto.pieces]


# ---------------------------------------------------------------- weights


class Init:
    """How the random weights are drawn. Plain initialisation gives flat logits."""

    emb = 0.3  # embeddings, and the output matrix where it is its own
    head = None  # lm_head, where it is a matrix of its own; None: as emb
    shrink = ()  # ids that should hardly ever come: their output rows are small
    logit_bias = 0.4  # final_logits_bias
    eos_bias = 1.0  # added to final_logits_bias[eos]
    eos_step = 0.0  # more of it for three seeds of four
    eos_scale = 1.6  # factor of the end token's row: sometimes likely, often not
    pad_zero = False  # the padding row is zero, as converted checkpoints have it
    pos = 0.4  # learned positions
    rel = 1.0  # relative bias
    qk = 3.0  # sharp attention
    mix = 0.5  # values and self-attention's output
    cross = 1.5  # the source's part
    ff = 6.0  # large beside the residual, which would repeat the last token
    norm = 0.15
    bias = 0.15
    final_norm = 2.0  # mean of the last decoder norm's weights, which spreads the logits
    last = "?"  # that norm's name
    flip = 0.5

    def __init__(self, **kw):
        for key, value in kw.items():
            assert hasattr(self, key), key
            setattr(self, key, value)


def draw(name, shape, seed, p):
    generator = torch.Generator().manual_seed((seed * 1_000_003 + binascii.crc32(name.encode())) % (1 << 62))
    r = torch.randn(shape, generator=generator, dtype=torch.float32)
    if name == "final_logits_bias":
        return r * p.logit_bias
    if "relative_attention_bias" in name:
        return r * p.rel
    if "embed_positions" in name:
        return r * p.pos
    if name == "shared.weight" or name == "lm_head.weight" or name.endswith(("shared.weight", "embed_tokens.weight")):
        # Rows of nearly one length: else the few longest win everywhere.
        size = p.head if p.head and name == "lm_head.weight" else p.emb
        length = size * math.sqrt(shape[1]) * (1 + 0.08 * torch.randn((shape[0], 1), generator=generator))
        return r / r.norm(dim=1, keepdim=True) * length
    if "norm" in name and name.endswith("weight"):
        value = (1.0 + p.norm * r).clamp(0.3, 1.7)
        if p.last in name:  # signs of both kinds: else the output matrix, which is the input's, repeats the last token
            value *= p.final_norm * torch.where(torch.rand(shape, generator=generator) < p.flip, -1.0, 1.0)
        return value
    if name.endswith("bias"):
        return r * (p.norm if "norm" in name else p.bias)
    assert len(shape) == 2, name
    gain = 1.0
    if re.search(r"(q_proj|k_proj|Attention\.[qk])\.weight$", name):
        gain = p.qk
        if re.search(r"Attention\.q\.weight$", name):  # T5 does not scale its scores
            gain *= 0.4
    elif re.search(r"(v_proj|self_attn\.out_proj|Attention\.v|SelfAttention\.o)\.weight$", name):
        gain = p.mix
    elif re.search(r"(encoder_attn\.out_proj|EncDecAttention\.o)\.weight$", name):
        gain = p.cross
    elif re.search(r"(fc2|DenseReluDense\.wo)\.weight$", name):
        gain = p.ff
    return r * (gain / math.sqrt(shape[1]))


def draw_all(model, seed, p, special, untied=()):
    """Canonical names and drawn tensors, and the copies' names."""
    state = model.state_dict()
    first, tensors, copies = {}, {}, {}
    order = sorted(state, key=lambda n: (not n.endswith("shared.weight"), n))
    for name in order:
        value = state[name]
        if "embed_positions" in name and "marian" in type(model).__name__.lower():
            tensors[name] = value.clone()  # sinusoids
            continue
        key = (value.data_ptr(), tuple(value.shape))
        if key in first and name not in untied:
            copies[name] = first[key]
            continue
        first.setdefault(key, name)
        tensors[name] = draw(name, tuple(value.shape), seed, p)
        if p.last in name and name.endswith("norm.bias"):
            tensors[name] *= p.final_norm
    for name, value in tensors.items():
        if name == "final_logits_bias":
            value[0, special["eos"]] += p.eos_bias + p.eos_step * (seed % 4)
            value[0, special["pad"]] = 0.0
        elif value.dim() == 2 and (name.endswith(("shared.weight", "embed_tokens.weight")) or name == "lm_head.weight"):
            if name == "lm_head.weight" or "lm_head.weight" not in tensors:
                value[special["eos"]] *= p.eos_scale
                for token in p.shrink:
                    value[token] *= 0.3
            if p.pad_zero:
                value[special["pad"]] = 0.0
    return tensors, copies


def save_weights(folder, tensors, copies, layout, drop=(), stray=None):
    """Layouts: safetensors (each tensor once), bin (as torch.save leaves a model, copies listed)."""
    for old in ("model.safetensors", "pytorch_model.bin"):
        (folder / old).unlink(missing_ok=True)
    if layout == "safetensors":
        kept = {n: t.contiguous() for n, t in sorted(tensors.items()) if n not in drop}
        safetensors.torch.save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
        return
    half = layout == "bin-f16"
    cast = {n: (t.half() if half else t.float()) for n, t in tensors.items()}
    state = dict(cast)
    for copy_name, name in copies.items():
        state[copy_name] = cast[name]
    for name, shape in (stray or {}).items():
        state[name] = torch.full(shape, 3.0)
    state = {n: state[n] for n in sorted(state) if n not in drop}
    here = os.getcwd()
    os.chdir(folder)  # the archive's inner name comes from the file's
    try:
        torch.save(state, "pytorch_model.bin")
    finally:
        os.chdir(here)


# ---------------------------------------------------------------- computing


def padded(ids, pad):
    width = max(map(len, ids))
    batch = torch.full((len(ids), width), pad, dtype=torch.long)
    mask = torch.zeros((len(ids), width), dtype=torch.long)
    for i, row in enumerate(ids):
        batch[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return batch, mask


def forced(model, source, decoder):
    """Encoder output and raw logits of one source alone, decoder ids given with their start."""
    one = torch.tensor([source])
    mask = torch.ones_like(one)
    out = model(input_ids=one, attention_mask=mask, decoder_input_ids=torch.tensor([decoder]), use_cache=False)
    return out.encoder_last_hidden_state[0], out.logits[0]


def log_probs_of(model, source, start, prefix, ids):
    _, logits = forced(model, source, [start] + prefix + ids[:-1])
    table = torch.log_softmax(logits.double(), dim=-1)[len(prefix) :]
    return [float(table[i, token]) for i, token in enumerate(ids)]


def generation_config(options, special):
    """Every option stated, so that nothing falls back to a model's own settings."""
    o = options
    return GenerationConfig(
        do_sample=False,
        num_beams=o["beam"],
        num_return_sequences=o["nbest"],
        length_penalty=o["length_penalty"],
        early_stopping=o["early_stopping"],
        no_repeat_ngram_size=o["no_repeat_ngram"],
        repetition_penalty=o["repetition_penalty"],
        encoder_no_repeat_ngram_size=0,
        encoder_repetition_penalty=1.0,
        min_new_tokens=o["min_tokens"],
        max_new_tokens=o["max_tokens"],
        bad_words_ids=[[i] for i in o["banned"]] or None,
        forced_bos_token_id=o["forced_first"],
        forced_eos_token_id=o["forced_last"],
        renormalize_logits=o["renormalize"],
        remove_invalid_values=False,
        use_cache=True,
        pad_token_id=special["pad"],
        eos_token_id=special["eos"],
        bos_token_id=special.get("bos"),
        decoder_start_token_id=special["start"],
        return_dict_in_generate=True,
        output_scores=True,
    )


def search(model, sources, options, special):
    """Ids and scores for each source: one padded batch."""
    # generate() fills options that are None from the model's own configuration.
    model.generation_config = GenerationConfig(
        pad_token_id=special["pad"], eos_token_id=special["eos"], decoder_start_token_id=special["start"]
    )
    batch, mask = padded(sources, special["pad"])
    more = {}
    if options["prefix"]:
        row = [special["start"]] + options["prefix"]
        more["decoder_input_ids"] = torch.tensor([row] * len(sources))
    out = model.generate(
        input_ids=batch, attention_mask=mask, generation_config=generation_config(options, special), **more
    )
    return unpack(out, len(sources), options, special)


def unpack(out, count, options, special):
    begin = 1 + len(options["prefix"])
    nbest = options["nbest"]
    results = []
    for i in range(count):
        best = []
        for k in range(nbest):
            ids = out.sequences[i * nbest + k, begin:].tolist()
            if options["beam"] > 1:
                length = int((out.beam_indices[i * nbest + k] >= 0).sum())
                assert all(t == special["pad"] or t == special["eos"] for t in ids[length:])
                ids = ids[:length]
                best.append((ids, float(out.sequences_scores[i * nbest + k])))
            else:
                if special["eos"] in ids:
                    ids = ids[: ids.index(special["eos"]) + 1]
                best.append((ids, None))
        results.append(best)
    return results


def only_ids(results):
    return [[ids for ids, _ in best] for best in results]


def perturbed(model, seed):
    """A copy whose weights carry a relative noise of 1e-5."""
    other = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    seen = set()
    for tensor in list(other.parameters()) + list(other.buffers()):
        if tensor.data_ptr() in seen or not tensor.is_floating_point():
            continue
        seen.add(tensor.data_ptr())
        tensor.mul_(1 + 1e-5 * torch.randn(tensor.shape, generator=generator))
    return other


class Reject(Exception):
    """This seed will not do."""


def options(**kw):
    base = {
        "beam": 1,
        "length_penalty": 1.0,
        "early_stopping": False,
        "no_repeat_ngram": 0,
        "repetition_penalty": 1.0,
        "min_tokens": 0,
        "max_tokens": MAX_TOKENS,
        "banned": [],
        "forced_first": None,
        "forced_last": None,
        "renormalize": False,
        "nbest": 1,
        "prefix": [],
    }
    for key in kw:
        assert key in base, key
    return {**base, **kw}


def saved_options(folder):
    """What the folder's generation_config.json asks for, in these options' terms."""
    g = json.loads((folder / "generation_config.json").read_text())
    return options(
        beam=g.get("num_beams", 1),
        length_penalty=g.get("length_penalty", 1.0),
        early_stopping=g.get("early_stopping", False),
        no_repeat_ngram=g.get("no_repeat_ngram_size", 0),
        repetition_penalty=g.get("repetition_penalty", 1.0),
        min_tokens=max(g.get("min_length", 0) - 1, 0),
        max_tokens=g["max_length"] - 1,
        banned=[row[0] for row in g.get("bad_words_ids", [])],
        forced_first=g.get("forced_bos_token_id"),
        forced_last=g.get("forced_eos_token_id"),
        renormalize=g.get("renormalize_logits", False),
    )


def saved_search(model, folder, sources, opts, special):
    """generate() with nothing but the folder's own generation_config.json."""
    model.generation_config = GenerationConfig.from_pretrained(folder)
    batch, mask = padded(sources, special["pad"])
    out = model.generate(input_ids=batch, attention_mask=mask, return_dict_in_generate=True, output_scores=True)
    return unpack(out, len(sources), opts, special)


def searches_of(spec, special, greedy_ids, folder):
    """The searches of a case, in order. greedy_ids: of the plain greedy search."""
    eos, first = special["eos"], spec.get("forced_first")
    # always: ids that may not come in any search. common: a token that the plain search likes.
    always = spec.get("banned", [])
    counts = {}
    for row in greedy_ids:
        for token in row[1 if first is not None else 0 :]:
            if token != eos:
                counts[token] = counts.get(token, 0) + 1
    common = max(counts, key=lambda t: (counts[t], -t))
    # The prefix is what the search itself wanted to say about the fourth source.
    prefix = greedy_ids[3][:2]
    base = {"banned": always, "forced_first": first}
    return [
        ("greedy", options(**base)),
        ("greedy-penalties", options(**base, repetition_penalty=1.3, no_repeat_ngram=2)),
        ("beam4", options(**base, beam=4)),
        ("beam4-nbest", options(**base, beam=4, nbest=4, length_penalty=0.6, early_stopping=True)),
        ("beam3-never", options(**base, beam=3, length_penalty=2.0, early_stopping="never", min_tokens=5)),
        (
            "beam4-penalties",
            options(
                beam=4,
                no_repeat_ngram=2,
                repetition_penalty=1.2,
                banned=sorted({*always, common}),
                forced_first=first,
                nbest=2,
            ),
        ),
        ("beam5-short", options(**base, beam=5, max_tokens=4, nbest=3)),
        ("beam4-forced-last", options(**base, beam=4, max_tokens=7, forced_last=eos, length_penalty=0.0, nbest=2)),
        ("saved", saved_options(folder)),
        ("greedy-prefix", options(**{**base, "forced_first": None}, prefix=prefix, max_tokens=8)),
        ("beam4-prefix", options(**{**base, "forced_first": None}, beam=4, prefix=prefix, nbest=2)),
    ]


def lively(greedy, beam, special):
    """Raises Reject where the outputs would test little."""
    eos = special["eos"]
    pooled = [best[0][0] for best in greedy] + [best[0][0] for best in beam]
    ended = sum(ids[-1] == eos for ids in pooled)
    if not 2 <= ended <= len(pooled) - 2:
        raise Reject(f"{ended} of {len(pooled)} end")
    if len({len(ids) for ids in pooled}) < 3:
        raise Reject("lengths")
    if min(len(ids) for ids in pooled) < 3:
        raise Reject("too short")
    for part in (greedy, beam):
        if len({tuple(best[0][0]) for best in part}) < len(part):
            raise Reject("same output for two sources")
        if len({tuple(best[0][0][:4]) for best in part}) < len(part) - 1:
            raise Reject("same beginnings")
    variety = [len(set(ids)) / len(ids) for ids in pooled]
    if min(variety) < 0.3 or sum(variety) / len(variety) < 0.6:
        raise Reject(f"repetitive {min(variety):.2f} {sum(variety) / len(variety):.2f}")
    if sum(g[0][0] != b[0][0] for g, b in zip(greedy, beam)) < 3:
        raise Reject("beam as greedy")


def attempt(model, spec, special, sources, folder):
    """All searches with this model, or Reject."""
    plain = {"banned": spec.get("banned", []), "forced_first": spec.get("forced_first")}
    greedy = search(model, sources, options(**plain), special)
    if len({best[0][0][-1] == special["eos"] for best in greedy}) == 1:
        raise Reject("all or none end")
    beam = search(model, sources, options(**plain, beam=4), special)
    lively(greedy, beam, special)
    greedy_ids = [best[0][0] for best in greedy]
    if len(greedy_ids[3]) < 4:
        raise Reject("no prefix")
    others = [perturbed(model, 1), perturbed(model, 2)]
    found = []
    for name, opts in searches_of(spec, special, greedy_ids, folder):
        results = search(model, sources, opts, special)
        for other in others:
            if only_ids(search(other, sources, opts, special)) != only_ids(results):
                raise Reject(f"{name}: not robust")
        flat = [ids for best in results for ids, _ in best]
        if any(special["pad"] in ids for ids in flat):
            raise Reject(f"{name}: padding generated")
        if any(max(ids) >= spec["tokenizer"].size for ids in flat):
            raise Reject(f"{name}: id without a token")
        if name == "saved":
            full = sum(len(ids) == opts["max_tokens"] for ids in flat)
            if not 1 <= full < len(flat):
                raise Reject(f"saved: {full} reach the limit")
        if opts["beam"] > 1 and any(score < -1e6 for best in results for _, score in best):
            raise Reject(f"{name}: an empty hypothesis")
        found.append((name, opts, results))
    by_name = {name: only_ids(results) for name, _, results in found}
    if [b[0] for b in by_name["beam4"]] == [b[0] for b in by_name["beam4-nbest"]]:
        raise Reject("length penalty and early stopping change nothing")
    if by_name["greedy"] == by_name["greedy-penalties"]:
        raise Reject("penalties change nothing")
    return found


def close(a, b, tolerance, what):
    scale = max(1.0, float(b.abs().max()))
    off = float((a - b).abs().max()) / scale
    assert off <= tolerance, f"{what}: {off}"


def golden(model, spec, special, sources, texts, found, tok, folder, seed):
    """Checks independence of batching and writes golden.json and golden.safetensors."""
    start = special["start"]
    by_name = {name: results for name, _, results in found}

    # The one search that a user of the folder would get, by the folder's own file.
    own = saved_search(model, folder, sources, dict(found[[f[0] for f in found].index("saved")][1]), special)
    assert only_ids(own) == only_ids(by_name["saved"]), "saved generation_config.json"
    for a, b in zip(own, by_name["saved"]):
        assert a[0][1] is None or abs(a[0][1] - b[0][1]) < 1e-5

    # One source at a time.
    for name, opts, results in found:
        for i, source in enumerate(sources):
            alone = search(model, [source], opts, special)[0]
            assert [ids for ids, _ in alone] == [ids for ids, _ in results[i]], (name, i)
            for (_, x), (_, y) in zip(alone, results[i]):
                assert x is None or abs(x - y) < 1e-4, (name, i, x, y)

    targets = []
    filler = [t for t in spec.get("filler", range(5, 30)) if t not in special.values()]
    for i, best in enumerate(by_name["greedy"]):
        row = list(best[0][0])
        row += [filler[(7 * i + 3 * k) % len(filler)] for k in range(TARGET)]
        targets.append(row[:TARGET])

    tensors = {}
    for i, source in enumerate(sources):
        encoder, logits = forced(model, source, [start] + targets[i][:-1])
        tensors[f"encoder.{i}"] = encoder.contiguous().clone()
        tensors[f"logits.{i}"] = logits.contiguous().clone()
        assert logits.shape[0] == TARGET
        assert 0.8 < float(logits.std()) < 8, float(logits.std())

    # The padded ragged batch gives the same.
    batch, mask = padded(sources, special["pad"])
    decoder = torch.tensor([[start] + row[:-1] for row in targets])
    out = model(input_ids=batch, attention_mask=mask, decoder_input_ids=decoder, use_cache=False)
    for i, source in enumerate(sources):
        close(out.encoder_last_hidden_state[i, : len(source)], tensors[f"encoder.{i}"], 1e-5, f"encoder {i}")
        close(out.logits[i], tensors[f"logits.{i}"], 1e-5, f"logits {i}")

    listed = []
    for name, opts, results in found:
        rows_out = []
        for i, best in enumerate(results):
            row = []
            for ids, score in best:
                logs = log_probs_of(model, sources[i], start, opts["prefix"], ids)
                plain = (
                    opts["forced_first"] is None
                    and opts["forced_last"] is None
                    and opts["repetition_penalty"] == 1.0
                    and not opts["renormalize"]
                )
                if score is None:
                    score = sum(logs)
                elif plain:
                    mine = sum(logs) / len(ids) ** opts["length_penalty"]
                    assert abs(mine - score) < 1e-4 * max(1, abs(score)), (name, i, mine, score)
                row.append(
                    {
                        "ids": ids,
                        "score": short(score),
                        "log_probs": [short(x) for x in logs],
                        "text": tok.decode(opts["prefix"] + ids),
                    }
                )
            rows_out.append(row)
        listed.append({"name": name, "options": opts, "results": rows_out})

    safetensors.torch.save_file(
        {n: tensors[n] for n in sorted(tensors)}, folder / "golden.safetensors", metadata={"seed": str(seed)}
    )
    write_golden(
        folder / "golden.json",
        {
            "case": spec["name"],
            "versions": VERSIONS,
            "seed": seed,
            "class": type(model).__name__,
            "decoder_start": start,
            "eos": special["eos"],
            "pad": special["pad"],
            "sources": texts,
            "prompt": spec.get("prompt", ""),
            "source_ids": sources,
            "targets": targets,
            "searches": listed,
        },
    )


def load(folder, cls):
    model = cls.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    return model.eval()


def check_loaded(model, tensors, layout):
    state = model.state_dict()
    for name, value in tensors.items():
        if layout == "bin-f16":
            value = value.half().float()
        assert name in state and torch.equal(state[name], value), f"{name} was not loaded as saved"


def build(spec, folder, log):
    """One case: weights for the first seed that will do, and its golden files."""
    folder = Path(folder)
    tok = spec["tokenizer"]
    special = tok.special
    texts = spec["texts"]
    sources = [tok.encode(text) for text in texts]
    limit = spec["config"].get("max_position_embeddings")
    if limit and spec["config"]["model_type"] != "m2m_100":  # whose table grows
        assert max(map(len, sources)) <= limit, (max(map(len, sources)), limit)
    write_json(folder / "config.json", spec["config"])
    write_json(folder / "generation_config.json", spec["generation"])
    cls = getattr(transformers, spec["config"]["architectures"][0])
    config = transformers.AutoConfig.from_pretrained(folder)
    config._attn_implementation = "eager"
    blank = cls(config)
    for seed in range(spec.get("seed", 1), spec.get("seed", 1) + spec.get("tries", 4000)):
        tensors, copies = draw_all(blank, seed, spec["init"], special, spec.get("untied", ()))
        save_weights(folder, tensors, copies, spec["layout"], spec.get("drop", ()), spec.get("stray"))
        model = load(folder, cls)
        check_loaded(model, tensors, spec["layout"])
        try:
            found = attempt(model, spec, special, sources, folder)
        except Reject as reason:
            log(f"  seed {seed}: {reason}")
            continue
        golden(model, spec, special, sources, texts, found, tok, folder, seed)
        for path in folder.iterdir():
            path.chmod(0o644)
        size = sum(path.stat().st_size for path in folder.iterdir())
        log(f"{spec['name']}: seed {seed}, source tokens {[len(s) for s in sources]}, {size} bytes")
        return
    raise SystemExit(f"{spec['name']}: no seed will do")


# ---------------------------------------------------------------- texts


def single_word(lines, letters):
    for line in lines:
        for word in re.findall(r"\w+", line):
            if len(word) == letters:
                return word
    raise ValueError(letters)


def of_length(lines, words, nth=0):
    found = [line for line in lines if len(line.split()) == words]
    return found[nth]


def arabic_texts(lines, longest=33):
    """Ragged: a word, short ones, one with foreign signs, a long one."""
    foreign = next(line for line in lines if "武" in line)
    at = foreign.index("武")
    begin = foreign.rfind(" ", 0, max(at - 24, 0)) + 1
    end = foreign.find(" ", at + 8)
    return [
        of_length(lines, 8),
        single_word(lines, 7),
        of_length(lines, longest),
        of_length(lines, 12),
        foreign[begin : end if end > 0 else None],
        of_length(lines, 17),
    ]


def cut_to(texts, encode, limit):
    """Cuts texts at words until their ids fit."""
    out = []
    for text in texts:
        words = text.split(" ")
        while len(encode(" ".join(words))) > limit:
            words.pop()
        out.append(" ".join(words))
    return out


# ---------------------------------------------------------------- Marian


class Hub:
    """A tokenizer of transformers, loaded from the folder's own files."""

    def __init__(self, tokenizer, special):
        self.tokenizer = tokenizer
        self.special = special
        self.size = len(tokenizer)

    def encode(self, text):
        return list(self.tokenizer(text)["input_ids"])

    def decode(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=True)


def marian_tokenizer(folder, ar, en, sizes=(170, 150), separate=False, drop=(), dummies=0, rule="letters", **more):
    """source.spm, target.spm and vocab.json as opus-mt folders have them."""
    source = train_spm(folder / "source.spm", ar, sizes[0], rule=rule, **more)
    target = train_spm(folder / "target.spm", en, sizes[1], rule="identity", **more)
    skip = {"<unk>", "<s>", "</s>", *drop}

    def numbered(pieces):
        vocab = {"</s>": 0, "<unk>": 1}
        for piece in pieces:
            if piece not in skip and piece not in vocab:
                vocab[piece] = len(vocab)
        return vocab

    config = {"source_lang": "ar", "target_lang": "en", "tokenizer_class": "MarianTokenizer"}
    if separate:
        vocab = numbered(source)
        pad = len(vocab)
        vocab["<pad>"] = pad
        # The target's <pad> has the source's id (the configuration knows one only); its pieces go on behind.
        other = {}
        for piece in numbered(target):
            other[piece] = len(other) + (len(other) >= pad)
        assert len(other) > pad
        other["<pad>"] = pad
        write_json(folder / "target_vocab.json", other)
        config["separate_vocabs"] = True
        config["target_vocab_file"] = "target_vocab.json"
        sizes = (len(vocab), len(other))
    else:
        vocab = numbered([*target, *source])
        while len(vocab) < dummies - 1:
            vocab[f"madeupword{len(vocab):05d}"] = len(vocab)
        vocab["<pad>"] = len(vocab)
        sizes = (len(vocab), len(vocab))
    write_json(folder / "vocab.json", vocab)
    write_json(folder / "tokenizer_config.json", config)
    tokenizer = transformers.MarianTokenizer.from_pretrained(folder)
    pad = vocab["<pad>"]
    assert (tokenizer.eos_token_id, tokenizer.unk_token_id, tokenizer.pad_token_id) == (0, 1, pad)
    return Hub(tokenizer, {"eos": 0, "pad": pad, "start": pad, "bos": 0}), sizes


def marian_config(vocab, pad, **more):
    """The keys that opus-mt folders have, legacy ones included."""
    return {
        "activation_dropout": 0.0,
        "add_bias_logits": False,
        "add_final_layer_norm": False,
        "architectures": ["MarianMTModel"],
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "classif_dropout": 0.0,
        "classifier_dropout": 0.0,
        "decoder_layerdrop": 0.0,
        "decoder_start_token_id": pad,
        "decoder_vocab_size": vocab,
        "dropout": 0.1,
        "encoder_layerdrop": 0.0,
        "eos_token_id": 0,
        "extra_pos_embeddings": pad + 1,
        "forced_eos_token_id": 0,
        "init_std": 0.02,
        "is_encoder_decoder": True,
        "max_position_embeddings": 512,
        "model_type": "marian",
        "normalize_before": False,
        "normalize_embedding": False,
        "pad_token_id": pad,
        "scale_embedding": True,
        "share_encoder_decoder_embeddings": True,
        "static_position_embeddings": True,
        "use_cache": True,
        "vocab_size": vocab,
        **more,
    }


def marian_generation(pad, max_length, beams, **more):
    return {
        "bad_words_ids": [[pad]],
        "bos_token_id": 0,
        "decoder_start_token_id": pad,
        "eos_token_id": 0,
        "forced_eos_token_id": 0,
        "max_length": max_length,
        "num_beams": beams,
        "pad_token_id": pad,
        **more,
    }


def case_marian_base(folder, ar, en):
    # Two frequent source pieces are left out of vocab.json: they become <unk>.
    tok, (size, _) = marian_tokenizer(folder, ar, en, drop=("▁من", "ات"))
    pad = tok.special["pad"]
    return {
        "tokenizer": tok,
        "texts": arabic_texts(ar),
        "config": marian_config(
            size,
            pad,
            activation_function="swish",
            d_model=18,
            encoder_attention_heads=3,
            decoder_attention_heads=3,
            encoder_ffn_dim=28,
            decoder_ffn_dim=28,
            encoder_layers=2,
            decoder_layers=3,
            num_hidden_layers=2,
        ),
        # renormalize_logits is in the generation_config.json of the opus-mt folders.
        "generation": marian_generation(pad, 14, 4, renormalize_logits=True),
        "seed": 43,
        "init": Init(pad_zero=True, last="decoder.layers.2.final_layer_norm"),
        "layout": "safetensors",
        "drop": ("model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight"),
        "banned": [pad],
    }


def case_marian_big(folder, ar, en):
    tok, (size, _) = marian_tokenizer(folder, ar, en, sizes=(160, 140))
    pad = tok.special["pad"]
    return {
        "tokenizer": tok,
        "texts": arabic_texts(ar),
        "config": marian_config(
            size,
            pad,
            activation_function="relu",
            d_model=16,
            encoder_attention_heads=4,
            decoder_attention_heads=2,
            encoder_ffn_dim=40,
            decoder_ffn_dim=24,
            encoder_layers=3,
            decoder_layers=2,
            num_hidden_layers=3,
            max_position_embeddings=128,
            torch_dtype="float16",
        ),
        "generation": marian_generation(pad, 13, 6, renormalize_logits=True),
        "seed": 291,
        "init": Init(pad_zero=True, last="decoder.layers.1.final_layer_norm", eos_step=0.8, norm=0.08, bias=0.1, logit_bias=0.3),
        "layout": "bin-f16",
        "banned": [pad],
    }


def case_marian_split(folder, ar, en):
    tok, (size, other) = marian_tokenizer(folder, ar, en, sizes=(150, 200), separate=True)
    tok.size = other
    pad = tok.special["pad"]
    limit = 40
    return {
        "tokenizer": tok,
        "texts": cut_to(arabic_texts(ar), tok.encode, limit),
        "config": marian_config(
            size,
            pad,
            activation_function="gelu",
            d_model=21,
            decoder_vocab_size=other,
            encoder_attention_heads=3,
            decoder_attention_heads=7,
            encoder_ffn_dim=30,
            decoder_ffn_dim=30,
            encoder_layers=2,
            decoder_layers=3,
            num_hidden_layers=2,
            max_position_embeddings=limit,
            scale_embedding=False,
            share_encoder_decoder_embeddings=False,
            tie_word_embeddings=False,
        ),
        "generation": marian_generation(pad, 13, 2, length_penalty=1.3),
        "seed": 169,
        "init": Init(
            emb=1.0,
            head=0.3,
            last="decoder.layers.2.final_layer_norm",
            eos_step=0.8,
            norm=0.08,
            bias=0.1,
            logit_bias=0.3,
        ),
        "layout": "safetensors",
        "untied": ("lm_head.weight",),
        "drop": ("model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight"),
        "banned": [pad],
    }


# ---------------------------------------------------------------- M2M100 and NLLB


def reference_pieces(path):
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def nllb_tokenizer(folder, ar, en, size=170):
    """sentencepiece.bpe.model and tokenizer.json: ids as fairseq numbers them."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers.convert_slow_tokenizer import SentencePieceExtractor
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    train_spm(folder / "sentencepiece.bpe.model", mixed(ar, en), size, kind="bpe", rule="punctuation")
    found = SentencePieceExtractor(str(folder / "sentencepiece.bpe.model")).extract(models.BPE)
    vocab = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    for piece in found["vocab"]:
        vocab.setdefault(piece, len(vocab))
    # As the Hub's tokenizer.json: BPE over the pieces, the codes and <mask> behind them.
    table = Tokenizer(models.BPE(vocab=vocab, merges=found["merges"], unk_token="<unk>", fuse_unk=True))
    table.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(found["_spm_precompiled_charsmap"]),
            normalizers.Replace(tokenizers.Regex(" {2,}"), " "),
        ]
    )
    table.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    table.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    table.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", *FAIRSEQ_LANGUAGE_CODES])
    table.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=True, special=True)])
    code = table.token_to_id("arb_Arab")
    table.post_processor = processors.TemplateProcessing(
        single="arb_Arab $A </s>",
        pair="arb_Arab $A $B </s>",
        special_tokens=[("arb_Arab", code), ("</s>", 2)],
    )
    table.save(str(folder / "tokenizer.json"), pretty=False)
    write_json(
        folder / "tokenizer_config.json",
        {
            "additional_special_tokens": FAIRSEQ_LANGUAGE_CODES,
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "mask_token": "<mask>",
            "model_max_length": 1024,
            "pad_token": "<pad>",
            "sep_token": "</s>",
            "src_lang": "arb_Arab",
            "tgt_lang": None,
            "tokenizer_class": "NllbTokenizer",
            "unk_token": "<unk>",
        },
    )
    tokenizer = transformers.NllbTokenizer.from_pretrained(folder, src_lang="arb_Arab")
    pieces = reference_pieces(folder / "sentencepiece.bpe.model")
    first = len(vocab)
    for i, language in enumerate(FAIRSEQ_LANGUAGE_CODES):
        assert tokenizer.convert_tokens_to_ids(language) == first + i, language
        assert table.token_to_id(language) == first + i
    assert tokenizer.convert_tokens_to_ids("<mask>") == first + len(FAIRSEQ_LANGUAGE_CODES)
    tok = Hub(tokenizer, {"bos": 0, "pad": 1, "eos": 2, "start": 2})
    encode = tok.encode

    def checked(text):
        """All three ways agree: NllbTokenizer, tokenizer.json alone, SentencePiece with ids shifted by one."""
        ids = encode(text)
        mine = [3 if i == 0 else i + 1 for i in pieces.encode(text)]
        assert ids == [code] + mine + [2], (text, ids, mine)
        assert ids == table.encode(text).ids
        return ids

    tok.encode = checked
    tok.languages = {x: tokenizer.convert_tokens_to_ids(x) for x in FAIRSEQ_LANGUAGE_CODES}
    tok.first_language = first
    return tok


def mixed(ar, en):
    return [line for pair in zip(ar, en) for line in pair]


def m2m100_config(vocab, **more):
    return {
        "activation_dropout": 0.0,
        "architectures": ["M2M100ForConditionalGeneration"],
        "attention_dropout": 0.1,
        "bos_token_id": 0,
        "decoder_layerdrop": 0,
        "decoder_start_token_id": 2,
        "dropout": 0.1,
        "encoder_layerdrop": 0,
        "eos_token_id": 2,
        "init_std": 0.02,
        "is_encoder_decoder": True,
        "max_position_embeddings": 1024,
        "model_type": "m2m_100",
        "pad_token_id": 1,
        "scale_embedding": True,
        "use_cache": True,
        "vocab_size": vocab,
        **more,
    }


def case_m2m100(folder, ar, en):
    tok = nllb_tokenizer(folder, ar, en)
    size = tok.size + 2  # NLLB's table has two rows more than tokens
    english = tok.languages["eng_Latn"]
    return {
        "tokenizer": tok,
        "texts": arabic_texts(ar),
        "config": m2m100_config(
            size,
            activation_function="relu",
            d_model=20,
            encoder_attention_heads=4,
            decoder_attention_heads=2,
            encoder_ffn_dim=26,
            decoder_ffn_dim=34,
            encoder_layers=3,
            decoder_layers=2,
            num_hidden_layers=3,
        ),
        "generation": {
            "bos_token_id": 0,
            "decoder_start_token_id": 2,
            "eos_token_id": 2,
            "forced_bos_token_id": english,
            "max_length": 12,
            "num_beams": 4,
            "pad_token_id": 1,
        },
        "seed": 454,
        "init": Init(
            pad_zero=True,
            last="model.decoder.layer_norm.",
            shrink=[0, 3, *range(tok.first_language, size)],
        ),
        "layout": "safetensors",
        "forced_first": english,
    }


def case_m2m100_legacy(folder, ar, en):
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    pieces = train_spm(folder / "sentencepiece.bpe.model", mixed(ar, en), 180, kind="bpe", rule="letters")
    vocab = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    for piece in pieces:
        vocab.setdefault(piece, len(vocab))
    write_json(folder / "vocab.json", vocab)
    write_json(
        folder / "tokenizer_config.json",
        {
            "bos_token": "<s>",
            "eos_token": "</s>",
            # As on the Hub: without this list M2M100Tokenizer of 5.23 leaves __en__ in its text.
            "additional_special_tokens": [f"__{code}__" for code in FAIRSEQ_LANGUAGE_CODES["m2m100"]],
            "language_codes": "m2m100",
            "num_madeup_words": 8,
            "pad_token": "<pad>",
            "sep_token": "</s>",
            "src_lang": "ar",
            "tgt_lang": "en",
            "tokenizer_class": "M2M100Tokenizer",
            "unk_token": "<unk>",
        },
    )
    tokenizer = transformers.M2M100Tokenizer.from_pretrained(folder, src_lang="ar", tgt_lang="en")
    first = len(vocab)
    assert tokenizer.get_lang_id("af") == first
    tok = Hub(tokenizer, {"bos": 0, "pad": 1, "eos": 2, "start": 2})
    tok.size = first + 100
    size = tok.size + 8
    reference = reference_pieces(folder / "sentencepiece.bpe.model")
    encode = tok.encode

    def checked(text):
        ids = encode(text)
        mine = [vocab.get(piece, 3) for piece in reference.encode(text, out_type=str)]
        assert ids == [tokenizer.get_lang_id("ar"), *mine, 2], text
        return ids

    tok.encode = checked
    return {
        "tokenizer": tok,
        "texts": arabic_texts(ar),
        "config": m2m100_config(
            size,
            activation_function="gelu",
            d_model=21,
            encoder_attention_heads=3,
            decoder_attention_heads=3,
            encoder_ffn_dim=28,
            decoder_ffn_dim=28,
            encoder_layers=2,
            decoder_layers=3,
            num_hidden_layers=2,
            max_position_embeddings=64,  # the sources are longer: the table grows
            scale_embedding=False,
            gradient_checkpointing=False,
        ),
        "generation": {
            "bos_token_id": 0,
            "decoder_start_token_id": 2,
            "early_stopping": True,
            "eos_token_id": 2,
            "max_length": 13,
            "num_beams": 5,
            "pad_token_id": 1,
        },
        "seed": 11,
        "init": Init(emb=0.5, last="model.decoder.layer_norm.", shrink=[0, 1, 3, *range(first, size)]),
        "layout": "bin",
        "forced_first": tokenizer.get_lang_id("en"),
    }


# ---------------------------------------------------------------- T5


class Pieces:
    """SentencePiece's own ids, the end token behind: for T5 folders whose ids are the model's."""

    def __init__(self, path, special, prefix="", hidden=()):
        self.pieces = reference_pieces(path)
        self.special = special
        self.prefix = prefix
        self.size = self.pieces.get_piece_size()
        self.hidden = set(hidden)

    def encode(self, text):
        return self.pieces.encode(self.prefix + text) + [self.special["eos"]]

    def decode(self, ids):
        return self.pieces.decode([i for i in ids if i not in self.hidden])


def t5_json(folder, path, eos, extra=(), special=()):
    """tokenizer.json for a spiece.model: Unigram with the same normalisation."""
    from sentencepiece import sentencepiece_model_pb2 as pb
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    proto = pb.ModelProto()
    proto.ParseFromString(Path(path).read_bytes())
    pieces = [(piece.piece, piece.score) for piece in proto.pieces] + [(name, 0.0) for name in extra]
    table = Tokenizer(models.Unigram(pieces, unk_id=proto.trainer_spec.unk_id, byte_fallback=False))
    table.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap),
            normalizers.Replace(tokenizers.Regex(" {2,}"), " "),
        ]
    )
    table.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True),
        ]
    )
    table.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    table.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in (*special, *extra)])
    table.post_processor = processors.TemplateProcessing(
        single=["$A", "</s>"], pair=["$A", "</s>", "$B", "</s>"], special_tokens=[("</s>", eos)]
    )
    table.save(str(folder / "tokenizer.json"), pretty=False)
    return table


def agreeing(tok, table):
    encode = tok.encode

    def checked(text):
        ids = encode(text)
        other = table.encode(getattr(tok, "prefix", "") + text).ids
        assert ids == other, (text, ids, other)
        return ids

    tok.encode = checked
    return tok


def t5_config(vocab, **more):
    return {
        "architectures": ["T5ForConditionalGeneration"],
        "dropout_rate": 0.1,
        "initializer_factor": 1.0,
        "is_encoder_decoder": True,
        "layer_norm_epsilon": 1e-06,
        "model_type": "t5",
        "n_positions": 512,
        "output_past": True,
        "task_specific_params": {},
        "use_cache": True,
        "vocab_size": vocab,
        **more,
    }


def case_t5_v11(folder, ar, en):
    # MADLAD's numbers: <unk> 0 (also where decoding starts), <s> 1 (also padding), </s> 2, then <2xx>.
    path = folder / "spiece.model"
    train_spm(
        path,
        mixed(ar, en),
        230,
        rule="punctuation",
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        user_defined_symbols=["<2en>", "<2ar>"],
    )
    special = {"start": 0, "pad": 1, "eos": 2}
    tok = Pieces(path, special, prefix="<2en> ", hidden=(0, 1, 2))
    tok = agreeing(tok, t5_json(folder, path, 2, special=("<unk>", "<s>", "</s>")))
    write_json(
        folder / "tokenizer_config.json",
        {
            "bos_token": "<s>",
            "eos_token": "</s>",
            "extra_ids": 0,
            "pad_token": "<s>",
            "tokenizer_class": "T5Tokenizer",
            "unk_token": "<unk>",
        },
    )
    size = tok.size + 18
    return {
        "tokenizer": tok,
        "prompt": tok.prefix,
        "texts": arabic_texts(ar),
        "config": t5_config(
            size,
            d_model=20,
            d_kv=8,
            num_heads=3,
            d_ff=30,
            num_layers=3,  # generate() of 5.23 fails where the decoder has more
            num_decoder_layers=2,
            feed_forward_proj="gated-gelu",
            is_gated_act=True,
            dense_act_fn="gelu_new",
            relative_attention_num_buckets=32,
            relative_attention_max_distance=64,
            tie_word_embeddings=False,
            decoder_start_token_id=0,
            eos_token_id=2,
            pad_token_id=1,
        ),
        "generation": {
            "decoder_start_token_id": 0,
            "eos_token_id": 2,
            "max_length": 14,
            "num_beams": 3,
            "pad_token_id": 1,
        },
        "seed": 6,
        "init": Init(
            emb=1.0,
            head=0.3,
            last="decoder.final_layer_norm.",
            shrink=[0, 1, 3, 4, *range(tok.size, size)],
        ),
        "layout": "safetensors",
        "untied": ("lm_head.weight",),
        "filler": range(5, tok.size),
    }


def case_t5_v10(folder, ar, en):
    path = folder / "spiece.model"
    train_spm(path, mixed(ar, en), 200, rule="punctuation", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    extra = [f"<extra_id_{i}>" for i in range(9, -1, -1)]
    table = t5_json(folder, path, 1, extra=extra, special=("<pad>", "</s>", "<unk>"))
    write_json(
        folder / "tokenizer_config.json",
        {
            "additional_special_tokens": extra[::-1],
            "eos_token": "</s>",
            "extra_ids": 10,
            "model_max_length": 512,
            "pad_token": "<pad>",
            "tokenizer_class": "T5Tokenizer",
            "unk_token": "<unk>",
        },
    )
    special = {"start": 0, "pad": 0, "eos": 1}
    prefix = "translate Arabic to English: "
    tok = Hub(transformers.T5Tokenizer.from_pretrained(folder), special)
    assert tok.size == 210 and tok.tokenizer.convert_tokens_to_ids("<extra_id_0>") == 209
    reference = Pieces(path, special)
    encode = tok.encode

    def checked(text):
        """T5Tokenizer, tokenizer.json alone and SentencePiece agree."""
        ids = encode(prefix + text)
        assert ids == reference.encode(prefix + text) == table.encode(prefix + text).ids, text
        return ids

    tok.encode = checked
    size = tok.size + 6
    # Old T5 checkpoints carry this; it is not used.
    stray = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
    return {
        "tokenizer": tok,
        "prompt": prefix,
        "texts": arabic_texts(ar),
        "config": t5_config(
            size,
            d_model=24,
            d_kv=5,
            num_heads=4,
            d_ff=40,
            num_layers=3,
            num_decoder_layers=2,
            feed_forward_proj="relu",
            relative_attention_num_buckets=8,
            relative_attention_max_distance=20,
            decoder_start_token_id=0,
            eos_token_id=1,
            pad_token_id=0,
        ),
        "generation": {
            "decoder_start_token_id": 0,
            "early_stopping": True,
            "eos_token_id": 1,
            "length_penalty": 0.8,
            "max_length": 14,
            "num_beams": 3,
            "pad_token_id": 0,
            "repetition_penalty": 1.1,
        },
        "seed": 5,
        "init": Init(
            emb=1.3,
            mix=4.0,
            rel=4.0,
            cross=4.0,
            qk=2.0,
            last="decoder.final_layer_norm.",
            shrink=[2, *range(200, size)],
        ),
        "layout": "bin",
        "stray": {stray: (8, 4)},
        "filler": range(3, 200),
    }


# ---------------------------------------------------------------- BART


def bart_tokenizer(folder, en, size):
    """vocab.json and merges.txt of a byte-level BPE, numbered as BART's."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    table = Tokenizer(models.BPE())
    table.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size - 5,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    table.train_from_iterator(en, trainer)
    model = json.loads(table.to_str())["model"]
    order = sorted(model["vocab"], key=model["vocab"].get)
    vocab = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    for token in order:
        vocab[token] = len(vocab)
    vocab["<mask>"] = len(vocab)
    assert len(vocab) == size
    with open(folder / "vocab.json", "w", encoding="utf-8", newline="\n") as file:
        json.dump(vocab, file, ensure_ascii=False)
    with open(folder / "merges.txt", "w", encoding="utf-8", newline="\n") as file:
        file.write("#version: 0.2\n")
        for merge in model["merges"]:
            file.write((merge if isinstance(merge, str) else " ".join(merge)) + "\n")
    write_json(folder / "tokenizer_config.json", {"model_max_length": 1024, "tokenizer_class": "BartTokenizer"})
    tokenizer = transformers.BartTokenizer.from_pretrained(folder)
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]) == [0, 1, 2, 3, size - 1]
    return Hub(tokenizer, {"bos": 0, "pad": 1, "eos": 2, "start": 2})


def english_texts(lines):
    dashed = next(line for line in lines if "–" in line and 10 < len(line.split()) < 24)
    return [
        of_length(lines, 8),
        single_word(lines, 7),
        of_length(lines, 30),
        of_length(lines, 13),
        " ".join(dashed.split()[:12]),
        of_length(lines, 17),
    ]


def bart_config(vocab, **more):
    return {
        "activation_dropout": 0.0,
        "add_bias_logits": False,
        "add_final_layer_norm": False,
        "architectures": ["BartForConditionalGeneration"],
        "attention_dropout": 0.0,
        "bos_token_id": 0,
        "classif_dropout": 0.0,
        "decoder_layerdrop": 0.0,
        "decoder_start_token_id": 2,
        "dropout": 0.1,
        "encoder_layerdrop": 0.0,
        "eos_token_id": 2,
        "extra_pos_embeddings": 2,
        "init_std": 0.02,
        "is_encoder_decoder": True,
        "model_type": "bart",
        "normalize_before": False,
        "normalize_embedding": True,
        "pad_token_id": 1,
        "static_position_embeddings": False,
        "use_cache": True,
        "vocab_size": vocab,
        **more,
    }


def case_bart_cnn(folder, ar, en):
    tok = bart_tokenizer(folder, en, 311)
    return {
        "tokenizer": tok,
        "texts": english_texts(en),
        "config": bart_config(
            311,
            activation_function="gelu",
            d_model=24,
            encoder_attention_heads=4,
            decoder_attention_heads=3,
            encoder_ffn_dim=36,
            decoder_ffn_dim=28,
            encoder_layers=3,
            decoder_layers=2,
            num_hidden_layers=3,
            max_position_embeddings=160,
            scale_embedding=False,
        ),
        "generation": {
            "bos_token_id": 0,
            "decoder_start_token_id": 2,
            "early_stopping": True,
            "eos_token_id": 2,
            "forced_bos_token_id": 0,
            "forced_eos_token_id": 2,
            "length_penalty": 2.0,
            "max_length": 16,
            "min_length": 8,
            "no_repeat_ngram_size": 3,
            "num_beams": 4,
            "pad_token_id": 1,
        },
        "seed": 68,
        "init": Init(last="decoder.layers.1.final_layer_norm.", pos=0.2, shrink=[0, 1, 3, 310]),
        "layout": "safetensors",
        "forced_first": 0,
    }


def case_bart_legacy(folder, ar, en):
    tok = bart_tokenizer(folder, en, 295)
    limit = 48
    return {
        "tokenizer": tok,
        "texts": cut_to(english_texts(en), tok.encode, limit),
        "config": bart_config(
            295,
            activation_function="relu",
            d_model=20,
            encoder_attention_heads=2,
            decoder_attention_heads=4,
            encoder_ffn_dim=24,
            decoder_ffn_dim=32,
            encoder_layers=2,
            decoder_layers=3,
            num_hidden_layers=2,
            max_position_embeddings=limit,
            scale_embedding=True,
        ),
        "generation": {
            "bos_token_id": 0,
            "decoder_start_token_id": 2,
            "eos_token_id": 2,
            "forced_eos_token_id": 2,
            "length_penalty": 0.8,
            "max_length": 15,
            "min_length": 4,
            "no_repeat_ngram_size": 2,
            "num_beams": 6,
            "pad_token_id": 1,
        },
        "seed": 42,
        "init": Init(
            last="decoder.layers.2.final_layer_norm.",
            pos=0.8,
            shrink=[0, 1, 3, 294],
            eos_step=0.8,
        ),
        "layout": "bin",
        "drop": ("lm_head.weight",),
        "banned": [1],
    }


# ---------------------------------------------------------------- the command

README = """\
# Goldens of the encoder-decoder models

Small random models in the layout in which the Hub serves such models, and what
Hugging Face transformers computes with them. The weights are random and mean
nothing. The texts, and the texts that the tokenizers were trained on, are from
TICO-19 (https://tico-19.github.io), dedicated to the public domain under
CC0 1.0; the whole folder may be used under CC0 1.0.

Written by `tests/golden/make_golden.py`:

    python make_golden.py TICO19_FOLDER OUT_FOLDER

{versions}; float32, eager attention, CPU, one thread.

| case | class | weights | seed |
|---|---|---|---|
{table}

Each folder has beside the model's own files:

- `golden.safetensors`: `encoder.N`, the encoder's output for source N alone
  (length x d_model); `logits.N`, six rows of raw logits (with
  final_logits_bias, before any processor). The decoder is fed the start token
  and the first five of `targets[N]`; row i is what would choose `targets[N][i]`.
- `golden.json`:
  - `sources`, `prompt` (put before each source by the tokenizing code), `source_ids`
    with special tokens, `targets`, `decoder_start`, `eos`, `pad`.
  - `searches`: `name`, `options`, `results` (for each source a list of `nbest`
    hypotheses, best first). `ids` are the tokens after the decoder start and the
    prefix, the end token included where it was produced. `score` is
    `sequences_scores` for beam search, the sum of `log_probs` for greedy
    search. `log_probs` are the model's own, of raw logits, teacher-forced.
    `text` is the decoded prefix and ids without special tokens.
  - `options`: `beam` (1: greedy), `length_penalty`, `early_stopping`,
    `no_repeat_ngram`, `repetition_penalty`, `min_tokens` and `max_tokens`
    (tokens generated; the start and the prefix do not count), `banned` (ids),
    `forced_first` (forced_bos_token_id), `forced_last` (forced_eos_token_id),
    `renormalize` (renormalize_logits), `nbest`, `prefix` (ids put after the
    decoder start, for all sources).
  - The search `saved` is what `generate()` does by the folder's own
    generation_config.json; its max_length and min_length count the start token.

Every search gives the same ids for the padded batch and one source at a time,
and when each weight is changed by a relative noise of 1e-5 (two noises).
"""


CASES = {
    "marian-base": case_marian_base,
    "m2m100": case_m2m100,
    "t5-v11": case_t5_v11,
    "bart-cnn": case_bart_cnn,
    "marian-big": case_marian_big,
    "marian-split": case_marian_split,
    "m2m100-legacy": case_m2m100_legacy,
    "t5-v10": case_t5_v10,
    "bart-legacy": case_bart_legacy,
}


# ---------------------------------------------------------------- full size

SHAPES = {
    # name: d_model, ffn, heads, vocabulary, activation, layout
    "opus": (512, 2048, 8, 62834, "swish", "safetensors"),
    "opus-f16": (512, 2048, 8, 62834, "swish", "bin-f16"),
    "tc-big": (1024, 4096, 16, 61000, "relu", "bin-f16"),
    "tc-big-f32": (1024, 4096, 16, 61000, "relu", "safetensors"),
}


def full(family, folder, ar, en, log):
    """A random model of a real model's shape; only texts and ids of two searches are kept."""
    d, ffn, heads, size, activation, layout = SHAPES[family]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tok, _ = marian_tokenizer(
        folder, ar, en, sizes=(32000, 32000), dummies=size, coverage=1.0, hard_vocab_limit=False
    )
    vocab = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    assert len(vocab) == size
    pad = tok.special["pad"]
    write_json(
        folder / "config.json",
        marian_config(
            size,
            pad,
            activation_function=activation,
            d_model=d,
            encoder_attention_heads=heads,
            decoder_attention_heads=heads,
            encoder_ffn_dim=ffn,
            decoder_ffn_dim=ffn,
            encoder_layers=6,
            decoder_layers=6,
            num_hidden_layers=6,
            max_position_embeddings=1024 if d == 1024 else 512,
        ),
    )
    write_json(folder / "generation_config.json", marian_generation(pad, 512, 4, renormalize_logits=True))
    texts = [*arabic_texts(ar), of_length(ar, 24), of_length(ar, 5)]
    sources = [tok.encode(text) for text in texts]
    log(f"{family}: source tokens {[len(s) for s in sources]}")
    config = transformers.AutoConfig.from_pretrained(folder)
    config._attn_implementation = "eager"
    cls = transformers.MarianMTModel
    blank = cls(config)
    for seed in range(1, 200):
        p = Init(
            pad_zero=True,
            emb=1.35 / math.sqrt(d),
            final_norm=3.0,
            last="decoder.layers.5.final_layer_norm",
            shrink=[id for token, id in vocab.items() if token.startswith("madeupword")],
            logit_bias=0.5,
            eos_bias=3.0,
            eos_step=1.0,
            # relu's outputs lie to one side: much of them would drown the token
            ff=2.0 if activation == "swish" else 0.5,
            cross=1.0 if activation == "swish" else 0.7,
            mix=0.3 if activation == "swish" else 0.2,
            qk=2.0,
            bias=0.05,
            norm=0.05,
        )
        tensors, copies = draw_all(blank, seed, p, tok.special)
        drop = ("model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight")
        save_weights(folder, tensors, copies, layout, drop)
        model = load(folder, cls)
        found = []
        try:
            for name, beam in (("greedy", 1), ("beam4", 4)):
                opts = options(beam=beam, max_tokens=30, banned=[pad])
                results = search(model, sources, opts, tok.special)
                flat = [best[0][0] for best in results]
                ended = sum(ids[-1] == 0 for ids in flat)
                variety = sum(len(set(ids)) / len(ids) for ids in flat) / len(flat)
                log(f"  seed {seed} {name}: {ended} of {len(flat)} end, variety {variety:.2f}")
                if not 1 <= ended < len(flat) or variety < 0.5 or len({tuple(x) for x in flat}) < len(flat) - 1:
                    raise Reject(name)
                found.append((name, opts, results))
            for other in (1, 2):
                noisy = perturbed(model, other)
                for name, opts, results in found:
                    if only_ids(search(noisy, sources, opts, tok.special)) != only_ids(results):
                        raise Reject(f"{name}: not robust")
                del noisy
        except Reject as reason:
            log(f"  seed {seed}: {reason}")
            continue
        break
    listed = []
    for name, opts, results in found:
        for i, source in enumerate(sources):
            alone = search(model, [source], opts, tok.special)[0]
            assert [ids for ids, _ in alone] == [ids for ids, _ in results[i]], (name, i)
        rows_out = []
        for i, best in enumerate(results):
            row = []
            for ids, score in best:
                logs = log_probs_of(model, sources[i], tok.special["start"], [], ids)
                row.append(
                    {
                        "ids": ids,
                        "score": short(sum(logs) if score is None else score),
                        "log_probs": [short(x) for x in logs],
                        "text": tok.decode(ids),
                    }
                )
            rows_out.append(row)
        listed.append({"name": name, "options": opts, "results": rows_out})
        lines = [row[0]["text"] for row in rows_out]
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "source.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    write_golden(
        folder / "golden.json",
        {
            "case": family,
            "versions": VERSIONS,
            "seed": seed,
            "class": "MarianMTModel",
            "decoder_start": pad,
            "eos": 0,
            "pad": pad,
            "sources": texts,
            "prompt": "",
            "source_ids": sources,
            "searches": listed,
        },
    )
    for path in folder.iterdir():
        path.chmod(0o644)
    log(f"{family}: seed {seed}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", metavar="FAMILY")
    parser.add_argument("paths", nargs="+")
    args = parser.parse_args()

    def log(line):
        print(line, flush=True)

    if args.full:
        out, tico = args.paths
        full(args.full, Path(out), rows(tico, "ar"), rows(tico, "en"), log)
        return
    tico, out, *names = args.paths
    ar, en = rows(tico, "ar"), rows(tico, "en")
    for name in names or CASES:
        folder = Path(out) / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        spec = {"name": name, **CASES[name](folder, ar, en)}
        build(spec, folder, log)
    if not names:
        write_readme(Path(out), log)


def write_readme(out, log):
    table = []
    for name in CASES:
        found = json.loads((out / name / "golden.json").read_text(encoding="utf-8"))
        weights = "model.safetensors" if (out / name / "model.safetensors").exists() else "pytorch_model.bin"
        if weights == "pytorch_model.bin":
            kinds = {t.dtype for t in torch.load(out / name / weights, weights_only=True).values()}
            weights += ", f16" if kinds == {torch.float16} else ", f32"
        table.append(f"| {name} | {found['class']} | {weights} | {found['seed']} |")
    versions = ", ".join(f"{k} {v}" for k, v in VERSIONS.items())
    (out / "README.md").write_text(README.format(versions=versions, table="\n".join(table)), encoding="utf-8")
    log(f"{sum(path.stat().st_size for path in out.rglob('*') if path.is_file())} bytes in all")


if __name__ == "__main__":
    main()
