#!/usr/bin/env python3
"""Runs clang-tidy over C++ files in parallel, and remembers which were clean. Warnings of clang count as well.

Reads paths from stdin, one per line; headers are checked through the .cpp files that include them. The files of a
folder are joined into one and checked together, but for those that do not compile as one (a name defined twice); if
anything is found, each half is checked again, down to single files.
A group is skipped if clang-tidy found it clean before: the same text after preprocessing (with comments, so NOLINT
counts), flags, .clang-tidy and clang-tidy. Clean groups are recorded in the user's cache folder, so that fresh clones
profit too.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GROUP_MAX = 32
# States per function that the path analyzer examines. Its own limit, 225,000, takes most of the time.
ANALYZER = ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=20000"]


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME") or str(ROOT / "build"), ".cache")
    folder = pathlib.Path(base) / "pith-tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def in_tests(path):
    return pathlib.Path(path).resolve().is_relative_to(ROOT / "tests")


def checks_for(path):
    """Returns changes to the checks of .clang-tidy: adds clang's warnings; leaves out the path analyzer for tests,
    where it takes most of the time and finds the least, and its search for leaks for benchmarks,
    which are never freed."""
    if in_tests(path):
        return "clang-diagnostic-*,-clang-analyzer-*"
    if pathlib.Path(path).resolve().is_relative_to(ROOT / "bench"):
        return "clang-diagnostic-*,-clang-analyzer-cplusplus.NewDeleteLeaks"
    return "clang-diagnostic-*"


def flags_of(entry):
    """Returns the words of the entry's compile command after the compiler, without input and output."""
    words = shlex.split(entry["command"])
    kept, skip = [], False
    for word in words[2 if os.path.basename(words[0]) == "ccache" else 1 :]:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MT"):
            skip = True
        elif word not in ("-c", "-MD", entry["file"]):
            kept.append(word)
    return kept


def stands_alone(entry):
    """Returns whether a file might change clang-tidy's findings in another if both were one file: its macros would be
    seen there, and the other might be the only one to use its using-declaration."""
    text = pathlib.Path(entry["file"]).read_text(encoding="utf-8")
    if re.search(r"^\s*#\s*(define|undef|pragma)\b", text, re.MULTILINE):
        return True
    using = re.compile(r"^\s*using\s+(?:\w+::)+(\w+);$", re.MULTILINE)
    rest = using.sub("", text)
    return not all(re.search(rf"(?<![\w:.>]){name}\b", rest) for name in using.findall(text))


def change_times():
    """Returns when each file was last changed by a commit, as far as the history goes. Files that are not in it count
    as the newest, those of a copy without history as alike."""
    command = ["git", "log", "--format=%x00%ct", "--name-only", "--no-renames"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    times = {}
    for commit in run.stdout.split("\0")[1:]:
        stamp, *names = commit.split("\n")
        for name in filter(None, names):
            times.setdefault(str(ROOT / name), int(stamp))
    return times


def newest_first(groups):
    times = change_times()
    now = float("inf")
    return sorted(groups, key=lambda group: max(times.get(entry["file"], now) for entry in group), reverse=True)


def groups_of(entries):
    """Returns groups of files to check together, the longest first. Files of one folder with the same flags share most
    of their headers, which take clang-tidy longer than the rest."""
    rooms, groups = {}, []
    for entry in sorted(entries, key=lambda entry: entry["file"]):
        if not stands_alone(entry):
            rooms.setdefault((os.path.dirname(entry["file"]), *flags_of(entry)), []).append(entry)
        else:
            groups.append([entry])
    for room in rooms.values():
        count = -(-len(room) // GROUP_MAX)
        groups += [room[i::count] for i in range(count)]
    return sorted(groups, key=len, reverse=True)


def joined(group, folder):
    """Returns an entry for the joined text of all files of the group, without includes that an earlier file has.
    Findings name the file that a line is from."""
    if len(group) == 1:
        return group[0]
    text, included = [], set()
    for entry in group:
        own = set()
        text.append(f'#line 1 "{entry["file"]}"')
        for line in pathlib.Path(entry["file"]).read_text(encoding="utf-8").splitlines():
            is_include = line.startswith("#include")
            text.append("" if is_include and line in included else line)
            if is_include:
                own.add(line)
        included |= own
    body = "\n".join(text) + "\n"
    path = folder / (hashlib.sha256(body.encode()).hexdigest()[:16] + "_test.cpp")
    path.write_text(body, encoding="utf-8")
    command = shlex.join(["c++"] + flags_of(group[0]))
    return {"directory": group[0]["directory"], "command": command, "file": str(path)}


def files_in_error(group, folder):
    """Returns those of the group's files that do not compile after the ones before them. Takes a tenth of what
    clang-tidy takes to find out."""
    entry = joined(group, folder)
    command = ["clang++"] + flags_of(entry) + ["-fsyntax-only", "-w", "-ferror-limit=0", entry["file"]]
    run = subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True, check=False)
    named = set(re.findall(r"^(.*?):\d+:\d+: (?:fatal )?error:", run.stderr, re.MULTILINE))
    return [each for each in group if each["file"] in named]


def compatible(group, folder):
    """Splits a group into groups that compile as one file each."""
    groups, rest = [], group
    while rest:
        kept, rest = rest, []
        while len(kept) > 1 and (wrong := files_in_error(kept, folder)):
            if len(wrong) == len(kept):
                wrong = wrong[len(wrong) // 2 :]
            rest += wrong
            kept = [each for each in kept if each not in wrong]
        groups.append(kept)
    return groups


def fingerprint(entry, checks, settings):
    flags = flags_of(entry)
    command = ["clang++"] + flags + ["-E", "-P", "-C", entry["file"]]
    text = subprocess.run(command, cwd=entry["directory"], capture_output=True, check=True).stdout
    kept = [word for word in flags if word.startswith(("-W", "-std", "-m", "-f"))]
    return hashlib.sha256(settings + " ".join([checks] + ANALYZER + kept).encode() + text).hexdigest()


def check(group, folder, settings, cache):
    """Returns [(entry, clean, skipped, output)]."""
    entry, checks = joined(group, folder), checks_for(group[0]["file"])
    try:
        stamp = cache / fingerprint(entry, checks, settings)
    except subprocess.CalledProcessError as error:
        if len(group) > 1:
            return check_halves(group, folder, settings, cache)
        return [(entry, False, False, error.stderr.decode(errors="replace"))]
    if stamp.exists():
        return [(entry, True, True, "") for entry in group]
    command = ["clang-tidy", "--quiet", f"--config-file={ROOT / '.clang-tidy'}", "--checks=" + checks, entry["file"]]
    command += ["--extra-arg=" + word for word in ANALYZER] + ["--"] + flags_of(entry)
    run = subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True, check=False)
    if run.returncode == 0:
        stamp.touch()
        return [(entry, True, False, "") for entry in group]
    if len(group) > 1:
        return check_halves(group, folder, settings, cache)
    return [(entry, False, False, run.stdout + ("" if run.stdout else run.stderr))]


def check_compatible(group, folder, settings, cache):
    return [result for part in compatible(group, folder) for result in check(part, folder, settings, cache)]


def check_halves(group, folder, settings, cache):
    """Checks the parts of a group again: a finding may be a file's, or come from joining."""
    middle = len(group) // 2
    return check(group[:middle], folder, settings, cache) + check(group[middle:], folder, settings, cache)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="build folder with compile_commands.json")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, help="begin with what changed last, and nothing new after this time; "
                        "what is left out is counted")
    arguments = parser.parse_args()
    begin = time.monotonic()

    wanted = {(ROOT / line.strip()).resolve() for line in sys.stdin if line.strip()}
    with open(os.path.join(arguments.build, "compile_commands.json"), encoding="utf-8") as commands:
        entries = [entry for entry in json.load(commands) if pathlib.Path(entry["file"]).resolve() in wanted]
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    settings = version + (ROOT / ".clang-tidy").read_bytes()
    cache = cache_folder()

    folder = pathlib.Path(arguments.build).resolve() / "tidy"
    folder.mkdir(exist_ok=True)

    def run(group):
        if arguments.seconds is not None and time.monotonic() - begin > arguments.seconds:
            return []
        return check_compatible(group, folder, settings, cache)

    done = failed = skipped = 0
    groups = groups_of(entries) if arguments.seconds is None else newest_first(groups_of(entries))
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = [pool.submit(run, group) for group in groups]
        for job in concurrent.futures.as_completed(jobs):
            for entry, clean, was_known, output in job.result():
                done += 1
                skipped += was_known
                name = os.path.relpath(entry["file"], ROOT)
                if not clean:
                    failed += 1
                    print(output, flush=True)
                if not was_known:
                    said = "clean" if clean else "FAILED"
                    print(f"[{done}/{len(entries)}] {name}: {said}", file=sys.stderr, flush=True)
    left = len(entries) - done
    print(f"clang-tidy: {done} files, {skipped} known to be clean, {failed} failed"
          + (f"; no time for {left} that have not changed for longer" if left else ""), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
