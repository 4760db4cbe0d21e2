"""A large model's packed weights are kept in the user's cache folder and taken from there; whatever happens to them, and
to the model's file, costs at most an error."""
import os
import stat
import struct
import subprocess
import tempfile
import time

from harness import DATA, check, finish, program, run, told

MODEL = os.path.join(DATA, "logits", "qwen2-Q8_0.gguf")
PADDING_ROWS = 70 << 10  # x 1024 weights of Q8_0: more than the least size that is kept
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # of GGUF's value types
STRING, ARRAY, Q8_0 = 8, 9, 8


def skip_value(data, at, kind):
    if kind == STRING:
        return at + 8 + struct.unpack_from("<Q", data, at)[0]
    if kind == ARRAY:
        element, count = struct.unpack_from("<IQ", data, at)
        at += 12
        for _ in range(count):
            at = skip_value(data, at, element)
        return at
    return at + SIZES[kind]


def make_large(small, path):
    """The model with one more tensor, which nobody asks for."""
    with open(small, "rb") as file:
        data = file.read()
    magic, version, tensors, entries = struct.unpack_from("<4sIQQ", data)
    at = 24
    for _ in range(entries):
        at = skip_value(data, at, STRING)
        at = skip_value(data, at + 4, struct.unpack_from("<I", data, at)[0])
    for _ in range(tensors):
        at = skip_value(data, at, STRING)
        at += 4 + 8 * struct.unpack_from("<I", data, at)[0] + 12
    weights = data[(at + 31) // 32 * 32:]
    weights += bytes(-len(weights) % 32)
    name = b"padding.weight"
    info = struct.pack("<Q", len(name)) + name + struct.pack("<IQQIQ", 2, 1024, PADDING_ROWS, Q8_0, len(weights))
    header = struct.pack("<4sIQQ", magic, version, tensors + 1, entries) + data[24:at] + info
    with open(path, "wb") as file:
        file.write(header + bytes(-len(header) % 32) + weights)
        file.truncate(file.tell() + PADDING_ROWS * 1024 // 32 * 34)


def bench(model, cache, *options):
    return run("bench", "--model", model, "--prompt", 8, "--generate", 2, "--repeats", 1, *options, XDG_CACHE_HOME=cache)


def cached(cache):
    folder = os.path.join(cache, "aloud")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))] if os.path.isdir(folder) else []


def logits(model, cache, out, *options):
    result = run("logits", "--model", model, "--tokens", "3,4,5,6,7", "--out", out, *options, XDG_CACHE_HOME=cache)
    check(result.returncode == 0, f"logits {options}: {told(result)}")
    with open(out, "rb") as file:
        return result, file.read()


def test_kept(model, folder):
    cache, out = os.path.join(folder, "cache"), os.path.join(folder, "out.f32")
    _, expected = logits(model, cache, out, "--no-sidecar")
    check(not cached(cache), "--no-sidecar writes none")
    result = bench(model, cache)
    check(result.returncode == 0, f"bench: {told(result)}")
    files = cached(cache)
    if not check(len(files) == 1 and files[0].endswith(".panels"), f"one sidecar is written: {files}"):
        return
    check(stat.S_IMODE(os.stat(files[0]).st_mode) == 0o600, "only its owner reads it")
    written = os.stat(files[0]).st_mtime_ns
    check(logits(model, cache, out)[1] == expected, "the same bits from a sidecar")
    check(os.stat(files[0]).st_mtime_ns == written, "a sidecar that fits is not written again")

    os.chmod(files[0], 0o666)
    result, found = logits(model, cache, out)
    check(found == expected and b"others may write it" in result.stderr, f"one that others may write: {told(result)}")
    os.remove(files[0])
    os.symlink(os.path.join(folder, "nowhere"), files[0])
    check(logits(model, cache, out)[1] == expected, "a symbolic link is not followed")
    check(not os.path.exists(os.path.join(folder, "nowhere")), "nothing is written through a symbolic link")


def test_no_cache_folder(model, folder):
    blocked = os.path.join(folder, "blocked")
    with open(blocked, "w"):
        pass
    result, _ = logits(model, blocked, os.path.join(folder, "out.f32"))
    check(len(result.stderr.splitlines()) == 1, f"a cache folder that is none is one line: {told(result)}")


def is_mapped(process, path):
    with open(f"/proc/{process.pid}/maps") as maps:
        return path in maps.read()


def test_cut_while_in_use(model):
    """Cutting the file takes the embedding away from a measurement that runs."""
    process = subprocess.Popen([program(), "bench", "--model", model, "--no-sidecar", "--repeats", "1000"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]})
    while process.poll() is None and not is_mapped(process, model):
        time.sleep(0.05)
    time.sleep(0.5)
    os.truncate(model, 4096)
    try:
        _, told_after = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        _, told_after = process.communicate()
    check(process.returncode == 1 and b"cut short" in told_after,
          f"a model that is cut while in use: exit code {process.returncode}, {told_after[-300:]!r}")


with tempfile.TemporaryDirectory() as temporary:
    large = os.path.join(temporary, "large.gguf")
    make_large(MODEL, large)
    test_kept(large, temporary)
    test_no_cache_folder(large, temporary)
    test_cut_while_in_use(large)
finish()
