#!/usr/bin/env python3
"""Writes tests/data/dequantize/<TYPE>.bin: blocks of random bytes and the float32 that the package gguf makes of them.

A file is the number of blocks (uint32), the blocks, and block elements times blocks float32, all little-endian. Codes
are random; scales are random finite f16, the first blocks having the edge cases: zeros, subnormals, the largest. MXFP4
gets every exponent, the last of which overflow to infinity, and NVFP4 every scale. The package does not dequantize
Q8_K, so its weights are computed here: the f32 scale times the signed bytes.

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
    "IQ1_S": [0], "IQ2_XXS": [0], "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0], "TQ1_0": [52],
    "TQ2_0": [64],
}
OTHERS = ["Q8_K", "MXFP4", "NVFP4", "IQ1_M"]
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


def scattered_cases(rng, size):
    """IQ1_M: the f16 scale is the high nibbles of bytes 49, 51, 53 and 55, the lowest first."""
    blocks = rng.integers(0, 256, (14, size), dtype=np.uint8)
    halves = finite_halves(rng, len(blocks))
    halves[:len(EDGES)] = EDGES
    for i in range(4):
        nibble = ((halves >> (4 * i)) & 15).astype(np.uint8)
        blocks[:, 49 + 2 * i] = (blocks[:, 49 + 2 * i] & 15) | (nibble << 4)
    return blocks


def other_cases(rng, name, size):
    if name == "IQ1_M":
        return scattered_cases(rng, size)
    if name == "MXFP4":
        blocks = rng.integers(0, 256, (256, size), dtype=np.uint8)
        blocks[:, 0] = np.arange(256)
        return blocks
    if name == "NVFP4":
        blocks = rng.integers(0, 256, (64, size), dtype=np.uint8)
        blocks[:, :4] = np.arange(256).reshape(64, 4)
        return blocks
    blocks = rng.integers(0, 256, (8, size), dtype=np.uint8)
    scales = rng.standard_normal(8).astype("<f4")
    scales[:4] = [0.0, -0.0, 1e-45, 2.6e36]
    blocks[:, :4] = scales.view(np.uint8).reshape(8, 4)
    return blocks


def dequantize(blocks, name):
    if name == "Q8_K":
        return blocks[:, :4].copy().view("<f4") * blocks[:, 4:260].view(np.int8).astype(np.float32)
    with np.errstate(over="ignore"):
        return quants.dequantize(np.ascontiguousarray(blocks), GGMLQuantizationType[name])


def main():
    folder = pathlib.Path(__file__).resolve().parent / "dequantize"
    folder.mkdir(exist_ok=True)
    for seed, name in enumerate([*PLAIN, *SCALES, *OTHERS]):
        rng = np.random.default_rng(seed)
        kind = GGMLQuantizationType[name]
        elements, size = GGML_QUANT_SIZES[kind]
        if name in PLAIN:
            blocks = plain_cases(rng, name)
        elif name in SCALES:
            blocks = block_cases(rng, name, elements, size)
        else:
            blocks = other_cases(rng, name, size)
        values = dequantize(blocks, name).astype("<f4", copy=False)
        data = struct.pack("<I", len(blocks)) + blocks.tobytes() + values.tobytes()
        (folder / f"{name}.bin").write_bytes(data)
        print(f"{name}: {len(blocks)} blocks, {len(data)} bytes")


main()
