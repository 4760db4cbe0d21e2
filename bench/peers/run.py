#!/usr/bin/env python3
"""Runs the same model files through llama.cpp and aloud in turn and prints how they compare.

llama.cpp comes from npm, with its own choice among the variants that it was built in for kinds of processors (or with
--avx2, and aloud likewise, the one for AVX2). Everything lies in build/peers. Needs npm, git, g++ and 3 GB of disk, and
a machine with nothing else to do."""
import argparse
import json
import os
import pathlib
import subprocess
import sys

from llama_cpp import LIBRARIES, SOURCE, WORK, command, install, say

ALOUD = WORK.parent / "release" / "aloud"

PROMPT, GENERATE = 512, 64
# What is measured: a name for --only; shape and type of the model; numbers of sequences; tokens before they generate.
ROWS = [
    ("q4_k_m", "r1-distill-qwen-1.5b", "Q4_K_M", [1, 8, 32], 128),
    ("context", "r1-distill-qwen-1.5b", "Q4_K_M", [1], 8192),
    ("q8_0", "r1-distill-qwen-1.5b", "Q8_0", [1], 128),
    ("q4_0", "r1-distill-qwen-1.5b", "Q4_0", [1], 128),
    ("q6_k", "r1-distill-qwen-1.5b", "Q6_K", [1], 128),
    ("r1-mini", "r1-mini", "Q4_K_M", [1, 16], 128),
]
# What llama.cpp (the same version, its own llama-bench, idle) reached with 2 threads of a Zen 5 with AVX-512, in
# tokens/s. Where this script finds it more than 10 % slower on such a machine, these count.
ZEN5_FAMILY = 26
ZEN5_LLAMA = {
    ("q4_k_m", "prefill"): 128, ("q4_k_m", 1): 39.7, ("q4_k_m", 8): 63, ("q4_k_m", 32): 89, ("context", 1): 19,
    ("q8_0", "prefill"): 102, ("q8_0", 1): 24.2, ("q4_0", "prefill"): 188, ("q4_0", 1): 38.7,
    ("r1-mini", "prefill"): 333, ("r1-mini", 1): 103, ("r1-mini", 16): 189,
}
SLOWER = 0.9
# llama.cpp's variant for processors like Sapphire Rapids but for AMX, whose products crash with some shapes.
WITHOUT_AMX = "cooperlake"


def prepare():
    """Installs llama.cpp and builds the timing program."""
    install()
    program, source = WORK / "llama_bench", pathlib.Path(__file__).with_name("llama_bench.cc")
    if not program.exists() or program.stat().st_mtime < max(source.stat().st_mtime, SOURCE.stat().st_mtime):
        parts = [next(LIBRARIES.glob(name)).name for name in ("libllama.v*.so", "libggml.v*.so", "libggml-base*.so")]
        command("g++", "-std=c++20", "-O2", f"-I{SOURCE}/include", f"-I{SOURCE}/ggml/include", source, "-o", program,
                f"-L{LIBRARIES}", *(f"-l:{part}" for part in parts), f"-Wl,-rpath,{LIBRARIES}")
    return program


def model_file(shape, kind):
    path = WORK / f"{shape}-{kind}.gguf"
    if not path.exists():
        say("writing", path.name)
        command(ALOUD, "bench", "--shape", shape, "--type", kind, "--write", path)
    return path


def run_aloud(model, threads, sequences, context, avx2, prompt=PROMPT, generate=GENERATE):
    environment = {**os.environ, **({"ALOUD_ISA": "avx2"} if avx2 else {})}
    return json.loads(command(ALOUD, "bench", "--json", "--model", model, "--threads", threads, "--prompt", prompt,
                              "--generate", generate, "--sequences", ",".join(map(str, sequences)), "--context", context,
                              env=environment))


def run_llama(program, model, threads, sequences, context, avx2):
    """Its best with and without flash attention; where its choice for the processor crashes, of the one before that."""
    runs = []
    for flash in ("off", "on"):
        words = [program, LIBRARIES, model, threads, PROMPT, GENERATE, ",".join(map(str, sequences)), context, flash]
        for variant in ["haswell"] if avx2 else [None, WITHOUT_AMX]:
            run = subprocess.run([str(word) for word in words + [variant] * (variant is not None)], stdout=subprocess.PIPE, text=True)
            if run.returncode == 0:
                runs.append(json.loads(run.stdout))
                break
            say("llama.cpp failed:", *run.args[7:])
    if not runs:
        sys.exit("llama.cpp cannot do that")
    best = dict(runs[0])
    for other in runs[1:]:
        best["prefill_tokens_per_second"] = max(best["prefill_tokens_per_second"], other["prefill_tokens_per_second"])
        best["load_ms"], best["rss_mb"] = min(best["load_ms"], other["load_ms"]), min(best["rss_mb"], other["rss_mb"])
        best["decode"] = [max(pair, key=lambda d: d["tokens_per_second"]) for pair in zip(best["decode"], other["decode"])]
    return best


def peer_speed(row, measure, found, aloud):
    """llama.cpp's tokens/s that count, and whether they are those of the table above."""
    known = ZEN5_LLAMA.get((row, measure))
    same_machine = (aloud["machine"]["family"], aloud["isa"], aloud["threads"]) == (ZEN5_FAMILY, "avx512", 2)
    if known and same_machine and found < SLOWER * known:
        return known, True
    return found, False


def print_row(what, ours, theirs, ratio, read="", compute=""):
    print(f"| {what} | {ours} | {theirs} | {ratio} | {read} | {compute} |", flush=True)


def compare(row, aloud, llama, first_load_ms):
    """Prints a table: speeds as ratios where more is better, load time and memory where less is."""
    _, shape, kind, _, context = row
    print(f"\n{shape} {kind}, {aloud['threads']} threads, aloud {aloud['isa']}, llama.cpp {llama['variant']}, "
          f"{aloud['machine']['processor']}, {aloud['date']}; reads {aloud['limits']['read_gb_per_s']:.1f} GB/s, "
          f"int8 {aloud['limits']['int8_gops']:.0f} Gop/s"
          + (f"; suspect: {', '.join(aloud['suspect_limits'])}" if aloud["suspect_limits"] else "") + "\n")
    print_row("measure", "aloud", "llama.cpp", "ratio", "of reading", "of arithmetic")
    print_row("---", "---:", "---:", "---:", "---:", "---:")
    shares = aloud["share_of_limit"]

    def speed(what, measure, ours, found, read, compute):
        theirs, from_table = peer_speed(row[0], measure, found, aloud)
        print_row(what, f"{ours:.1f}", f"{theirs:.1f}" + (f" (known; here {found:.1f})" if from_table else ""),
                  f"{ours / theirs:.2f}x", read, compute)

    speed(f"prefill {PROMPT}, tokens/s", "prefill", aloud["prefill_tokens_per_second"], llama["prefill_tokens_per_second"],
          "", f"{shares['prefill_compute']:.0%}")
    for ours, theirs, read, compute in zip(aloud["decode"], llama["decode"], shares["decode_read"], shares["decode_compute"]):
        speed(f"decode x{ours['sequences']} at {context}, tokens/s", ours["sequences"], ours["tokens_per_second"],
              theirs["tokens_per_second"], f"{read:.0%}", f"{compute:.0%}")
    for what, ours in (("load the first time, ms", first_load_ms), ("load again, ms", aloud["load_ms"])):
        print_row(what, f"{ours:.0f}", f"{llama['load_ms']:.0f}", f"{ours / llama['load_ms']:.2f}x")
    print_row("memory after the prefill, MB", f"{aloud['rss_mb']:.0f}", f"{llama['rss_mb']:.0f}",
              f"{aloud['rss_mb'] / llama['rss_mb']:.2f}x")


def main():
    names = [row[0] for row in ROWS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some of {','.join(names)}")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--avx2", action="store_true", help="neither program uses more than AVX2")
    parser.add_argument("--json", help="append both programs' results to this file, a line per row")
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else names
    if set(chosen) - set(names):
        parser.error(f"--only: {', '.join(set(chosen) - set(names))} is not one of {', '.join(names)}")
    program = prepare()
    for row in ROWS:
        name, shape, kind, sequences, context = row
        if name not in chosen:
            continue
        model = model_file(shape, kind)
        model.touch()  # what aloud may have kept beside it counts no longer
        with open(model, "rb") as file:  # into memory, where it is for all others
            while file.read(1 << 24):
                pass
        say("aloud, first load:", model.name)
        first_load_ms = run_aloud(model, options.threads, [1], 1, options.avx2, prompt=1, generate=1)["load_ms"]
        say("llama.cpp:", model.name)
        llama = run_llama(program, model, options.threads, sequences, context, options.avx2)
        say("aloud:", model.name)
        aloud = run_aloud(model, options.threads, sequences, context, options.avx2)
        compare(row, aloud, llama, first_load_ms)
        if options.json:
            with open(options.json, "a") as file:
                print(json.dumps({"row": name, "aloud": aloud, "llama": llama, "first_load_ms": first_load_ms}), file=file)


main()
