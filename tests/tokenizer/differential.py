#!/usr/bin/env python3
"""Compares token ids and pieces of pith with those of llama.cpp: of given vocabularies, and of small ones from tests/data.

Texts are those of make_tokenizer_cases.py, thousands of random ones from a fixed seed (all of Unicode, control characters, runs
of white space, bytes that are not UTF-8), and those beside a vocabulary (NAME.gguf.inp). Each is encoded as plain text and
with special tokens. Exit status 1 if anything differs that is not told below.

Told apart, as pith follows the models' own tokenizers where llama.cpp does not: characters that WordPiece normalizes in
another way (told_apart()), and pre-tokenizers that llama.cpp approximates (APPROXIMATE), of whose texts
four in five must agree.
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
    decoded = text.decode("utf-8", "replace")
    if kind == "llama":
        # It takes bytes that are not UTF-8 for characters of the size that the first of them states.
        return "\ufffd" in decoded
    if kind == "gpt2":
        # Versions of Unicode differ in what they assign.
        return any(unicodedata.category(c) == "Cn" for c in decoded)
    if kind != "bert":
        return False
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


def taken_for_bytes(kind, piece, theirs):
    """Whether llama.cpp reads a word's characters as those that BPE spells bytes with, or says that it cannot."""
    return kind == "whitespace" and (not bytes.fromhex(piece).isascii() or b"[UNK_BYTE" in bytes.fromhex(theirs))


NOT_IN_LLAMA = {"gpt-neox"}

# Pre-tokenizers whose patterns llama.cpp changes for its regular expressions.
APPROXIMATE = {
    "afmoe": "joins the first digits of a number to what is before them",
    "cohere2moe": "groups the digits of any number, and joins the first to what is before them",
    "deepseek-coder": "has white space of its own for U+0085",
    "deepseek-llm": "splits at white space otherwise, and not between digits",
    "gpt-4o": "has no classes of letters in upper and lower case",
    "kimi-k2": "has no classes of letters in upper and lower case",
    "superbpe": "knows ASCII digits only",
    "tekken": "has no classes of letters in upper and lower case",
    "tiny_aya": "groups the digits of any number, and joins the first to what is before them",
    "youtu": "has no classes of letters in upper and lower case",
    **dict.fromkeys(("kanana2", "llama4", "minimax-m2", "talkie"), "as gpt-4o"),
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


def write_vocabulary(path, kind, pre, model, more=None):
    """Writes one vocabulary of tests/data as a GGUF file."""
    import gguf
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(kind)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(model["tokens"])
    writer.add_token_types(model["types"])
    if "scores" in model:
        writer.add_token_scores(model["scores"])
    if "merges" in model:
        writer.add_token_merges(model["merges"])
    if "charsmap" in model:
        writer.add_precompiled_charsmap(bytes(model["charsmap"]))
    for key, value in (more or {}).items():
        (writer.add_bool if isinstance(value, bool) else writer.add_uint32)("tokenizer.ggml." + key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def read_data(name):
    return json.loads((DATA / "tokenizer" / name).read_text())


def write_own(folder):
    """Writes the vocabularies of tests/data: of every kind and with every pre-tokenizer that both libraries know."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in read_data("unigram.json").items():
        if name == "texts":
            continue
        for prefix in (False, True):
            for extra in (False, True):
                write_vocabulary(folder / f"t5-{name}-{int(prefix)}{int(extra)}.gguf", "t5", "default", model,
                                 {"add_space_prefix": prefix, "remove_extra_whitespaces": extra, "add_eos_token": prefix})
    for name, model in read_data("word_piece.json").items():
        if name == "texts":
            continue
        ids = {"unknown_token_id": 1, "bos_token_id": 2, "seperator_token_id": 3, "padding_token_id": 0}
        write_vocabulary(folder / f"bert-{name}.gguf", "bert", "default", model,
                         {**ids, "normalizer.lowercase": name != "cased", "normalizer.strip_accents": name == "uncased"})
    ids = {"bos_token_id": 1, "unknown_token_id": 2}
    write_vocabulary(folder / "gemma4.gguf", "gemma4", "gemma4", read_data("characters.json"), ids)
    for pre in ("sarvam-moe", "granite-embed-multi-311m"):
        write_vocabulary(folder / f"pre-{pre}.gguf", "gpt2", pre, read_data("characters.json"), ids)
    write_vocabulary(folder / "whitespace.gguf", "whitespace", "whitespace", read_data("characters.json"), ids)
    model = read_data("bpe.json")
    bos = {"bos_token_id": len(model["tokens"]) - 5, "eos_token_id": len(model["tokens"]) - 4}
    table = (DATA.parent.parent / "src/tokenizer/pretokenizer_table.cpp").read_text(encoding="utf-8")
    for pre in re.findall(r'^    \{"([^"]+)", k', table, re.M):
        if pre not in NOT_IN_LLAMA:
            write_vocabulary(folder / f"pre-{pre}.gguf", "gpt2", pre, model, bos)


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
    # It writes "[UNK_BYTE_0x..." for a token that is not in the alphabet of bytes; pith gives it as it is written.
    unknown_byte = b"[UNK_BYTE_".hex()
    wrong_pieces = [i for i, (a, b) in enumerate(zip(pieces, their_pieces))
                    if a != b and not b.startswith(unknown_byte) and not taken_for_bytes(kind, a, b)]
    approximate = pre in APPROXIMATE and kind == "gpt2"
    note = f", {len(differ) - len(untold)} differ of {sum(apart)} told apart" if any(apart) else ""
    note += f" (approximate: {APPROXIMATE[pre]})" if approximate else ""
    print(f"{path.name}: {kind}, {pre}: {len(texts) - len(differ)} of {len(texts)} texts agree{note}; "
          f"{len(pieces) - len(wrong_pieces)} of {len(pieces)} pieces")
    shown = untold if args.verbose else [] if approximate else untold[:args.show]
    for i in shown:
        for mode in (0, 1):
            if ours[i][mode] != theirs[i][mode]:
                print(f"  {texts[i][:200]!r}\n    pith  {ours[i][mode][:200]}\n    llama {theirs[i][mode][:200]}")
                break
    for i in wrong_pieces[:args.show]:
        print(f"  piece {i}: pith {bytes.fromhex(pieces[i])!r}, llama {bytes.fromhex(their_pieces[i])!r}")
    if approximate and 5 * len(differ) <= len(texts):
        untold = []
    return len(untold) + len(wrong_pieces)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pith", required=True, help="tokenizer_ids of pith's build")
    parser.add_argument("--llama", required=True, help="llama_ids, linked with llama.cpp")
    parser.add_argument("--texts", type=int, default=2000, help="number of random texts for each vocabulary")
    parser.add_argument("--show", type=int, default=3, help="number of differences that are printed for each vocabulary")
    parser.add_argument("--verbose", action="store_true", help="print all of them")
    parser.add_argument("--own", type=pathlib.Path, help="folder to which those of tests/data are written")
    parser.add_argument("paths", nargs="*", type=pathlib.Path, help="vocabularies (GGUF), or folders of some")
    args = parser.parse_args()
    files = []
    if args.own:
        write_own(args.own)
        args.paths.append(args.own)
    for path in args.paths:
        files += sorted(path.glob("*.gguf")) if path.is_dir() else [path]
    different = [path.name for path in files if compare(args, path) != 0]
    print(f"{len(files) - len(different)} of {len(files)} vocabularies agree")
    if different:
        print("different: " + ", ".join(different))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
