"""What the workers of compare.py share: a job comes in as one JSON argument, its result goes out as one JSON line.

Every job has `peer`, `setting`, `threads`, `lines` (a file) and `out` (where the targets go); the rest is each worker's
own.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace


def job():
    return SimpleNamespace(**json.loads(sys.argv[1]))


def lines_of(path):
    return Path(path).read_text(encoding="utf-8").splitlines()


def warm_up(lines):
    """Something like the lines that is none of them, since a translation memory would know it again."""
    return " ".join(max(lines, key=len).split()[1:])


class Clock:
    """Time since it was made: of the wall, and of the CPUs in all threads of a process, which others change less."""

    def __init__(self, pid="self"):
        self.pid = pid
        self.started, self.cpu_started = time.perf_counter(), self.cpu()

    def cpu(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def read(self):
        return time.perf_counter() - self.started, self.cpu() - self.cpu_started


def finish(job, targets, units, times, load_s, who=resource.RUSAGE_SELF):
    """Writes the targets, a line each, and prints the result. `units` are what the rate counts, `times` a clock's."""
    seconds, cpu_s = times
    Path(job.out).write_text("".join(" ".join(t.split()) + "\n" for t in targets), encoding="utf-8")
    result = {
        "peer": job.peer,
        "threads": job.threads,
        "setting": job.setting,
        "units": units,
        "seconds": round(seconds, 4),
        "cpu_s": round(cpu_s, 2),
        "rate": round(units / seconds, 2),
        "load_s": round(load_s, 3),
        "rss_mb": round(resource.getrusage(who).ru_maxrss / 1024),
    }
    print(json.dumps(result), flush=True)
