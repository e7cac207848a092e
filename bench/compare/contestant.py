"""What a comparison needs from an engine, and how its process is run and measured."""

import abc
import dataclasses
import os
import subprocess
import tempfile
import threading

PROMPT = "prompt"
DECODE = "decode"


class Failure(Exception):
    """A failure of an engine. The message is one line that names the engine."""


@dataclasses.dataclass(frozen=True)
class Workload:
    """At each depth, a prompt fed as a batch, and tokens decoded one by one, measured separately."""

    model: str
    threads: int
    prompt: int
    gen: int
    depths: tuple[int, ...]

    def quantities(self):
        """Returns all (kind, depth), in the order of reports."""
        kinds = [kind for kind, tokens in ((PROMPT, self.prompt), (DECODE, self.gen)) if tokens > 0]
        return [(kind, depth) for kind in kinds for depth in self.depths]


@dataclasses.dataclass(frozen=True)
class Setting:
    """A way of running an engine: its name, and its options."""

    name: str
    values: tuple = ()


@dataclasses.dataclass
class Outcome:
    """Tokens per second by (kind, depth); a quantity that could not be measured is absent."""

    rates: dict
    peak_bytes: int


class Contestant(abc.ABC):
    """An engine. `name` is unique in a comparison."""

    name = ""

    @abc.abstractmethod
    def describe(self) -> str:
        """Returns the engine, its version and its path."""

    @abc.abstractmethod
    def settings(self) -> list[Setting]:
        """Returns the settings that may be the best at some quantity."""

    @abc.abstractmethod
    def run(self, setting: Setting, workload: Workload) -> Outcome:
        """Measures everything once, in separate processes. Raises Failure."""


@dataclasses.dataclass
class Finished:
    """The output of a process, and its peak of resident memory."""

    output: str
    errors: str
    peak_bytes: int


def run_process(command, timeout):
    """Runs a program to its end. Raises Failure if it cannot be run, fails, or takes more than `timeout` seconds.

    The peak is the kernel's count of resident memory, including mapped files. It is at least that of the parent
    process, about 20 MiB.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        except OSError as error:
            raise Failure(f"{command[0]}: {error.strerror}") from error
        timer = threading.Timer(timeout, process.kill)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            late = not timer.is_alive()
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        finished = Finished(
            output.read().decode(errors="replace"), errors.read().decode(errors="replace"), usage.ru_maxrss * 1024
        )
    if process.returncode != 0:
        last = (finished.errors.strip() or finished.output.strip()).splitlines()[-1:]
        why = f"took more than {timeout:g} s" if late else f"ended with {process.returncode}"
        raise Failure(f"{command[0]}: {why}: {last[0] if last else 'no message'}")
    return finished
