#!/usr/bin/env python3
"""Compares pith's rendering of chat templates with that of Python's jinja2, byte for byte.

Every template is rendered over conversations with and without system message, tools, documents, several turns, empty
and null contents, tool calls, reasoning, with and without an open reply. Both sides failing counts as agreement if both
call it the template's own exception or neither does. Exit status 1 if anything differs.
"""
import argparse
import ast
import collections
import json
import pathlib
import subprocess
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import oracle  # noqa: E402

SYSTEM = {"role": "system", "content": "Answer in one sentence."}
CALL = {"id": "call00001", "type": "function",
        "function": {"name": "weather", "arguments": {"city": "Zürich", "days": 2, "exact": True}}}
TEXT_CALL = {"type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Rome\"}"}}
NESTED_CALL = {"id": "c", "function": {"name": "plot", "arguments": {
    "points": [[1, 2.5], [-3, 1e-7]], "style": {"colour": None, "wide": False, "text": "a\n\"b\""},
    "empty": [], "no": {}}}}
TOOL = {"type": "function", "function": {
    "name": "weather", "description": "Tells the weather of a city's \"centre\" <now>",
    "parameters": {"type": "object", "properties": {
        "city": {"type": "string", "description": "Its name"}, "days": {"type": "integer", "enum": [1, 2]},
        "exact": {"type": ["boolean", "null"], "default": None}}, "required": ["city"]}}}

BARE_TOOL = {"type": "function", "function": {"name": "stop", "description": "Stops", "parameters": {
    "type": "object", "properties": {}}}}


def user(text):
    return {"role": "user", "content": text}


def reply(text, **more):
    return {"role": "assistant", "content": text, **more}


CONVERSATIONS = {
    "one turn": [user("Hello")],
    "system": [SYSTEM, user("Hello")],
    "turns": [user("Hello"), reply("Hi there!"), user("Who are you?")],
    "system, turns": [SYSTEM, user("Hello"), reply("Hi!"), user("Who?"), reply("A model."), user("Whose?")],
    "ends with a reply": [user("Hello"), reply("Hi there!")],
    "spaces": [{"role": "system", "content": "  spaced\n"}, user("\n in\n\n"), reply(" reply \n"), user(" end ")],
    "Unicode": [user("\u3000wide\u00a0\x1c"), reply("Grüße 🙂 \u2028x"), user("<b>&amp;'\"\\")],
    "empty": [user(""), reply(""), user("")],
    "null": [user("Hello"), reply(None), user("Again")],
    "reasoning": [user("1+1?"), reply("<think>\nOne and one.\n</think>\n\n2"), user("2+2?"),
                  reply("4", reasoning_content="Two and two."), user("3+3?")],
    "tool call": [user("Weather?"), reply("", tool_calls=[CALL]),
                  {"role": "tool", "name": "weather", "tool_call_id": "call00001", "content": "{\"sky\": \"blue\"}"},
                  reply("Blue."), user("Thanks")],
    "null tool call": [SYSTEM, user("Weather?"), reply(None, tool_calls=[CALL]),
                       {"role": "tool", "name": "weather", "tool_call_id": "call00001", "content": "rain"}],
    "parts": [{"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": " you"}]}],
    "roles": [{"role": "developer", "content": "D"}, user("U"), {"role": "critic", "content": "C"}],
    "out of turn": [user("a"), user("b"), reply("c"), reply("d")],
    "late system": [user("a"), reply("b"), SYSTEM, user("c")],
    "none": [],
    "arguments as text": [user("Weather?"), reply(None, tool_calls=[TEXT_CALL]),
                          {"role": "tool", "content": [{"type": "text", "text": "rain"}]}, user("Thanks")],
    "two calls": [SYSTEM, user("Weather?"), reply("Let me see.", tool_calls=[CALL, dict(CALL, id="call00002")]),
                  {"role": "tool", "name": "weather", "tool_call_id": "call00001", "content": "1"},
                  {"role": "tool", "name": "weather", "tool_call_id": "call00002", "content": "2"},
                  reply("1 and 2.")],
    "nested arguments": [user("Weather?"), reply("", tool_calls=[NESTED_CALL]), {"role": "tool", "content": "{}"}],
    "image": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]},
              reply([{"type": "text", "text": "A cat"}]), user("Sure?")],
    "system in parts": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, user("Hello")],
    "thinking fields": [user("a"), reply("b", reasoning="r", thinking="t", reasoning_content="c"), user("d")],
    "open thought": [user("a"), reply("<think>half"), user("b"), reply("</think>c"), user("d")],
    "no content": [user("a"), {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool"}],
    "marks": [user("<|im_start|>x<|im_end|>[INST]</s>"), reply("{{ 1 }}{% if %}"), user("\\n\t'\"")],
    "long": [SYSTEM] + [user(f"question {i}") if i % 2 == 0 else reply(f"answer {i}") for i in range(21)],
}


def contexts():
    tools = {"tools": [TOOL]}
    documents = {"documents": [{"doc_id": 1, "title": "T", "text": "Body", "contents": "Body"}]}
    for name, messages in CONVERSATIONS.items():
        for open_reply in (False, True):
            yield name + (" +" if open_reply else ""), messages, open_reply, {}
        if name in ("one turn", "system", "tool call", "null tool call", "two calls", "nested arguments", "turns"):
            yield name + ", tools +", messages, True, tools
            yield name + ", two tools", messages, False, {"tools": [TOOL, BARE_TOOL]}
    yield "documents +", CONVERSATIONS["one turn"], True, documents
    yield "no tools +", CONVERSATIONS["system"], True, {"tools": []}
    yield "effort +", CONVERSATIONS["turns"], True, {"reasoning_effort": "high", "date_string": "1 Jan 2025",
                                                     "builtin_tools": ["python"], "tools_in_user_message": False}
    yield "thinking off +", CONVERSATIONS["reasoning"], True, {"enable_thinking": False, "thinking": False}
    yield "thinking on +", CONVERSATIONS["reasoning"], True, {"enable_thinking": True, "thinking": True}


def cases(template):
    for name, messages, open_reply, more in contexts():
        yield name, {"messages": messages, "tools": None, "documents": None, "add_generation_prompt": open_reply,
                     "bos_token": "<s>", "eos_token": "</s>", **more}


def kind_of(result):
    return "text" if "text" in result else result["kind"]


def agree(ours, theirs):
    return ours["text"] == theirs["text"] if "text" in ours and "text" in theirs else kind_of(ours) == kind_of(theirs)


def show(name, case, ours, theirs):
    if "text" in ours and "text" in theirs:
        a, b = ours["text"], theirs["text"]
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        begin = max(0, at - 30)
        return f"  {name} [{case}] at {at}: pith {a[begin:at + 50]!r}, jinja2 {b[begin:at + 50]!r}"
    return f"  {name} [{case}]: pith {str(ours)[:300]}, jinja2 {str(theirs)[:300]}"


def python_strings(path):
    """The strings of a Python file that look like chat templates, with their lines."""
    source = path.read_text(encoding="utf-8", errors="replace")
    if "{%" not in source:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and "{%" in text and "message" in text:
            yield node.lineno, text


def read_templates(folders):
    """All *.jinja files, chat_template fields of JSON files, strings of Python files, each text once: {name: text}."""
    found = {}
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*.jinja*")):
            found.setdefault(path.read_text(encoding="utf-8", errors="replace"), path.stem)
        for path in sorted(pathlib.Path(folder).rglob("*.py")):
            for line, text in python_strings(path):
                found.setdefault(text, f"{path.parent.name}/{path.name}:{line}")
        for path in sorted(pathlib.Path(folder).rglob("*.json")):
            if path.stat().st_size > 1 << 20 or b"chat_template" not in path.read_bytes():
                continue
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                continue
            text = content.get("chat_template") if isinstance(content, dict) else None
            if isinstance(text, str):
                found.setdefault(text, f"{path.parent.name}/{path.stem}")
    return {name: text for text, name in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dump", required=True, help="the program jinja_dump")
    parser.add_argument("--verbose", action="store_true", help="print every difference, not one per template")
    parser.add_argument("folders", nargs="+", help="where the templates are")
    arguments = parser.parse_args()

    templates = read_templates(arguments.folders)
    work = [(name, case, text, context) for name, text in templates.items() for case, context in cases(text)]
    lines = "".join(json.dumps({"template": text, "context": context, "now": oracle.NOW.timestamp()}) + "\n"
                    for _, _, text, context in work)
    run = subprocess.run([arguments.dump], input=lines, capture_output=True, text=True, check=True, encoding="utf-8")
    answers = [json.loads(line) for line in run.stdout.split("\n") if line]
    if len(answers) != len(work):
        sys.exit(f"jinja_dump answered {len(answers)} of {len(work)} requests")

    counts = collections.defaultdict(collections.Counter)
    differences = collections.defaultdict(list)
    for (name, case, text, context), ours in zip(work, answers):
        theirs = oracle.render(text, context)
        if agree(ours, theirs):
            counts[name]["same text" if "text" in theirs else "same error"] += 1
        else:
            counts[name]["different"] += 1
            differences[name].append(show(name, case, ours, theirs))
    print(f"{'template':58} {'same text':>9} {'same error':>10} {'different':>9}")
    total = collections.Counter()
    for name in sorted(templates):
        total += counts[name]
        row = counts[name]
        print(f"{name[:58]:58} {row['same text']:9} {row['same error']:10} {row['different']:9}")
    print(f"{len(templates)} templates, {len(work)} renderings: {total['same text']} the same text, "
          f"{total['same error']} the same kind of error, {total['different']} different")
    for name in sorted(differences):
        print("\n".join(differences[name] if arguments.verbose else differences[name][:1]))
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
