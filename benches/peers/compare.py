"""tarjuman beside other programs on this machine's CPU, with the same models and the same lines. See README.md here.

Each setting of each program is a process of its own (one of the workers beside this file). Rounds go through all of
them in turn, so that what disturbs a shared machine disturbs all alike. Linux, Python 3.11 or newer, standard library.
"""

import argparse
import copy
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
import tomllib
import venv
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OURS = "tarjuman"
TOKENS = 40  # target tokens of every line where a model need not stop by itself

PACKAGES = {
    "ct2": ["ctranslate2==4.8.5", "transformers==5.23.0", "torch==2.15.0", "sentencepiece==0.2.3"],
    "bergamot": ["bergamot==0.4.5"],
    "llama": ["llama-cpp-python==0.3.36"],
    "score": ["sacrebleu==2.6.0"],
}
# A run in which other programs (or other guests of the host) took more than this part of its CPUs is done again, so often.
DISTURBED, TRIES = 0.1, 2
# The path for AMX, chosen when it is built, has crashed on a machine that has AMX.
NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    path = dict(type=Path, metavar="PATH")
    peers = ["ct2", "bergamot", "llama"]
    parser.add_argument("--only", nargs="+", choices=peers, default=peers)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--tarjuman", **path, default=ROOT / "target/release/tarjuman", help="the program's binary")
    parser.add_argument("--dir", **path, default=ROOT / "target/peers", help="for environments, outputs and results")
    parser.add_argument("--marian", **path, help="ct2: a Marian folder of the Hub, Arabic to English")
    parser.add_argument("--firefox", **path, nargs=2, help="bergamot: folders of Firefox models, en-pt and pt-en")
    parser.add_argument("--gguf", **path, help="llama: a model file")
    parser.add_argument("--arabic", **path, help="ct2 and llama: source sentences, a line each; the first 64 are used")
    parser.add_argument("--english", **path, help="bergamot: source sentences, a line each")
    for name in PACKAGES:
        parser.add_argument(f"--{name}-python", **path, help=f"an interpreter that has {PACKAGES[name][0]} already")
    options = parser.parse_args()
    needs = {"ct2": ["marian", "arabic"], "bergamot": ["firefox", "english"], "llama": ["gguf", "arabic"]}
    for name in (n for peer in options.only for n in needs[peer]):
        if getattr(options, name) is None:
            parser.error(f"--{name} is needed")
    if not options.tarjuman.is_file():
        parser.error(f"{options.tarjuman} is missing: `cargo build --release`, or --tarjuman PATH")
    for name in ["tarjuman", "dir", "marian", "gguf"]:
        if getattr(options, name):
            setattr(options, name, getattr(options, name).resolve())
    return options


# ---------------------------------------------------------------- environments


def python_of(name, options):
    """The interpreter given, or the one of a virtual environment made once."""
    if given := getattr(options, f"{name}_python"):
        return str(given)
    folder = options.dir / f"venv-{name}"
    python, done = folder / "bin/python", folder / "packages.txt"
    if not done.exists():
        print(f"installing {', '.join(PACKAGES[name])}", file=sys.stderr)
        install = [python, "-m", "pip", "install", "--quiet"]
        environment = dict(os.environ)
        if name == "bergamot":
            base = shutil.which("python3.10")
            if base is None:
                raise SystemExit("bergamot's wheels need Python 3.10: put python3.10 on PATH, or --bergamot-python PATH")
            subprocess.run([base, "-m", "venv", folder], check=True)
            install.append("--no-deps")  # only its extension module is loaded
        else:
            venv.create(folder, with_pip=True)
        if name == "llama":
            install.append("--no-cache-dir")  # a wheel in the cache may have been built otherwise
            flags = f"'-DCMAKE_C_FLAGS={NO_AMX}' '-DCMAKE_CXX_FLAGS={NO_AMX}'" if platform.machine() == "x86_64" else ""
            environment["CMAKE_ARGS"] = f"-DLLAVA_BUILD=OFF -DLLAMA_CURL=OFF {flags}"
        subprocess.run([*install, *PACKAGES[name]], check=True, env=environment)
        done.write_text("\n".join(PACKAGES[name]) + "\n")
    return str(python)


# ---------------------------------------------------------------- our models


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(v)}" for key, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class Models:
    """Entries of the built-in registry with other folders and batches, for `--registry`."""

    def __init__(self, path):
        self.path = path
        self.built_in = {m["name"]: m for m in tomllib.loads((ROOT / "models.toml").read_text("utf-8"))["model"]}
        path.write_text("")

    def add(self, name, like, folder, files=None, **changes):
        """An entry like a built-in one. `files` maps the engine's names to files of the folder, if they differ."""
        entry = copy.deepcopy(self.built_in[like])
        for key in ["auto", "base", "quality", "warning", "licence_note"]:
            entry.pop(key, None)
        if files:
            entry["files"] = [{"name": n, "parts": [Path(p).name]} for n, p in files.items()]
        entry |= {"name": name, "source": {"path": {"dir": str(folder)}}}
        for key, value in changes.items():
            entry[key] = entry.get(key, {}) | value if isinstance(value, dict) else value
        with self.path.open("a", encoding="utf-8") as out:
            out.write("[[model]]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in entry.items()) + "\n")
        return name


# ---------------------------------------------------------------- what is measured


class Bench:
    def __init__(self, options):
        self.options = options
        options.dir.mkdir(parents=True, exist_ok=True)
        self.models = Models(options.dir / "models.toml")

    def lines(self, name, lines):
        path = self.options.dir / f"{name}.txt"
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return path

    def job(self, goal, peer, setting, threads, lines, **fields):
        python, script = fields.pop("python", sys.executable), fields.pop("script", "tarjuman.py")
        slug = "-".join(f"{goal} {peer} {setting} {threads}".replace(",", "").split())
        out, reference = self.options.dir / f"{slug}.txt", fields.pop("reference", None)
        job = dict(peer=peer, setting=setting, threads=threads, lines=str(lines), out=str(out)) | fields
        return dict(goal=goal, python=python, script=script, reference=reference, job=job)

    def ours(self, goal, setting, threads, lines, model, options=(), alone=False, words=False, reference=None):
        fields = dict(binary=str(self.options.tarjuman), registry=str(self.models.path), reference=reference)
        fields |= dict(model=model, options=[str(o) for o in options], alone=alone, words=words)
        return self.job(goal, OURS, setting, threads, lines, **fields)

    def ct2(self):
        """A Marian model in int8: greedy at several batch sizes, one by one, and with a beam."""
        options, python = self.options, python_of("ct2", self.options)
        lines = source_lines(options.arabic)[:64]
        many, few = self.lines("arabic-64", lines), self.lines("arabic-16", lines[:16])
        converted = options.dir / "ct2-model"
        shutil.rmtree(converted, ignore_errors=True)
        run(python, "ct2.py", dict(convert=str(options.marian), lines=str(many), out=str(converted)))
        batched = self.models.add("peer-marian", "opus-mt-ar-en", options.marian)
        single = self.models.add("peer-marian-1", "opus-mt-ar-en", options.marian, decode={"batch": 1})
        goals = [
            ("Marian, greedy", 1, many, batched, [16, 32]),
            ("Marian, one by one", 1, few, single, [1]),
            ("Marian, beam 4", 4, many, batched, [8, 16]),
        ]
        exactly = ["--min-tokens", TOKENS, "--max-tokens", TOKENS]
        for threads in options.threads:
            for goal, beam, lines, model, batches in goals:
                yield self.ours(goal, "", threads, lines, model, ["--beam", beam, *exactly])
                for batch in batches:
                    fields = dict(python=python, script="ct2.py", model=str(converted))
                    fields |= dict(batch=batch, beam=beam, tokens=TOKENS)
                    yield self.job(goal, "CTranslate2", f"batch {batch}", threads, lines, **fields)

    def bergamot(self):
        """Firefox models, English to Portuguese and what bergamot made of it back to English."""
        options, python = self.options, python_of("bergamot", self.options)
        english = self.lines("english", source_lines(options.english))
        portuguese = options.dir / "portuguese.txt"
        there, back = map(firefox_files, options.firefox)
        peer = dict(python=python, script="bergamot.py")
        made = self.job("", "bergamot", "", max(options.threads), english, files=there, words=512, **peer)
        run(python, "bergamot.py", made["job"] | {"out": str(portuguese)})
        # Without a Portuguese original, ours is scored against bergamot's.
        ways = [
            ("Firefox en-pt", "en", "pt", options.firefox[0], there, english, portuguese),
            ("Firefox pt-en", "pt", "en", options.firefox[1], back, portuguese, english),
        ]
        for goal, source, target, folder, files, lines, reference in ways:
            languages = dict(source_langs=[source], target_langs=[target])
            model = self.models.add(f"peer-{source}-{target}", "firefox-ar-en", folder.resolve(), files, **languages)
            for threads in options.threads:
                yield self.ours(goal, "", threads, lines, model, words=True, reference=reference)
                for words in [512, 1024]:
                    fields = dict(peer, files=files, words=words, reference=reference)
                    yield self.job(goal, "bergamot", f"{words} words a batch", threads, lines, **fields)

    def llama(self):
        """A GGUF model by the prompt that our registry has for Gemma: 32 sequences side by side, and one alone."""
        options, python = self.options, python_of("llama", self.options)
        lines = source_lines(options.arabic)
        many, few = self.lines("arabic-32", lines[:32]), self.lines("arabic-8", lines[:8])
        file = {"model.gguf": options.gguf.name}
        changes = dict(prompt={"stop": []}, decode={"batch": 32})
        model = self.models.add("peer-gguf", "gemma-3-270m", options.gguf.parent, file, **changes)
        before, after = prompt(self.models.built_in["gemma-3-270m"]["prompt"])
        exactly = ["--min-tokens", TOKENS, "--max-tokens", TOKENS]
        name = options.gguf.stem
        goals = [(f"{name}, 32 sequences", 32, many, [True, False]), (f"{name}, one alone", 1, few, [True])]
        for threads in options.threads:
            for goal, batch, lines, ways in goals:
                yield self.ours(goal, "", threads, lines, model, exactly, alone=batch == 1)
                for unified in ways:
                    setting = "common cache" if unified else "a cache each"
                    fields = dict(python=python, script="llama_batch.py", model=str(options.gguf), unified=unified)
                    fields |= dict(batch=batch, tokens=TOKENS, before=before, after=after)
                    yield self.job(goal, "llama.cpp", setting, threads, lines, **fields)


def source_lines(path):
    """Distinct lines: what is asked twice would be translated once by us."""
    return list(dict.fromkeys(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()))


def firefox_files(folder):
    """The engine's names for the files, whose own names have languages and versions in them."""
    files = {}
    for name, pattern in [("model.bin", "model*.bin"), ("lex.bin", "lex*.bin"), ("vocab.spm", "vocab*.spm")]:
        found = sorted(folder.resolve().glob(pattern))
        if len(found) != 1:
            raise SystemExit(f"{folder}: {len(found)} files like {pattern}")
        files[name] = str(found[0])
    return files


def prompt(spec):
    """What stands before and after a source, as `src/engine/llm/chat.rs` builds it."""
    head, tail = spec["template"].split("{source}")
    prefix = spec["target_prefix"]
    examples = (head + e["source"] + tail + prefix + e["target"] + "\n\n" for e in spec["examples"])
    return "".join(examples) + head, tail


# ---------------------------------------------------------------- measuring


def run(python, script, job, cpus=None):
    """A worker's output; on the last so many CPUs, if given."""
    limit = (lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cpus:])) if cpus else None
    command = [python, str(HERE / script), json.dumps(job)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", preexec_fn=limit)
    if done.returncode != 0:
        raise SystemExit(f"{script}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def busy(cpus):
    """Seconds in which the last so many CPUs were used by anybody, the host's other guests included."""
    rows = [line.split() for line in open("/proc/stat", encoding="ascii") if line.startswith("cpu")]
    allowed = {f"cpu{n}" for n in sorted(os.sched_getaffinity(0))[-cpus:]}
    ticks = sum(sum(int(row[i]) for i in (1, 2, 3, 6, 7, 8)) for row in rows if row[0] in allowed)
    return ticks / os.sysconf("SC_CLK_TCK")


def watched(job):
    """A job's result, with the wall time of the whole process and the part of its CPUs that went to others meanwhile.

    Of a few runs the least disturbed.
    """
    results, cpus = [], job["job"]["threads"]
    own = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    for _ in range(TRIES):
        before, started = busy(cpus) - own(), time.perf_counter()
        out = run(job["python"], job["script"], job["job"], cpus)
        wall = time.perf_counter() - started
        others = max(0, busy(cpus) - own() - before) / wall / cpus
        more = {"goal": job["goal"], "wall_s": round(wall, 2), "others": round(others, 3)}
        results.append(json.loads(out.splitlines()[-1]) | more)
        if others < DISTURBED:
            break
    return min(results, key=lambda r: r["others"])


def measure(jobs, rounds, raw):
    """Runs all jobs so many times, in turn. A job that fails is left out from then on."""
    results, failed = [], set()
    for round_ in range(rounds):
        for number, job in enumerate(jobs):
            if number in failed:
                continue
            try:
                result = watched(job) | {"round": round_}
            except SystemExit as error:
                print(f"left out: {job['goal']}, {job['job']['peer']}: {error}", file=sys.stderr)
                failed.add(number)
                continue
            print(result, file=sys.stderr)
            raw.write(json.dumps(result) + "\n")
            raw.flush()
            results.append(result | {"number": number})
    return results


def spread(values, form):
    return f"{statistics.median(values):{form}} ({min(values):{form}}, {max(values):{form}})"


def equal_lines(a, b):
    a, b = (Path(path).read_text("utf-8").splitlines() for path in (a, b))
    return f"{sum(x == y for x, y in zip(a, b))} of {len(a)}"


def table(jobs, results, scores):
    """A row a setting. Ratios are taken in each round, between neighbours in time; a peer's best setting is bold."""
    head = ["", "threads", "program", "setting", "rate", "ours / peer", "a CPU second", "ratio"]
    head += ["load, s", "MB", "equal lines", "BLEU / chrF"]
    rows = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    numbered = sorted(enumerate(jobs), key=lambda j: (j[1]["goal"], j[1]["job"]["threads"]))
    for (goal, threads), group in groupby(numbered, key=lambda j: (j[1]["goal"], j[1]["job"]["threads"])):
        group = [(job, [r for r in results if r["number"] == number]) for number, job in group]
        group = [(job, found) for job, found in group if found]
        median = lambda found: statistics.median(r["rate"] for r in found)
        cpu_rate = lambda found: statistics.median(r["units"] / r["cpu_s"] for r in found)
        best = max((median(found) for job, found in group if job["job"]["peer"] != OURS), default=0)
        ours = next(((job, found) for job, found in group if job["job"]["peer"] == OURS), None)
        for job, found in group:
            rate = spread([r["rate"] for r in found], ".0f")
            ratio = cpu_ratio = equal = ""
            if job["job"]["peer"] != OURS:
                rate = f"**{rate}**" if median(found) == best else rate
                if ours:
                    of_round = {r["round"]: r["rate"] for r in ours[1]}
                    ratio = spread([of_round[r["round"]] / r["rate"] for r in found if r["round"] in of_round], ".2f")
                    cpu_ratio = f"{cpu_rate(ours[1]) / cpu_rate(found):.2f}"
                    equal = equal_lines(ours[0]["job"]["out"], job["job"]["out"])
            cells = [goal, threads, job["job"]["peer"], job["job"]["setting"], rate, ratio]
            cells += [f"{cpu_rate(found):.0f}", cpu_ratio]
            cells += [f"{statistics.median(r['load_s'] for r in found):.1f}", max(r["rss_mb"] for r in found), equal]
            rows.append("| " + " | ".join(map(str, [*cells, scores.get(job["job"]["out"], "")])) + " |")
    others = spread([r["others"] * 100 for r in results], ".0f") if results else "-"
    return "\n".join(rows) + f"\n\nPart of the CPUs that went to other programs, in %: {others}\n"


def score(jobs, options):
    """BLEU and chrF of the targets of jobs that have a reference."""
    scores = {}
    for job in jobs:
        out, reference = job["job"]["out"], job["reference"]
        if reference and Path(out).exists() and job["job"]["threads"] == options.threads[0]:
            command = [python_of("score", options), HERE / "score.py", out, reference]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            scores[out] = f"{found['bleu']:.2f} / {found['chrf']:.2f}"
    return scores


def main():
    options = arguments()
    bench = Bench(options)
    jobs = [job for name in options.only for job in getattr(bench, name)()]
    for job in jobs:
        Path(job["job"]["out"]).unlink(missing_ok=True)
    with (options.dir / "raw.jsonl").open("w", encoding="utf-8") as raw:
        results = measure(jobs, options.rounds, raw)
    text = table(jobs, results, score(jobs, options))
    (options.dir / "table.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
