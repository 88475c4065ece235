"""Trains the Arabic-English adapter of Gemma 3 270M. `python train.py --help`."""

import argparse
import math
import random
import time
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

import data
import lora

PROMPT = "Arabic: {}\nEnglish translation:"


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--base", type=Path, required=True, help="GGUF of gemma-3-270m")
    p.add_argument("--data", type=Path, required=True, help="folder the manifest's files lie in")
    p.add_argument("--out", type=Path, required=True, help="adapter to write (safetensors)")
    p.add_argument("--start", type=Path, help="adapter to start from; none: from the bare base")
    p.add_argument("--minutes", type=float, default=60, help="how long; the learning rate falls over it")
    p.add_argument("--steps", type=int, help="stop after so many steps, whatever the time")
    p.add_argument("--groups", default="base,wikipedia,distil", help="sources of the manifest to use")
    p.add_argument("--joined", type=float, default=0.2, help="share of pairs joined to a second one")
    p.add_argument("--numbers", type=float, default=0.3, help="share of pairs with numbers whose digits are changed")
    p.add_argument("--names", type=float, default=0.3, help="share of pairs with places whose places are changed")
    p.add_argument("--lists", type=int, default=800, help="lists of six names in an epoch")
    p.add_argument("--words", type=int, default=1200, help="lines of twelve words of the dictionary in an epoch")
    p.add_argument("--precision", choices=["int8", "f32", "bf16"], default="int8", help="of the frozen layers; bf16: of all but the adapter")
    p.add_argument("--rank", type=int, default=40, help="of the adapter: 40 is 19 MB")
    p.add_argument("--lr", type=float, default=2e-4, help="highest learning rate")
    p.add_argument("--tokens", type=int, default=2048, help="tokens of a batch, padding included")
    p.add_argument("--smoothing", type=float, default=0.1, help="label smoothing")
    p.add_argument("--softmax", choices=["used", "full"], default="used", help="over the tokens that occur and 4,000 others, or all 262,144")
    p.add_argument("--average", type=float, default=0.99, help="decay of the running mean of the weights that is written; 0: the last weights")
    p.add_argument("--seed", type=int, default=0)
    return p.parse_args()


def encode(tok, pairs):
    prompts = tok([PROMPT.format(a) for a, _ in pairs], add_special_tokens=False)["input_ids"]
    targets = tok([f" {e}\n" for _, e in pairs], add_special_tokens=False)["input_ids"]
    return [([tok.bos_token_id] + p, t) for p, t in zip(prompts, targets)]


def batches(examples, budget, rng):
    """Examples of like length together, at most `budget` tokens with padding;
    in random order."""
    order = sorted(range(len(examples)), key=lambda i: sum(map(len, examples[i])) // 12 + rng.random() * 0.5)
    batch, longest, out = [], 0, []
    for i in order:
        length = sum(map(len, examples[i]))
        if batch and max(longest, length) * (len(batch) + 1) > budget:
            out.append(batch)
            batch, longest = [], 0
        batch.append(examples[i])
        longest = max(longest, length)
    out.append(batch)
    rng.shuffle(out)
    return out


def collate(batch):
    """ids, labels (-100 where nothing is learned), attention: [rows, longest]."""
    longest = max(len(p) + len(t) for p, t in batch)
    ids = torch.zeros((len(batch), longest), dtype=torch.long)
    labels = torch.full((len(batch), longest), -100)
    attention = torch.zeros((len(batch), longest), dtype=torch.long)
    for r, (p, t) in enumerate(batch):
        end = len(p) + len(t)
        ids[r, :end] = torch.tensor(p + t)
        labels[r, len(p) : end] = torch.tensor(t)
        attention[r, :end] = 1
    return ids, labels, attention


def main():
    o = options()
    torch.manual_seed(o.seed)
    rng = random.Random(o.seed)
    try:
        sources, lists = data.read_manifest(Path(__file__).with_name("manifest.toml"), o.data)
    except FileNotFoundError as error:
        raise SystemExit(f"{error.filename}: not there. --data must hold every file of manifest.toml; README.md says where they come from")
    groups = set(filter(None, o.groups.split(",")))
    if unknown := groups - {s.group for s in sources}:
        raise SystemExit(f"--groups: no {', '.join(sorted(unknown))} in manifest.toml")
    recipe = data.Recipe(groups, o.joined, o.numbers, o.names, o.lists, o.words)
    model, tok = lora.load_base(o.base, torch.bfloat16 if o.precision == "bf16" else torch.float32)
    adapters = lora.attach(model, o.rank, o.precision == "int8")
    for layer in model.model.layers:
        layer.compile(dynamic=True)  # one loop for what would be ten passes through memory
    if o.start:
        lora.load(adapters, o.start)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=o.lr, weight_decay=0.0, betas=(0.9, 0.98))

    head = model.lm_head.weight.detach()
    column = None
    if o.softmax == "used":
        # Every English token of the sources and the lists, alone and within a list; and every Arabic one of the
        # sources: what is outside is never unlearned, and a word of the source would be left in the English.
        texts = [e for s in sources for _, e in s.pairs]
        texts += [t for names in lists for _, all in names.entries for e in all.split("|") for t in (e, f"{e}, {e}\n")]
        seen = {t for _, target in encode(tok, [("", e) for e in texts]) for t in target}
        seen |= {t for prompt, _ in encode(tok, [(a, "") for s in sources for a, _ in s.pairs]) for t in prompt}
        seen |= set(tok("0123456789", add_special_tokens=False)["input_ids"]) | {tok.eos_token_id}
        seen |= set(rng.sample(range(head.shape[0]), 4000))
        used = torch.tensor(sorted(seen))
        column = torch.full((head.shape[0],), -100)
        column[used] = torch.arange(len(used))
        head = head[used].contiguous()

    mean = {n: t.clone() for n, t in lora.tensors(adapters).items()}
    started = time.time()
    step, tokens, running, saved, epochs, done = 0, 0, None, started, 0, False
    while not done:
        examples = encode(tok, data.epoch(sources, lists, recipe, rng))
        epochs += 1
        print(f"epoch {epochs}: {len(examples)} examples, {sum(len(p) + len(t) for p, t in examples)} tokens", flush=True)
        for batch in batches(examples, o.tokens, rng):
            past = step / o.steps if o.steps else (time.time() - started) / (60 * o.minutes)
            if past >= 1:
                done = True
                break
            for g in optimiser.param_groups:
                g["lr"] = o.lr * min(1, (step + 1) / 30) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * past)))
            ids, labels, attention = collate(batch)
            hidden = model.model(input_ids=ids, attention_mask=attention, use_cache=False).last_hidden_state
            learned = labels[:, 1:] != -100
            target = labels[:, 1:][learned]
            if column is not None:
                target = column[target]  # a token outside, where a changed name meets its sentence, is not learned
            logits = (hidden[:, :-1][learned] @ head.t()).float()
            loss = cross_entropy(logits, target, label_smoothing=o.smoothing)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            step += 1
            # Early on the mean follows closely: it would else keep the start.
            decay = min(o.average, step / (step + 10)) if o.average else 0.0
            for n, t in lora.tensors(adapters).items():
                mean[n].lerp_(t, 1 - decay)
            tokens += int(attention.sum())
            running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
            if step % 20 == 0:
                spent = time.time() - started
                print(f"step {step} loss {running:.3f} {tokens / spent:.0f} tokens/s {spent / 60:.1f} min", flush=True)
            if time.time() - saved > 300:
                lora.save(mean, o.out)
                saved = time.time()
    lora.save(mean, o.out)
    print(f"{o.out}: {step} steps, {tokens} tokens, {epochs} epochs begun", flush=True)


if __name__ == "__main__":
    main()
