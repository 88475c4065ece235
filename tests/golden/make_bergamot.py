"""Writes tests/data/bergamot: small random models in Marian's int8 format, and what marian_int8.py computes with them.

    python make_bergamot.py TICO19_FOLDER OUT_FOLDER

The folder is that of TICO-19 (CC0) with `tico19-test.ar` and `tico19-test.en`. Python 3.11, numpy 2.4.6, sentencepiece 0.2.3.
"""

import json
import pathlib
import struct
import sys

import numpy as np
import sentencepiece

import marian_int8

SOURCES = [
    "منذ متى لا تزال هذه الأعراض مستمرة تقريبًا؟",
    "وبالإضافة إلى الحمى",
    "يجب",
    "قال الطبيب إن 12 مريضًا تعافوا، وإن 3 توفوا في مستشفى «السلام».",
    "COVID-19 فيروس",
    "هل تعاني من ضيق في التنفس، أو من ألم في الصدر، أو من السعال منذ أسبوعين؟",
]
OPTIONS = """bert-type-vocab-size: 2
dec-cell: ssru
dec-cell-base-depth: 2
dec-depth: {dec}
dim-emb: {width}
dim-vocabs:
  - {source}
  - {target}
enc-depth: {enc}
layer-normalization: false
lemma-dim-emb: 0
tied-embeddings: {tied}
tied-embeddings-all: {tied_all}
tied-embeddings-src: false
transformer-decoder-autoreg: {autoreg}
transformer-dim-ffn: {ffn}
transformer-ffn-activation: {activation}
transformer-ffn-depth: 2
transformer-heads: {heads}
transformer-no-projection: false
transformer-postprocess: dan
transformer-postprocess-emb: d
transformer-postprocess-top: ""
transformer-preprocess: ""
transformer-tied-layers: []
transformer-train-position-embeddings: false
type: transformer
version: tarjuman
"""
CASES = {
    # As Firefox's models of today.
    "ssru-shared": dict(
        width=32, heads=4, enc=3, dec=2, ffn=48, autoreg="rnn", shared=True, alphas=True, lex=True, activation="relu", seed=5
    ),
    # Two vocabularies, attention in the decoder, and no factors from training.
    "attention-split": dict(
        width=24, heads=3, enc=1, dec=2, ffn=40, autoreg="self-attention", shared=False, alphas=False, lex=False,
        activation="relu", seed=8,
    ),
}


def write(path, tensors, config):
    """Marian's binary format; an int8 tensor is a pair of the matrix, outputs × inputs, and its factor."""
    items = []
    for name, value in sorted(tensors.items()):
        if isinstance(value, tuple):
            matrix, factor = value
            shape = matrix.shape if name.endswith("Wemb") else matrix.shape[::-1]
            data, kind = matrix.tobytes() + struct.pack("<f", factor), marian_int8.INT8
        else:
            shape, data, kind = value.shape, value.astype("<f4").tobytes(), marian_int8.FLOAT32
        items.append((name, kind, shape, data + bytes(-len(data) % 256)))
    yaml = config.encode() + b"\0"
    items.append(("special:model.yml", 0x101, (len(yaml),), yaml))
    out = struct.pack("<QQ", 1, len(items))
    for name, kind, shape, data in items:
        out += struct.pack("<QQQQ", len(name) + 1, kind, len(shape), len(data))
    out += b"".join(name.encode() + b"\0" for name, *_ in items)
    out += b"".join(struct.pack(f"<{len(shape)}i", *shape) for _, _, shape, _ in items)
    padding = -(len(out) + 8) % 256
    out += struct.pack("<Q", padding) + bytes(padding)
    path.write_bytes(out + b"".join(data for *_, data in items))


def random_model(case, vocabularies):
    random = np.random.default_rng(case["seed"])
    width, ffn = case["width"], case["ffn"]
    tensors = {}

    def matrix(name, outputs, inputs, spread=1.0, factor_of_inputs=12.0):
        values = random.normal(0, spread / np.sqrt(inputs), (outputs, inputs))
        factor = np.float32(127 / np.abs(values).max())
        tensors[name] = (np.rint(values * factor).astype("i1"), factor)
        if case["alphas"] and not name.endswith("Wemb"):
            tensors[name + "_QuantMultA"] = np.array([[factor_of_inputs]])

    def vector(name, size, mean=0.0):
        tensors[name] = random.normal(mean, 0.1, (1, size))

    def norm(name):
        vector(name + "_ln_scale", width, 1.0)
        vector(name + "_ln_bias", width)

    def attention(name):
        # Those with a common input have a common factor.
        for which, factor in zip("qkvo", (14.0, 15.0, 15.0, 18.0)):
            matrix(f"{name}_W{which}", width, width, 2.0, 14.0 if "self" in name and which != "o" else factor)
            vector(f"{name}_b{which}", width)
        norm(name + "_Wo")

    def feed_forward(name):
        matrix(name + "_W1", ffn, width, 1.5)
        vector(name + "_b1", ffn)
        matrix(name + "_W2", width, ffn, 1.5, 16.0)
        vector(name + "_b2", width)
        norm(name + "_ffn")

    for layer in range(1, case["enc"] + 1):
        attention(f"encoder_l{layer}_self")
        feed_forward(f"encoder_l{layer}_ffn")
    for layer in range(1, case["dec"] + 1):
        if case["autoreg"] == "rnn":
            matrix(f"decoder_l{layer}_rnn_W", width, width, 2.0)
            matrix(f"decoder_l{layer}_rnn_Wf", width, width, 2.0)
            vector(f"decoder_l{layer}_rnn_bf", width)
            norm(f"decoder_l{layer}_rnn_ffn")
        else:
            attention(f"decoder_l{layer}_self")
        attention(f"decoder_l{layer}_context")
        feed_forward(f"decoder_l{layer}_ffn")
    names = ["Wemb"] if case["shared"] else ["encoder_Wemb", "decoder_Wemb"]
    for name, size in zip(names, vocabularies):
        matrix(name, size, width, 3.0)
    vector("decoder_ff_logit_out_b", vocabularies[-1])
    if case["alphas"]:
        tensors["none_QuantMultA"] = np.array([[13.0]])
    config = OPTIONS.format(
        **{key: case[key] for key in ("width", "heads", "enc", "dec", "ffn", "autoreg", "activation")},
        source=vocabularies[0],
        target=vocabularies[-1],
        tied=str(not case["shared"]).lower(),
        tied_all=str(case["shared"]).lower(),
    )
    return tensors, config


def shortlist(path, size, seed):
    random = np.random.default_rng(seed)
    lists = [np.unique(random.integers(0, size, 5)) for _ in range(size)]
    offsets = np.cumsum([0] + [len(ids) for ids in lists]).astype("<u8")
    ids = np.concatenate(lists).astype("<u4")
    header = struct.pack("<6Q", 0xF11A48D5013417F5, 0, 20, 5, len(offsets), len(ids))
    path.write_bytes(header + offsets.tobytes() + ids.tobytes())


def vocabulary(path, texts, size):
    with path.open("wb") as out:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_writer=out, vocab_size=size, bos_id=-1, eos_id=0, unk_id=1,
            character_coverage=0.99, hard_vocab_limit=False, normalization_rule_name="identity", num_threads=1, minloglevel=2,
        )
    return sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes())


def main(tico, out):
    read = lambda side: (pathlib.Path(tico) / f"tico19-test.{side}").read_text("utf8").splitlines()[:400]
    for name, case in CASES.items():
        folder = pathlib.Path(out) / name
        folder.mkdir(parents=True, exist_ok=True)
        if case["shared"]:
            source = target = vocabulary(folder / "vocab.aren.spm", read("ar") + read("en"), 300)
            sizes = [source.get_piece_size()]
        else:
            source = vocabulary(folder / "srcvocab.aren.spm", read("ar"), 200)
            target = vocabulary(folder / "trgvocab.aren.spm", read("en"), 160)
            sizes = [source.get_piece_size(), target.get_piece_size()]
        path = folder / "model.aren.intgemm.alphas.bin"
        write(path, *random_model(case, sizes))
        lex = None
        if case["lex"]:
            lex = folder / "lex.50.50.aren.s2t.bin"
            shortlist(lex, sizes[0], case["seed"])
        golden = {"sources": []}
        models = {kind: marian_int8.Model(path, lex, is_int8=kind == "int8") for kind in ("f32", "int8")}
        for text in SOURCES:
            ids = source.encode(text) + [source.eos_id()]
            entry = {"text": text, "ids": ids}
            entry["allowed"] = None if lex is None else models["f32"].allowed(ids).tolist()
            entry["target"] = models["f32"].greedy(ids, target.eos_id(), target.unk_id(), 12)
            entry["decoded"] = target.decode([i for i in entry["target"] if i != target.eos_id()])
            for kind, model in models.items():
                state, rows, looked = model.start(ids), [], []
                for previous in [None] + entry["target"][:2]:
                    rows.append([round(float(x), 5) for x in model.logits(state, previous)])
                    looked.append([round(float(x), 5) for x in model.looked])
                entry[kind] = rows
                entry[kind + "_attention"] = looked
            golden["sources"].append(entry)
        (folder / "golden.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n", "utf8")


if __name__ == "__main__":
    main(*sys.argv[1:])
