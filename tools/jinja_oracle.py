#!/usr/bin/env python3
"""Writes tests/data/jinja/cases.jsonl: templates, contexts and what Jinja2 makes of them (needs python3-jinja2).

The cases stand in tools/jinja_cases.txt, templates separated by lines of "----"; each line of the section "#expressions" is
the inside of one "{{ }}". Random expressions follow them. All share one context, of which a row keeps what it names.
"""
import datetime
import itertools
import json
import pathlib
import random
import re
import signal
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

COMPILED_SLICE = re.compile(r"\)\[[^\]]*:")
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


class RandomExpressions:
    """Expressions grown from a seed: most combinations that nobody would write by hand."""

    ATOMS = """1 0 -1 2 10 2.5 -0.5 'a' 'abc' '' 'Hello World' '12' 'a,b' none true false [] [1,2,3] ['b','a','C'] {} {'a':1,'b':2} (1,2)
        name numbers words d keys users users[0] floats nested csv lines cjk emoji accents quote markup undefined_thing zero
        nothing range(4) messages[2].content tools[0].function '%s-%s' '{}:{}' 1.0 [none,1,'a',2.5,true] [[1,2],[3,4]]
        [{'a':2},{'a':1}] keys.keys() 9223372036854775807""".split()
    FILTERS = """abs batch(2)|list capitalize center(9) count d('z') default(1,true) dictsort e first float groupby('a') indent(2)
        int int(5) join join('-') last length list lower items|list map('upper')|list map('string')|list map(attribute='a')|list
        map('first')|list min max reject|list reject('odd')|list replace('a','b') replace('','-') reverse|list round round(1)
        round(-1) select|list select('odd')|list select('string')|list selectattr('a')|list selectattr('name','eq','bob')|list
        slice(2)|list sort sort(reverse=true) sort(attribute='a') string striptags sum sum(start=1) title tojson tojson(indent=2)
        trim trim('a') truncate(5) unique|list upper urlencode wordcount wordwrap(5) filesizeformat format(1,2)""".split()
    TESTS = """defined undefined none string mapping iterable sequence number integer float boolean true false odd even
        divisibleby(2) lower upper callable eq(1) ne('a') in([1,2]) in('abc') sameas(none) lt(2)""".split()
    METHODS = """upper() lower() title() capitalize() strip() strip('a') lstrip() rstrip('c') split() split(',') split('a',1)
        rsplit() rsplit('a',1) splitlines() startswith('a') endswith(('c','x')) find('a') rfind('a') index('a') count('a')
        replace('a','xy') join(['x','y']) isdigit() isalpha() isspace() zfill(5) center(7,'*') ljust(5) partition('b')
        format(1,'x') removeprefix('a') swapcase() get('a') get('q',1) items() keys() values() index(1) count(1) append(1)
        a b x name items nosuch _x""".split()
    OPERATORS = "+ - * / // % ~ == != < <= > >= in and or".split()
    SUBSCRIPTS = "0 -1 1: ::-1 :2 'a' 5 :-1 1:3 ::2 -2: 'items'".split()

    def __init__(self, seed):
        self.random = random.Random(seed)

    def grow(self, depth):
        pick, kind = self.random.choice, self.random.random()
        if depth == 0 or kind < 0.2:
            return pick(self.ATOMS)
        inner = self.grow(depth - 1)
        if kind < 0.45:
            return f"{inner}|{pick(self.FILTERS)}"
        if kind < 0.6:
            return f"({inner}).{pick(self.METHODS)}"
        if kind < 0.68:
            return f"({inner} is {pick(['', 'not '])}{pick(self.TESTS)})"
        if kind < 0.87:
            return f"({inner} {pick(self.OPERATORS)} {self.grow(depth - 1)})"
        if kind < 0.93:
            return f"({inner})[{pick(self.SUBSCRIPTS)}]"
        if kind < 0.96:
            return f"({inner} if {self.grow(depth - 1)} else {self.grow(depth - 1)})"
        return pick([f"not {inner}", f"[{inner}, {self.grow(depth - 1)}]", f"{{'k': {inner}}}", f"-{inner}"])

    def cases(self, count):
        while count > 0:
            case = "{{ " + self.grow(self.random.randint(1, 4)) + " }}"
            answer = run(case)
            # Half of what grows is an error; a few of these are enough. What Python slices at compile time, Jinja
            # makes undefined instead of an error: nobody relies on that.
            dull = "error" in answer and self.random.random() < 0.8
            if not dull and len(answer.get("rendered", "")) < 1000 and not COMPILED_SLICE.search(case):
                count -= 1
                yield case


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    source = root / "tools/jinja_cases.txt"
    target = root / "tests/data/jinja/cases.jsonl"
    if len(sys.argv) > 2:
        source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    rows = 0
    with target.open("w", encoding="utf-8") as out:
        written = cases(source.read_text(encoding="utf-8"))
        for case in itertools.chain(written, RandomExpressions(1).cases(400)):
            row = {"template": case, "context": {k: v for k, v in CONTEXT.items() if k in case}}
            row.update(run(case))
            if "object at 0x" in row.get("rendered", "") or " at 0x" in row.get("rendered", ""):
                continue
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            rows += 1
    print(rows, "cases")


main()
