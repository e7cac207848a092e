"""Engines that are Python packages: a script of workers/ runs in the interpreter that has the package."""

import dataclasses
import json
import pathlib

from contestant import Contestant, Failure, Outcome, run_process

WORKERS = pathlib.Path(__file__).resolve().parent.parent / "workers"


def rates_of(text):
    """Parses a worker's last line: {"rates": [[kind, depth, tokens per second], ...]}."""
    lines = text.strip().splitlines()
    try:
        return {(kind, depth): rate for kind, depth, rate in json.loads(lines[-1])["rates"]}
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise Failure(f"a worker's last line is no result: {lines[-1] if lines else ''}") from error


class WorkerContestant(Contestant):
    """`path` is the Python interpreter."""

    script = ""
    package = ""

    def __init__(self, path, timeout, name=None):
        self.name = name or self.package
        self.path = path
        self.timeout = timeout

    def describe(self):
        code = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        version = run_process([self.path, "-c", code], self.timeout).output.strip()
        return f"{self.package} {version} ({self.path})"

    def run(self, setting, workload):
        task = json.dumps({**dataclasses.asdict(workload), "setting": setting.values})
        finished = run_process([self.path, str(WORKERS / self.script), task], self.timeout)
        return Outcome(rates_of(finished.output), finished.peak_bytes)
