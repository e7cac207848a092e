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


def seconds_of(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main():
    task = json.loads(sys.argv[1])
    llama = load(task)
    vocab = llama.n_vocab()
    longest = max(task["depths"]) + max(task["prompt"], task["gen"])
    tokens = [(1 + i * 7919) % vocab for i in range(longest)]
    llama.eval(tokens[:32])
    llama.eval(tokens[:1])
    llama.reset()
    rates = []
    for depth in sorted(task["depths"]):
        if depth > llama.n_tokens:
            llama.eval(tokens[llama.n_tokens : depth])
        if task["gen"] > 0:
            def decode():
                for i in range(task["gen"]):
                    llama.eval(tokens[depth + i : depth + i + 1])

            rates.append(["decode", depth, task["gen"] / seconds_of(decode)])
            # What lies behind is dropped by the next eval().
            llama.n_tokens = depth
        if task["prompt"] > 0:
            prompt = tokens[depth : depth + task["prompt"]]
            rates.append(["prompt", depth, task["prompt"] / seconds_of(lambda: llama.eval(prompt))])
            llama.n_tokens = depth
    print(json.dumps({"rates": rates}))


main()
