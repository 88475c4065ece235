"""`tarjuman translate` as its users call it, lines in, JSON lines out. A worker of compare.py.

The command prints no times of its own. So a first line goes in alone, and its answer tells that the model is loaded;
from then to the last answer is measured, with everything that the command does but repair, which the others have not: sentences,
memory, search, checks.
With `alone` every line waits for the answer to the one before it, which includes the 20 ms that the command waits for
more.
"""

import json
import resource
import subprocess
import threading
import time

import worker


def main(job):
    lines = worker.lines_of(job.lines)
    command = [job.binary, "translate", "--offline", "--quiet", "--jsonl", "--no-repair", "--registry", job.registry]
    command += ["--model", job.model, "--threads", str(job.threads), "--device", "cpu", *job.options]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def send(text):
        process.stdin.write(text)
        process.stdin.flush()

    def send_all():
        send("".join(line + "\n" for line in lines))
        process.stdin.close()

    def answer():
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"no answer from {' '.join(command)}")
        return json.loads(line)

    send(worker.warm_up(lines) + "\n")
    answer()
    load_s = time.perf_counter() - started
    clock = worker.Clock(process.pid)
    if job.alone:
        answers = []
        for line in lines:
            send(line + "\n")
            answers.append(answer())
        process.stdin.close()
    else:
        threading.Thread(target=send_all).start()
        answers = [answer() for _ in lines]
    times = clock.read()
    process.wait()
    if job.words:
        units = sum(len(line.split()) for line in lines)
    else:
        units = sum(unit["score"]["tokens"] for a in answers for unit in a["units"] if unit.get("score"))
    worker.finish(job, [a["target"] for a in answers], units, times, load_s, resource.RUSAGE_CHILDREN)


main(worker.job())
