#!/usr/bin/env python3
"""Writes tests/data/quantize/<TYPE>.bin: float32 weights and the blocks that the package gguf rounds them to.

A file is the number of blocks (uint32), block elements times blocks float32, and the blocks, all little-endian. The
weights are of all kinds: normal, with outliers, sparse, constant, zero, of both signs or one, tiny and large, halfway
between codes, just below powers of two. Only types that the package quantizes are here; tests/quantize/differential.py
compares whole files.

needs: pip install gguf==0.19.0 numpy
"""
import pathlib
import struct

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

TYPES = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "TQ1_0", "TQ2_0", "MXFP4"]


def cases(rng, elements):
    """Returns blocks of weights [blocks, elements]."""
    normal = rng.standard_normal((12, elements))
    powers = np.nextafter(np.exp2(rng.integers(-20, 12, elements)).astype(np.float32), np.float32(0))
    return np.stack([
        normal[0] * 0.02,
        normal[1] ** 3,
        np.where(rng.random(elements) < 0.1, normal[2], 0.0),
        np.full(elements, -0.37),
        np.zeros(elements),
        np.abs(normal[3]) + 1,
        -np.abs(normal[4]),
        normal[5] * 1e-7,
        normal[6] * 1e3,
        np.round(normal[7] * 2) / 4,
        np.rint(normal[8] * 10) + 0.5,
        powers,
    ]).astype(np.float32)


def main():
    rng = np.random.default_rng(1)
    folder = pathlib.Path(__file__).parent / "quantize"
    folder.mkdir(exist_ok=True)
    for name in TYPES:
        kind = GGMLQuantizationType[name]
        block, size = GGML_QUANT_SIZES[kind]
        weights = cases(rng, max(block, 32))
        blocks = quants.quantize(weights, kind)
        count = weights.size // block
        data = np.ascontiguousarray(blocks).tobytes()
        if len(data) != count * size:
            raise SystemExit(f"{name}: {len(data)} bytes for {count} blocks")
        (folder / f"{name}.bin").write_bytes(struct.pack("<I", count) + weights.tobytes() + data)


if __name__ == "__main__":
    main()
