"""The program without any file thinks and answers: the embedded model, as people and as programs see it."""
import json
import os

from harness import DATA, check, finish, program, run, told

FIELDS = {"thinking", "answer", "finish_reason", "usage", "timings"}
USAGE = {"prompt_tokens", "completion_tokens", "reasoning_tokens"}
TIMINGS = {"prefill_tokens_per_second", "decode_tokens_per_second", "time_to_first_token_ms"}
# What models/README.md states, less one point.
LOWEST_ACCURACY = 0.985


def reply(*arguments, **keywords):
    """The JSON object of a reply."""
    result = run("chat", "--json", *arguments, **keywords)
    check(result.returncode == 0, f"{arguments}: {told(result)}")
    return json.loads(result.stdout)


def main():
    program()
    plain = run("chat", "What is 27*14?", "--seed", 1)
    check(plain.returncode == 0 and b"378" in plain.stdout and b"\x1b" not in plain.stdout,
          f"chat into a pipe: {told(plain)}")

    greedy = reply("--temperature", 0, "What is 27*14?")
    check(FIELDS <= greedy.keys(), f"fields {sorted(greedy)}, expected {sorted(FIELDS)}")
    check(USAGE <= greedy["usage"].keys() and TIMINGS <= greedy["timings"].keys(), f"usage or timings: {greedy}")
    check("378" in greedy["answer"] and greedy["thinking"].strip(), f"27*14: {greedy}")
    check("<think>" not in str(greedy) and "</think>" not in str(greedy), f"a tag leaked: {greedy}")
    check(greedy["finish_reason"] == "stop", f"finish_reason {greedy['finish_reason']}")
    usage = greedy["usage"]
    check(0 < usage["reasoning_tokens"] < usage["completion_tokens"] and usage["prompt_tokens"] > 0, f"usage {usage}")

    chinese = reply("--temperature", 0, "27乘以14是多少？")
    check("378" in chinese["answer"], f"Chinese: {chinese}")
    piped = reply("--temperature", 0, stdin="What is 27*14?\n".encode())
    check(piped["answer"] == greedy["answer"], f"from stdin {piped['answer']!r}, as argument {greedy['answer']!r}")

    texts = {json.dumps([r["thinking"], r["answer"]])
             for r in (reply("--seed", 7, "--temperature", 1, *threads, "Add 123 and 456.")
                       for threads in (("--threads", 1), ("--threads", 2), ("--threads", 2, "--pin-threads")))}
    check(len(texts) == 1, f"the same seed gave {texts} with one thread, two, and two that are pinned")

    short = reply("--temperature", 0, "--think-tokens", 3, "What is 27*14?")
    check(short["answer"].strip() and short["usage"]["reasoning_tokens"] <= 5, f"with a budget of 3 tokens: {short}")

    problems = os.path.join(DATA, "model", "problems.jsonl")
    result = run("eval", "--json", "--problems", problems, timeout=900)
    if check(result.returncode == 0, f"eval: {told(result)}"):
        score = json.loads(result.stdout)
        print(score)
        with open(problems, "rb") as file:
            lines = sum(1 for _ in file)
        check(score["problems"] == lines, f"eval saw {score['problems']} of {lines} problems")
        check(score["accuracy"] >= LOWEST_ACCURACY, f"accuracy {score['accuracy']}, at least {LOWEST_ACCURACY}")
        check(score["interval95"][0] <= score["accuracy"] <= score["interval95"][1], f"interval {score}")
        check(abs(score["correct"] / lines - score["accuracy"]) < 1e-9, f"correct and accuracy differ: {score}")
    finish()


main()
