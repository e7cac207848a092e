#!/usr/bin/env python3
"""Writes a GGUF model of random weights in a shape that people run, for speed side by side: such a model says nothing
sensible, but engines do the same work on it. The tokenizer is copied from another GGUF file.

needs: pip install gguf numpy
example: bench/models/make_model.py --vocab-from models/SmolLM2-135M-Instruct.Q4_1.gguf --shape qwen35-0.8b -o hybrid.gguf
"""

import argparse
import dataclasses

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, quants

# Quantized once and cut into matrices, since quantizing takes longest.
POOL = 1 << 24


@dataclasses.dataclass(frozen=True)
class Shape:
    """Sizes as in GGUF keys. An attention layer follows every (period - 1) recurrent ones; 1: all have attention."""

    architecture: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    feed_forward: int
    period: int = 1
    experts: int = 0
    experts_used: int = 0
    state_heads: int = 0
    key_heads: int = 0
    state_size: int = 0
    taps: int = 4
    # Of heads that share a latent; their head_size is that of queries, a third of which is rotated.
    latent: int = 0
    query_latent: int = 0
    value_size: int = 0


SHAPES = {
    # Qwen 3 as a small mixture.
    "qwen3moe-2b": Shape("qwen3moe", 2048, 8, 32, 4, 128, 768, experts=64, experts_used=8),
    # Qwen 3.5 0.8B: Gated DeltaNet in three of four layers, gated attention in the fourth.
    "qwen35-0.8b": Shape("qwen35", 1024, 24, 8, 2, 256, 3584, period=4, state_heads=16, key_heads=16, state_size=128),
    # LFM2 1.2B, with attention in regular places.
    "lfm2-1.2b": Shape("lfm2", 2048, 16, 32, 8, 64, 8192, period=3, taps=3),
    # Granite 4 350M, with attention in regular places.
    "granitehybrid-350m": Shape(
        "granitehybrid", 768, 32, 12, 4, 64, 2048, period=8, state_heads=48, key_heads=1, state_size=128
    ),
    # DeepSeek V2 Lite with fewer layers and a latent for queries, without a dense layer and shared experts' own size.
    "deepseek2-2b": Shape(
        "deepseek2", 2048, 8, 16, 1, 192, 1408, experts=32, experts_used=6, latent=512, query_latent=768, value_size=128
    ),
}


class Tensors:
    """Adds tensors of random values. Matrices have outputs of about the variance of their inputs."""

    def __init__(self, writer, weight_type, seed):
        self.writer, self.type = writer, weight_type
        self.random = np.random.default_rng(seed)
        self.pool = self.random.standard_normal(POOL, dtype=np.float32)

    def matrix(self, name, rows, columns, gain=1.0, experts=1):
        values = self.pool[: POOL // columns * columns].reshape(-1, columns) * np.float32(gain / np.sqrt(columns))
        data = quants.quantize(np.ascontiguousarray(values[: min(len(values), rows)]), self.type)
        data = np.tile(data, (-(-rows * experts // len(data)), 1))[: rows * experts]
        if experts > 1:
            data = data.reshape(experts, rows, -1)
        self.writer.add_tensor(name, np.ascontiguousarray(data), raw_dtype=self.type)

    def floats(self, name, *dims, mean=1.0, deviation=0.1):
        values = mean + deviation * self.random.standard_normal(dims)
        self.writer.add_tensor(name, values.astype(np.float32))


def copy_tokenizer(path, writer):
    reader = GGUFReader(path)
    for name, field in reader.fields.items():
        if not name.startswith("tokenizer."):
            continue
        if field.types[0] == gguf.GGUFValueType.ARRAY:
            writer.add_array(name, field.contents())
        else:
            writer.add_key_value(name, field.contents(), field.types[0])
    return len(reader.fields["tokenizer.ggml.tokens"].data)


def is_attention(shape, layer):
    return (layer + 1) % shape.period == 0


def add_keys(writer, shape, context, vocab):
    writer.add_context_length(context)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    by_layer = [shape.kv_heads if is_attention(shape, i) else 0 for i in range(shape.layers)]
    lists_heads = shape.architecture in ("lfm2", "granitehybrid")
    writer.add_head_count_kv(by_layer if lists_heads else shape.kv_heads)
    if shape.latent:
        add_latent_keys(writer, shape)
    else:
        writer.add_key_length(shape.head_size)
        writer.add_value_length(shape.head_size)
        # Qwen 3.5 rotates a quarter of each head.
        writer.add_rope_dimension_count(shape.head_size // 4 if shape.architecture == "qwen35" else shape.head_size)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1000000.0)
    writer.add_vocab_size(vocab)
    prefix = shape.architecture
    if shape.experts:
        writer.add_expert_count(shape.experts)
        writer.add_expert_used_count(shape.experts_used)
        writer.add_expert_feed_forward_length(shape.feed_forward)
    if shape.architecture == "lfm2":
        writer.add_uint32(f"{prefix}.shortconv.l_cache", shape.taps)
    elif shape.state_heads:
        writer.add_uint32(f"{prefix}.ssm.conv_kernel", shape.taps)
        writer.add_uint32(f"{prefix}.ssm.state_size", shape.state_size)
        writer.add_uint32(f"{prefix}.ssm.group_count", shape.key_heads)
        writer.add_uint32(f"{prefix}.ssm.time_step_rank", shape.state_heads)
        writer.add_uint32(f"{prefix}.ssm.inner_size", inner_size(shape))
    if shape.architecture == "qwen35":
        writer.add_uint32(f"{prefix}.full_attention_interval", shape.period)
        writer.add_array(f"{prefix}.rope.dimension_sections", [11, 11, 10, 0])
    if shape.architecture == "granitehybrid":
        writer.add_float32(f"{prefix}.logit_scale", 1.0)
        writer.add_bool(f"{prefix}.rope.scaling.finetuned", False)


def add_latent_keys(writer, shape):
    rotated = shape.head_size // 3
    writer.add_kv_lora_rank(shape.latent)
    writer.add_q_lora_rank(shape.query_latent)
    writer.add_key_length(shape.latent + rotated)
    writer.add_value_length(shape.latent)
    writer.add_key_length_mla(shape.head_size)
    writer.add_value_length_mla(shape.value_size)
    writer.add_rope_dimension_count(rotated)
    writer.add_leading_dense_block_count(0)
    writer.add_expert_shared_count(2)


def inner_size(shape):
    return 2 * shape.hidden if shape.architecture == "granitehybrid" else shape.state_heads * shape.state_size


def add_attention(make, shape, prefix):
    if shape.latent:
        return add_latent_attention(make, shape, prefix)
    gates = 2 if shape.architecture == "qwen35" else 1
    make.matrix(prefix + "attn_q.weight", gates * shape.heads * shape.head_size, shape.hidden)
    make.matrix(prefix + "attn_k.weight", shape.kv_heads * shape.head_size, shape.hidden)
    make.matrix(prefix + "attn_v.weight", shape.kv_heads * shape.head_size, shape.hidden)
    make.matrix(prefix + "attn_output.weight", shape.hidden, shape.heads * shape.head_size)
    if shape.architecture != "granitehybrid":
        make.floats(prefix + "attn_q_norm.weight", shape.head_size)
        make.floats(prefix + "attn_k_norm.weight", shape.head_size)


def add_latent_attention(make, shape, prefix):
    rotated = shape.head_size // 3
    make.matrix(prefix + "attn_q_a.weight", shape.query_latent, shape.hidden)
    make.floats(prefix + "attn_q_a_norm.weight", shape.query_latent)
    make.matrix(prefix + "attn_q_b.weight", shape.heads * shape.head_size, shape.query_latent)
    make.matrix(prefix + "attn_kv_a_mqa.weight", shape.latent + rotated, shape.hidden)
    make.floats(prefix + "attn_kv_a_norm.weight", shape.latent)
    make.matrix(prefix + "attn_k_b.weight", shape.latent, shape.head_size - rotated, experts=shape.heads)
    make.matrix(prefix + "attn_v_b.weight", shape.value_size, shape.latent, experts=shape.heads)
    make.matrix(prefix + "attn_output.weight", shape.hidden, shape.heads * shape.value_size)


def add_recurrent(make, shape, prefix):
    hidden = shape.hidden
    if shape.architecture == "lfm2":
        make.floats(prefix + "shortconv.conv.weight", hidden, shape.taps, mean=0.5)
        make.matrix(prefix + "shortconv.in_proj.weight", 3 * hidden, hidden)
        make.matrix(prefix + "shortconv.out_proj.weight", hidden, hidden)
        return
    heads, inner = shape.state_heads, inner_size(shape)
    channels = inner + 2 * shape.key_heads * shape.state_size
    make.floats(prefix + "ssm_conv1d.weight", channels, shape.taps, mean=0.5)
    make.floats(prefix + "ssm_dt.bias", heads, mean=0.0)
    make.matrix(prefix + "ssm_out.weight", hidden, inner)
    if shape.architecture == "granitehybrid":
        make.floats(prefix + "ssm_conv1d.bias", channels, mean=0.0)
        make.floats(prefix + "ssm_a", heads, 1, mean=-0.5)
        make.floats(prefix + "ssm_d", heads, 1)
        make.floats(prefix + "ssm_norm.weight", shape.key_heads, inner // shape.key_heads)
        make.matrix(prefix + "ssm_in.weight", inner + channels + heads, hidden)
        return
    make.floats(prefix + "ssm_a", heads, mean=-0.5)
    make.floats(prefix + "ssm_norm.weight", shape.state_size)
    make.matrix(prefix + "attn_qkv.weight", channels, hidden)
    make.matrix(prefix + "attn_gate.weight", inner, hidden)
    make.matrix(prefix + "ssm_alpha.weight", heads, hidden)
    make.matrix(prefix + "ssm_beta.weight", heads, hidden)


def add_feed_forward(make, shape, prefix):
    size = shape.feed_forward
    if not shape.experts:
        make.matrix(prefix + "ffn_gate.weight", size, shape.hidden)
        make.matrix(prefix + "ffn_up.weight", size, shape.hidden)
        make.matrix(prefix + "ffn_down.weight", shape.hidden, size)
        return
    make.floats(prefix + "ffn_gate_inp.weight", shape.experts, shape.hidden, mean=0.0)
    make.matrix(prefix + "ffn_gate_exps.weight", size, shape.hidden, experts=shape.experts)
    make.matrix(prefix + "ffn_up_exps.weight", size, shape.hidden, experts=shape.experts)
    make.matrix(prefix + "ffn_down_exps.weight", shape.hidden, size, experts=shape.experts)
    if shape.latent:
        make.matrix(prefix + "ffn_gate_shexp.weight", 2 * size, shape.hidden)
        make.matrix(prefix + "ffn_up_shexp.weight", 2 * size, shape.hidden)
        make.matrix(prefix + "ffn_down_shexp.weight", shape.hidden, 2 * size)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocab-from", required=True, help="GGUF file whose tokenizer is copied")
    parser.add_argument("--shape", required=True, choices=SHAPES)
    parser.add_argument("--type", default="Q4_0", help="type of matrices: Q4_0 (the default), Q8_0, F16, ...")
    parser.add_argument("--context", type=int, default=32768)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    shape = SHAPES[arguments.shape]

    writer = GGUFWriter(arguments.output, shape.architecture)
    writer.add_name(f"random {arguments.shape} {arguments.type}")
    vocab = copy_tokenizer(arguments.vocab_from, writer)
    add_keys(writer, shape, arguments.context, vocab)
    make = Tensors(writer, GGMLQuantizationType[arguments.type], arguments.seed)
    make.matrix("token_embd.weight", vocab, shape.hidden, gain=np.sqrt(shape.hidden))
    make.floats("token_embd_norm.weight" if shape.architecture == "lfm2" else "output_norm.weight", shape.hidden)
    for layer in range(shape.layers):
        prefix = f"blk.{layer}."
        make.floats(prefix + "attn_norm.weight", shape.hidden)
        second = "post_attention_norm" if shape.architecture == "qwen35" else "ffn_norm"
        make.floats(prefix + second + ".weight", shape.hidden)
        (add_attention if is_attention(shape, layer) else add_recurrent)(make, shape, prefix)
        add_feed_forward(make, shape, prefix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(arguments.output)


if __name__ == "__main__":
    main()
