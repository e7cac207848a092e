#!/usr/bin/env python3
"""Writes tests/data/dequantize/<TYPE>.bin: blocks of random bytes and the float32 that the package gguf makes of them.

A file is the number of blocks (uint32), the blocks, and block elements times blocks float32, all little-endian. Codes
are random; scales are random finite f16, the first blocks having the edge cases: zeros, subnormals, the largest.

needs: pip install gguf==0.19.0 numpy
"""
import pathlib
import struct

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

# Where a block has its f16 scales.
SCALES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "IQ4_NL": [0], "IQ4_XS": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}
PLAIN = {"F32": np.uint32, "F16": np.uint16, "BF16": np.uint16}
# Both zeros, the smallest and the largest subnormals, the smallest normal, the largest of both signs, infinity aside.
EDGES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x7BFF, 0xFBFF]


def finite_halves(rng, count):
    halves = rng.integers(0, 1 << 16, count, dtype=np.uint16)
    infinite = (halves & 0x7C00) == 0x7C00
    halves[infinite] &= 0xBFFF
    return halves


def plain_cases(rng, name):
    """Elements of all magnitudes, infinities included, NaN not: its bits may change on the way."""
    dtype = PLAIN[name]
    bits = rng.integers(0, 1 << (8 * np.dtype(dtype).itemsize), 512, dtype=np.uint64).astype(dtype)
    exponent = {"F32": 0x7F800000, "F16": 0x7C00, "BF16": 0x7F80}[name]
    sign = 1 << (8 * np.dtype(dtype).itemsize - 1)
    nan = (bits & exponent) == exponent
    bits[nan] &= np.array(exponent | sign, dtype)
    bits[:4] = [0, sign, 1, exponent]
    return bits.view(np.uint8).reshape(len(bits), -1)


def block_cases(rng, name, block_elements, block_bytes):
    count = 40 if block_elements == 32 else 14
    blocks = rng.integers(0, 256, (count, block_bytes), dtype=np.uint8)
    for i, at in enumerate(SCALES[name]):
        halves = finite_halves(rng, count)
        halves[:len(EDGES)] = np.roll(EDGES, 2 * i)
        blocks[:, at:at + 2] = halves.reshape(-1, 1).view(np.uint8)
    return blocks


def main():
    folder = pathlib.Path(__file__).resolve().parent / "dequantize"
    folder.mkdir(exist_ok=True)
    for seed, name in enumerate([*PLAIN, *SCALES]):
        rng = np.random.default_rng(seed)
        kind = GGMLQuantizationType[name]
        elements, size = GGML_QUANT_SIZES[kind]
        blocks = plain_cases(rng, name) if name in PLAIN else block_cases(rng, name, elements, size)
        values = quants.dequantize(np.ascontiguousarray(blocks), kind).astype("<f4", copy=False)
        data = struct.pack("<I", len(blocks)) + blocks.tobytes() + values.tobytes()
        (folder / f"{name}.bin").write_bytes(data)
        print(f"{name}: {len(blocks)} blocks, {len(data)} bytes")


main()
