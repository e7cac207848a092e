"""llama-bench of llama.cpp or of ik_llama.cpp, which differ in some options."""

import json

from contestant import DECODE, PROMPT, Contestant, Failure, Outcome, Setting, run_process

# Flash attention and KV type. Values cannot be quantized without flash attention.
CACHES = (("0", "f16"), ("1", "f16"), ("1", "q8_0"), ("1", "q4_0"))


def records_of(text):
    """Parses the tests in the output of `llama-bench -o json`."""
    begin = text.find("[")
    if begin < 0:
        raise Failure("llama-bench printed no JSON")
    return json.loads(text[begin:])


def rates_with_depths(records):
    """Reads rates of a program that supports depths: each test states its own."""
    rates = {}
    for record in records:
        kind, tokens = (PROMPT, record["n_prompt"]) if record["n_gen"] == 0 else (DECODE, record["n_gen"])
        rates[kind, record["n_depth"]] = tokens / (record["avg_ns"] * 1e-9)
    return rates


def rates_without_depths(records, workload):
    """Reads rates of others: a prompt at a depth is the difference of two prompts, and decoding follows a prompt."""
    prompts = {}
    rates = {}
    for record in records:
        seconds = record["avg_ns"] * 1e-9
        if record["n_gen"] == 0:
            prompts[record["n_prompt"]] = seconds
        else:
            rates[DECODE, record["n_prompt"]] = record["n_gen"] / seconds
    prompts[0] = 0.0
    for depth in workload.depths:
        if workload.prompt == 0:
            continue
        seconds = prompts[depth + workload.prompt] - prompts[depth]
        if seconds > 0:
            rates[PROMPT, depth] = workload.prompt / seconds
    return rates


class LlamaBench(Contestant):
    """Settings: flash attention, KV type, and repacking of weights if the program has it."""

    def __init__(self, path, timeout, name="llama_bench"):
        self.name = name
        self.path = path
        self.timeout = timeout
        help_text = run_process([path, "--help"], timeout).output
        self.knows_depths = "--n-depth" in help_text
        self.repack_option = next((o for o in ("--run-time-repack", "--repack") if o in help_text), None)

    def describe(self):
        of = ", ik_llama.cpp's" if self.repack_option == "--run-time-repack" else ""
        return f"llama-bench{of} ({self.path})"

    def settings(self):
        repack = ("1", "0") if self.repack_option else (None,)
        settings = []
        for flash, kv in CACHES:
            for value in repack:
                name = f"{kv}, flash attention {'on' if flash == '1' else 'off'}"
                if value is not None:
                    name += f", repacking {'on' if value == '1' else 'off'}"
                settings.append(Setting(name, (flash, kv, value)))
        return settings

    def command(self, setting, workload):
        flash, kv, repack = setting.values
        command = [self.path, "-m", workload.model, "-t", str(workload.threads), "-r", "1", "-o", "json", "-ngl", "0"]
        command += ["-fa", flash, "-ctk", kv, "-ctv", kv]
        if repack is not None:
            command += [self.repack_option, repack]
        if self.knows_depths:
            return command + self._tests([workload.prompt], workload.gen) + ["-d", ",".join(map(str, workload.depths))]
        prompts = set()
        for depth in workload.depths if workload.prompt > 0 else ():
            prompts.update({depth, depth + workload.prompt} - {0})
        command += self._tests(sorted(prompts) or [0], workload.gen if 0 in workload.depths else 0)
        for depth in workload.depths if workload.gen > 0 else ():
            if depth > 0:
                command += ["-gp", f"{depth},{workload.gen}"]
        return command

    @staticmethod
    def _tests(prompts, gen):
        return ["-p", ",".join(map(str, prompts)), "-n", str(gen)]

    def run(self, setting, workload):
        finished = run_process(self.command(setting, workload), self.timeout)
        records = records_of(finished.output)
        rates = rates_with_depths(records) if self.knows_depths else rates_without_depths(records, workload)
        return Outcome(rates, finished.peak_bytes)
