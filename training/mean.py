"""The weighted mean of adapters (Wortsman et al. 2022, "Model soups").

    python mean.py OUT 0.7 ONE.safetensors 0.3 OTHER.safetensors

The mean is that of the products B·A, cut to --rank: of the factors alone it would mix directions that have nothing in
common. The weights need not sum to one: 1.2 and -0.2 goes beyond.
"""

import argparse
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

import lora


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=Path)
    p.add_argument("adapters", nargs="+", metavar="WEIGHT FILE", help="adapters of any rank")
    p.add_argument("--rank", type=int, default=40)
    o = p.parse_args()
    if len(o.adapters) % 2:
        p.error("a weight before each file")
    try:
        weights = [float(w) for w in o.adapters[::2]]
    except ValueError as error:
        p.error(str(error))
    try:
        files = [load_file(f) for f in o.adapters[1::2]]
    except (OSError, SafetensorError) as error:
        p.error(str(error))
    if any(f.keys() != files[0].keys() for f in files):
        p.error("adapters of different layers")
    lora.save(mean(weights, files, o.rank), o.out)


def mean(weights: list[float], files: list[dict[str, torch.Tensor]], rank: int) -> dict[str, torch.Tensor]:
    """The tensors of a file for `lora.save`, of those of files with the same layers."""
    state = {}
    for name in (n.removesuffix(".lora_A.weight") for n in files[0] if n.endswith(".lora_A.weight")):
        a = torch.cat([f[f"{name}.lora_A.weight"].float() for f in files])
        b = torch.cat([w * f[f"{name}.lora_B.weight"].float() for w, f in zip(weights, files)], dim=1)
        state[f"{name}.lora_A"], state[f"{name}.lora_B"] = lora.resize(a, b, rank)
    return state


if __name__ == "__main__":
    main()
