#!/usr/bin/env python3
"""Measures how much of its decoding speed pith keeps while a busy loop is pinned to one of its cores.

Runs `pith bench` on as many processors as threads, alternately with and without the loop, and prints the median,
the least and the largest of the ratios. Linux only.

usage: bench/busy_core.py MODEL [--pith build/release/bin/pith] [--kv int4] [--threads 2] [--gen 128] [--rounds 5]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys


def decode_rate(arguments, processors):
    """Returns the tokens/s of one run."""
    command = [arguments.pith, "bench", "-m", arguments.model, "--kv", arguments.kv, "--prompt", "0",
               "--gen", str(arguments.gen), "--threads", str(len(processors)), "--rounds", "1", "--no-limits",
               "--format", "json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False,
                         preexec_fn=lambda: os.sched_setaffinity(0, processors))
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {run.returncode}: {run.stderr.strip()}")
    return json.loads(run.stdout)["results"][0]["depths"][0]["decode"]["tokens_per_second"]["median"]


def busy_rate(arguments, processors):
    """The same beside a process that only counts, on the last of the processors."""
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"],
                            preexec_fn=lambda: os.sched_setaffinity(0, {processors[-1]}))
    try:
        return decode_rate(arguments, processors)
    finally:
        loop.kill()
        loop.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--pith", default="build/release/bin/pith")
    parser.add_argument("--kv", default="int4")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--gen", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    processors = sorted(os.sched_getaffinity(0))[:arguments.threads]
    if len(processors) < arguments.threads:
        sys.exit(f"{arguments.threads} threads need as many processors, this process may use {len(processors)}")
    ratios = []
    for number in range(1, arguments.rounds + 1):
        alone = decode_rate(arguments, processors)
        shared = busy_rate(arguments, processors)
        ratios.append(shared / alone)
        print(f"round {number} of {arguments.rounds}: alone {alone:.1f}, beside a busy loop {shared:.1f} tokens/s",
              file=sys.stderr)
    print(f"kept {statistics.median(ratios):.2f} of its speed ({min(ratios):.2f} to {max(ratios):.2f}, "
          f"{arguments.rounds} rounds)")


if __name__ == "__main__":
    main()
