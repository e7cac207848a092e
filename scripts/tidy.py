#!/usr/bin/env python3
"""Runs clang-tidy over C++ files, several at once, and remembers which were clean. Warnings of clang count as well.

Reads paths, one a line, from stdin; headers are checked through the .cpp files that include them. A file is skipped if
clang-tidy found it clean before: the same text after preprocessing (comments kept, so NOLINT counts), flags,
.clang-tidy and clang-tidy. What was clean is remembered under the user's cache folder, for fresh clones too.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME") or str(ROOT / "build"), ".cache")
    folder = pathlib.Path(base) / "pith-tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def checks_for(path):
    """What is added to the checks of .clang-tidy: clang's warnings; not the path analyzer on tests, where it takes most
    of the time and finds the least."""
    in_tests = pathlib.Path(path).resolve().is_relative_to(ROOT / "tests")
    return "clang-diagnostic-*,-clang-analyzer-*" if in_tests else "clang-diagnostic-*"


def preprocess_command(entry):
    """The entry's compile command, turned into one that prints the preprocessed text."""
    words = shlex.split(entry["command"])
    if os.path.basename(words[0]) == "ccache":
        words = words[1:]
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MT"):
            skip = True
        elif word not in ("-c", "-MD"):
            kept.append(word)
    return kept + ["-E", "-P", "-C"]


def fingerprint(entry, settings):
    command = preprocess_command(entry)
    text = subprocess.run(command, cwd=entry["directory"], capture_output=True, check=True).stdout
    flags = [word for word in command if word.startswith(("-W", "-std", "-m", "-f"))]
    return hashlib.sha256(settings + " ".join([checks_for(entry["file"])] + flags).encode() + text).hexdigest()


def check(entry, build, settings, cache):
    """Returns (clean, skipped, output)."""
    try:
        stamp = cache / fingerprint(entry, settings)
    except subprocess.CalledProcessError as error:
        return False, False, error.stderr.decode(errors="replace")
    if stamp.exists():
        return True, True, ""
    command = ["clang-tidy", "-p", build, "--quiet", "--checks=" + checks_for(entry["file"]), entry["file"]]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return False, False, run.stdout + ("" if run.stdout else run.stderr)
    stamp.touch()
    return True, False, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="build folder with compile_commands.json")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()

    wanted = {(ROOT / line.strip()).resolve() for line in sys.stdin if line.strip()}
    with open(os.path.join(arguments.build, "compile_commands.json"), encoding="utf-8") as commands:
        entries = [entry for entry in json.load(commands) if pathlib.Path(entry["file"]).resolve() in wanted]
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    settings = version + (ROOT / ".clang-tidy").read_bytes()
    cache = cache_folder()

    failed = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = {pool.submit(check, entry, arguments.build, settings, cache): entry for entry in entries}
        for done, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            clean, was_known, output = job.result()
            skipped += was_known
            name = os.path.relpath(jobs[job]["file"], ROOT)
            if not clean:
                failed += 1
                print(output, flush=True)
            if not was_known:
                print(f"[{done}/{len(entries)}] {name}: {'clean' if clean else 'FAILED'}", file=sys.stderr, flush=True)
    print(f"clang-tidy: {len(entries)} files, {skipped} known to be clean, {failed} failed", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
