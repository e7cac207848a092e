#!/usr/bin/env python3
"""Makes tests/data/arch: for the first case of each architecture of cases.py a model that is small enough to be
committed (random weights of our own, converted by llama.cpp's converter), and the logits that llama.cpp computes.

usage: make_small.py --llama FOLDER --oracle PROGRAM --out FOLDER [ARCHITECTURE ...]

Writes NAME.gguf (weights in F16), NAME.f32 (float32 logits [tokens, vocab], little endian) and tokens.txt, which all
share. llama.cpp rounds activations to F16 where weights are F16, so its logits come from the same weights in F32.
"""
import json
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import numpy
import torch
import transformers

import make_cases
from cases import CASES

VOCAB = 64
TOKENS = 12
WINDOW = 5
BYTES_MAX = 75_000
# What llama.cpp knows of an architecture without reading it needs as many layers: every sixth or fourth is special.
LAYERS = {"gemma3": 6, "smollm3": 4, "cohere2": 4, "exaone4": 4, "lfm2": 4}
SIZES = {
    "vocab_size": VOCAB, "hidden_size": 32, "intermediate_size": 16, "num_attention_heads": 2, "num_key_value_heads": 1,
    "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None,
    "tie_word_embeddings": False,
}
# llama.cpp computes something else than transformers from so small a model (exaone4, deepseek2); mistral is llama's,
# and olmo is rare.
LEFT_OUT = ["exaone4", "deepseek2", "mistral", "olmo"]
# Replaces what a case says.
SMALLER = {
    "head_dim": 16, "num_experts": 4, "num_local_experts": 4, "moe_num_experts": 4, "n_routed_experts": 4,
    "num_experts_per_tok": 2, "moe_k": 2, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16,
    "shared_intermediate_size": 16, "num_kv_heads": 1, "n_embd": 32, "n_head": 2, "n_positions": 64, "n_ctx": 64,
    "query_pre_attn_scalar": 16, "linear_num_key_heads": 1, "linear_num_value_heads": 2, "linear_key_head_dim": 16,
    "linear_value_head_dim": 16, "block_ff_dim": 16, "num_heads": 4, "state_size": 16, "mamba_n_heads": 4,
    "mamba_d_head": 16, "mamba_d_state": 16, "q_lora_rank": 32, "kv_lora_rank": 32, "qk_nope_head_dim": 16,
    "v_head_dim": 16,
}


def shrink(architecture, differs):
    """Returns a case's options with small sizes, a window that the prompt leaves, and every head of the keys kept."""
    layers = LAYERS.get(architecture, 2)
    small = {key: SMALLER.get(key, value) for key, value in differs.items()}
    small |= {"n_layer" if "n_layer" in differs else "num_hidden_layers": layers}
    if differs.get("num_key_value_heads") == 4 or architecture == "phi2":
        small["num_key_value_heads"] = SIZES["num_attention_heads"]
    if differs.get("sliding_window"):
        small["sliding_window"] = WINDOW
    if "layer_types" in differs:
        small["layer_types"] = differs["layer_types"][:layers]
    if architecture == "phi2":
        # llama.cpp expects four times the hidden size.
        small["intermediate_size"] = 4 * SIZES["hidden_size"]
    if architecture == "qwen3next":
        small["full_attention_interval"] = layers
    return small


def round_to_f16(model):
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.half().float())


def write_vocabulary(self):
    """Stands for the converter's set_vocab()."""
    letters = [chr(code) for code in range(ord("A"), ord("A") + VOCAB - 4)]
    self.gguf_writer.add_tokenizer_model("llama")
    self.gguf_writer.add_token_list(["<unk>", "<s>", "</s>", "\u2581", *letters])
    self.gguf_writer.add_token_scores([0.0] * VOCAB)
    self.gguf_writer.add_token_types([2, 3, 3] + [1] * (VOCAB - 3))
    self.gguf_writer.add_bos_token_id(1)
    self.gguf_writer.add_eos_token_id(2)
    self.gguf_writer.add_unk_token_id(0)


def convert(hf, to, kind):
    from conversion import ModelType, get_model_architecture, get_model_class
    from conversion.base import ModelBase

    base = get_model_class(get_model_architecture(ModelBase.load_hparams(hf, False), ModelType.TEXT))
    tiny = type(base.__name__, (base,), {"set_vocab": write_vocabulary, "model_arch": base.model_arch, "no_mtp": True})
    with torch.inference_mode():
        tiny(hf, kind, to).write()


def make(options, architecture):
    """Returns the bytes that the two files take, and how far llama.cpp is from transformers."""
    import gguf

    kind, differs = CASES[architecture][0]
    make_cases.COMMON = SIZES
    model = make_cases.model_of(kind, shrink(architecture, differs), seed=7)
    round_to_f16(model)
    tokens = numpy.loadtxt(options.out / "tokens.txt", dtype=int)
    with torch.no_grad():
        theirs = model(torch.tensor(tokens)[None], use_cache=False).logits[0].float().numpy()
    small = options.out / f"{architecture}.gguf"
    expected = small.with_suffix(".f32")
    with tempfile.TemporaryDirectory() as folder:
        # llama.cpp treats files specially whose name is that of a model.
        hf = Path(folder) / "tiny"
        model.save_pretrained(hf)
        counted = {"model": {"vocab": {str(i): i for i in range(VOCAB)}}, "added_tokens": []}
        (hf / "tokenizer.json").write_text(json.dumps(counted))
        convert(hf, small, gguf.LlamaFileType.MOSTLY_F16)
        exact = Path(folder) / "f32.gguf"
        convert(hf, exact, gguf.LlamaFileType.ALL_F32)
        subprocess.run([options.oracle, exact, options.out / "tokens.txt", "0", expected, "/dev/null", "/dev/null"],
                       check=True)
    logits = numpy.fromfile(expected, dtype="<f4").reshape(TOKENS, VOCAB)
    bytes_both = small.stat().st_size + expected.stat().st_size
    if bytes_both > BYTES_MAX:
        raise ValueError(f"takes {bytes_both} bytes, at most {BYTES_MAX} are to be committed")
    return bytes_both, make_cases.relative_error(logits, theirs)


def main():
    options = make_cases.arguments()
    sys.path[:0] = [str(options.llama), str(options.llama / "gguf-py")]
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    options.out.mkdir(parents=True, exist_ok=True)
    tokens = numpy.random.default_rng(7).integers(3, VOCAB, TOKENS)
    (options.out / "tokens.txt").write_text("\n".join(map(str, tokens)) + "\n")
    failed = 0
    print(f"{'architecture':<16} {'bytes':>7} {'transformers':>12}")
    for architecture in options.architectures or [name for name in CASES if name not in LEFT_OUT]:
        try:
            size, error = make(options, architecture)
            print(f"{architecture:<16} {size:>7} {error:>12.2e}", flush=True)
        except Exception:
            failed += 1
            for file in options.out.glob(f"{architecture}.*"):
                file.unlink()
            print(f"{architecture:<16} not made: {traceback.format_exc().strip().splitlines()[-1][:150]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
