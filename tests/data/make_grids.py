#!/usr/bin/env python3
"""Writes src/weights/grids.cpp: the vectors that the codes of IQ1, IQ2 and IQ3 weights select, from the package gguf.

Prints the SHA-256 of each grid, which tests/weights/grids_test.cpp expects. Format the file afterwards
(scripts/format.sh).

A vector of 4 or 8 magnitudes becomes a number: the index of each magnitude among those of its type takes 3 bits where
there are 8 magnitudes (IQ3), 2 bits where there are 3, the first element lowest.

needs: pip install gguf==0.19.0 numpy
"""
import hashlib
import pathlib
import textwrap

import numpy as np
from gguf import quants

NAMES = ["IQ1_S", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S"]
HEAD = """#include "weights/grids.h"

// Written by tests/data/make_grids.py. Constants of the file format: a grid has the vectors that ggml's authors chose,
// in ascending order. An element takes 3 bits in IQ3 and 2 bits in the others, the first element in the lowest.
namespace pith::weights {
"""


def numbers(name):
    kind = getattr(quants, name)
    kind.init_grid()
    levels = list(kind.grid_map)
    bits = 3 if len(levels) == 8 else 2
    grid = kind.grid.reshape(kind.grid_shape)
    return [sum(levels.index(int(x)) << (bits * i) for i, x in enumerate(vector)) for vector in grid]


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    text = HEAD
    for name in NAMES:
        grid = numbers(name)
        assert max(grid) < 1 << 16 and (np.diff(grid) > 0).all()
        body = textwrap.fill(", ".join(map(str, grid)), 116, initial_indent="    ", subsequent_indent="    ")
        print(name, hashlib.sha256(np.array(grid, "<u2").tobytes()).hexdigest())
        text += f"\nconst std::array<std::uint16_t, {len(grid)}> kGrid{name} = {{\n{body},\n}};\n"
    (root / "src/weights/grids.cpp").write_text(text + "\n}  // namespace pith::weights\n")


main()
