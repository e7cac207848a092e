"""Runs in the interpreter that has llama-cpp-python: a task as JSON in, rates as JSON out."""

import json
import sys
import time

import llama_cpp

TYPES = {"f16": llama_cpp.GGML_TYPE_F16, "q8_0": llama_cpp.GGML_TYPE_Q8_0, "q4_0": llama_cpp.GGML_TYPE_Q4_0}


def load(task):
    flash, kv = task["setting"]
    longest = max(task["depths"]) + max(task["prompt"], task["gen"]) + 1
    return llama_cpp.Llama(
        model_path=task["model"],
        n_ctx=longest,
        n_batch=2048,
        n_threads=task["threads"],
        n_threads_batch=task["threads"],
        n_gpu_layers=0,
        flash_attn=flash,
        type_k=TYPES[kv],
        type_v=TYPES[kv],
        verbose=False,
    )


class Engine:
    def __init__(self, task):
        self.llama = load(task)
        vocab = self.llama.n_vocab()
        longest = max(task["depths"]) + max(task["prompt"], task["gen"])
        self.tokens = [(1 + i * 7919) % vocab for i in range(longest)]

    def feed(self, count):
        """Feeds the next tokens as one batch."""
        if count > 0:
            self.llama.eval(self.tokens[self.llama.n_tokens : self.llama.n_tokens + count])

    def rate(self, depth, pieces):
        """Returns the tokens per second of pieces of a size, fed at a depth."""
        self.llama.reset()
        self.feed(depth)
        llama_cpp.llama_synchronize(self.llama.ctx)
        start = time.perf_counter()
        for count in pieces:
            self.feed(count)
        llama_cpp.llama_synchronize(self.llama.ctx)
        return sum(pieces) / (time.perf_counter() - start)


def main():
    task = json.loads(sys.argv[1])
    engine = Engine(task)
    engine.rate(0, [min(32, len(engine.tokens))])
    rates = []
    for depth in task["depths"]:
        if task["prompt"] > 0:
            rates.append(["prompt", depth, engine.rate(depth, [task["prompt"]])])
        if task["gen"] > 0:
            rates.append(["decode", depth, engine.rate(depth, [1] * task["gen"])])
    print(json.dumps({"rates": rates}))


main()
