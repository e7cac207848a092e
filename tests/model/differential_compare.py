"""Compares pith's logits with llama.cpp's for the models that scripts/forward_differential.sh made.

usage: differential_compare.py FOLDER

Prints a line for each model: the relative error of the prompt's logits, max |a - b| / max |b| at the position where it
is largest (at most 1e-4, with GELU 1e-3), and how many of the greedy tokens are llama.cpp's likeliest too. A token may
differ where llama.cpp's own two likeliest are closer to each other than 0.001 of the range of its logits. Exit status 1
if a model differs.
"""

import array
import pathlib
import sys

TOLERANCE = 1e-4
# llama.cpp looks GELU up in a table of 16-bit floats.
TOLERANCE_OF_GELU = 1e-3
WITH_GELU = ("gemma", "gptneox", "falcon", "gpt2", "phi2", "starcoder2")
MARGIN = 1e-3


def floats(path):
    values = array.array("f")
    values.frombytes(path.read_bytes())
    return values


def numbers(path):
    return [int(word) for word in path.read_text().split()]


def relative_error(ours, theirs):
    largest = max(abs(x) for x in theirs)
    return max(abs(a - b) for a, b in zip(ours, theirs)) / largest


def disagrees(token, theirs):
    """Whether a token is not the likeliest of theirs, although that is no matter of rounding."""
    best = max(theirs)
    return best - theirs[token] > MARGIN * (best - min(theirs))


def compare(folder, name):
    prompt = numbers(folder / f"{name}.tokens")
    greedy = numbers(folder / f"{name}.greedy")
    ours = floats(folder / f"{name}.pith")
    theirs = floats(folder / f"{name}.llama")
    vocab = len(ours) // len(prompt)
    if len(theirs) != vocab * (len(prompt) + len(greedy)):
        return None
    row = lambda logits, i: logits[i * vocab:(i + 1) * vocab]
    error = max(relative_error(row(ours, i), row(theirs, i)) for i in range(len(prompt)))
    wrong = sum(disagrees(token, row(theirs, len(prompt) - 1 + i)) for i, token in enumerate(greedy))
    return error, wrong, len(greedy)


def main():
    folder = pathlib.Path(sys.argv[1])
    failed = 0
    print(f"{'model':<22} {'relative error':>14} {'greedy tokens':>14}")
    for path in sorted(folder.glob("*.gguf")):
        name = path.stem
        result = compare(folder, name) if (folder / f"{name}.llama").exists() else None
        if result is None:
            print(f"{name:<22} {'refused by llama.cpp':>29}")
            failed += 1
            continue
        error, wrong, tokens = result
        gelu = name.lower().startswith(WITH_GELU)
        bad = not error <= (TOLERANCE_OF_GELU if gelu else TOLERANCE) or wrong > 0
        failed += bad
        print(f"{name:<22} {error:>14.1e} {tokens - wrong:>8} of {tokens}{'  DIFFERS' if bad else ''}")
    print(f"{failed} differ" if failed else "all agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
