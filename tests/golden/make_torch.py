"""Small files of torch.save for src/engine/seq2seq/torch.rs: python make_torch.py OUT_FOLDER (torch 2.15.0)"""

import os
import sys
from collections import OrderedDict

import torch


class Evil:
    """What a hostile file does: unpickling it with Python runs the command."""

    def __reduce__(self):
        return (os.system, ("touch /tmp/a-pickle-was-executed",))


def main(out):
    base = torch.arange(12, dtype=torch.float32)
    tensors = OrderedDict(
        whole=base.reshape(3, 4),
        part=base[5:9].reshape(2, 2),  # the same storage, from its sixth number on
        half=torch.tensor([1.5, -2.0], dtype=torch.float16),
        brain=torch.tensor([[0.25], [3.0]], dtype=torch.bfloat16),
        parameter=torch.nn.Parameter(torch.tensor([7.0])),
        number=torch.tensor(42),
    )
    tensors._metadata = {"": {"version": 1}}
    save = lambda name, value, **how: torch.save(value, os.path.join(out, name), **how)
    save("zip.bin", tensors)
    save("stream.bin", tensors, _use_new_zipfile_serialization=False)
    save("turned.bin", {"turned": base.reshape(3, 4).t()})
    save("evil-zip.bin", {"whole": base, "evil": Evil()})
    save("evil-stream.bin", {"whole": base, "evil": Evil()}, _use_new_zipfile_serialization=False)
    save("list.bin", [base])


if __name__ == "__main__":
    main(*sys.argv[1:])
