"""The C++ of Firefox Translations on one of its models. A worker of compare.py: all lines in one request.

Source words are counted. The extension module is loaded by its path, since the package fetches a list of models when it
is imported.
"""

import glob
import importlib.util
import os
import sysconfig
import time

import worker

# bergamot's own settings for these models (its utils.py); `mini-batch-words` is what a job may change.
CONFIG = """
models: [{model}]
vocabs: [{vocabulary}, {vocabulary}]
shortlist: [{shortlist}, false]
beam-size: 1
normalize: 1.0
word-penalty: 0
max-length-break: 128
mini-batch-words: {words}
workspace: 128
max-length-factor: 2.0
skip-cost: true
ssplit-mode: paragraph
gemm-precision: int8shiftAlphaAll
"""


def extension():
    (path,) = glob.glob(f"{sysconfig.get_path('platlib')}/bergamot/_bergamot*.so")
    spec = importlib.util.spec_from_file_location("_bergamot", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(job):
    lines = worker.lines_of(job.lines)
    bergamot = extension()
    started = time.perf_counter()
    service = bergamot.Service(bergamot.ServiceConfig(numWorkers=job.threads, logLevel="off"))
    files = {"model": job.files["model.bin"], "shortlist": job.files["lex.bin"], "vocabulary": job.files["vocab.spm"]}
    model = service.modelFromConfig(CONFIG.format(words=job.words, **files))
    options = bergamot.ResponseOptions(alignment=False, qualityScores=False, HTML=False)

    def run(given):
        return [r.target.text for r in service.translate(model, bergamot.VectorString(given), options)]

    run([worker.warm_up(lines)] * job.threads)
    load_s = time.perf_counter() - started
    clock = worker.Clock()
    targets = run(lines)
    times = clock.read()
    worker.finish(job, targets, sum(len(line.split()) for line in lines), times, load_s)
    os._exit(0)  # its worker threads can hang at exit


main(worker.job())
