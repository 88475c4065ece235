"""Measures an adapter with greedy decoding, or (--outputs) what another
program has made of the same lines. `python evaluate.py --help`.

Prints one line of JSON a test set. Beside BLEU and chrF:
numbers: share of the source's numbers that the output has too;
names: share of the reference's capitalised words that stand behind a word in
    small letters, a comma, a semicolon, a colon, a bracket or a closing quote,
    where a capital is a name's, that the output has too;
dropped: share of outputs shorter than 0.6 of the reference (in characters),
    as when one of two sentences is lost (the set `joined`: dev lines two by two);
arabic: share of outputs with Arabic letters;
loops: share of outputs in which four words come three times;
nll: nats a reference token, teacher-forced. It shows overfitting and how far
    probabilities can be trusted; outputs may become better while it rises.
"""

import argparse
import json
import re
from pathlib import Path

import sacrebleu
import torch
from torch.nn.functional import cross_entropy

import data
import lora
from train import PROMPT, collate, encode


SETS = ("dev", "pud", "joined")


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--base", type=Path, help="GGUF of gemma-3-270m")
    p.add_argument("--data", type=Path, required=True, help="folder the manifest's files lie in")
    p.add_argument("--adapter", type=Path, help="none: the bare base")
    p.add_argument("--sets", default=",".join(SETS), help="of dev, pud, joined; empty: none")
    p.add_argument("--lines", type=int, default=200, help="of each set")
    p.add_argument("--batch", type=int, default=40)
    p.add_argument("--texts", type=Path, help="folder to write sources and outputs to: dev.ar, dev.en")
    p.add_argument("--reference", type=Path, help="file to write the first 40 of pud to, with the ids of the outputs: what the runner is compared with")
    p.add_argument("--outputs", type=Path, help="measure the dev.en, pud.en, joined.en of this folder, without a model")
    o = p.parse_args()
    if not (o.base or o.outputs or o.texts):
        p.error("--base, --outputs or --texts is needed")
    if o.outputs and (o.base or o.adapter or o.texts):
        p.error("--outputs measures what is there: no --base, --adapter or --texts beside it")
    if o.reference and not o.base:
        p.error("--reference needs a --base")
    if o.adapter and not o.base:
        p.error("--adapter needs the --base it lies on")
    o.sets = [name for name in o.sets.split(",") if name]
    if unknown := set(o.sets) - set(SETS):
        p.error(f"--sets: no {', '.join(sorted(unknown))}, only {', '.join(SETS)}")
    if o.batch < 1:
        p.error("--batch: at least 1")
    return o


def test_set(name: str, folder: Path, count: int) -> list[tuple[str, str]]:
    flores = list(zip(data.lines(folder / "flores-dev/ar"), data.lines(folder / "flores-dev/en")))
    dev = [p for p in flores if all(p)][-200:]
    if name == "dev":
        return dev[:count]
    if name == "joined":
        pairs = zip(dev[0::2], dev[1::2])
        return [(f"{a[0]} {b[0]}", f"{a[1]} {b[1]}") for a, b in pairs][:count]
    return [p for p in zip(data.lines(folder / "pud-ar-en/pud.ar"), data.lines(folder / "pud-ar-en/pud.en")) if all(p)][:count]


@torch.inference_mode()
def translate(model, tok, sources, batch) -> list[list[int]]:
    """The ids of the outputs, up to the end of the line. Greedy, padded left,
    longest first; at most 2 tokens for one of the source and 20 more."""
    newline = tok("\n", add_special_tokens=False)["input_ids"][0]
    ids = [i for i, _ in encode(tok, [(s, "") for s in sources])]
    order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
    out = [[]] * len(ids)
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        longest = len(ids[rows[0]])
        padded = torch.zeros((len(rows), longest), dtype=torch.long)
        attention = torch.zeros_like(padded)
        for r, i in enumerate(rows):
            padded[r, longest - len(ids[i]) :] = torch.tensor(ids[i])
            attention[r, longest - len(ids[i]) :] = 1
        got = model.generate(
            input_ids=padded, attention_mask=attention, do_sample=False, top_k=None, top_p=None,
            max_new_tokens=2 * longest + 20, eos_token_id=[newline, tok.eos_token_id], pad_token_id=tok.eos_token_id,
        )
        for r, i in enumerate(rows):
            made = got[r, longest:].tolist()
            end = min((made.index(stop) for stop in (newline, tok.eos_token_id) if stop in made), default=len(made))
            out[i] = made[:end]
    return out


def line(tok, ids: list[int]) -> str:
    return tok.decode(ids, skip_special_tokens=True).split("\n")[0].strip()


@torch.inference_mode()
def nll(model, tok, pairs, batch):
    total, count = 0.0, 0
    examples = sorted(encode(tok, pairs), key=lambda x: sum(map(len, x)))
    batch = max(1, batch // 4)  # every token's logits are kept, where translating needs those of the last one
    for start in range(0, len(examples), batch):
        ids, labels, attention = collate(examples[start : start + batch])
        hidden = model.model(input_ids=ids, attention_mask=attention, use_cache=False).last_hidden_state
        learned = labels[:, 1:] != -100
        logits = (hidden[:, :-1][learned] @ model.lm_head.weight.t()).float()
        total += cross_entropy(logits, labels[:, 1:][learned], reduction="sum").item()
        count += int(learned.sum())
    return total / count


def recall(wanted: list[list[str]], outputs: list[str], words) -> float:
    kept = every = 0
    for want, output in zip(wanted, outputs):
        have = words(output)
        for w in want:
            every += 1
            if w in have:
                kept += 1
                have.remove(w)
    return kept / max(1, every)


def loops(text: str) -> bool:
    words = text.split()
    seen = {}
    for i in range(len(words) - 3):
        key = tuple(words[i : i + 4])
        seen[key] = seen.get(key, 0) + 1
    return max(seen.values(), default=0) >= 3


def measure(pairs, outputs) -> dict:
    """The figures of one set of (source, reference) and its outputs."""
    references = [e for _, e in pairs]
    numbers = lambda text: data.DIGITS.findall(text.translate(data.WESTERN))
    names = lambda text: re.findall(r"(?<=[a-z,;:'\")] )[A-Z][\w'-]+", text)
    words = lambda text: re.findall(r"[A-Z][\w'-]+", text)
    return {
        "lines": len(pairs),
        "bleu": round(sacrebleu.corpus_bleu(outputs, [references]).score, 2),
        "chrf": round(sacrebleu.corpus_chrf(outputs, [references]).score, 2),
        "numbers": round(recall([numbers(a) for a, _ in pairs], outputs, numbers), 3),
        "names": round(recall([names(e) for e in references], outputs, words), 3),
        "dropped": round(sum(len(o) < 0.6 * len(r) for o, r in zip(outputs, references)) / len(pairs), 3),
        "arabic": round(sum(bool(data.ARABIC.search(o)) for o in outputs) / len(pairs), 3),
        "loops": round(sum(map(loops, outputs)) / len(pairs), 3),
    }


def write(texts: list[str], file: Path):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{t}\n" for t in texts), encoding="utf-8")


def main():
    o = options()
    if o.base:
        model, tok = lora.load_base(o.base, torch.float32)
        if o.adapter:
            adapters = lora.attach(model, lora.rank_of(o.adapter))
            lora.load(adapters, o.adapter)
            lora.merge(adapters, True)
        model.eval()
    if o.reference:
        sources = [a for a, _ in test_set("pud", o.data, 40)]
        made = zip(sources, translate(model, tok, sources, o.batch))
        rows = [{"source": s, "output_ids": ids, "output": line(tok, ids)} for s, ids in made]
        write([json.dumps(row, ensure_ascii=False) for row in rows], o.reference)
    for name in o.sets:
        pairs = test_set(name, o.data, o.lines)
        if o.texts:
            write([a for a, _ in pairs], o.texts / f"{name}.ar")
        if o.outputs:
            file = o.outputs / f"{name}.en"
            if not file.is_file():
                raise SystemExit(f"{file}: not there. --texts writes {name}.ar, of which it is the translation; --sets leaves sets out")
            outputs = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
            if len(outputs) != len(pairs):
                raise SystemExit(f"{file}: {len(outputs)} lines, where the set has {len(pairs)}")
            print(json.dumps({"outputs": str(o.outputs), "set": name} | measure(pairs, outputs)), flush=True)
        elif o.base:
            ids = translate(model, tok, [a for a, _ in pairs], o.batch)
            outputs = [line(tok, made) for made in ids]
            figures = measure(pairs, outputs) | {"nll": round(nll(model, tok, pairs, o.batch), 4)}
            print(json.dumps({"adapter": str(o.adapter), "set": name} | figures), flush=True)
            if o.texts:
                write(outputs, o.texts / f"{name}.en")


if __name__ == "__main__":
    main()
