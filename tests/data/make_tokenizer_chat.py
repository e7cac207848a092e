#!/usr/bin/env python3
"""Writes tokenizer/chat/golden.json: what Jinja makes of the chat templates beside it. Needs jinja2 from PyPI.

Each template is rendered as Hugging Face's transformers does, over conversations that try the corners: system messages, white
space at both ends (Unicode's too), empty contents, roles out of turn. The first BOS is taken off, as pith leaves it to the
tokenizer. Where pith writes something else on purpose (see ChatTemplate in pith/chat_format.h) there is no case.
"""
import json
import pathlib

from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = pathlib.Path(__file__).resolve().parent / "tokenizer" / "chat"
FORMATS = {
    "chatml": "chatml", "smollm2": "chatml", "qwen2": "chatml", "qwen2.5": "chatml",
    "llama-2": "llama2", "llama-3": "llama3", "llama-3.1": "llama3", "gemma-2": "gemma", "gemma-3": "gemma",
    "mistral-7b-v0.2-old": "mistral", "mistral-v1": "mistral", "mistral-v3": "mistral", "mistral-v3-tekken": "mistral",
    "mistral-v7": "mistral", "mistral-small-v7-tekken": "mistral",
    "phi-3-mini-4k-first": "phi3", "phi-3-small": "phi3", "phi-3.5-mini": "phi3",
    "zephyr": "zephyr", "zephyr-one-line": "zephyr",
}
TOKENS = {"llama3": ("<|begin_of_text|>", "<|eot_id|>"), "gemma": ("<bos>", "<eos>"), "phi3": ("<s>", "<|endoftext|>")}
SYSTEM = {"role": "system", "content": "Answer in one sentence."}


def user(text):
    return {"role": "user", "content": text}


def reply(text):
    return {"role": "assistant", "content": text}


CONVERSATIONS = [
    [user("Hello")],
    [SYSTEM, user("Hello")],
    [user("Hello"), reply("Hi there!"), user("Who are you?")],
    [SYSTEM, user("Hello"), reply("Hi there!"), user("Who are you?"), reply("A model."), user("Of whom?")],
    [{"role": "system", "content": "  spaced\n"}, user("\n  indented\n\n"), reply("  reply \n"), user(" end ")],
    [user("\u3000wide\u00a0\u2009"), reply("\x1c\u0085x\u200b"), user("\u00a0")],
    [{"role": "system", "content": ""}, user(""), reply(""), user("'quoted' {{ braces }} {% tags %} \\n <|im_end|>")],
    [user("Hello"), reply("Hi there!")],
    [user("one"), user("two")],
    [SYSTEM, reply("first")],
    [user("one"), SYSTEM, user("two")],
]


def environment():
    def raise_exception(message):
        raise ValueError(message)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    env.globals["raise_exception"] = raise_exception
    return env


def left_out(name, messages, open_reply):
    """Where pith differs on purpose, or where the template says nothing about it."""
    has_system = messages[0]["role"] == "system"
    turns = [m for m in messages if m["role"] != "system"]
    out_of_turn = any(m["role"] != ("user", "assistant")[i % 2] for i, m in enumerate(turns)) or (
        "system" in [m["role"] for m in messages[1:]])
    if FORMATS[name] in ("llama2", "gemma", "mistral") and "system" in [m["role"] for m in messages[1:]]:
        return True  # Some templates drop it, some write it, some refuse; pith refuses.
    if name == "gemma-2" and has_system:
        return True  # It refuses system messages.
    if name == "mistral-7b-v0.2-old" and has_system:
        return True  # It refuses system messages.
    if name in ("mistral-v3", "mistral-v3-tekken") and has_system and len(turns) > 1:
        return True  # The system message moves to the last user turn.
    if name.startswith("mistral") and "v7" in name and out_of_turn:
        return True  # Any order goes; pith has the turns alternate.
    if name == "phi-3-mini-4k-first" and ("system" in [m["role"] for m in messages] or not open_reply or out_of_turn
                                          or messages[-1]["role"] == "assistant"):
        return True  # It drops system messages and opens a reply after each user message.
    if name.startswith("phi-3") and not open_reply:
        return True  # An end token comes last.
    if name == "phi-3-small" and messages[0] == {"role": "system", "content": ""}:
        return True  # It writes empty system messages, its successor does not.
    return False


def render(template, name, messages, open_reply):
    bos, eos = TOKENS.get(FORMATS[name], ("<s>", "</s>"))
    text = template.render(messages=messages, bos_token=bos, eos_token=eos, add_generation_prompt=open_reply)
    return text[len(bos):] if text.startswith(bos) else text


def main():
    env = environment()
    golden = {"templates": {}, "conversations": CONVERSATIONS}
    for name in sorted(FORMATS):
        source = (FOLDER / f"{name}.jinja").read_bytes().decode()
        template = env.from_string(source)
        cases = []
        for number, messages in enumerate(CONVERSATIONS):
            for open_reply in (True, False):
                if left_out(name, messages, open_reply):
                    continue
                try:
                    text = render(template, name, messages, open_reply)
                except ValueError:
                    text = None
                cases.append({"conversation": number, "open_reply": open_reply, "text": text})
        bos, eos = TOKENS.get(FORMATS[name], ("<s>", "</s>"))
        golden["templates"][name] = {"format": FORMATS[name], "bos": bos, "eos": eos, "cases": cases}
    path = FOLDER / "golden.json"
    path.write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n", encoding="ascii")
    print(f"{path}: {sum(len(t['cases']) for t in golden['templates'].values())} cases")


if __name__ == "__main__":
    main()
