#!/usr/bin/env python3
"""Makes the cases of scripts/arch_differential.sh: for each row of cases.py a randomly initialized Hugging Face model,
converted to GGUF by llama.cpp's converter, and what llama.cpp computes from it.

usage: make_cases.py --llama FOLDER --oracle PROGRAM --out FOLDER [ARCHITECTURE ...]

Each case is a folder ARCHITECTURE-N: model.gguf (float32), tokens.txt, logits.f32 [tokens, vocab], greedy.txt,
greedy.f32 [greedy, vocab] (raw little endian), hparams.txt and, when all of it is there, DONE. Cases that are there are kept.
"""
import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import numpy
import torch
import transformers

from cases import CASES, COMMON, VOCAB

PROMPT = 96
GREEDY = 200


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--llama", required=True, type=Path, help="source of llama.cpp")
    parser.add_argument("--oracle", required=True, help="the program llama_logits")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("architectures", nargs="*")
    return parser.parse_args()


def randomize(model, seed):
    """Gives weights, norms and biases values of a spread that lets logits and the choice of experts vary."""
    generator = torch.Generator().manual_seed(seed)

    def noise(tensor):
        return torch.randn(tensor.shape, generator=generator)

    embedding = model.get_input_embeddings().weight
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight is embedding:
                weight.copy_(noise(weight) * 0.25)
            elif weight.ndim == 1 or "sinks" in name or "bias" in name:
                weight.add_(noise(weight) * 0.2)
            else:
                # Routers choose more clearly, so that rounding does not change the choice.
                gain = 3.0 if "router" in name or name.endswith("gate.weight") else 1.3
                weight.copy_(noise(weight) * gain * weight.shape[-1] ** -0.5)
        for name, buffer in model.named_buffers():
            if "correction_bias" in name or "expert_bias" in name:
                buffer.copy_(noise(buffer) * 0.1)


def model_of(kind, differs, seed):
    known = transformers.AutoConfig.for_model(kind)
    common = {key: value for key, value in COMMON.items() if key in known.to_dict() or key in known.attribute_map}
    config = transformers.AutoConfig.for_model(kind, **{**common, **differs})
    config._attn_implementation = "eager"
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    randomize(model, seed)
    return model


def byte_letters():
    """Returns the letters that byte-level BPE writes for the bytes from 0 to 255."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]


def write_vocabulary(self):
    """Stands for the converter's set_vocab(): all bytes, merges of two lower-case letters, and two control tokens."""
    letters = byte_letters()
    pairs = [(a, b) for a in "abcdefghijklmnopqrstuvwxyz" for b in "abcdefghijklmnopqrstuvwxyz"][:VOCAB - 2 - 256]
    self.gguf_writer.add_tokenizer_model("gpt2")
    self.gguf_writer.add_tokenizer_pre("llama-bpe")
    self.gguf_writer.add_token_list([*letters, *(a + b for a, b in pairs), "<s>", "</s>"])
    self.gguf_writer.add_token_types([1] * (VOCAB - 2) + [3, 3])
    self.gguf_writer.add_token_merges([f"{a} {b}" for a, b in pairs])
    self.gguf_writer.add_bos_token_id(VOCAB - 2)
    self.gguf_writer.add_eos_token_id(VOCAB - 1)


def convert(folder, to):
    """Runs llama.cpp's converter with the vocabulary above."""
    from conversion import ModelType, get_model_architecture, get_model_class
    from conversion.base import ModelBase
    import gguf

    hparams = ModelBase.load_hparams(folder, False)
    kind = get_model_class(get_model_architecture(hparams, ModelType.TEXT))
    tiny = type(kind.__name__, (kind,), {"set_vocab": write_vocabulary, "model_arch": kind.model_arch, "no_mtp": True})
    with torch.inference_mode():
        tiny(folder, gguf.LlamaFileType.ALL_F32, to).write()


def describe(path):
    """Returns all keys but the tokenizer's lists, and all tensors."""
    import gguf

    reader = gguf.GGUFReader(path)
    lines = []
    for name, field in reader.fields.items():
        value = field.contents()
        if name.startswith("tokenizer.ggml.") and isinstance(value, list):
            value = f"[{len(value)} values]"
        lines.append(f"{name} = {value}")
    lines.append("")
    lines += [f"{tensor.name} {list(map(int, tensor.shape))} {tensor.tensor_type.name}" for tensor in reader.tensors]
    return "\n".join(lines) + "\n"


def relative_error(a, b):
    """The largest difference of a position over its largest logit, in the worst position."""
    return float((numpy.abs(a - b).max(axis=1) / numpy.abs(b).max(axis=1)).max())


def make(options, folder, kind, differs, seed):
    """Returns how far llama.cpp is from transformers, which shows a conversion that went wrong."""
    model = model_of(kind, differs, seed)
    tokens = numpy.random.default_rng(seed).integers(0, VOCAB - 2, PROMPT)
    with torch.no_grad():
        theirs = model(torch.tensor(tokens)[None], use_cache=False).logits[0].float().numpy()
    (folder / "tokens.txt").write_text("\n".join(map(str, tokens)) + "\n")
    (folder / "config.json").write_text(json.dumps(model.config.to_dict(), indent=1, default=str) + "\n")
    with tempfile.TemporaryDirectory() as hf:
        model.save_pretrained(hf)
        # Some converters count the tokens here.
        counted = {"model": {"vocab": {str(i): i for i in range(VOCAB)}}, "added_tokens": []}
        (Path(hf) / "tokenizer.json").write_text(json.dumps(counted))
        convert(Path(hf), folder / "model.gguf")
    (folder / "hparams.txt").write_text(describe(folder / "model.gguf"))
    subprocess.run([options.oracle, folder / "model.gguf", folder / "tokens.txt", str(GREEDY), folder / "logits.f32",
                    folder / "greedy.txt", folder / "greedy.f32"], check=True)
    logits = numpy.fromfile(folder / "logits.f32", dtype="<f4").reshape(PROMPT, VOCAB)
    return relative_error(logits, theirs)


def main():
    options = arguments()
    sys.path[:0] = [str(options.llama), str(options.llama / "gguf-py")]
    failed = 0
    print(f"{'case':<20} {'transformers':>12}   llama.cpp against transformers, worst relative error", flush=True)
    for architecture in options.architectures or CASES:
        for number, (kind, differs) in enumerate(CASES[architecture]):
            folder = options.out / f"{architecture}-{number}"
            if (folder / "DONE").exists():
                continue
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            try:
                error = make(options, folder, kind, differs, 1000 + number)
                (folder / "DONE").write_text(f"{error:.3g}\n")
                print(f"{folder.name:<20} {error:>12.2e}", flush=True)
            except Exception:
                failed += 1
                (folder / "FAILED").write_text(traceback.format_exc())
                reason = traceback.format_exc().strip().splitlines()[-1]
                print(f"{folder.name:<20} not made: {reason[:150]}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
