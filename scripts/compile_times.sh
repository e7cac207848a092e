#!/usr/bin/env bash
# Compiles every file of the library by itself and without ccache, with the exact commands of the release preset, and
# prints the processor time (user time, in seconds) that each takes, the longest first. Ends with 1 if a file takes more
# than the limit. User time counts, but it grows too when other programs share the cores: run this on an idle machine.
#
# usage: scripts/compile_times.sh [--limit SECONDS] [--only REGEX]
#   --limit SECONDS  the most that a file may take (default: 30)
#   --only REGEX     only files whose path matches, for example 'kernels/'
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

limit=30
only=.
while (($# > 0)); do
  case "$1" in
    --limit) limit="${2:?--limit takes seconds}" && shift ;;
    --only) only="${2:?--only takes a regular expression}" && shift ;;
    -h | --help) show_help && exit 0 ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
  shift
done

cmake --preset release >/dev/null
python3 - "$limit" "$only" <<'PYTHON'
import json, os, re, resource, shlex, subprocess, sys, tempfile

limit, only = float(sys.argv[1]), re.compile(sys.argv[2])
root = os.getcwd()
times = []
with tempfile.TemporaryDirectory() as folder:
    for entry in json.load(open("build/release/compile_commands.json")):
        path = os.path.relpath(entry["file"], root)
        if not path.startswith("src/") or not only.search(path):
            continue
        command = shlex.split(entry["command"])
        command[command.index("-o") + 1] = os.path.join(folder, "unit.o")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run(command, cwd=entry["directory"], check=True, env={**os.environ, "CCACHE_DISABLE": "1"})
        times.append((resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, path))
if not times:
    sys.exit("no file matches")
times.sort(reverse=True)
for seconds, path in times:
    print(f"{seconds:7.1f}  {path}{'  (above the limit)' if seconds > limit else ''}")
print(f"{sum(t for t, _ in times):7.1f}  all {len(times)} files")
sys.exit(1 if times[0][0] > limit else 0)
PYTHON
