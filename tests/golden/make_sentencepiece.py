"""Golden cases of SentencePiece, and as many more as one likes.

python make_sentencepiece.py TICO19_DIR... OUT_DIR
    trains small models on TICO-19 (CC0), one for each option that changes ids or text, makes up others, and records
    what the reference makes of lines of TICO-19 and of awkward strings: OUT_DIR/*.model and OUT_DIR/cases.jsonl.
python make_sentencepiece.py --all DATA_DIR OUT_DIR [MODEL...]
    records every line of every file in DATA_DIR for each MODEL and for models of 8,000 and 32,000 pieces trained on
    those lines: OUT_DIR/*.jsonl, which the test `a_large_comparison_finds_no_difference` reads.

pip install sentencepiece==0.2.3 protobuf==7.36.2
"""

import base64
import json
import os
import random
import sys
import tempfile

import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as pb

assert spm.__version__ == "0.2.3", "long texts and user-defined symbols have other ids in other versions"

IDENTITY = dict(normalization_rule_name="identity")
MODELS = {
    "unigram-nmt": dict(model_type="unigram", vocab_size=400, normalization_rule_name="nmt_nfkc"),
    "unigram-bytes": dict(
        model_type="unigram",
        vocab_size=600,
        byte_fallback=True,
        user_defined_symbols=["<2en>", "<2ar>", "اللهم", "الله", "a b", "▁New"],
        **IDENTITY,
    ),
    "bpe-bytes": dict(
        model_type="bpe",
        vocab_size=600,
        byte_fallback=True,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        user_defined_symbols=["<mask>", "  ", "covid"],
        **IDENTITY,
    ),
    "unigram-bare": dict(
        model_type="unigram",
        vocab_size=250,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        character_coverage=0.99,
        **IDENTITY,
    ),
    "bpe-suffix": dict(
        model_type="bpe",
        vocab_size=400,
        treat_whitespace_as_suffix=True,
        character_coverage=0.99,
        unk_surface="؟",
        **IDENTITY,
    ),
    "unigram-control": dict(
        model_type="unigram",
        vocab_size=300,
        normalization_rule_tsv="RULES",
        denormalization_rule_tsv="RULES BACK",
        control_symbols=["<ctl>", "the"],
        user_defined_symbols=["ABC", "ـ٪", "\u3000x"],
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        pad_piece="[PAD]",
        unk_piece="[UNK]",
    ),
}

# What is replaced, and by what. Some rules begin others, some give nothing, spaces, or what a rule replaces.
RULES = {
    "\t": " ",
    "\u00a0": " ",
    "\u3000": " ",
    "\u200b": "",
    "ـ": "",
    "A": "a",
    "AB": "b a",
    "ABCD": "dcba",
    "ﷺ": "صلى الله عليه وسلم",
    "…": " ... ",
    "e\u0301": "é",
    "🇸🇾": "SY",
    "the v": "V",
}
RULES_BACK = {"V": "the v", "é": "e\u0301", "  ": " ", "z": ""}

AWKWARD = [
    "",
    " ",
    "   ",
    "\t",
    "\n",
    "\r\n",
    " a",
    "a ",
    "  the  virus   spreads  ",
    "\tthe\tvirus\t",
    "the\nvirus\r\nspreads\n",
    "\u3000the\u3000\u3000virus\u3000",
    "\u00a0the\u00a0virus\u00a0",
    "\u200bthe\u200b vir\u200dus\u200c\ufeff",
    "\u200b",
    "\u200b \u200b",
    " \u200b a \u200b b \u200b ",
    "\u200f\u202bفيروس\u202c\u200e",
    "\u2066the\u2069 \u061c",
    "👩‍👩‍👧‍👦 and 👍🏽 🇸🇾",
    "لا إله إلا الله",
    "اللهم صل",
    "واللهم<2en>الله<2ar>",
    "<2en> the<2en>virus <2e",
    "a b",
    "xa by a  b a\u00a0b",
    "New York ▁New York xNew",
    "<mask>the<mask> <mas k>",
    "covid covidcovid COVID-19 co vid",
    "A AB ABC ABCD ABCDABC … x…y z V",
    "the the v the virus",
    "ﻻ ﻷ ﻹ ﻵ ﷲ ﷺ ﷽",
    "ﺍﻟﻔﻴﺮﻭﺱ ﭖ ﭼ ﮊ ﯾ",
    "الفيـــــروس ــ",
    "اَلْفِيرُوسُ مُحَمَّدٌ",
    "آأإؤئ ا\u0653ا\u0654ا\u0655و\u0654ي\u0654",
    "café cafe\u0301 e\u0301\u0301 \u0301e",
    "Å \u212b A\u030a ﬁ ﬄ ½ ² ㎏ № ™ …",
    "ａｂｃ１２３！ ｶﾞｷﾞ ｱ",
    "가나 \u1100\u1161 \u110b\u1161\u11ab",
    "中文字符 日本語 中中中 文 a中b",
    "१२३ ١٢٣ ۱۲۳ ٪ ٫ ٬ ، ؛ ؟",
    "<s>",
    "</s>",
    "<unk>",
    "<s> the </s> <unk> <pad>",
    "<0x41>",
    "<0x41><0xE2> <0x0A",
    "<ctl> the<ctl>the",
    "[UNK] [PAD]",
    "▁",
    "▁▁",
    "the▁virus ▁ virus▁",
    " ▁ ",
    "a\0b",
    "\0",
    "\x01\x02\x7f\x85\x9f",
    "\ue000\uf8ff\U000f0000\U0010ffff\ufffe\uffff",
    "\ufffd\ufffd the",
    "ß ẞ İ ı ǅ Σ ς",
    "ӕ ѱ ժ ა ᚠ 𐍈 𓀀 𝒜",
    "aaaaa aaaaaaa eeeeeeeeeeeee",
    "ananananan nanananana",
    "x@y.org, 3.14; (a) “b” ‘c’ — d – e - f",
    "w01100046 PubMed_10:1000",  # sums of f32 and f64 differ
    "http://example.org/a_b?c=%D8%A7&d=[1]#x",
    "١" * 40,
    "=" * 50,
    "a" * 150,
    "virus" * 30,
    "ال" * 40,
]
# Too long to commit: words of 100 kB, unknowns without end, sums that the reference sets back.
LONG = ["a" * 100_000, "virus" * 20_000, "الفيروس " * 12_000, "中" * 30_000, " " * 50_000, "\u200b " * 20_000]


def case(sp, name, text):
    ids, pieces = sp.encode(text), sp.encode(text, out_type=str)
    return {
        "model": name,
        "text": text,
        "ids": ids,
        "pieces": pieces,
        "decoded": sp.decode(ids) if ids else "",
        "decoded_pieces": sp.decode(pieces) if pieces else "",
        "normalized": sp.normalize(text),
    }


def write(file, record):
    if record.get("decoded_pieces") == record.get("decoded"):
        record.pop("decoded_pieces", None)  # as `decoded`
    file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def train(lines, prefix, **options):
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_prefix=prefix, num_threads=1, minloglevel=2, **options
    )
    os.remove(prefix + ".vocab")


def rules_file(folder, rules):
    path = os.path.join(folder, str(len(os.listdir(folder))))
    with open(path, "w", encoding="utf-8") as file:
        for source, target in rules.items():
            file.write("\t".join(" ".join(f"{ord(c):04X}" for c in text) for text in (source, target)) + "\n")
    return path


# Copies that SentencePiece would not train, but reads.


def is_normal(piece):
    return piece.type == pb.ModelProto.SentencePiece.NORMAL


def unused(model):
    """BPE takes unused pieces apart again, unigram passes them over."""
    for i, piece in enumerate(model.pieces):
        if is_normal(piece) and i % 2 and piece.piece != "▁":
            piece.type = pb.ModelProto.SentencePiece.UNUSED


def deep(model):
    """Unused pieces inside of each other, deeper than the reference follows."""
    del model.pieces[3:]
    for n in range(1, 121):
        kind = pb.ModelProto.SentencePiece.UNUSED if n > 1 else pb.ModelProto.SentencePiece.NORMAL
        model.pieces.add(piece="a" * n, score=n, type=kind)


def ties(model):
    """The order of equals decides; and what a user-defined symbol would merge to if it could."""
    for piece in filter(is_normal, model.pieces):
        piece.score = -3.0
    for text in ("covida", "ecovid"):
        model.pieces.add(piece=text, score=-1.0)


def positive(model):
    """User-defined symbols and known characters are not better than everything else."""
    for piece in filter(is_normal, model.pieces):
        piece.score = 0.15
        if piece.piece == "m":
            piece.type = pb.ModelProto.SentencePiece.UNUSED
    model.pieces.add(piece="transmission", score=0.15)


def both(model):
    """Text that is a control piece and a normal one."""
    for text in ("the", "<ctl>"):
        model.pieces.add(piece=text, score=-1.0)


EDITED = {  # the model it is made from, the change, texts that show it
    "bpe-unused": ("bpe-suffix", unused, []),
    "unigram-unused": ("unigram-bytes", unused, []),
    "bpe-deep": ("bpe-suffix", deep, ["a" * n for n in (1, 2, 7, 100, 101, 102, 103, 120, 121, 290)]),
    "bpe-ties": ("bpe-bytes", ties, ["covida ecovid ecovida"]),
    "unigram-ties": ("unigram-bare", ties, []),
    "unigram-positive": ("unigram-bytes", positive, ["transmission", "اللهم"]),
    "unigram-both": ("unigram-control", both, []),
}


def tiny(rng):
    """A model over few letters with few different scores, where everything happens at once."""
    model = pb.ModelProto()
    kind = rng.choice([pb.TrainerSpec.UNIGRAM, pb.TrainerSpec.BPE])
    model.trainer_spec.model_type = kind
    spec = model.normalizer_spec
    spec.add_dummy_prefix, spec.remove_extra_whitespaces = rng.random() < 0.5, rng.random() < 0.5
    spec.escape_whitespaces = rng.random() < 0.8
    model.trainer_spec.treat_whitespace_as_suffix = rng.random() < 0.3
    types = pb.ModelProto.SentencePiece
    model.pieces.add(piece="<unk>", score=0, type=types.UNKNOWN)
    scale = rng.choice([0.1, 1, 1, 1, 1e6])
    scores = [rng.uniform(-9, 1) * scale for _ in range(rng.choice([1, 3, 100]))]
    weights = [9, rng.choice([0, 0, 1]), rng.choice([0, 0, 2, 9])]
    count = rng.choice([9, 60])
    lengths = [1, 2, 2, 3, 3, 4, 5, 6, 8]
    for text in sorted({"".join(rng.choices("aab▁", k=rng.choice(lengths))) for _ in range(count)}):
        type = rng.choices([types.NORMAL, types.USER_DEFINED, types.UNUSED], weights)[0]
        model.pieces.add(piece=text, score=rng.choice(scores), type=type)
    return model, ["".join(rng.choices("aaaaabbc ▁", k=rng.choice([3, 9, 9, 30, 60]))) for _ in range(3)]


def edit(source, target, change=lambda model: None):
    model = pb.ModelProto()
    with open(source, "rb") as file:
        model.ParseFromString(file.read())
    for field in ("input", "model_prefix"):  # paths
        model.trainer_spec.ClearField(field)
    for spec in (model.normalizer_spec, model.denormalizer_spec):
        spec.ClearField("normalization_rule_tsv")
    change(model)
    with open(target, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


def golden(folders, out):
    english, arabic = [], []
    for folder in folders:
        for name in sorted(os.listdir(folder)):
            if name.endswith((".en", ".ar")):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    (english if name.endswith(".en") else arabic).extend(file.read().split("\n"))
    lines = [line for pair in zip(english, arabic) for line in pair if line]
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        files = {"RULES": rules_file(temporary, RULES), "RULES BACK": rules_file(temporary, RULES_BACK)}
        for name, options in MODELS.items():
            prefix = os.path.join(out, name)
            train(lines, prefix, **{k: files.get(v, v) if isinstance(v, str) else v for k, v in options.items()})
            edit(prefix + ".model", prefix + ".model")
    for name, (source, change, _) in EDITED.items():
        edit(os.path.join(out, source + ".model"), os.path.join(out, name + ".model"), change)
    chosen = [line for line in english[:: len(english) // 4] + arabic[100 :: len(arabic) // 4] if line]
    with open(os.path.join(out, "cases.jsonl"), "w", encoding="utf-8") as file:
        for name in [*MODELS, *EDITED]:
            sp = spm.SentencePieceProcessor(model_file=os.path.join(out, name + ".model"))
            special = {"unk": sp.unk_id(), "bos": sp.bos_id(), "eos": sp.eos_id(), "pad": sp.pad_id()}
            write(file, {"model": name + ".model", "len": len(sp), **special})
            rng = random.Random(name)
            pieces = [sp.id_to_piece(i) for i in range(len(sp)) if not sp.is_byte(i)]
            made = ["".join(rng.choices(pieces, k=rng.randrange(1, 25))).replace("▁", " ") for _ in range(15)]
            if name in MODELS:
                texts = chosen + made + AWKWARD
            else:
                texts = EDITED[name][2] or made + AWKWARD[::4]
            for text in texts:
                write(file, case(sp, name + ".model", text))
            for _ in range(15):
                ids = rng.choices(range(min(len(sp), rng.choice([6, 300, 9999]))), k=rng.randrange(1, 12))
                strings = rng.choices(pieces[:8] + pieces[-9:] + ["", "▁", "▁x", "x▁y", "<0xE2>", "<0xe2>"], k=8)
                texts = {"decoded": sp.decode(ids), "decoded_pieces": sp.decode(strings)}
                write(file, {"model": name + ".model", "ids": ids, "pieces": strings, **texts})
        for seed in range(60):
            model, texts = tiny(random.Random(seed))
            file_bytes = model.SerializeToString(deterministic=True)
            write(file, {"model": f"tiny-{seed}", "file": base64.b64encode(file_bytes).decode()})
            sp = spm.SentencePieceProcessor(model_proto=file_bytes)
            for text in texts:
                write(file, case(sp, f"tiny-{seed}", text))


def everything(data, out, models):
    lines = []
    for folder, _, names in sorted(os.walk(data)):
        for name in sorted(names):
            with open(os.path.join(folder, name), "rb") as file:
                lines += file.read().decode("utf-8", errors="replace").split("\n")
    lines = list(dict.fromkeys(lines))
    whole = [line for line in lines if "\0" not in line and "\ufffd" not in line and len(line) < 2000]
    for kind in ("unigram", "bpe"):
        for size in (8000, 32000):
            prefix = os.path.join(out, f"{kind}-{size}")
            train(whole, prefix, model_type=kind, vocab_size=size, byte_fallback=(kind == "bpe") == (size == 8000))
            models.append(prefix + ".model")
    for path in models:
        sp = spm.SentencePieceProcessor(model_file=path)
        with open(os.path.join(out, os.path.basename(path) + ".jsonl"), "w", encoding="utf-8") as file:
            for text in lines + AWKWARD + LONG:
                write(file, case(sp, os.path.abspath(path), text))
        print(path, len(lines) + len(AWKWARD) + len(LONG), "lines")


if __name__ == "__main__":
    if sys.argv[1] == "--all":
        everything(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        golden(sys.argv[1:-1], sys.argv[-1])
