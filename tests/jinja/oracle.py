"""Renders chat templates with Python's jinja2 as Hugging Face's transformers does."""
import datetime
import functools
import json

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 11, 30, 12, 34, 56)


class Generation(jinja2.ext.Extension):
    """Accepts {% generation %}, which marks the assistant's text for training and writes nothing."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("write")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def write(self, caller):
        return caller()


class Raised(jinja2.exceptions.TemplateError):
    """What raise_exception throws."""


def raise_exception(message):
    raise Raised(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


ENVIRONMENT = environment()


@functools.lru_cache(maxsize=4)
def compiled(source):
    return ENVIRONMENT.from_string(source)


def render(source, context):
    """Returns {"text": …} or {"kind": "raised" | "failed", "error": …}."""
    try:
        return {"text": compiled(source).render(**context)}
    except Raised as error:
        return {"kind": "raised", "error": str(error)}
    except Exception as error:  # Templates make Python raise anything.
        return {"kind": "failed", "error": f"{type(error).__name__}: {error}"}
