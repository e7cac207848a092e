"""Runs in the interpreter that has openvino-genai: a task as JSON in, rates as JSON out.

The pipeline answers whole requests, so a prompt at a depth is the difference of two times to the first token.
"""

import json
import sys

import numpy
import openvino
import openvino_genai

VOCAB = 1000


class Engine:
    def __init__(self, task):
        properties = {"INFERENCE_NUM_THREADS": task["threads"]}
        (kv,) = task["setting"]
        if kv != "default":
            properties["KV_CACHE_PRECISION"] = kv
        self.pipeline = openvino_genai.LLMPipeline(task["model"], "CPU", **properties)

    def answer(self, prompt, gen):
        """Returns the seconds to the first token, and between tokens."""
        ids = numpy.array([[(1 + i * 7919) % VOCAB for i in range(prompt)]], dtype=numpy.int64)
        inputs = openvino_genai.TokenizedInputs(openvino.Tensor(ids), openvino.Tensor(numpy.ones_like(ids)))
        config = openvino_genai.GenerationConfig(max_new_tokens=gen, ignore_eos=True, do_sample=False)
        metrics = self.pipeline.generate(inputs, config).perf_metrics
        return metrics.get_ttft().mean / 1000, metrics.get_tpot().mean / 1000 if gen > 1 else 0


def main():
    task = json.loads(sys.argv[1])
    engine = Engine(task)
    engine.answer(32, 2)
    rates = []
    for depth in task["depths"]:
        first, each = 0.0, 0.0
        # A request has at least one token, which stands for an empty context.
        if depth > 0 or task["gen"] > 0:
            first, each = engine.answer(max(depth, 1), task["gen"] + 1)
        if task["gen"] > 0:
            rates.append(["decode", depth, 1 / each])
        if task["prompt"] > 0:
            behind = first if depth > 0 else 0.0
            seconds = engine.answer(depth + task["prompt"], 1)[0] - behind
            if seconds > 0:
                rates.append(["prompt", depth, task["prompt"] / seconds])
    print(json.dumps({"rates": rates}))


main()
