"""Ten megabytes of each class of characters become tokens, and twice as many take about twice the time."""
import glob
import json
import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
from harness import check, finish, program, run, told  # noqa: E402

BYTES = 10_000_000
LARGEST_RATIO = 2.2
ATTEMPTS = 3  # the best of so many: others may have had the caches

CLASSES = {
    "letters": "abcdefghijklmnopqrstuvwxyz".encode(),
    "one letter": b"a",
    "capitals and small": b"aB",
    "words": b"The quick brown fox jumps over the lazy dog. ",
    "digits": b"1234567890",
    "spaces": b" ",
    "newlines": b"\n",
    "spaces and newlines": b" \n  \r\n\t",
    "punctuation": b"!?.,;:-+*/()[]{}<>",
    "apostrophes": b"'s't're've'm'll'd",
    "CJK": "天地玄黄宇宙洪荒日月盈昃辰宿列张".encode(),
    "emoji": "😀👩‍👩‍👧‍👦🏳️‍🌈🇨🇳".encode(),
    "combining marks": "e\u0301\u0302\u0303\u0304".encode(),
    "only combining marks": "\u0301".encode(),
    "invalid UTF-8": b"\xff\xfe\x80\xc3\xf0\x9f",
    "markup": "<think></think><｜User｜><|im_end|>".encode(),
}


def children_seconds():
    """What finished child processes used: it does not grow when others use the machine."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def seconds(model, text):
    """The processor's time to tokenise text, or None after a failure that was noted."""
    begin = children_seconds()
    result = run("tokenize", "--json", *model, "-", stdin=text)
    elapsed = children_seconds() - begin
    if not check(result.returncode == 0, f"{model} {text[:20]!r}: {told(result)}"):
        return None
    count = len(json.loads(result.stdout)["ids"])
    check(0 < count <= len(text), f"{model} {text[:20]!r}: {count} tokens from {len(text)} bytes")
    return elapsed


def main():
    program()
    # The embedded model's vocabulary, and those of the folders given.
    models = [[]] + [["--model", path] for folder in sys.argv[2:] for path in sorted(glob.glob(os.path.join(folder, "*.gguf")))]
    for model in models:
        name = os.path.basename(model[1]) if model else "default"
        for kind, pattern in CLASSES.items():
            ratios = []
            for _ in range(ATTEMPTS):
                once, twice = (seconds(model, pattern * (factor * BYTES // len(pattern))) for factor in (1, 2))
                if once is None or twice is None:
                    break
                ratios.append(twice / once)
                if ratios[-1] <= LARGEST_RATIO:
                    break
            if ratios:
                print(f"{name}: {kind}: {once:.2f} s, twice as much {ratios[-1]:.2f} times that", flush=True)
                check(min(ratios) <= LARGEST_RATIO, f"{name}: {kind}: time ratios {ratios}, at most {LARGEST_RATIO}")
    finish()


main()
