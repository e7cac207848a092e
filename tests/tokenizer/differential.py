#!/usr/bin/env python3
"""Compares token ids and pieces of pith with those of llama.cpp: of given vocabularies, and of small ones from tests/data.

Texts are those of make_tokenizer_cases.py, thousands of random ones from a fixed seed (all of Unicode, control characters, runs
of white space, bytes that are not UTF-8), and those beside a vocabulary (NAME.gguf.inp). Each is encoded as plain text and
with special tokens. Exit status 1 if anything differs that is not told below.

Told apart, as pith follows the models' own tokenizers where llama.cpp does not: characters that WordPiece normalizes in
another way (told_apart()), and pre-tokenizers that llama.cpp approximates (APPROXIMATE), whose numbers are only printed.
"""
import argparse
import json
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import unicodedata

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
# Overlong forms, surrogates, and more than U+10FFFF: llama.cpp takes them for characters, and aborts on some of them.
OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xed[\xa0-\xbf][\x80-\xbf]|"
                      rb"\xf0[\x80-\x8f][\x80-\xbf]{2}|(\xf4[\x90-\xbf]|[\xf5-\xf7][\x80-\xbf])[\x80-\xbf]{2}")
SEPARATOR = "\n__ggml_vocab_test__\n"


def random_texts(count, tokens):
    """From all of Unicode, from a few alphabets, and from pieces of the vocabulary's own tokens."""
    source = random.Random(20261130)
    alphabets = ["abcdefghij", "ABCXYZ", "0123456789", " ", "  \t\n\r\n", ".,;:!?-_()[]{}<>/\\|@#$%^&*+=~`\"'", "àéîõüßÆØİı",
                 "абвгдАБВ", "κόσμε", "一二三你好。，", "ひらカタ", "한국어", "นี่ไทย", "नमस्ते", "שלום", "مرحبا", "\u0300\u0301\u0308\u20dd",
                 "²½٣१Ⅷ①", "\u00a0\u2003\u3000\u0085\u2028\u200b", "😀💩👨\u200d👩\ufe0f❤", "€£→∑×©", "‘’“”、！…", "\x00\x01\x07\x0b\x0c\x1b\x1c\x7f",
                 "ﬁﬀ①ﷺ㍿Ａｂ１ａ\u0301", "\u2581▁", "\ufffd\ufeff\ue000"]

    def unicode_character():
        code = source.choice([source.randrange(0x100), source.randrange(0x3000), source.randrange(0x10000),
                              source.randrange(0x110000)])
        return "?" if 0xD800 <= code < 0xE000 else chr(code)

    texts = []
    for i in range(count):
        size = source.choice([1, 2, 5, 12, 30, 80])
        if i % 4 == 0:
            text = "".join(unicode_character() for _ in range(size))
        elif i % 4 == 1 and tokens:
            text = "".join(source.choice(tokens) for _ in range(size // 2 + 1)).replace("\u2581", " ")
        else:
            pools = source.sample(alphabets, 3) + [" "]
            text = "".join(source.choice(source.choice(pools)) * source.choice([1, 1, 1, 1, 2, 7]) for _ in range(size))
        coded = bytearray(text.encode("utf-8", "surrogatepass"))
        if i % 8 == 7 and coded:
            for _ in range(source.choice([1, 2, 5])):
                coded[source.randrange(len(coded))] = source.choice([0x80, 0xBF, 0xC0, 0xE2, 0xED, 0xF0, 0xF4, 0xFF])
        texts.append(bytes(coded))
    return [text for text in texts if not OVERLONG.search(text)]


def own_texts():
    words = json.loads((DATA / "tokenizer" / "words.json").read_text())["texts"]
    long = ["a" * 5000, " " * 3000 + "x", "word " * 1000, "\n" * 2000, "你" * 2000, "x" * 300 + " " + "y" * 100, "1" * 1000]
    return [text.encode() for text in ["", *words, *long]]


def told_apart(kind, text):
    """Whether llama.cpp is known to tokenize the text in a way that is not the models' own."""
    if kind != "bert":
        return False
    decoded = text.decode("utf-8", "replace")
    for c in decoded:
        category = unicodedata.category(c)
        parts = unicodedata.normalize("NFD", c)
        # It drops all marks, not only accents; takes the control characters that are white space for spaces, not for
        # nothing; keeps characters that are not assigned; and keeps the first part of a decomposition only.
        if category in ("Mc", "Me", "Cn") or c in "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u0130":
            return True
        if any(unicodedata.category(part) != "Mn" for part in parts[1:]):
            return True
    # It has no longest word.
    return any(len(word) > 100 for word in re.split(r"[\s\W_]", unicodedata.normalize("NFD", decoded)))


# Pre-tokenizers whose patterns llama.cpp changes for its regular expressions.
APPROXIMATE = {
}


def run(program, model, texts):
    with tempfile.NamedTemporaryFile() as file:
        for text in texts:
            file.write(struct.pack("<I", len(text)) + text)
        file.flush()
        result = subprocess.run([program, model, file.name], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{pathlib.Path(program).name} {model}: {result.stderr.strip()} ({result.returncode})")
    lines = result.stdout.split("\n")[:-1]
    pieces, ids = lines[:-2 * len(texts) - 1], lines[-2 * len(texts):]
    return pieces, list(zip(ids[0::2], ids[1::2]))


def read_vocabulary(path):
    import gguf
    reader = gguf.GGUFReader(path)

    def value(key):
        field = reader.fields.get(key)
        return field.contents() if field else None
    tokens = value("tokenizer.ggml.tokens") or []
    return value("tokenizer.ggml.model"), value("tokenizer.ggml.pre"), tokens


def compare(args, path):
    """Returns the number of differences that are not told above."""
    kind, pre, tokens = read_vocabulary(path)
    texts = own_texts() + random_texts(args.texts, tokens)
    beside = pathlib.Path(f"{path}.inp")
    if beside.exists():
        texts += [text.encode() for text in beside.read_text(encoding="utf-8").split(SEPARATOR)]
    try:
        pieces, ours = run(args.pith, path, texts)
        their_pieces, theirs = run(args.llama, path, texts)
    except RuntimeError as error:
        print(f"{path.name}: {error}")
        return 1
    apart = [told_apart(kind, text) for text in texts]
    differ = [i for i in range(len(texts)) if ours[i] != theirs[i]]
    untold = [i for i in differ if not apart[i]]
    wrong_pieces = [i for i, (a, b) in enumerate(zip(pieces, their_pieces)) if a != b]
    approximate = pre in APPROXIMATE and kind == "gpt2"
    note = f", {len(differ) - len(untold)} differ of {sum(apart)} told apart" if any(apart) else ""
    note += f" (approximate: {APPROXIMATE[pre]})" if approximate else ""
    print(f"{path.name}: {kind}, {pre}: {len(texts) - len(differ)} of {len(texts)} texts agree{note}; "
          f"{len(pieces) - len(wrong_pieces)} of {len(pieces)} pieces")
    shown = untold if args.verbose else untold[:args.show]
    for i in shown:
        for mode in (0, 1):
            if ours[i][mode] != theirs[i][mode]:
                print(f"  {texts[i][:200]!r}\n    pith  {ours[i][mode][:200]}\n    llama {theirs[i][mode][:200]}")
                break
    for i in wrong_pieces[:args.show]:
        print(f"  piece {i}: pith {bytes.fromhex(pieces[i])!r}, llama {bytes.fromhex(their_pieces[i])!r}")
    return 0 if approximate else len(untold) + len(wrong_pieces)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pith", required=True, help="tokenizer_ids of pith's build")
    parser.add_argument("--llama", required=True, help="llama_ids, linked with llama.cpp")
    parser.add_argument("--texts", type=int, default=2000, help="number of random texts for each vocabulary")
    parser.add_argument("--show", type=int, default=3, help="number of differences that are printed for each vocabulary")
    parser.add_argument("--verbose", action="store_true", help="print all of them")
    parser.add_argument("paths", nargs="+", type=pathlib.Path, help="vocabularies (GGUF), or folders of some")
    args = parser.parse_args()
    files = []
    for path in args.paths:
        files += sorted(path.glob("*.gguf")) if path.is_dir() else [path]
    different = [path.name for path in files if compare(args, path) != 0]
    print(f"{len(files) - len(different)} of {len(files)} vocabularies agree")
    if different:
        print("different: " + ", ".join(different))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
