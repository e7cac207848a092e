#!/usr/bin/env python3
"""Writes what Python's jinja2 renders of the templates in tests/data/jinja over the contexts there: expected.json.

usage: PYTHONPATH=build/jinja-templates/python tests/jinja/make_expected.py
(scripts/jinja_differential.sh installs jinja2 there.)
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import oracle  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "jinja"
BASE = {"tools": None, "documents": None, "add_generation_prompt": False, "bos_token": "<s>", "eos_token": "</s>",
        "loop_start": 0}


def main():
    contexts = {name: {**BASE, **more} for name, more in json.loads((FOLDER / "contexts.json").read_text()).items()}
    cases = []
    for path in sorted(FOLDER.glob("*.jinja")):
        for name, context in contexts.items():
            result = oracle.render(path.read_text(encoding="utf-8"), context)
            if result.get("kind") == "failed":
                del result["error"]  # Python's own words.
            cases.append({"template": path.stem, "context": name, **result})
    text = json.dumps({"now": oracle.NOW.isoformat(), "base": BASE, "cases": cases}, ensure_ascii=False, indent=1)
    (FOLDER / "expected.json").write_text(text + "\n", encoding="utf-8")
    print(f"{len(cases)} renderings, {sum('text' in case for case in cases)} of them texts")


if __name__ == "__main__":
    main()
