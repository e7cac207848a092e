#!/usr/bin/env python3
"""Writes the tokenizer cases: tokenizer/words.json, bpe.json, characters.json, spm.json, unigram.json, word_piece.json. Needs tokenizers and sentencepiece from PyPI.

Both libraries are the originals that the models were trained with, so what they answer is right. The vocabularies are trained
here on the texts below; nothing is downloaded. Run twice, it writes the same files.
"""
import collections
import io
import json
import pathlib
import random
import re

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).resolve().parent / "tokenizer"

TEXTS = [
    "", " ", "  ", "   ", "\t", "\n", "\n\n", "\n\n\n", "\t\n", "\r\n\r\n", " \n \n  ", "a", "Hello world", " Hello, world!",
    "Hello\n    World\n\n  indented\t\ttabs  ", "trailing spaces   ", "   leading", "a  b   c    d", "one\u00a0two\u3000three\u2003four",
    "a\u0085b\u2028c\u2029d", "x\u180ey  \u180e z", "\u200bzero\u200bwidth\ufeff", "\x00\x01\x1c\x1d\x1f\x7f",
    "don't I'LL we'Re they'VE he'd it's 'tis 'Twas ''s 's", "\u2019s \u2018re don\u2019t", "'\u017f '\u017fa", "can't've y'all'd",
    "1", "12", "123", "1234", "12345", "123456", "1234567", "3.14159", "1,000,000.50", "x1y22z333", "a 1 b 22 c 333 d 4444",
    "\u0661\u0662\u0663\u0664\u0665", "\u00bd \u00b2\u00b3 \u2167 \u2460\u2461", "\u0967\u0968\u0969 2\u20443",
    "(a) [b] {c} <d> \"e\" 'f' `g`", "a+b=c; x->y && !z || w", "f(x) = x**2 - 3*x + 1.5e-10", "$5 \u20ac5 \u00a35 5% #5 @5 ^5 ~5 |5|",
    "https://example.org/a/b?c=d&e=f#g", "name@example.org", "<|im_start|>user\n<|im_end|>", "/* comment */ // more\n#!/bin/sh",
    "for (int i = 0; i < 10; ++i) {\n\tsum += a[i];\n}\n", "def f(x):\n    return x  # done\n", "camelCase PascalCase SCREAMING_CASE snake_case",
    "XMLHttpRequest iPhone \u01c5ungla \u1e9e\u00df", "na\u00efve caf\u00e9 \u00fcber \u00c5ngstr\u00f6m", "nai\u0308ve cafe\u0301 A\u030angstro\u0308m",
    "\u0301\u0302 a\u0301\u0302\u0303 \u0301a", "\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?",
    "\u03ba\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1 \u03ba\u03cc\u03c3\u03bc\u03b5", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645\u060c",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e\u0964", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01", "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u6211\u57281984\u5e74",
    "\u3053\u3093\u306b\u3061\u306f\u4e16\u754c\u30ab\u30bf\u30ab\u30ca", "\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4", "\uff21\uff22\uff23 \uff11\uff12\uff13 \uff01\uff1f\uff08\uff09",
    "\U00020000\U0002a6d6 \u9fa5\u9fa6\u3400", "\U0001f600\U0001f680 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u2764\ufe0f", "\U00010400\U0001e900\U0001d538\U0001d7d8",
    "\u2013 \u2014 \u2026 \u201cquoted\u201d \u00ab\u00bb \u00bf\u00a1", "\u2190\u2191\u2192 \u2200x\u2208\u2115 \u221a2 \u2248 1.414 \u00b1 0.5", "\u2581\u2581under \u2581score",
    "word" * 20, "!" * 40, " " * 40 + "x", "\n" * 20, "ab" * 30, "=" * 80 + "\n", "0" * 50, "\u4e2d" * 20, ".  " * 10, "- item\n- item\n\n1. one\n2. two\n",
    "[x]a [x]b[x][x] [x][x][x]\n[[x]", " [x", "<|user|> <|begin|>a<|end|>",
]

POOLS = [
    "abcdefghij", "ABCDEFGHIJ", "0123456789", "      \t\n\r", ".,;:!?-_()[]{}<>/\\|@#$%^&*+=~`\"'", "\u00e0\u00e9\u00ee\u00f5\u00fc\u00df\u00c6\u00d8",
    "\u0430\u0431\u0432\u0433\u0434\u0410\u0411", "\u4e00\u4e8c\u4e09\u3042\u30a2\ud55c", "\u0300\u0301\u0308\u20dd", "\u00b2\u00bd\u0663\u0968\u2167", "\u00a0\u2003\u3000\u0085\u2028",
    "\U0001f600\U0001f4a9\u200d\ufe0f\u2764", "\u20ac\u00a3\u2192\u2211\u00d7\u00a9", "\u2018\u2019\u201c\u201d\u3001\u3002\uff01\u2026", "\x00\x07\x1b\x7f\u200b\ufeff\u180e",
]

CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
REST_SLASH = REST.replace(r"[\r\n]*|", r"[\r\n/]*|", 1)
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
HEAD = r"[^\r\n\p{L}\p{N}]?"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CJK = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
ASCII_PUNCTUATION = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"""
DEEPSEEK_V3 = (ASCII_PUNCTUATION + r"[A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|"
               r"\s*[\r\n]+|\s+(?!\S)|\s+")


CASED = f"{HEAD}{UPPER}*{LOWER}+{CONTRACTION}?|{HEAD}{UPPER}+{LOWER}*{CONTRACTION}?"
# Intersections of classes, as Kimi K2 has them, are lookaheads in Oniguruma.
NOT_HAN = "(?!\\p{Han})"
KIMI_UPPER, KIMI_LOWER = f"(?:{NOT_HAN}{UPPER})", f"(?:{NOT_HAN}{LOWER})"
YOUTU = ("[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f\ufe30-\ufe4f]+|"
         "[\u3105-\u312f]+|[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+")
AFMOE_ASIAN = ("[\u4e00-\u9fff\u3400-\u4dbf\u8c48-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf\u0e40-\u0e7f\u0e80-\u0eff"
               "\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+")


def deepseek_letters():
    """The class of cased letters in deepseek-llm's tokenizer.json, taken from the table that is tested: it is data."""
    table = (FOLDER.parent.parent.parent / "src/tokenizer/pretokenizer_table.cpp").read_text(encoding="utf-8")
    block = re.search(r'R"\(\\s\?\[\)"(.*?)R"\(\]\+\)"', table, re.S).group(1)
    escaped = "".join(re.findall(r'R"\((.*?)\)"', block))
    return r"\s?[" + re.sub(r"\\x\{([0-9A-F]+)\}", lambda m: chr(int(m.group(1), 16)), escaped) + "]+"


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def digits(individual):
    return pre_tokenizers.Digits(individual_digits=individual)


def steps_of():
    """What the models' tokenizer.json have under pre_tokenizer, less the step that turns bytes into characters."""
    digits_gpt2 = [digits(True), split(GPT2)]
    llama3 = [split(CONTRACTION + r"|" + HEAD + r"\p{L}+|\p{N}{1,3}" + REST)]
    qwen2 = [split(CONTRACTION + r"|" + HEAD + r"\p{L}+|\p{N}" + REST)]
    return {
        "gpt-2": [split(GPT2)], "mpt": [split(GPT2)], "gpt-neox": [split(GPT2)],
        "smollm": digits_gpt2, "starcoder": digits_gpt2, "refact": digits_gpt2, "command-r": digits_gpt2,
        "llama-bpe": llama3, "qwen2": qwen2,
        "qwen35": [split(CONTRACTION + r"|" + HEAD + r"[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"
                         r"\s*[\r\n]+|\s+(?!\S)|\s+")],
        "tekken": [split(f"{HEAD}{UPPER}*{LOWER}+|{HEAD}{UPPER}+{LOWER}*" + r"|\p{N}" + REST_SLASH)],
        "gpt-4o": [split(f"{HEAD}{UPPER}*{LOWER}+{CONTRACTION}?|{HEAD}{UPPER}+{LOWER}*{CONTRACTION}?" +
                         r"|\p{N}{1,3}" + REST_SLASH)],
        "deepseek-llm": [split("[\r\n]"), split(deepseek_letters()),
                         split("\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+"), split(r"\s+$"), split(CJK),
                         digits(True)],
        "deepseek-coder": [split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split(CJK), digits(True)],
        "deepseek-v3": [split(r"\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"), split(DEEPSEEK_V3)],
        # Its step "Digits" works on written-out bytes and cuts where its vocabulary has no merges.
        "falcon": [pre_tokenizers.Punctuation("contiguous"), split(GPT2), split("[0-9][0-9][0-9]")],
        "default": [split(r"[\p{P}$+<=>^~|]+"), split(GPT2), split(r"\p{N}+"), split("[0-9][0-9][0-9]")],
        "spark2_5": [split(r"\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"),
                     split(DEEPSEEK_V3.replace(r"[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|", r"[\p{P}\p{S}]+|[\r\n]|")), digits(True)],
        "afmoe": [split(r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))"), split(AFMOE_ASIAN), split(DEEPSEEK_V3)],
        "tiny_aya": [split(r"\d{1,3}(?=(?:\d{3})*\b)"), split(CASED + r"|\p{N}{1,3}" + REST_SLASH)],
        "superbpe": [split(r"\p{N}+"), split(r"(?=(\d{3})+(?!\d))")],
        "jais-2": [split(CONTRACTION + r"|" + HEAD + r"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|"
                         r"\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|"
                         r"\s{1,2}(?!\S)|\s{1}")],
        "minicpm5": [split(r"\p{N}{1,3}"), split(CONTRACTION + r"|" + HEAD + r"\p{L}+|\p{N}+" + REST)],
        "youtu": [split(YOUTU), split(CASED + r"|\p{N}" + REST_SLASH)],
        "exaone-moe": [split(CONTRACTION + r"|" + HEAD + r"(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|"
                             r"\s*[\r\n]|\s+(?!\S)|\s+")],
        "chameleon": [split("<sentinel:[0-9]+>"), split("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z"), split("([\t\n]|    |  )"),
                      digits(True), pre_tokenizers.Punctuation("isolated"), split(GPT2)],
        "bailingmoe": [split(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|"
                             r"\s+(?!\S)|\s+")],
        "seed-coder": [split(CONTRACTION + r"|" + HEAD + r"\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+")],
        "ufakzeka": [split(HEAD + r"\p{L}+|\p{N}" + REST)],
        "kimi-k2": [split(r"\p{Han}+|" + f"{HEAD}{KIMI_UPPER}*{KIMI_LOWER}+{CONTRACTION}?|"
                          f"{HEAD}{KIMI_UPPER}+{KIMI_LOWER}*{CONTRACTION}?" + r"|\p{N}{1,3}" + REST)],
        "laguna": [split("[^\n]+|[\n]+")] + qwen2,
        "gemma4": [split("[^\n]+|[\n]+")],
        "bloom": [split(" ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+")],
    }


def random_texts(count):
    source = random.Random(20261123)
    texts = []
    for _ in range(count):
        pools = source.sample(POOLS, 3) + [POOLS[3]]
        texts.append("".join(source.choice(source.choice(pools)) * source.choice([1, 1, 1, 1, 2, 5])
                             for _ in range(source.choice([4, 9, 20]))))
    return texts


def write(name, content):
    path = FOLDER / name
    path.write_text(json.dumps(content, ensure_ascii=True, separators=(",", ":")) + "\n", encoding="ascii")
    print(f"{path}: {path.stat().st_size} bytes")


def make_words(texts):
    """The words that each pre-tokenizer cuts a text into, as their sizes in bytes."""
    words = {}
    for name, steps in steps_of().items():
        chain = pre_tokenizers.Sequence(steps)
        words[name] = [[len(word.encode()) for word, _ in chain.pre_tokenize_str(text)] if text else [] for text in texts]
    write("words.json", {"texts": texts, "words": words})


def make_bpe(texts):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Sequence([split(CONTRACTION + r"|" + HEAD + r"\p{L}+|\p{N}{1,3}" + REST),
                                                     byte_level(False)])
    trained.train_from_iterator([text for text in texts if "[x" not in text] * 3, trainers.BpeTrainer(
        vocab_size=900, min_frequency=2, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False))
    model = json.loads(trained.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [tuple(merge) for merge in model["merges"]]
    special = ["<|begin|>", "<|end|>", "<|user|>", "[x]", "[x][x]"]
    assert not any("[x" in token for token in tokens)
    types = [1] * len(tokens) + [3, 3, 3, 4, 4]
    steps = steps_of()
    cases = {}
    for name in ("gpt-2", "llama-bpe", "qwen2", "smollm", "deepseek-coder"):
        tokenizer = Tokenizer(models.BPE(vocab=model["vocab"], merges=merges, ignore_merges=name == "llama-bpe"))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps[name] + [byte_level(False)])
        tokenizer.add_tokens([AddedToken(text, special=False, normalized=False) for text in special[3:]])
        shift = {len(tokens): len(tokens) + 3, len(tokens) + 1: len(tokens) + 4}
        cases[name] = [[shift.get(i, i) for i in tokenizer.encode(text).ids] for text in texts]
    write("bpe.json", {"tokens": tokens + special, "types": types, "merges": [" ".join(m) for m in merges],
                       "texts": texts, "ids": cases})


def common(parts, count):
    """The most frequent ones, in an order that does not change: the trainers' own limits break ties by chance."""
    seen = collections.Counter(parts)
    return sorted(sorted(seen, key=lambda part: (-seen[part], part))[:count])


def common_characters(texts, count):
    return common("".join(texts), count)


def only(texts, characters):
    return ["".join(c if c in characters else " " for c in text) for text in texts]


def spelled_in_characters(model, cut):
    """A byte fallback BPE over texts with U+2581 for a space, as Gemma 4's tokenizer.json has it."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = split(cut)
    return tokenizer


def make_characters(texts):
    lines = "[^\n]+|[\n]+"
    trained = spelled_in_characters(models.BPE(), lines)
    special = ["<pad>", "<bos>", "<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    # llama.cpp reads a token up to a zero byte.
    characters = common_characters([text.replace(" ", "\u2581").replace("\x00", "") for text in texts[:90]], 120)
    trained.train_from_iterator(only(texts[:90], characters + [" "]), trainers.BpeTrainer(
        vocab_size=800, min_frequency=2, special_tokens=special, initial_alphabet=characters, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    # Runs of newlines are tokens that no merge makes.
    for size in (1, 2, 3, 5):
        model["vocab"].setdefault("\n" * size, len(model["vocab"]))
    vocab, merges = model["vocab"], [tuple(merge) for merge in model["merges"]]
    tokens = sorted(vocab, key=vocab.get)
    types = [3, 3, 2] + [6] * 256 + [1] * (len(tokens) - 259)
    tokenizer = spelled_in_characters(models.BPE(vocab=vocab, merges=merges, byte_fallback=True, unk_token="<unk>"), lines)

    def encode(text):
        ids = []
        for run in re.findall("[^\n]+|[\n]+", text):
            ids += [vocab[run]] if run[0] == "\n" and run in vocab else tokenizer.encode(run).ids
        return ids

    write("characters.json", {"tokens": tokens, "types": types, "merges": [" ".join(m) for m in merges], "texts": texts,
                              "ids": [encode(text) for text in texts]})


def make_unigram(texts):
    lines = [line for text in texts for line in text.split("\n") if line.strip() and "\x00" not in line]
    # Rules that rewrite one character and several, to one, several and none.
    rules = {"\uff21": "A", "\ufb01": "fi", "\u00e9": "e\u0301", "e\u0301\u0302": "\u00ea", "\u200b": "", "\u3000": " ", "\t": " ", "\n": " ",
             "\u2026": "...", "\ufdfa": "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647", "\u00a0": " ", "a\u0301b": "x", "a\u0301": "\u00e1"}
    table = FOLDER / "rules.tsv"
    table.write_text("".join(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n"
                             for source, target in rules.items()), encoding="ascii")
    content = {"texts": texts + ["\uff21\ufb01 \u00e9\u0302 e\u0301\u0302 a\u0301b a\u0301c\u200b\u200b d\u2026 \ufdfax"]}
    for name, prefix, extra in (("tidy", True, True), ("prefix", True, False), ("bare", False, False)):
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines[:60] * 5), model_writer=model, model_type="unigram", vocab_size=700, hard_vocab_limit=False,
            add_dummy_prefix=prefix, remove_extra_whitespaces=extra, normalization_rule_tsv=str(table),
            character_coverage=0.98, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2, num_threads=1,
            user_defined_symbols=["<extra>", "[x]"])
        processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
        proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
        size = processor.vocab_size()
        user = [i for i in range(size) if proto.pieces[i].type == 4]
        kind = [2 if processor.is_unknown(i) else 3 if processor.is_control(i) else 4 if i in user else 1 for i in range(size)]
        plain = [text for text in content["texts"] if "[x]" not in text]
        content[name] = {"tokens": [processor.id_to_piece(i) for i in range(size)],
                         "scores": [processor.get_score(i) for i in range(size)], "types": kind,
                         "charsmap": list(proto.normalizer_spec.precompiled_charsmap),
                         "ids": [processor.encode(text) for text in plain]}
    content["texts"] = plain
    table.unlink()
    write("unigram.json", content)


def make_word_piece(texts):
    content = {"texts": texts}
    for name, lowercase, strip in (("uncased", True, True), ("cased", False, False), ("accents", True, False)):
        normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=strip,
                                                lowercase=lowercase)
        cutter = pre_tokenizers.BertPreTokenizer()
        words = [word for text in texts for word, _ in cutter.pre_tokenize_str(normalizer.normalize_str(text))]
        characters = common_characters(words, 130)
        # The library's trainer gives another vocabulary each time.
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        tokens = special + characters + ["##" + c for c in characters]
        tokens += common([word for word in words if len(word) > 1], 80)
        tokens += common(["##" + word[i:] for word in words for i in range(1, len(word) - 1)], 40)
        tokenizer = Tokenizer(models.WordPiece(vocab={token: i for i, token in enumerate(tokens)}, unk_token="[UNK]",
                                               max_input_chars_per_word=100))
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, cutter
        # As GGUF converters write them.
        spelled = [t if t in special else t[2:] if t.startswith("##") else "\u2581" + t for t in tokens]
        content[name] = {"tokens": spelled, "types": [3, 2, 3, 3, 3] + [1] * (len(tokens) - 5),
                         "ids": [tokenizer.encode(text).ids for text in texts]}
    write("word_piece.json", content)


def make_spm(texts):
    lines = [line for text in texts for line in text.split("\n") if line.strip() and "\x00" not in line]
    content = {"texts": texts}
    for name, prefix, extra in (("prefix", True, False), ("bare", False, False), ("tidy", True, True)):
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines * 5), model_writer=model, model_type="bpe", vocab_size=700, byte_fallback=True,
            add_dummy_prefix=prefix, remove_extra_whitespaces=extra, normalization_rule_name="identity",
            character_coverage=0.98, hard_vocab_limit=False, allow_whitespace_only_pieces=True, minloglevel=2,
            num_threads=1, user_defined_symbols=[])
        processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
        size = processor.vocab_size()
        kind = [2 if processor.is_unknown(i) else 3 if processor.is_control(i) else 6 if processor.is_byte(i) else 1
                for i in range(size)]
        content[name] = {"tokens": [processor.id_to_piece(i) for i in range(size)],
                         "scores": [processor.get_score(i) for i in range(size)], "types": kind,
                         "ids": [processor.encode(text) for text in texts],
                         "decoded": [processor.decode(processor.encode(text)) for text in texts]}
    write("spm.json", content)


def main():
    FOLDER.mkdir(exist_ok=True)
    texts = TEXTS + random_texts(80)
    make_words(texts)
    make_bpe(texts)
    make_characters(texts)
    make_word_piece(texts + ["\ud55c\uad6d\uc5b4 \u0130\u0131 \u00c5\u030a\u0301 \x0b\x0cx\x85y \u0928\u093f a\u20dd", "x" * 100, "x" * 101])
    make_unigram([text for text in texts if "\x00" not in text])
    # SentencePiece takes U+0000 for the end of a text.
    make_spm([text for text in texts if "\x00" not in text])


if __name__ == "__main__":
    main()
