"""Low-rank adapters on Gemma 3 (Hu et al. 2021, "LoRA").

W' = W + scale · B · A, with A [rank, in], B [out, rank]; the base's weights
are frozen. The file holds `model.layers.N.X.lora_{A,B}.weight`, f16, with the
scale 2.0 (alpha = 2 · rank) that models.toml states.
"""

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer

SCALE = 2.0
TARGETS = {
    "self_attn": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "mlp": ["gate_proj", "up_proj", "down_proj"],
}


def to_int8(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Each row [.., n] as 8-bit integers, and its scale [.., 1]."""
    scale = x.abs().amax(-1, keepdim=True).clamp_min(1e-8) / 127
    return torch.round(x / scale).to(torch.int8), scale


class Frozen(torch.autograd.Function):
    """x · W' for a W that does not learn, in 8-bit products forward and back.

    As SwitchBack (Wortsman et al. 2023, "Stable and low-precision training"):
    what learns, the adapter, keeps its products in full precision. A CPU with
    VNNI does it in a third of the time of f32.
    """

    @staticmethod
    def forward(ctx, x, forward, forward_scale, backward, backward_scale):
        ctx.save_for_backward(backward, backward_scale)
        rows, scale = to_int8(x)
        return torch._int_mm(rows, forward).float() * scale * forward_scale

    @staticmethod
    def backward(ctx, gradient):
        backward, backward_scale = ctx.saved_tensors
        rows, scale = to_int8(gradient)
        return torch._int_mm(rows, backward).float() * scale * backward_scale, None, None, None, None


class Adapted(nn.Module):
    """A frozen linear layer with its adapter."""

    def __init__(self, linear: nn.Linear, rank: int, int8: bool):
        super().__init__()
        self.weight = linear.weight
        self.frozen = None
        if int8:
            # One scale for each row of what is summed over, forward and back.
            (forward, a), (backward, b) = to_int8(self.weight), to_int8(self.weight.t().contiguous())
            self.frozen = (forward.t(), a.t().contiguous(), backward.t(), b.t().contiguous())
        self.lora_A = nn.Parameter(torch.randn(rank, linear.in_features) * 0.02)
        self.lora_B = nn.Parameter(torch.zeros(linear.out_features, rank))
        self.merged = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.merged is not None:
            return x @ self.merged.t()
        rows = x.reshape(-1, x.shape[-1])
        base = rows @ self.weight.t() if self.frozen is None else Frozen.apply(rows, *self.frozen)
        a, b = SCALE * self.lora_A.to(x.dtype), self.lora_B.to(x.dtype)
        return torch.addmm(base, rows @ a.t(), b.t()).reshape(*x.shape[:-1], -1)


def load_base(gguf: Path, dtype: torch.dtype):
    """Gemma 3 and its tokenizer, from a GGUF file."""
    at = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    model = AutoModelForCausalLM.from_pretrained(**at, dtype=dtype)
    model.requires_grad_(False)
    return model, AutoTokenizer.from_pretrained(**at)


def attach(model, rank: int, int8: bool = False) -> dict[str, Adapted]:
    """Puts an adapter that changes nothing yet on every linear layer; with
    `int8` the layers' own products are in 8 bits (f32 models only)."""
    adapters = {}
    for n, layer in enumerate(model.model.layers):
        for part, names in TARGETS.items():
            module = getattr(layer, part)
            for name in names:
                adapted = Adapted(getattr(module, name), rank, int8)
                setattr(module, name, adapted)
                adapters[f"model.layers.{n}.{part}.{name}"] = adapted
    return adapters


def resize(a: torch.Tensor, b: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The same product B·A at another rank: widened with directions that do
    nothing yet, or cut to its largest singular values (the best there is of
    that rank; Eckart and Young 1936)."""
    have = a.shape[0]
    if rank == have:
        return a, b
    if rank > have:
        wide_a, wide_b = torch.randn(rank, a.shape[1]) * 0.02, torch.zeros(b.shape[0], rank)
        wide_a[:have], wide_b[:, :have] = a, b
        return wide_a, wide_b
    u, s, v = torch.linalg.svd(b @ a, full_matrices=False)
    root = s[:rank].sqrt()
    return root[:, None] * v[:rank], u[:, :rank] * root


def rank_of(file: Path) -> int:
    """The rank of an adapter's file, the same on every layer."""
    with safe_open(file, "pt") as f:
        return f.get_slice("model.layers.0.self_attn.q_proj.lora_A.weight").get_shape()[0]


def load(adapters: dict[str, Adapted], file: Path):
    """Starts from an adapter of any rank."""
    tensors = load_file(file)
    for name, adapted in adapters.items():
        a, b = (tensors[f"{name}.lora_{x}.weight"].float() for x in "AB")
        a, b = resize(a, b, adapted.lora_A.shape[0])
        adapted.lora_A.data.copy_(a)
        adapted.lora_B.data.copy_(b)


def tensors(adapters: dict[str, Adapted]) -> dict[str, torch.Tensor]:
    return {f"{name}.{x}": getattr(adapted, x).detach() for name, adapted in adapters.items() for x in ("lora_A", "lora_B")}


def save(state: dict[str, torch.Tensor], file: Path):
    """Writes an adapter (f16), whole or not at all."""
    half = {f"{name}.weight": t.to(torch.float16).contiguous() for name, t in state.items()}
    part = file.with_suffix(".part")
    save_file(half, part)
    part.replace(file)


def merge(adapters: dict[str, Adapted], on: bool):
    """W + scale·B·A as one matrix, as the runner has it: for decoding."""
    for adapted in adapters.values():
        adapted.merged = None
        if on:
            change = SCALE * (adapted.lora_B.detach() @ adapted.lora_A.detach())
            adapted.merged = (adapted.weight.float() + change).to(adapted.weight.dtype)
