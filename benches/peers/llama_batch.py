"""llama.cpp on a GGUF file: greedy continuation of prompts with a common beginning. A worker of compare.py.

The beginning is decoded once, at load, as tarjuman does; its keys and values are copied to `batch` sequences, which
then go on side by side for exactly `tokens` tokens each. A prompt is `before`, a line, and `after`. `unified` says
whether all sequences share one buffer of keys and values; either way can be the faster one.
"""

import ctypes
import time

import llama_cpp as L
import numpy as np

import worker


class Session:
    def __init__(self, job):
        L.llama_log_set(SILENT, None)
        parameters = L.llama_model_default_params()
        parameters.n_gpu_layers = 0
        self.model = L.llama_model_load_from_file(job.model.encode(), parameters)
        self.vocabulary = L.llama_model_get_vocab(self.model)
        self.words = L.llama_vocab_n_tokens(self.vocabulary)
        self.job = job

    def open(self, most_tokens):
        """A context for the beginning, sequence 0, and `batch` rows of up to so many tokens."""
        job, sequences = self.job, self.job.batch + 1
        parameters = L.llama_context_default_params()
        parameters.n_ctx = (most_tokens + 8) * sequences
        parameters.n_batch = self.n_batch = 2048
        parameters.n_seq_max = sequences
        parameters.n_threads = parameters.n_threads_batch = job.threads
        parameters.kv_unified = job.unified
        self.context = L.llama_init_from_model(self.model, parameters)
        self.memory = L.llama_get_memory(self.context)
        self.batch = L.llama_batch_init(self.n_batch, 0, 1)

    def encode(self, text):
        data = text.encode()
        ids = (L.llama_token * (len(data) + 8))()
        count = L.llama_tokenize(self.vocabulary, data, len(data), ids, len(ids), True, False)
        return list(ids[:count])

    def decode(self, ids):
        buffer = ctypes.create_string_buffer(32 * len(ids) + 64)
        size = L.llama_detokenize(
            self.vocabulary, (L.llama_token * len(ids))(*ids), len(ids), buffer, len(buffer), False, False
        )
        return buffer.raw[:size].decode(errors="replace")

    def feed(self, rows):
        """Takes in (sequence, first position, ids) and returns for each row the likeliest token after its last."""
        flat = [(s, p + i, id, i == len(ids) - 1) for s, p, ids in rows for i, id in enumerate(ids)]
        best = []
        for at in range(0, len(flat), self.n_batch):
            part = flat[at : at + self.n_batch]
            batch = self.batch
            batch.n_tokens = len(part)
            for i, (sequence, position, id, is_last) in enumerate(part):
                batch.token[i], batch.pos[i], batch.logits[i] = id, position, is_last
                batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
            if L.llama_decode(self.context, batch) != 0:
                raise SystemExit("llama_decode failed")
            outputs = sum(is_last for *_, is_last in part)
            if outputs:
                logits = np.ctypeslib.as_array(L.llama_get_logits(self.context), (outputs * self.words,))
                best.extend(logits.reshape(outputs, self.words).argmax(1).tolist())
        return best

    def run(self, prompts, shared):
        """The `tokens` ids that follow each prompt, `batch` prompts side by side, those of like length together."""
        order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
        found = [[] for _ in prompts]
        for at in range(0, len(order), self.job.batch):
            rows = order[at : at + self.job.batch]
            for sequence in range(1, len(rows) + 1):
                L.llama_memory_seq_cp(self.memory, 0, sequence, -1, -1)
            best = self.feed([(s, shared, prompts[i][shared:]) for s, i in enumerate(rows, 1)])
            for step in range(self.job.tokens):
                for i, id in zip(rows, best):
                    found[i].append(id)
                if step + 1 < self.job.tokens:
                    best = self.feed([(s, len(prompts[i]) + step, found[i][-1:]) for s, i in enumerate(rows, 1)])
            for sequence in range(1, len(rows) + 1):
                L.llama_memory_seq_rm(self.memory, sequence, -1, -1)
        return found


def first_line(text):
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def main(job):
    lines = worker.lines_of(job.lines)
    started = time.perf_counter()
    session = Session(job)
    frame = lambda line: session.encode(job.before + line + job.after)
    prompts = [frame(line) for line in lines]
    columns = zip(*prompts, frame("1"), frame("Q"))
    shared = next(i for i, column in enumerate(columns) if len(set(column)) > 1) - 1
    session.open(max(map(len, prompts)) + job.tokens)
    session.feed([(0, 0, prompts[0][:shared])])
    session.run([frame(worker.warm_up(lines))], shared)
    load_s = time.perf_counter() - started
    clock = worker.Clock()
    prompts = [frame(line) for line in lines]
    found = session.run(prompts, shared)
    targets = [first_line(session.decode(ids)) for ids in found]
    times = clock.read()
    worker.finish(job, targets, sum(map(len, found)), times, load_s)


SILENT = L.llama_log_callback(lambda *_: None)
main(worker.job())
