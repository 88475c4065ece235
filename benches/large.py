"""Ten thousand small files and one long text: how long until the first output is there, and the most memory at once.

    python benches/large.py target/release/tarjuman [--files 10000] [--mib 200]

With the model `echo`, so that it is the program that is measured. Needs Linux (/proc) and nothing but Python.
"""

import argparse
import re
import subprocess
import tempfile
import time
from pathlib import Path

SENTENCES = [
    "وصلت القافلة رقم {n} إلى المدينة صباح اليوم وفيها 25 شاحنة من المواد الغذائية.",
    "وقال المتحدث باسم المنظمة إن {n} أسرة لا تزال في المخيم.",
    "ولم تعلق الوزارة على التقرير الصادر في 12 آذار 2019 حتى الآن.",
    "ويحتاج السكان إلى الماء والدواء قبل حلول الشتاء، كما قال طبيب في المستشفى رقم {n}.",
]


def text(first: int, sentences: int) -> str:
    return " ".join(SENTENCES[i % len(SENTENCES)].format(n=first + i) for i in range(sentences))


def measure(program: Path, folder: Path, name: str):
    out = folder / "out"
    errors = open(folder / "errors", "w+")  # a pipe would fill, and the program wait
    started = time.time()
    run = subprocess.Popen(
        [program, "run", folder / "in", "--out", out, "--model", "echo", "--formats", "txt", "--brief", "none", "--no-repair"],
        stdout=subprocess.DEVNULL, stderr=errors,
    )
    first, most = None, 0
    while run.poll() is None:
        if first is None and out.is_dir() and any(out.rglob("*.en.txt")):
            first = time.time() - started
        status = Path(f"/proc/{run.pid}/status").read_text() if Path(f"/proc/{run.pid}").exists() else ""
        most = max([most, *map(int, re.findall(r"VmHWM:\s+(\d+)", status))])
        time.sleep(0.05)
    if run.returncode not in (0, 1):
        errors.seek(0)
        raise SystemExit(f"{name}: exit {run.returncode}\n{errors.read()[-2000:]}")
    outputs = sum(1 for _ in out.rglob("*.en.txt"))
    print(f"| {name} | {first:.1f} s | {time.time() - started:.0f} s | {most / 1024:.0f} MB | {outputs} |", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program", type=Path)
    p.add_argument("--files", type=int, default=10_000)
    p.add_argument("--mib", type=int, default=200)
    o = p.parse_args()
    print("| input | first output | all | most memory | English files |\n|---|---|---|---|---|")
    if o.files:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            for i in range(o.files):
                file = place / f"in/{i // 500}/{i}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text(7 * i, 8) + "\n", encoding="utf-8")
            measure(o.program, place, f"{o.files:,} files of 8 sentences")
    if o.mib:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "in").mkdir()
            with (place / "in/long.txt").open("w", encoding="utf-8") as file:
                n = 0
                while file.tell() < o.mib << 20:
                    file.write(text(n, 5) + "\n\n")
                    n += 5
            measure(o.program, place, f"one text of {o.mib} MiB, {n:,} sentences")


if __name__ == "__main__":
    main()
