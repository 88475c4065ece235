"""Marian's int8 models (Firefox Translations) in plain NumPy: reads a model file and translates greedily.

The second opinion on src/engine/seq2seq: written from marian-dev's sources (MIT; src/common/binary.cpp, src/models/transformer.h,
src/rnn/cells.h, src/tensors/cpu), one sentence and one token at a time, nothing shared with the Rust code. Used by
make_bergamot.py; by itself it translates lines: python marian_int8.py MODEL_FOLDER [shifted] < SOURCE > TARGET
(needs numpy and sentencepiece).
"""

import glob
import math
import struct
import sys

import numpy as np

FLOAT32, INT8 = 0x404, 0x4101


def read(path):
    """The tensors of a model file and its configuration; an int8 matrix is (outputs × inputs, factor)."""
    data = open(path, "rb").read()
    version, count = struct.unpack_from("<QQ", data, 0)
    assert version == 1
    headers = [struct.unpack_from("<QQQQ", data, 16 + 32 * i) for i in range(count)]
    at = 16 + 32 * count
    names, shapes = [], []
    for length, *_ in headers:
        names.append(data[at : at + length].rstrip(b"\0").decode())
        at += length
    for _, _, rank, _ in headers:
        shapes.append(struct.unpack_from(f"<{rank}i", data, at))
        at += 4 * rank
    at += 8 + struct.unpack_from("<Q", data, at)[0]
    tensors, config = {}, {}
    for (_, kind, _, size), name, shape in zip(headers, names, shapes):
        n = math.prod(shape)
        if name == "special:model.yml":
            for line in data[at : at + n].rstrip(b"\0").decode().splitlines():
                if ":" in line:
                    key, value = line.split(":", 1)
                    config[key] = value.strip()
        elif kind == FLOAT32:
            tensors[name] = np.frombuffer(data, "<f4", n, at).reshape(shape)
        elif kind == INT8 and not name.endswith("_QuantMultA"):
            (factor,) = struct.unpack_from("<f", data, at + n)
            matrix = np.frombuffer(data, "i1", n, at)
            rows = shape[0] if name.endswith("Wemb") else shape[1]
            tensors[name] = (matrix.reshape(rows, -1), np.float32(factor))
        at += size
    return tensors, config


def read_shortlist(path):
    data = open(path, "rb").read()
    _, _, frequent, _, offsets, ids = struct.unpack_from("<6Q", data, 0)
    return (
        frequent,
        np.frombuffer(data, "<u8", offsets, 48),
        np.frombuffer(data, "<u4", ids, 48 + 8 * offsets),
    )


class Model:
    """`is_int8` computes products as Marian means them; otherwise all is f32. `is_shifted` rounds as its fast kernels
    do: activations are shifted by 127 to be unsigned, and what this adds is taken off in f32, in the bias.
    """

    def __init__(self, path, shortlist=None, is_int8=True, is_shifted=False):
        self.tensors, self.config = read(path)
        self.shortlist = read_shortlist(shortlist) if shortlist else None
        self.is_int8, self.is_shifted = is_int8, is_shifted
        self.width = int(self.config["dim-emb"])
        self.heads = int(self.config["transformer-heads"])
        self.is_ssru = self.config["transformer-decoder-autoreg"] == "rnn"
        shared = "Wemb" in self.tensors
        self.source_rows = self.rows("Wemb" if shared else "encoder_Wemb")
        self.output = "Wemb" if shared else "decoder_Wemb"
        self.target_rows = self.rows(self.output)

    def rows(self, name):
        matrix, factor = self.tensors[name]
        return matrix.astype(np.float32) * (np.float32(1) / factor)

    def vector(self, name):
        return self.tensors[name].reshape(-1)

    def product(self, x, name, activations, rows=None, bias=0):
        """x · Wᵀ + bias, with only some outputs where `rows` names them."""
        matrix, factor = self.tensors[name]
        if rows is not None:
            matrix = matrix[rows]
        if not self.is_int8:
            return x @ (matrix.astype(np.float32) * (np.float32(1) / factor)).T + bias
        step = self.tensors.get(activations + "_QuantMultA")
        # Without a factor from training, a row's own.
        step = np.float32(127) / np.abs(x).max(-1, keepdims=True) if step is None else step.reshape(())
        rounded = np.clip(np.rint(x * step), -127, 127).astype(np.int32)
        matrix = matrix.astype(np.int32)
        if not self.is_shifted:
            return (rounded @ matrix.T).astype(np.float32) * (1 / (step * factor)) + bias
        shift = np.float32(-1) * ((np.float32(127) / step) * (np.float32(127) / factor)) / np.float32(127)
        sums = ((rounded + 127) @ matrix.T).astype(np.float32) * (1 / (step * factor))
        return sums + (matrix.sum(1).astype(np.float32) * shift + bias)

    def affine(self, x, weight, bias):
        return self.product(x, weight, weight, bias=self.vector(bias))

    def norm(self, x, prefix):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(1e-6))
        return scaled * self.vector(prefix + "_ln_scale") + self.vector(prefix + "_ln_bias")

    def embed(self, rows, start):
        half = self.width // 2
        frequencies = np.exp(np.arange(half) * -(math.log(10000.0) / (half - 1)))
        angles = (np.arange(len(rows)) + start)[:, None] * frequencies
        signal = np.concatenate([np.sin(angles), np.cos(angles)], 1).astype(np.float32)
        return rows * np.float32(math.sqrt(self.width)) + signal

    def attend(self, prefix, query, keys, values):
        split = lambda x: x.reshape(len(x), self.heads, -1).transpose(1, 0, 2)
        q, k, v = (split(x) for x in (query, keys, values))
        scores = q @ k.transpose(0, 2, 1) * np.float32(1 / math.sqrt(q.shape[-1]))
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        self.looked = weights[0, -1]  # how the first head saw the last query
        found = weights @ v
        found = found.transpose(1, 0, 2).reshape(len(query), -1)
        return self.affine(found, prefix + "_Wo", prefix + "_bo")

    def projected(self, prefix, which, x):
        return self.affine(x, f"{prefix}_W{which}", f"{prefix}_b{which}")

    def feed_forward(self, prefix, x):
        inner = np.maximum(self.affine(x, prefix + "_W1", prefix + "_b1"), 0)
        return self.norm(self.affine(inner, prefix + "_W2", prefix + "_b2") + x, prefix + "_ffn")

    def encode(self, source):
        x = self.embed(self.source_rows[source], 0)
        for layer in range(1, int(self.config["enc-depth"]) + 1):
            own = f"encoder_l{layer}_self"
            q, k, v = (self.projected(own, which, x) for which in "qkv")
            x = self.norm(self.attend(own, q, k, v) + x, own + "_Wo")
            x = self.feed_forward(f"encoder_l{layer}_ffn", x)
        return x

    def start(self, source):
        """What the decoder remembers: the encoder's keys and values, and a cell or earlier inputs of each layer."""
        memory = self.encode(source)
        layers = range(1, int(self.config["dec-depth"]) + 1)
        cross = [tuple(self.projected(f"decoder_l{i}_context", which, memory) for which in "kv") for i in layers]
        own = [np.zeros((1, self.width), np.float32) if self.is_ssru else None for _ in layers]
        return {"cross": cross, "own": own, "position": 0}

    def logits(self, state, previous, allowed=None):
        """Logits after the token `previous` (none at the start) of the tokens `allowed`, or all.

        Which tokens of the source the next one stands for is `self.looked` afterwards.
        """
        row = np.zeros((1, self.width), np.float32) if previous is None else self.target_rows[[previous]]
        x = self.embed(row, state["position"])
        for layer, (keys, values) in enumerate(state["cross"], 1):
            if self.is_ssru:
                own = f"decoder_l{layer}_rnn"
                fresh = self.product(x, own + "_W", own + "_W")
                forget = 1 / (1 + np.exp(-self.affine(x, own + "_Wf", own + "_bf")))
                cell = forget * state["own"][layer - 1] + (1 - forget) * fresh
                state["own"][layer - 1] = cell
                x = self.norm(np.maximum(cell, 0) + x, own + "_ffn")
            else:
                own = f"decoder_l{layer}_self"
                before = state["own"][layer - 1]
                seen = x if before is None else np.concatenate([before, x])
                state["own"][layer - 1] = seen
                k, v = (self.projected(own, which, seen) for which in "kv")
                x = self.norm(self.attend(own, self.projected(own, "q", x), k, v) + x, own + "_Wo")
            context = f"decoder_l{layer}_context"
            x = self.norm(self.attend(context, self.projected(context, "q", x), keys, values) + x, context + "_Wo")
            x = self.feed_forward(f"decoder_l{layer}_ffn", x)
        state["position"] += 1
        bias = self.vector("decoder_ff_logit_out_b")
        bias = bias if allowed is None else bias[allowed]
        return self.product(x, self.output, "none", allowed, bias)[0]

    def allowed(self, source):
        if self.shortlist is None:
            return None
        frequent, offsets, ids = self.shortlist
        tokens = set(range(frequent)) | set(int(t) for t in source)
        for token in source:
            tokens.update(int(t) for t in ids[offsets[token] : offsets[token + 1]])
        return np.array(sorted(tokens))

    def greedy(self, source, end, unknown, most):
        """Ids of the target, the end included where it was reached."""
        state, ids, previous = self.start(source), [], None
        allowed = self.allowed(source)
        while len(ids) < most and previous != end:
            logits = self.logits(state, previous, allowed)
            names = np.arange(len(logits)) if allowed is None else allowed
            logits[names == unknown] = -np.inf
            previous = int(names[int(logits.argmax())])
            ids.append(previous)
        return ids


def main(folder, shifted=None):
    import sentencepiece

    (model,), (lex,), (vocabulary,) = (glob.glob(f"{folder}/{p}") for p in ("model*.bin", "lex*.bin", "vocab*.spm"))
    model = Model(model, lex, is_shifted=shifted is not None)
    pieces = sentencepiece.SentencePieceProcessor(vocabulary)
    for line in sys.stdin:
        source = pieces.encode(line.strip()) + [pieces.eos_id()]
        ids = model.greedy(source, pieces.eos_id(), pieces.unk_id(), math.ceil(2.5 * len(source)))
        print(pieces.decode([i for i in ids if i != pieces.eos_id()]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
