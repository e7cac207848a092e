"""pith itself, through `pith bench`."""

import json

from contestant import DECODE, PROMPT, Contestant, Outcome, Setting, run_process


def rates_of(text):
    """Parses the tokens per second in the output of `pith bench --format json` for one cache."""
    (cache,) = json.loads(text)["results"]
    rates = {}
    for row in cache["depths"]:
        for kind in (PROMPT, DECODE):
            if row[kind] is not None:
                rates[kind, row[kind]["depth"]] = row[kind]["tokens_per_second"]["median"]
    return rates


class Pith(Contestant):
    """Settings: one per KV type that is asked for."""

    name = "pith"

    def __init__(self, path, kv_types, timeout):
        self.path = path
        self.kv_types = kv_types
        self.timeout = timeout

    def describe(self):
        version = run_process([self.path, "--version"], self.timeout).output.strip()
        return f"{version} ({self.path})"

    def settings(self):
        return [Setting(kv, (kv,)) for kv in self.kv_types]

    def commands(self, setting, workload):
        """Runs prompts and decoding separately, so that both begin at the depth itself."""
        longest = max(workload.depths) + max(workload.prompt, workload.gen)
        for prompt, gen in ((workload.prompt, 0), (0, workload.gen)):
            if prompt + gen == 0:
                continue
            command = [self.path, "bench", "-m", workload.model, "--threads", str(workload.threads)]
            command += ["--kv", setting.values[0], "--prompt", str(prompt), "--gen", str(gen)]
            command += ["--depth", ",".join(map(str, workload.depths)), "--ctx", str(longest)]
            yield command + ["--rounds", "1", "--no-limits", "--format", "json"]

    def run(self, setting, workload):
        rates = {}
        peak_bytes = 0
        for command in self.commands(setting, workload):
            finished = run_process(command, self.timeout)
            rates.update(rates_of(finished.output))
            peak_bytes = max(peak_bytes, finished.peak_bytes)
        return Outcome(rates, peak_bytes)
