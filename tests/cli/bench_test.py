"""aloud bench measures every combination that was asked for and its shares follow from what else it tells."""
import json
import math
import os
import signal
import subprocess
import tempfile
import time

from harness import check, finish, program, run, told

CALL_SECONDS = 300
SHORT = ["--prompt", "32", "--generate", "4", "--repeats", "1"]


def results(*arguments, **environment):
    """The lines of `aloud bench --json`, parsed."""
    result = run("bench", "--json", *SHORT, *arguments, timeout=CALL_SECONDS, **environment)
    if not check(result.returncode == 0 and not result.stderr, f"bench {arguments}: {told(result)}"):
        return []
    return [json.loads(line) for line in result.stdout.decode().splitlines()]


def near(a, b):
    return math.isclose(a, b, rel_tol=1e-9)


def check_shares(result):
    limits, shares, cost = result["limits"], result["share_of_limit"], result["cost"]
    speed = result["prefill_tokens_per_second"]
    # The default model's weights are quantised but for its routers, whose share of the work is small. Some processors
    # multiply bfloat16 more slowly than float32.
    least = 2e-9 * cost["prompt_token_macs"] * speed / limits["int8_gops"]
    most = 2e-9 * cost["prompt_token_macs"] * speed / min(limits[kind] for kind in ("int8_gops", "bf16_gops", "fp32_gops") if limits[kind])
    check(0.9 * least <= shares["prefill_compute"] <= 1.1 * most, f"prefill_compute: {result}")
    check(len(shares["decode_read"]) == len(shares["decode_compute"]) == len(result["decode"]), f"shares: {result}")
    for decode, share in zip(result["decode"], shares["decode_read"]):
        caches = decode["sequences"] * (decode["context"] + result["generated_tokens"] / 2) * cost["kv_bytes_per_token"]
        steps = 1e-9 * decode["tokens_per_second"] / decode["sequences"] / limits["read_gb_per_s"]
        check(steps * (cost["shared_bytes"] + caches) <= share * (1 + 1e-9)
              and share <= (1 + 1e-9) * steps * (cost["shared_bytes"] + cost["expert_bytes"] + caches),
              f"decode_read {share}: {result}")


def test_sweeps():
    found = results("--sequences", "1,3", "--context", "64,16", "--threads", "1,2")
    check([r["threads"] for r in found] == [1, 2], f"one line for each number of threads: {found}")
    for result in found:
        points = [(d["context"], d["sequences"]) for d in result["decode"]]
        check(points == [(64, 1), (64, 3), (16, 1), (16, 3)], f"every combination, as asked: {points}")
        check(all(d["tokens_per_second"] > 0 for d in result["decode"]), f"speeds: {result}")
        check(result["load_ms"] > 0 and result["rss_mb"] > 1 and result["prefill_tokens_per_second"] > 0, f"{result}")
        check(result["prompt_tokens"] == 32 and result["generated_tokens"] == 4, f"lengths: {result}")
        check(result["machine"]["processor"] and result["date"][:2] == "20" and result["kv_type"] == "F16", f"{result}")
        check_shares(result)


def test_choices():
    wide, narrow = results(ALOUD_ISA="scalar"), results("--kv-type", "Q8_0")
    if wide and narrow:
        check(wide[0]["isa"] == "scalar" and wide[0]["limits"]["bf16_gops"] is None, f"scalar: {wide}")
        check(narrow[0]["kv_type"] == "Q8_0", f"kv type: {narrow}")
        bytes_per_token = [r[0]["cost"]["kv_bytes_per_token"] for r in (wide, narrow)]
        check(near(bytes_per_token[1] / bytes_per_token[0], 34 / 64), f"bytes of keys and values: {bytes_per_token}")


def test_table():
    result = run("bench", *SHORT, "--sequences", "2", "--context", "16", timeout=CALL_SECONDS)
    text = result.stdout.decode()
    check(result.returncode == 0 and not result.stderr, told(result))
    for part in ("GB/s", "prefill 32", "decode x2, context 16", "%", "load", "resident"):
        check(part in text, f"the table lacks {part!r}: {text!r}")
    check(max(map(len, text.splitlines())) <= 100, f"the table is wider than a terminal: {text!r}")


def test_stop():
    """Ctrl-C while a large file is written: one line, and nothing stays behind."""
    with tempfile.TemporaryDirectory() as folder:
        words = [program(), "bench", "--shape", "r1-distill-llama-8b", "--type", "F32", "--write", os.path.join(folder, "big.gguf")]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + CALL_SECONDS
        while not os.listdir(folder) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=CALL_SECONDS)
        check(process.returncode == 1 and not out and error == b"aloud bench: stopped\n",
              f"after SIGINT: exit code {process.returncode}, {out!r}, {error!r}")
        check(not os.listdir(folder), f"left behind: {os.listdir(folder)}")


def test_usage():
    for arguments, word in ((["--sequences", "0"], b"--sequences"), (["--context", "many"], b"--context"),
                            (["--threads", "1,x"], b"--threads"), (["--kv-type", "Q4_K"], b"--kv-type"),
                            (["--write", "file.gguf"], b"--write")):
        result = run("bench", *arguments)
        check(result.returncode == 2 and word in result.stderr and not result.stdout, f"{arguments}: {told(result)}")
    too_long = run("bench", *SHORT, "--context", "1000000")
    check(too_long.returncode == 1 and b"1000004" in too_long.stderr and not too_long.stdout, f"too long: {told(too_long)}")


def main():
    program()
    test_sweeps()
    test_choices()
    test_table()
    test_stop()
    test_usage()
    finish()


main()
