#!/usr/bin/env python3
"""Compares files of `pith quantize` with the package `gguf` (PyPI): metadata, tensors, values, and bits of simple types.

usage: differential.py --pith PROGRAM [--packages FOLDER] [FILE ...]

Quantizes two models that the package writes (every type of value, many shapes and kinds of weights), and the given
files, to every type that pith writes. Of each result: the package reads the same metadata in the same order, but for
what must change; the same tensors in the same order; the values that the package dequantizes are those that pith does
(pith quantize --type f32), bit for bit; and where the package has a quantizer, its bytes are those of the file. Exit
status 1 if anything differs, 77 if the package is not installed.
"""
import argparse
import collections
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

SKIPPED = 77
CHANGED_KEYS = ("general.file_type", "general.quantization_version")
# What the package's quantizers make; those of the other types are pith's own.
SIMPLE = ("F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "TQ1_0", "TQ2_0", "MXFP4")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pith", required=True, help="the program pith")
    parser.add_argument("--packages", help="where pip put the package, if not where Python looks")
    parser.add_argument("files", nargs="*", type=Path)
    return parser.parse_args()


def kinds_of_weights(numpy, generator, shape):
    """Yields names and float32 weights of a shape, most of them hard to quantize."""
    normal = generator.standard_normal(shape).astype(numpy.float32)
    yield "normal", normal * numpy.float32(0.02)
    yield "heavy", (normal**3).astype(numpy.float32)
    yield "zero", numpy.zeros(shape, numpy.float32)
    yield "constant", numpy.full(shape, -0.37, numpy.float32)
    yield "positive", numpy.abs(normal) + numpy.float32(1.0)
    yield "tiny", normal * numpy.float32(1e-7)
    yield "denormal", normal * numpy.float32(1e-40)
    yield "large", normal * numpy.float32(1e3)
    yield "steps", numpy.round(normal * 2) / numpy.float32(4)
    sparse = numpy.where(generator.random(shape) < 0.03, normal, numpy.float32(0)).astype(numpy.float32)
    yield "sparse", sparse
    # Logarithms of these are rounded to the next integer.
    powers = numpy.exp2(generator.integers(-20, 12, shape)).astype(numpy.float32)
    yield "powers", numpy.nextafter(powers, numpy.float32(0), dtype=numpy.float32)


def write_model(gguf, numpy, path, dtype, alignment):
    """Writes a model with the package: metadata of all types, and many tensors."""
    generator = numpy.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "none")
    writer.add_custom_alignment(alignment)
    for name in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"):
        getattr(writer, f"add_{name}")(f"number.{name}", 77)
    writer.add_float32("number.float32", 1.5e-42)
    writer.add_float64("number.float64", -1e300)
    writer.add_file_type(0)
    writer.add_bool("bool", True)
    writer.add_string("text", "zwölf\n☃")
    writer.add_array("texts", ["a", "", "ß" * 1000])
    writer.add_array("integers", list(range(-300, 300)))
    writer.add_array("floats", [0.1, -0.0, float("inf")])
    writer.add_array("bools", [True, False])
    layer = 0
    for shape in ((3, 32), (2, 256), (5, 768), (3, 96), (2, 100), (2, 3, 512)):
        for kind, weights in kinds_of_weights(numpy, generator, shape):
            if dtype == numpy.float16 and kind == "denormal":
                continue
            writer.add_tensor(f"blk.{layer}.{kind}.weight", weights.astype(dtype))
            layer += 1
    writer.add_tensor("blk.0.attn_norm.weight", generator.standard_normal(256).astype(numpy.float32))
    writer.add_tensor("token_embd.weight", generator.standard_normal((64, 256)).astype(dtype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def raw_fields(reader):
    """Returns the names and bytes of all keys, in the order of the file."""
    fields = [f for f in reader.fields.values() if not f.name.startswith("GGUF.")]
    return [(f.name, [int(t) for t in f.types], b"".join(p.tobytes() for p in f.parts)) for f in fields]


class Checks:
    def __init__(self, gguf, numpy, pith):
        self.gguf = gguf
        self.numpy = numpy
        self.pith = pith
        self.counts = collections.Counter()
        self.wrong = []

    def expect(self, is_right, what):
        if not is_right:
            self.wrong.append(what)

    def quantize(self, source, target, *options):
        command = [self.pith, "quantize", source, target, "--force", "--allow-requantize", *options]
        done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
        self.expect(done.returncode == 0, f"{source} {options}: {done.stderr.decode().strip()}")
        return done.returncode == 0

    def same_metadata(self, before, after, name):
        kept = [f for f in raw_fields(before) if f[0] not in CHANGED_KEYS and not f[0].startswith("split.")]
        left = [f for f in raw_fields(after) if f[0] not in CHANGED_KEYS]
        self.expect(kept == left, f"{name}: metadata differs")
        self.expect(before.alignment == after.alignment, f"{name}: the alignment is {after.alignment}")
        self.expect(all(key in after.fields for key in CHANGED_KEYS), f"{name}: a key is missing")
        self.counts["keys"] += len(left)

    def values(self, tensor):
        return self.gguf.dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1])

    def same_tensor(self, before, after, expanded, name):
        name = f"{name}, {after.name} ({after.tensor_type.name})"
        numpy = self.numpy
        self.expect(list(before.shape) == list(after.shape), f"{name}: the shape is {after.shape}")
        ours = self.values(expanded).astype(numpy.float32)
        theirs = self.values(after).astype(numpy.float32)
        equal = numpy.array_equal(ours.view(numpy.uint32), theirs.view(numpy.uint32))
        self.expect(equal, f"{name}: pith dequantizes it otherwise than the package")
        self.counts["tensors"] += 1
        if before.tensor_type == after.tensor_type:
            self.expect(before.data.tobytes() == after.data.tobytes(), f"{name}: its bytes have changed")
        elif after.tensor_type.name in SIMPLE:
            weights = self.values(before).astype(numpy.float32)
            expected = self.gguf.quantize(weights, after.tensor_type)
            written = after.data
            if after.tensor_type.name == "MXFP4":
                # Below 2^-125 the package converts a negative number to an unsigned one, which C leaves undefined.
                defined = numpy.abs(weights).reshape(-1, 32).max(axis=-1) >= 2.0**-125
                defined |= ~weights.reshape(-1, 32).any(axis=-1)
                expected, written = (blocks.reshape(-1, 17)[defined] for blocks in (expected, written))
            self.expect(expected.tobytes() == written.tobytes(), f"{name}: the package quantizes it otherwise")
            self.counts[f"{after.tensor_type.name} tensors as the package quantizes them"] += 1

    def check(self, source, target, expanded, *options):
        name = f"{source.name} {' '.join(options)}"
        if not self.quantize(source, target, *options) or not self.quantize(target, expanded, "--type", "f32"):
            return
        before, after, f32 = (self.gguf.GGUFReader(path) for path in (source, target, expanded))
        self.same_metadata(before, after, name)
        names = [[t.name for t in reader.tensors] for reader in (before, after, f32)]
        self.expect(names[0] == names[1] == names[2], f"{name}: other tensors, or in another order")
        for triple in zip(before.tensors, after.tensors, f32.tensors):
            self.same_tensor(*triple, name)
        self.counts["files"] += 1

    def report(self):
        for what, count in self.counts.items():
            print(f"{count} {what}")
        for line in self.wrong[:20]:
            print(f"WRONG {line}")
        return 1 if self.wrong else 0


def mixes(pith, model):
    """Returns the names that pith offers for --type."""
    message = subprocess.run([pith, "quantize", model, "--dry-run", "--type", "?"], capture_output=True,
                             check=False).stderr.decode()
    return message.strip().rsplit("is not one of ", 1)[1].split(", ")


def main():
    args = arguments()
    if args.packages:
        sys.path.insert(0, args.packages)
    try:
        import gguf  # pylint: disable=import-outside-toplevel
        import numpy  # pylint: disable=import-outside-toplevel
    except ImportError:
        print("skipped: the Python package gguf is not installed (scripts/quantize_differential.sh does)")
        return SKIPPED
    warnings.simplefilter("ignore")
    checks = Checks(gguf, numpy, args.pith)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = [folder / "f32.gguf", folder / "f16.gguf"]
        write_model(gguf, numpy, sources[0], numpy.float32, 32)
        write_model(gguf, numpy, sources[1], numpy.float16, 256)
        for source in sources + args.files:
            for mix in mixes(args.pith, source):
                own = source in sources
                options = ("--type", mix) + (("--pure",) if own else ())
                checks.check(source, folder / "out.gguf", folder / "expanded.gguf", *options)
                if own and mix.endswith(("_m", "_s", "_l")):
                    checks.check(source, folder / "out.gguf", folder / "expanded.gguf", "--type", mix)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
