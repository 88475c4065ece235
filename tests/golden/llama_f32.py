"""Greedy outputs of llama.cpp in f32, for tests/golden.rs: python llama_f32.py GOLDEN_DIR WEIGHTS_DIR OUT_DIR

llama.cpp rounds activations to 8 bits where weights are quantised, so its outputs for a quantised file differ from exact
arithmetic. Here the weights are expanded to f32 first (gguf.quants) and the cache is f32, so that llama.cpp computes what
tarjuman's reference computes. Prompts are those of GOLDEN_DIR/MODEL/greedy.jsonl; OUT_DIR/MODEL.jsonl gets the new
`output_ids`, and nothing of the prompts.

pip install llama-cpp-python==0.3.36 gguf==0.19.0 numpy==2.4.6
"""

import json
import os
import sys
import tempfile

import gguf
import numpy as np
from llama_cpp import Llama

MODELS = {  # name: (file, most tokens, whether a newline ends the output)
    "gemma-3-270m": ("gemma-3-270m.gguf", 96, True),
    "smollm2-135m-instruct": ("SmolLM2-135M-Instruct.Q4_1.gguf", 64, False),
}


def expand(source, target):
    """The same GGUF file with all its tensors in f32."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, arch=reader.get_field("general.architecture").contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind = field.types[0]
        element = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=element)
    for tensor in reader.tensors:
        data = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        writer.add_tensor(tensor.name, data.reshape([int(n) for n in reversed(tensor.shape)]))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def continuation(llm, prompt, limit, newline_ends):
    llm.reset()
    llm.eval(prompt)
    output, text = [], b""
    for _ in range(limit):
        token = int(np.argmax(llm.scores[llm.n_tokens - 1]))
        if token == llm.token_eos():
            break
        text += llm.detokenize([token])
        if newline_ends and b"\n" in text:
            break
        output.append(token)
        llm.eval([token])
    return output


def main(golden, weights, out):
    os.makedirs(out, exist_ok=True)
    for model, (file, limit, newline_ends) in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "f32.gguf")
            expand(os.path.join(weights, file), path)
            llm = Llama(path, n_ctx=1024, n_threads=2, n_threads_batch=2, logits_all=True, verbose=False,
                        type_k=0, type_v=0, flash_attn=False)
            with open(os.path.join(golden, model, "greedy.jsonl")) as lines, \
                    open(os.path.join(out, model + ".jsonl"), "w") as found:
                for line in lines:
                    line = json.loads(line)
                    ids = continuation(llm, line["prompt_ids"], limit, newline_ends)
                    found.write(json.dumps({"output_ids": ids}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
