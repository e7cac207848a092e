#!/usr/bin/env python3
"""Compares pith's logits with llama.cpp's on the cases that make_cases.py made.

usage: compare.py --pith PROGRAM --cases FOLDER [ARCHITECTURE ...]

The error of a position is its largest difference over its largest logit; the worst position counts. Greedy tokens must be
equal until the first where the margin between llama.cpp's two largest logits is below a thousandth of their range: there
rounding may choose. Exit status 1 if a case that pith loads differs; one that it refuses is only named.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy

ERROR_MAX = 1e-4
MARGIN_MIN = 1e-3


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pith", required=True, help="the program arch_logits")
    parser.add_argument("--cases", required=True, type=Path)
    parser.add_argument("architectures", nargs="*")
    return parser.parse_args()


def relative_error(ours, theirs):
    return float((numpy.abs(ours - theirs).max(axis=1) / numpy.abs(theirs).max(axis=1)).max())


def first_doubtful(logits):
    """Returns the number of greedy tokens before the first that rounding may change."""
    two = numpy.partition(logits, -2, axis=1)[:, -2:]
    doubtful = (two[:, 1] - two[:, 0]) < MARGIN_MIN * (logits.max(axis=1) - logits.min(axis=1))
    return int(doubtful.argmax()) if doubtful.any() else len(logits)


def first_different(ours, theirs):
    different = ours != theirs
    return int(different.argmax()) if different.any() else len(theirs)


def compare(options, case):
    """Returns what the table says of a case and whether it is well."""
    tokens = numpy.loadtxt(case / "tokens.txt", dtype=int)
    greedy = numpy.loadtxt(case / "greedy.txt", dtype=int) if (case / "greedy.txt").stat().st_size else numpy.array([])
    # Of encoders there are three hidden states.
    rows = len(tokens) if len(greedy) else 3
    theirs = numpy.fromfile(case / "logits.f32", dtype="<f4").reshape(rows, -1)
    chosen_from = numpy.fromfile(case / "greedy.f32", dtype="<f4").reshape(len(greedy), -1) if len(greedy) else None
    with tempfile.TemporaryDirectory() as out:
        files = [f"{out}/logits.f32", f"{out}/greedy.txt"]
        ran = subprocess.run([options.pith, case / "model.gguf", case / "tokens.txt", str(len(greedy)), *files],
                             capture_output=True, text=True)
        if ran.returncode == 1:
            return f"refused: {ran.stderr.strip()}", None
        if ran.returncode != 0:
            return f"ended with status {ran.returncode}", False
        ours = numpy.fromfile(files[0], dtype="<f4").reshape(theirs.shape)
        error = relative_error(ours, theirs)
        equal = first_different(numpy.loadtxt(files[1], dtype=int), greedy) if len(greedy) else 0
    required = first_doubtful(chosen_from) if len(greedy) else 0
    # Not <, so that NaN is no success.
    well = error <= ERROR_MAX and equal >= required
    return f"{error:>10.2e} {equal:>8} {required:>9}  {'equal' if well else 'DIFFERENT'}", well


def main():
    options = arguments()
    cases = sorted(done.parent for done in options.cases.glob("*/DONE"))
    if options.architectures:
        cases = [case for case in cases if case.name.rpartition("-")[0] in options.architectures]
    print(f"{'case':<18} {'error':>10} {'greedy':>8} {'required':>9}")
    results = []
    for case in cases:
        text, well = compare(options, case)
        results.append(well)
        print(f"{case.name:<18} {text}", flush=True)
    print(f"{results.count(True)} equal, {results.count(False)} different, {results.count(None)} refused")
    return 0 if cases and False not in results else 1


if __name__ == "__main__":
    sys.exit(main())
