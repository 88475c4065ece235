"""The weighted mean of adapters (Wortsman et al. 2022, "Model soups").

    python mean.py OUT 0.7 ONE.safetensors 0.3 OTHER.safetensors

The mean is that of the products B·A, cut to --rank: of the factors alone it would mix directions that have nothing in
common. The weights need not sum to one: 1.2 and -0.2 goes beyond.
"""

import argparse
from pathlib import Path

import torch
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
    files = [load_file(f) for f in o.adapters[1::2]]
    state = {}
    for name in (n.removesuffix(".lora_A.weight") for n in files[0] if n.endswith(".lora_A.weight")):
        a = torch.cat([f[f"{name}.lora_A.weight"].float() for f in files])
        b = torch.cat([w * f[f"{name}.lora_B.weight"].float() for w, f in zip(weights, files)], dim=1)
        state[f"{name}.lora_A"], state[f"{name}.lora_B"] = lora.resize(a, b, o.rank)
    lora.save(state, o.out)


if __name__ == "__main__":
    main()
