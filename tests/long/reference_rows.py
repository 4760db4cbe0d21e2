"""Every row beside TOKENIZERS/*.gguf and TEMPLATES/*.jinja, as independent programs wrote them, comes out exactly."""
import glob
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
from harness import check, finish, program, run, told  # noqa: E402


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_tokenizer(name):
    """Rows of {text, ids, ids_special} against the vocabulary of the same name."""
    rows, model = read_rows(name + ".jsonl"), name + ".gguf"
    lines = "".join(json.dumps(row["text"]) + "\n" for row in rows).encode()
    for key, options in (("ids", []), ("ids_special", ["--special"])):
        result = run("tokenize", "--json", "--model", model, *options, "--lines", "-", stdin=lines)
        if not check(result.returncode == 0, f"{model}: {told(result)}"):
            continue
        found = [json.loads(line)["ids"] for line in result.stdout.splitlines()]
        check(len(found) == len(rows), f"{model}: {len(found)} lines for {len(rows)} texts")
        wrong = [row["text"] for row, ids in zip(rows, found) if ids != row[key]]
        print(f"{os.path.basename(model)}: {len(rows) - len(wrong)} of {len(rows)} {key}")
        check(not wrong, f"{model}: {len(wrong)} {key} differ, first {wrong[:1]}")


def test_template(name):
    """Rows of {case, context, rendered or error} for the template of the same name."""
    rows, template = read_rows(name + ".jsonl"), name + ".jinja"
    with tempfile.TemporaryDirectory() as folder:
        for row in rows:
            context = os.path.join(folder, "context.json")
            with open(context, "w", encoding="utf-8") as file:
                json.dump(row["context"], file)
            result = run("render", "--template", template, "--context", context, "--now", "2025-01-20T08:30")
            what = f"{os.path.basename(template)}, {row['case']}"
            if "error" in row:
                check(result.returncode == 1 and not result.stdout, f"{what}: expected an error: {told(result)}")
            else:
                check(result.returncode == 0 and result.stdout.decode() == row["rendered"],
                      f"{what}: {told(result)}, expected {row['rendered'][-300:]!r}")
    print(f"{os.path.basename(template)}: {len(rows)} cases")


def main():
    program()
    tokenizers, templates = sys.argv[2:]
    for test, folder, kind in ((test_tokenizer, tokenizers, ".gguf"), (test_template, templates, ".jinja")):
        names = sorted(path[: -len(kind)] for path in glob.glob(os.path.join(folder, "*" + kind)))
        check(names, f"nothing in {folder}")
        for name in names:
            test(name)
    finish()


main()
