"""Every NAME.gguf of the folders given (tests/data/logits) yields the logits of NAME.logits.f32 and NAME.long.f32, on
every instruction set, token by token the same as in one batch, and is no further from the unquantised model than
llama.cpp is."""
import array
import concurrent.futures
import glob
import math
import os
import statistics
import sys
import tempfile

from harness import DATA, check, finish, program, run, told

SHORT = [3 + 5 * i for i in range(32)]
LONG = [(7 * i * i + 3 * i + 1) % 157 + 3 for i in range(4200)]
LONG_LAST = 8  # positions that NAME.long.f32 tells

# Relative L2 error over the file, by the type at the end of its name.
TOLERANCE = {"F32": 2e-3, "F16": 2e-3, "BF16": 5e-3}
QUANTISED_TOLERANCE = 0.04
LONG_TOLERANCE = 1e-2
# Experts are chosen by comparison, so a rounding may choose another one and change a position wholly: there the median
# position counts, and how many are far off.
FLIPPED_ERROR = 0.10
MAX_FLIPPED = 3
# Divergence from the logits of the unquantised model (MODEL-F32.logits.f32), as a multiple of that of NAME.logits.f32,
# which an independent program computed from the same quantised file; below the floor (nats per token) nothing is told.
DIVERGENCE_RATIO = 1.05
DIVERGENCE_FLOOR = 1e-6
# By --kv-type, for models whose weights are F16.
CACHE_TOLERANCE = {"f16": 2e-3, "bf16": 1e-2, "q8_0": 2e-2}


def read_floats(path):
    with open(path, "rb") as file:
        return array.array("f", file.read())


def relative_error(found, expected):
    difference = math.fsum((a - b) ** 2 for a, b in zip(found, expected))
    return math.sqrt(difference / math.fsum(b * b for b in expected))


def log_softmax(logits):
    largest = max(logits)
    total = largest + math.log(math.fsum(math.exp(logit - largest) for logit in logits))
    return [logit - total for logit in logits]


def divergence(found, expected, positions):
    """The mean Kullback-Leibler divergence of what was found, in nats per token."""
    width, terms = len(expected) // positions, []
    for i in range(0, len(expected), width):
        p, q = log_softmax(expected[i: i + width]), log_softmax(found[i: i + width])
        terms += [math.exp(a) * (a - b) for a, b in zip(p, q)]
    return math.fsum(terms) / positions


def logits(model, tokens, isa, *options):
    """The logits as one array, or None with a failure noted."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.f32")
        result = run("logits", "--model", model, "--tokens-file", "-", "--out", out, "--threads", 1, *options,
                     stdin=" ".join(map(str, tokens)).encode(), ALOUD_ISA=isa)
        if not check(result.returncode == 0 and os.path.exists(out), f"{model} {isa} {options}: {told(result)}"):
            return None
        return read_floats(out)


def test_short(model, isa):
    name = os.path.basename(model)[: -len(".gguf")]
    expected = read_floats(model[: -len(".gguf")] + ".logits.f32")
    found = logits(model, SHORT, isa)
    if found is None:
        return
    if not check(len(found) == len(expected), f"{name} {isa}: {len(found)} logits, expected {len(expected)}"):
        return
    kind = name.rsplit("-", 1)[1]
    if name.startswith("deepseek") and kind not in TOLERANCE:
        width = len(expected) // len(SHORT)
        errors = [relative_error(found[i: i + width], expected[i: i + width]) for i in range(0, len(expected), width)]
        error, flipped = statistics.median(errors), sum(e > FLIPPED_ERROR for e in errors)
        print(f"{name} {isa}: median position {error:.2%}, {flipped} of {len(errors)} above {FLIPPED_ERROR:.0%}")
        check(error <= QUANTISED_TOLERANCE, f"{name} {isa}: median error {error:.2%}, at most {QUANTISED_TOLERANCE:.0%}")
        check(flipped <= MAX_FLIPPED, f"{name} {isa}: {flipped} positions above {FLIPPED_ERROR:.0%}, at most {MAX_FLIPPED}")
    else:
        error, tolerance = relative_error(found, expected), TOLERANCE.get(kind, QUANTISED_TOLERANCE)
        print(f"{name} {isa}: {error:.3%}")
        check(error <= tolerance, f"{name} {isa}: error {error:.3%}, at most {tolerance:.1%}")

    stepwise = logits(model, SHORT, isa, "--chunk", 1)
    if stepwise is None:
        return
    check(stepwise == found, f"{name} {isa}: token by token is not the same as in one batch")

    exact = os.path.join(os.path.dirname(model), name.rsplit("-", 1)[0] + "-F32.logits.f32")
    if not name.startswith("deepseek") and kind not in TOLERANCE and os.path.exists(exact):
        exact = read_floats(exact)
        ours, theirs = divergence(found, exact, len(SHORT)), divergence(expected, exact, len(SHORT))
        print(f"{name} {isa}: divergence {ours:.2e}, llama.cpp {theirs:.2e}")
        check(ours <= max(DIVERGENCE_RATIO * theirs, DIVERGENCE_FLOOR),
              f"{name} {isa}: divergence {ours:.2e}, at most {DIVERGENCE_RATIO} x {theirs:.2e}")


def test_long(model, isa):
    name = os.path.basename(model)[: -len(".gguf")]
    expected = read_floats(model[: -len(".gguf")] + ".long.f32")
    found = logits(model, LONG, isa, "--last", LONG_LAST)
    if found is None:
        return
    if check(len(found) == len(expected), f"{name} long {isa}: {len(found)} logits, expected {len(expected)}"):
        error = relative_error(found, expected)
        print(f"{name} {isa}, {len(LONG)} tokens: {error:.3%}")
        check(error <= LONG_TOLERANCE, f"{name} long {isa}: error {error:.3%}, at most {LONG_TOLERANCE:.0%}")


def test_cache_types(model):
    """Coarser types of the cache round more, but not much."""
    expected = read_floats(model[: -len(".gguf")] + ".logits.f32")
    errors = {}
    for kind, tolerance in CACHE_TOLERANCE.items():
        found = logits(model, SHORT, "", "--kv-type", kind)
        if found is None:
            return
        errors[kind] = relative_error(found, expected)
        check(errors[kind] <= tolerance, f"{model} cache {kind}: error {errors[kind]:.3%}, at most {tolerance:.1%}")
    print(f"{os.path.basename(model)}, cache: " + ", ".join(f"{kind} {error:.3%}" for kind, error in errors.items()))
    check(len(set(errors.values())) == len(errors), f"{model}: --kv-type changes nothing: {errors}")


def supported(isa):
    """Scalar always is; of the others only those that this processor lacks may be left out, and that is told."""
    result = run("logits", "--tokens", "1", "--out", os.devnull, ALOUD_ISA=isa)
    if isa != "scalar" and result.returncode == 1 and b"does not support" in result.stderr:
        print(f"left out: {isa}, which this processor does not have")
        return False
    return True


def main():
    program()
    folders = sys.argv[2:] or [os.path.join(DATA, "logits")]
    models = [path for folder in folders for path in sorted(glob.glob(os.path.join(folder, "*.gguf")))
              if os.path.exists(path[: -len(".gguf")] + ".logits.f32")]
    check(models, f"no models with logits in {', '.join(folders)}")
    jobs = []
    for isa in filter(supported, ("scalar", "avx2", "avxvnni", "avx512")):
        for model in models:
            if os.path.exists(model[: -len(".gguf")] + ".long.f32"):
                jobs.insert(0, (test_long, model, isa))  # the slow ones first
            jobs.append((test_short, model, isa))
    jobs += [(test_cache_types, model) for model in models if model.endswith(("qwen2-F16.gguf", "deepseek3-F16.gguf"))]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        for job in [threads.submit(*job) for job in jobs]:
            job.result()
    print(f"{len(models)} models")
    finish()


main()
