#!/usr/bin/env python3
"""Compares pith's GGUF reader with the package `gguf` (PyPI): keys, values, tensors, offsets, data.

usage: differential.py --dump PROGRAM --seeds FOLDER [--mutations N] [--packages FOLDER] [FILE ...]

Reads the files, the seeds of the fuzz targets gguf and model_load, files that the package itself writes, and N random
mutations of the small ones. If both accept a file they must read the same; if only the package refuses it, the reason
must be one of EXPLAINED. Exit status 77 if the package is not installed.
"""
import argparse
import collections
import hashlib
import json
import math
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

SKIPPED = 77
# Limit per mutation: the package takes long for whole vocabularies.
SECONDS_MAX = 5
SECONDS_VALID_MAX = 240
BATCH = 200
# Files that only the package refuses: its message, and why pith may accept them (docs/fuzzing.md).
EXPLAINED = {
    r"UnicodeDecodeError": "a tensor's name that is not UTF-8: pith takes names as bytes",
    r"Duplicate GGUF\.": "a key named as the package's own fields",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dump", required=True, help="the program gguf_dump")
    parser.add_argument("--seeds", required=True, type=Path, help="where fuzz_seeds wrote its seeds")
    parser.add_argument("--mutations", type=int, default=500)
    parser.add_argument("--packages", help="where pip put the package, if not where Python looks")
    parser.add_argument("files", nargs="*", type=Path)
    return parser.parse_args()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def plain(value):
    """Returns a number as gguf_dump writes it: numbers that JSON has, names for the others."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def single(value):
    """Rounds a float64 to float32, as pith reads arrays of floats."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return None


def key_of(gguf, field):
    types = [int(t) for t in field.types]
    is_array = types[0] == gguf.GGUFValueType.ARRAY
    # The element type of an empty array is in none of the package's types, only in the file.
    element = int(field.parts[3][0]) if is_array else types[0]
    if not is_array:
        raw = field.parts[-1].tobytes()
    elif element == gguf.GGUFValueType.STRING:
        raw = b"".join(struct.pack("<Q", len(field.parts[i])) + field.parts[i].tobytes() for i in field.data)
    else:
        raw = b"".join(field.parts[i].tobytes() for i in field.data)
    try:
        value = field.contents()
    except UnicodeDecodeError:
        value = None
    if value == [] and is_array and element == gguf.GGUFValueType.ARRAY:
        value = None
    if is_array and element == gguf.GGUFValueType.BOOL:
        value = [int(v) for v in value]
    if is_array and element == gguf.GGUFValueType.FLOAT64:
        value = [single(v) for v in value]
    return {
        "key": field.name,
        "type": types[0],
        "element": element,
        "count": len(field.data) if is_array else 1,
        "sha256": sha256(raw),
        "value": plain(value),
    }


def tensor_of(tensor):
    return {
        "name": sha256(tensor.name.encode()),
        "type": int(tensor.tensor_type),
        "dims": [int(d) for d in tensor.shape],
        "offset": int(tensor.data_offset),
        "bytes": int(tensor.n_bytes),
        "sha256": sha256(tensor.data.tobytes()),
    }


class Hangs(Exception):
    """Raised by a timer: the package reads on past a file's end for as long as a count says."""


def stop(_signal, _frame):
    raise Hangs("takes too long")


def oracle(gguf, path, seconds):
    """Returns the package's reading in the form of gguf_dump."""
    signal.alarm(seconds)
    try:
        reader = gguf.GGUFReader(path)
        keys = [key_of(gguf, f) for f in reader.fields.values() if not f.name.startswith("GGUF.")]
        return {
            "version": int(reader.fields["GGUF.version"].parts[0][0]),
            "keys": keys,
            "tensors": [tensor_of(t) for t in reader.tensors],
        }
    except Exception as error:  # pylint: disable=broad-except
        # The package has no error type of its own: whatever numpy or Python raises is its refusal.
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        signal.alarm(0)


def dumps(program, paths):
    for begin in range(0, len(paths), BATCH):
        run = subprocess.run([program, *map(str, paths[begin : begin + BATCH])], check=True, stdout=subprocess.PIPE)
        yield from map(json.loads, run.stdout.decode().splitlines())


def difference(ours, theirs):
    """Returns the first field in which two readings differ; None if they are equal."""
    if ours["version"] != theirs["version"]:
        return f"version {ours['version']} and {theirs['version']}"
    for what in ("keys", "tensors"):
        if len(ours[what]) != len(theirs[what]):
            return f"{len(ours[what])} and {len(theirs[what])} {what}"
        for a, b in zip(ours[what], theirs[what]):
            for field in b:
                # Texts that are not UTF-8 and numbers beyond int64 are compared by their bytes only.
                if field == "value" and (a[field] is None or b[field] is None):
                    continue
                if a[field] != b[field]:
                    return f"{what} {a.get('key', a.get('name'))}: {field} is {a[field]!r}, the package has {b[field]!r}"
    return None


def written_by_package(gguf, folder):
    """Writes files with the package's writer: every type of value and of tensor, several alignments."""
    import numpy  # pylint: disable=import-outside-toplevel

    generator = numpy.random.default_rng(1)
    paths = []
    for alignment in (8, 32, 256):
        path = folder / f"package-{alignment}.gguf"
        writer = gguf.GGUFWriter(path, "none")
        writer.add_custom_alignment(alignment)
        for name in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"):
            bits = int(name.lstrip("uint"))
            low = 0 if name[0] == "u" else -(1 << (bits - 1))
            getattr(writer, f"add_{name}")(f"number.{name}.least", low)
            getattr(writer, f"add_{name}")(f"number.{name}.most", low + (1 << bits) - 1)
        writer.add_float32("number.float32", 1.5e-42)
        writer.add_float64("number.float64", -1e300)
        writer.add_bool("bool", True)
        writer.add_string("text", "zwölf\n☃")
        writer.add_array("texts", ["a", "", "ß" * 1000])
        writer.add_array("integers", list(range(-300, 300)))
        writer.add_array("floats", [0.1, -0.0, float("inf"), float("nan")])
        writer.add_array("bools", [True, False])
        for tensor_type, (block, size) in gguf.GGML_QUANT_SIZES.items():
            data = generator.integers(0, 256, (3, 2 * size), dtype=numpy.uint8)
            if tensor_type.name not in KNOWN_TENSORS:
                continue
            writer.add_tensor(f"t.{tensor_type.name}.{block}", data, raw_dtype=tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        paths.append(path)
    return paths


# The types that pith reads; it says that it does not read the others.
KNOWN_TENSORS = set(
    "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K MXFP4 NVFP4 "
    "IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S IQ4_NL IQ4_XS TQ1_0 TQ2_0".split())
TELLING = (0, 1, 2, 4, 7, 8, 12, 13, 31, 32, 33, 64, 255, 256, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1)


def mutated(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if not data:
            break
        # Favours the header, which comes first.
        at = rng.randrange(min(len(data), rng.choice((32, 512, len(data)))))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            size = rng.choice((1, 4, 8))
            data[at : at + size] = (rng.choice(TELLING) & ((1 << 8 * size) - 1)).to_bytes(size, "little")
        elif kind == 2:
            del data[at : at + rng.choice((1, 4, 8, 64))]
        else:
            data[at:at] = rng.randbytes(rng.choice((1, 4, 8)))
    return bytes(data)


def mutations(paths, count, folder):
    rng = random.Random(1)
    small = [p.read_bytes() for p in paths if p.stat().st_size < 100_000]
    for i in range(count):
        path = folder / f"mutation-{i}.gguf"
        path.write_bytes(mutated(rng.choice(small), rng))
        yield path


def kind_of(message):
    """Returns a refusal without its names and numbers, to count refusals of a kind."""
    return re.sub(r"^\S+: ", "", re.sub(r"\d+", "N", message))[:70]


class Tally:
    def __init__(self):
        self.verdicts = collections.Counter()
        self.only_pith = collections.Counter()
        self.only_package = collections.Counter()
        self.wrong = []

    def add(self, path, ours, theirs, valid):
        verdict = ("accepted" if "error" not in ours else "refused", "accepted" if "error" not in theirs else "refused")
        self.verdicts[verdict] += 1
        if valid and verdict != ("accepted", "accepted"):
            self.wrong.append(f"{path}: pith {verdict[0]} it, the package {verdict[1]} it: {ours.get('error') or theirs}")
        elif verdict == ("accepted", "accepted"):
            differs = difference(ours, theirs)
            if differs:
                self.wrong.append(f"{path}: {differs}")
        elif verdict == ("refused", "accepted"):
            self.only_pith[kind_of(ours["error"])] += 1
        elif verdict == ("accepted", "refused"):
            reasons = [why for pattern, why in EXPLAINED.items() if re.search(pattern, theirs["error"])]
            self.only_package[reasons[0] if reasons else theirs["error"]] += 1
            if not reasons:
                self.wrong.append(f"{path}: only the package refuses it: {theirs['error']}")

    def report(self):
        for (ours, theirs), count in sorted(self.verdicts.items()):
            print(f"{count} files: {ours} by pith, {theirs} by the package")
        for title, counts in (("only pith refused", self.only_pith), ("only the package refused", self.only_package)):
            for reason, count in counts.most_common(12):
                print(f"  {title} {count}: {reason}")
        for line in self.wrong[:20]:
            print(f"WRONG {line}")


def main():
    args = arguments()
    if args.packages:
        sys.path.insert(0, args.packages)
    try:
        import gguf  # pylint: disable=import-outside-toplevel
    except ImportError:
        print("skipped: the Python package gguf is not installed (scripts/gguf_differential.sh does)")
        return SKIPPED
    signal.signal(signal.SIGALRM, stop)
    warnings.simplefilter("ignore")
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = sorted((args.seeds / "model_load").iterdir()) + sorted((args.seeds / "gguf").iterdir())
        # One part of a split model is refused alone, and the other part is not there.
        valid = [p for p in seeds if p.name != "small"] + written_by_package(gguf, folder) + args.files
        changed = list(mutations(seeds + valid, args.mutations, folder))
        for path, ours in zip(valid + changed, dumps(args.dump, valid + changed)):
            known = path in valid
            theirs = oracle(gguf, path, SECONDS_VALID_MAX if known else SECONDS_MAX)
            tally.add(path, ours, theirs, known)
    tally.report()
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
