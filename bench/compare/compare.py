#!/usr/bin/env python3
"""Runs pith and other engines alternately on one model and prints ratios (docs/benchmarks.md says how)."""

import argparse
import os
import sys

import charts
import figures
import report
import rounds
from contestant import Failure, Workload
from contestants import PEERS, Pith

EXIT_FAILED = 1


def natural(text):
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative")
    return value


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not positive")
    return value


def depth_list(text):
    return tuple(sorted({natural(part) for part in text.split(",")}))


def peer_argument(text):
    """Parses NAME=PATH, or NAME:LABEL=PATH to tell two of a kind apart."""
    name, equals, path = text.partition("=")
    kind, _, label = name.partition(":")
    if not equals or kind not in PEERS:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=PATH with a NAME of {', '.join(PEERS)}")
    return kind, label or kind, path


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(prog="compare.py", description=__doc__)
    parser.add_argument("-m", "--model", required=True, help="a GGUF file that all engines read")
    parser.add_argument("--pith", default="build/release/bin/pith", help="the pith command (%(default)s)")
    parser.add_argument("--kv", action="append", help="how pith keeps its KV cache; may be given more than once (int4)")
    parser.add_argument(
        "--peer",
        action="append",
        required=True,
        type=peer_argument,
        metavar="NAME[:LABEL]=PATH",
        help=f"whom to compare with; may be given more than once; NAME: {', '.join(PEERS)}; PATH: llama-bench itself, "
        "or the Python interpreter that has the package",
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="TEXT",
        help="leave out settings of peers whose names do not contain it, such as 'f16'; may be given more than once (all)",
    )
    parser.add_argument("--threads", type=positive, default=os.cpu_count(), help="of every engine (%(default)s)")
    parser.add_argument("--prompt", type=natural, default=512, help="tokens of a prompt (%(default)s); 0: none")
    parser.add_argument("--gen", type=natural, default=32, help="decoded tokens (%(default)s); 0: none")
    parser.add_argument("--depths", type=depth_list, default=(0,), help="tokens in the context before, N,... (0)")
    parser.add_argument("--rounds", type=positive, default=5, help="(%(default)s)")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one process (%(default)g)")
    parser.add_argument("--format", choices=["table", "markdown", "json"], default="table")
    parser.add_argument("--plot", metavar="FILE", help="a chart of it too: .svg, .png or .pdf; needs matplotlib")
    options = parser.parse_args(arguments)
    if options.prompt + options.gen == 0:
        parser.error("--prompt and --gen are both 0: nothing to measure")
    return options


def say(line):
    print(line, file=sys.stderr, flush=True)


def compare(options):
    figure_class = charts.load_figure_class() if options.plot else None
    workload = Workload(options.model, options.threads, options.prompt, options.gen, options.depths)
    pith = Pith(options.pith, options.kv or ["int4"], options.timeout)
    ours = [rounds.Entry(pith, setting) for setting in pith.settings()]
    engines = [PEERS[kind](path, options.timeout, name=label) for kind, label, path in options.peer]
    descriptions = [pith.describe()] + [f"{engine.name}: {engine.describe()}" for engine in engines]
    peers = [rounds.make_peer(engine, workload, say, options.only) for engine in engines]
    rounds.run_rounds(ours + [entry for peer in peers for entry in peer.entries], workload, options.rounds, say)
    comparisons = [
        (description, figures.speed_lines(ours, peer, workload), figures.memory_lines(ours, peer))
        for description, peer in zip(descriptions[1:], peers)
    ]
    if options.plot:
        title = f"{os.path.basename(workload.model)}, threads {workload.threads}"
        charts.draw(figure_class, options.plot, title, comparisons)
    if options.format == "json":
        return report.json_report(workload, options.rounds, descriptions[0], comparisons)
    head = (
        f"{descriptions[0]}, {workload.model}, threads {workload.threads}, prompt {workload.prompt}, "
        f"decoded {workload.gen}, medians of {options.rounds} rounds; ratios above 1: pith is faster, or smaller"
    )
    return report.text_report(head, comparisons, options.format == "markdown")


def main():
    options = parse_arguments(sys.argv[1:])
    try:
        sys.stdout.write(compare(options))
    except Failure as failure:
        print(f"compare.py: error: {failure}", file=sys.stderr)
        return EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
