"""Bad input ends in one line on stderr that names the thing, with exit code 1, or 2 where the command line is wrong."""
import os
import struct
import tempfile

from harness import DATA, check, finish, program, run, told

MODEL = os.path.join(DATA, "logits", "llama-Q8_0.gguf")
LONG_PROMPT = "1 + 1 = ? " * 400


def expect(what, code, names, *arguments, progress=False, **keywords):
    """Runs `aloud ARGUMENTS` and wants this exit code and one line, after those of progress where there may be some, that
    has all of names in it."""
    result = run(*arguments, **keywords)
    lines = result.stderr.decode(errors="replace").strip().split("\n")
    told_all = all(name in lines[-1] for name in names)
    check(result.returncode == code and (progress or len(lines) == 1) and told_all and not result.stdout,
          f"{what}: expected exit code {code} and one line with {names}; {told(result)}")
    check(b"\x1b" not in result.stderr, f"{what}: a raw escape character on stderr")


def patched(content, old, new):
    """content with the only occurrence of old replaced by as many bytes."""
    if content.count(old) != 1 or len(old) != len(new):
        raise ValueError(f"cannot patch {old!r}: {content.count(old)} occurrences")
    return content.replace(old, new)


def string(text):
    """A string as GGUF stores it."""
    return struct.pack("<Q", len(text)) + text.encode()


def with_swapped_shape(content, name):
    """content with the two dimensions of a tensor exchanged: as many bytes, another shape. Returns the shapes too."""
    at = content.index(string(name)) + len(string(name))
    dimensions, first, second = struct.unpack_from("<IQQ", content, at)
    if dimensions != 2 or first == second:
        raise ValueError(f"{name}: {dimensions} dimensions, {first} x {second}")
    return content[:at] + struct.pack("<IQQ", 2, second, first) + content[at + 20:], first, second


def main():
    program()
    with open(MODEL, "rb") as file:
        good = file.read()
    with tempfile.TemporaryDirectory() as folder:
        def model(name, content):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(content)
            return path

        def every_command(what, path, names):
            """What is wrong with a file is told by each command that opens it as a model."""
            expect(f"{what}, logits", 1, ["aloud logits: ", *names], "logits", "--model", path, "--tokens", "3",
                   "--out", os.path.join(folder, "out"))
            expect(f"{what}, chat", 1, ["aloud chat: ", *names], "chat", "--model", path, "Hi")

        missing = os.path.join(folder, "missing.gguf")
        every_command("missing file", missing, [missing])
        expect("missing file, inspect", 1, ["aloud inspect: ", missing], "inspect", missing)
        text = model("text.gguf", b"This is a letter, not a model. " * 10)
        every_command("not a GGUF", text, [text, "GGUF"])
        expect("not a GGUF, inspect", 1, ["aloud inspect: ", text, "GGUF"], "inspect", text)
        every_command("empty file", model("empty.gguf", b""), ["empty.gguf"])
        every_command("a folder", folder, [folder])
        every_command("cut file", model("cut.gguf", good[: len(good) // 2]), ["cut.gguf"])
        every_command("name that steers a terminal", os.path.join(folder, "\x1b[31mred.gguf"), ["red.gguf"])

        architecture = string("general.architecture") + struct.pack("<I", 8)
        every_command("unsupported architecture",
                      model("other.gguf", patched(good, architecture + string("llama"), architecture + string("gemma"))),
                      ["other.gguf", "gemma"])
        every_command("missing tensor",
                      model("short.gguf", patched(good, string("blk.1.ffn_up.weight"), string("blk.1.ffn_uq.weight"))),
                      ["short.gguf", "blk.1.ffn_up.weight"])
        swapped, first, second = with_swapped_shape(good, "blk.1.attn_k.weight")
        every_command("wrong shape", model("turned.gguf", swapped),
                      ["turned.gguf", "blk.1.attn_k.weight", f"{second}, {first}", f"{first}, {second}"])

        expect("token outside the vocabulary", 1, ["aloud logits: ", "160"], "logits", "--model", MODEL, "--tokens", "3,160",
               "--out", os.path.join(folder, "out"))
        for what, path in (("missing", os.path.join(folder, "missing.toml")), ("a folder", folder)):
            expect(f"configuration, {what}", 2, ["aloud serve: ", path], "serve", "--port", "0", "--config", path)
        if os.geteuid() != 0:  # who may read everything
            os.chmod(model("secret.toml", b"port = 0"), 0)
            expect("configuration, unreadable", 2, ["aloud serve: ", "secret.toml"], "serve", "--config", os.path.join(folder, "secret.toml"))
        for content, names in ((b"prot = 8080", ["typo.toml", '"prot"']), (b"port = 0\n= [\n", ["typo.toml"]), (b'port = "many"', ["--port", "many"]),
                               (b"[server]\nport = 0", ["typo.toml", "server"])):
            expect(f"configuration {content}", 2, ["aloud serve: ", *names], "serve", "--config", model("typo.toml", content))
        missing_text = os.path.join(folder, "missing.txt")
        expect("system prompt that is missing", 1, ["aloud serve: ", missing_text], "serve", "--port", "0", "--system-prompt-file", missing_text)

        expect("template that is missing", 1, ["aloud render: ", missing], "render", "--template", missing, "--context", missing)
        expect("problems that are missing", 1, ["aloud eval: ", missing], "eval", "--problems", missing)

    expect("prompt longer than the context", 1, ["aloud chat: ", "128"], "chat", "--context", "128", LONG_PROMPT)
    expect("unknown instruction set", 1, ["ALOUD_ISA", "mmx"], "chat", "Hi", ALOUD_ISA="mmx")
    expect("unknown command", 2, ["dance"], "dance")
    expect("unknown type of weights", 1, ["aloud bench: ", "Q9_Z"], "bench", "--shape", "r1-distill-qwen-1.5b", "--type",
           "Q9_Z", progress=True)
    for command, *rest in (["chat", "Hi"], ["inspect", MODEL], ["tokenize", "Hi"], ["eval", "--problems", MODEL], ["bench"],
                           ["logits", "--tokens", "3", "--out", os.devnull],
                           ["render", "--template", MODEL, "--context", MODEL]):
        expect(f"unknown option, {command}", 2, [f"aloud {command}: ", "--frobnicate"], command, *rest, "--frobnicate")
    for command, *rest in ["chat", "Hi"], ["bench"], ["eval", "--problems", MODEL], ["logits", "--tokens", "3", "--out", os.devnull]:
        expect(f"unknown type of the cache, {command}", 2, [f"aloud {command}: ", "--kv-type", "f32", "q8_0"], command,
               *rest, "--kv-type", "f32")
    expect("no number", 2, ["aloud chat: ", "--max-tokens"], "chat", "--max-tokens", "many", "Hi")
    finish()


main()
