#!/usr/bin/env python3
"""Writes tests/data/jinja/cases.jsonl: templates, contexts and what Jinja2 makes of them (needs python3-jinja2).

The cases stand in tools/jinja_cases.txt: templates separated by lines of "----". "{{...}}" lines in the section
"expressions" are one case each. The context is the same for all.
"""
import datetime
import json
import pathlib
import signal
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

NOW = datetime.datetime(2025, 1, 20, 8, 30)
CONTEXT = {
    "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True, "empty": "", "zero": 0, "one": 1,
    "nothing": None, "yes": True, "no": False, "pi": 3.14159, "big": 9007199254740993, "neg": -7,
    "name": "World", "cjk": "你好，世界", "emoji": "a😀b", "accents": "Ünïcödé straße ΑΣ ǆ ﬁ",
    "lines": "first\nsecond\n\nfourth\r\nfifth", "spaces": "  \t padded \n ", "quote": "it's \"q\" \\ \n\t\x07",
    "markup": "<b>&amp; 'x' \"y\"</b>", "csv": "a,b,,c", "digits": "12345", "mixed": "Hello World-foo bar_baz",
    "numbers": [3, 1, 2], "words": ["banana", "Apple", "cherry", "apple"], "nested": [[1, 2], [3, [4, 5]]],
    "none_list": [], "floats": [1.0, 2.5, -0.5, 1e100, 1e-7, 1e16, 123456789.125],
    "d": {"a": 1, "b": {"c": [1, 2, {"x": "y"}]}, "items": "shadow", "z": None},
    "keys": {"b": 2, "a": 1, "C": 3, "1": "one"},
    "users": [{"name": "bob", "age": 30, "tags": ["x", "y"], "city": "Rome"},
              {"name": "Alice", "age": 25, "tags": [], "city": "Oslo"},
              {"name": "carol", "age": 30, "tags": ["z"], "city": "rome"}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi <|im_end|> there"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello!",
         "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"x": 1, "y": "é", "z": [True, None, 1.5]}}}]},
        {"role": "tool", "content": "{\"t\": 20}", "name": "f"},
        {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image"}]},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "does \"f\" <b>", "parameters": {
        "type": "object", "properties": {"x": {"type": "integer", "description": "an x"},
                                         "y": {"type": ["string", "null"], "enum": ["é", "b"], "default": "b"}},
        "required": ["x"]}}}],
}


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                                       extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda pattern: NOW.strftime(pattern)
    return env


def run(source):
    def late(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(5)
    try:
        rendered = environment().from_string(source).render(**json.loads(json.dumps(CONTEXT)))
        rendered.encode("utf-8")
        return {"rendered": rendered}
    except Exception as error:
        return {"error": type(error).__name__}
    finally:
        signal.alarm(0)


def cases(text):
    for part in text.split("\n----\n"):
        if part.startswith("#expressions\n"):
            for line in part.split("\n")[1:]:
                if line.strip():
                    yield "{{ " + line + " }}"
        else:
            yield part


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    source = root / "tools/jinja_cases.txt"
    target = root / "tests/data/jinja/cases.jsonl"
    if len(sys.argv) > 2:
        source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    rows = 0
    with target.open("w", encoding="utf-8") as out:
        for case in cases(source.read_text(encoding="utf-8")):
            row = {"template": case, "context": {k: v for k, v in CONTEXT.items() if k in case}}
            row.update(run(case))
            if "object at 0x" in row.get("rendered", "") or " at 0x" in row.get("rendered", ""):
                continue
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            rows += 1
    print(rows, "cases")


main()
