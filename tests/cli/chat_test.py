"""The terminal chat as a person meets it, in a pseudo-terminal, and as other programs call it."""
import ctypes
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

from harness import DATA, check, finish, program, run, told

MODEL = os.path.join(os.path.dirname(os.path.dirname(DATA)), "models", "default.gguf")
PATIENCE_S = 120
CTRL_C, CTRL_D, UP, CLEAR_LINE = "\x03", "\x04", "\x1b[A", "\x15"
# With its ends of turn and of thoughts forbidden the default model writes until the context is full.
ENDLESS = ("--logit-bias", "763=-100", "--logit-bias", "767=-100", "--threads", "1")


class Terminal:
    """`aloud chat` in a terminal of its own."""

    def __init__(self, *arguments, folder, **environment):
        self.master, slave = pty.openpty()
        self.resize(24, 80)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        settings = {"PATH": os.environ["PATH"], "HOME": folder, "TERM": "xterm", "LC_ALL": "C.UTF-8",
                    "XDG_STATE_HOME": folder, **environment}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                settings[name] = os.environ[name]
        self.process = subprocess.Popen([program(), "chat", *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave,
                                        cwd=folder, env=settings, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.seen = ""   # everything so far
        self.mark = 0    # up to here it was expected already

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def read_some(self, timeout_s):
        if not select.select([self.master], [], [], timeout_s)[0]:
            return False
        try:
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        except OSError:  # the other side is closed
            return False
        return True

    def expect(self, pattern, what):
        """Waits for a regular expression after what was expected before; returns the text up to its end."""
        end = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.seen[self.mark:])):
            if time.monotonic() > end or (not self.read_some(1) and self.ended()):
                check(False, f"{what}: expected {pattern!r}, saw {self.seen[self.mark:][-600:]!r}")
                return ""
        text = self.seen[self.mark:self.mark + found.end()]
        self.mark += found.end()
        return text

    def prompt(self, what):
        # Bracketed paste is switched on before each prompt; what is drawn anew later has only the prompt.
        return self.expect(r"\x1b\[\?2004h\r?> ", what)

    def ask(self, text, what):
        """Types a line; returns what is shown until the next prompt."""
        self.type(text + "\r")
        return self.prompt(what)

    def ended(self):
        return self.process.poll() is not None

    def expect_end(self, code, what):
        end = time.monotonic() + PATIENCE_S
        while not self.ended() and time.monotonic() < end:
            self.read_some(0.05)
        if not check(self.ended(), f"{what}: it did not end; saw {self.seen[-300:]!r}"):
            self.process.kill()
            self.process.wait()
            return
        check(self.process.returncode == code, f"{what}: exit code {self.process.returncode}, expected {code}; saw {self.seen[-300:]!r}")
        after = termios.tcgetattr(self.slave)
        check(after[3] == self.before[3], f"{what}: the terminal's modes were {self.before[3]:o} and are {after[3]:o}")


def plain(text):
    """What remains on the screen, about: without escape sequences and carriage returns."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


def conversation(folder):
    """Asks, asks again, edits, recalls, saves and leaves."""
    terminal = Terminal("--temperature", 0, folder=folder)
    hello = terminal.prompt("start")
    check("context 2048" in hello and "/help" in hello, f"greeting {hello!r}")
    first = terminal.ask("What is 27*14?", "first question")
    check("27*14 = **378**" in plain(first), f"27*14: {first!r}")
    check(re.search(r"thought for [\d.]+ s, \d+ tokens", first), f"no time of the thought: {first!r}")
    check("\x1b[2m" in first, f"the thought is not dimmed: {first!r}")
    answer = first[first.rindex("\x1b[0m"):]
    check("378" in answer and "\x1b[2m" not in answer, f"the answer is not plain: {answer!r}")
    check("<think>" not in first and "</think>" not in first, f"a tag leaked: {first!r}")

    terminal.type("What is 99*99?")
    terminal.expect(r"99\*99\?", "echo")
    terminal.type(CTRL_C)
    terminal.prompt("Ctrl-C in a line that is not empty")
    recalled = terminal.ask(UP, "the line before, again")
    check("What is 27*14?" in plain(recalled) and "thought for" in recalled, f"recalled: {recalled[-300:]!r}")
    help_text = terminal.ask("/help", "/help")
    for command in ("/clear", "/think", "/model", "/save", "/exit"):
        check(command in help_text, f"/help does not name {command}")
    check("unknown command" in terminal.ask("/dance", "/dance"), "an unknown command is not refused")

    saved = os.path.join(folder, "chat.json")
    terminal.ask(f"/save {saved}", "/save")
    with open(saved, encoding="utf-8") as file:
        messages = json.load(file)
    check([m["role"] for m in messages] == ["user", "assistant"] * 2, f"saved: {messages}")
    check("378" in messages[1]["content"] and "27*14" in messages[1]["reasoning_content"], f"saved: {messages}")
    check(messages[2]["content"] == "What is 27*14?", f"the question that was recalled: {messages[2]}")
    check(os.stat(saved).st_mode & 0o777 == 0o600, "others may read the saved conversation")
    occupied = os.path.join(folder, "mine.md")
    with open(occupied, "w", encoding="utf-8") as file:
        file.write("mine")
    terminal.ask(f"/save {occupied}", "/save over another file")
    with open(occupied, encoding="utf-8") as file:
        check(file.read() == "mine", "/save overwrote a file that was there")
    terminal.ask("/clear", "/clear")
    terminal.ask(f"/save {saved}2.json", "/save after /clear")
    with open(saved + "2.json", encoding="utf-8") as file:
        check(json.load(file) == [], "/clear left messages")
    terminal.type("/exit\r")
    terminal.expect_end(0, "/exit")

    history = os.path.join(folder, "aloud", "history")
    check(os.stat(history).st_mode & 0o777 == 0o600, "others may read the history")
    terminal = Terminal(folder=folder)
    terminal.prompt("second start")
    terminal.type(UP)
    terminal.expect(re.escape("/exit"), "the history of the last time")
    terminal.type(CLEAR_LINE + CTRL_D)
    terminal.expect_end(0, "Ctrl-D")


def commands(folder):
    terminal = Terminal("--temperature", 0, folder=folder)
    terminal.prompt("start")
    check("thinking: off" in terminal.ask("/think off", "/think off"), "/think off")
    check("thought for" not in terminal.ask("What is 27*14?", "without a thought"), "a thought although it is off")
    check("at most 5" in terminal.ask("/think 5", "/think 5"), "/think 5")
    terminal.ask("/clear", "/clear")
    cut = terminal.ask("What is 27*14?", "a short thought")
    check("5 tokens (its budget)" in cut and "**" in cut, f"with a budget of 5: {cut!r}")
    check("thinking: on" in terminal.ask("/think on", "/think on"), "/think on")
    check("/think takes" in terminal.ask("/think perhaps", "/think perhaps"), "/think perhaps")
    missing = terminal.ask("/model /missing.gguf", "/model with a missing file")
    check("/missing.gguf: No such file" in missing, f"/model with a missing file: {missing!r}")
    broken = os.path.join(folder, "broken.gguf")
    with open(broken, "wb") as file:
        file.write(b"GGUF\x03\0\0\0 and no more")
    check("broken.gguf" in terminal.ask(f"/model {broken}", "/model with a broken file"), "/model with a broken file")
    check("deepseek2" in terminal.ask(f"/model {MODEL}", "/model"), "/model FILE does not name the model")
    terminal.ask("/clear", "/clear")
    check("378" in plain(terminal.ask("What is 27*14?", "the other model")), "the model loaded by /model")
    terminal.type(CTRL_C)
    terminal.expect_end(0, "Ctrl-C at an empty prompt")


def any_thread(folder):
    """A signal of the process may be given to any of its threads; the one that waits for input must learn of it."""
    terminal = Terminal("--threads", 2, folder=folder)
    terminal.prompt("start")
    process = terminal.process.pid
    others = [int(thread) for thread in os.listdir(f"/proc/{process}/task") if int(thread) != process]
    if check(others, "no other thread"):
        check(ctypes.CDLL(None).tgkill(process, others[0], int(signal.SIGINT)) == 0, "tgkill")
    terminal.expect_end(0, "SIGINT to a worker at an empty prompt")


def interruptions(folder):
    terminal = Terminal(*ENDLESS, folder=folder)
    terminal.prompt("start")
    terminal.type("What is 27*14?\r")
    terminal.expect("\x1b\\[2m.+", "the thought begins")
    terminal.type(CTRL_C)
    terminal.expect(r"\(stopped\)", "Ctrl-C in a reply")
    terminal.prompt("the prompt after Ctrl-C")
    saved = os.path.join(folder, "stopped.json")
    terminal.ask(f"/save {saved}", "/save")
    with open(saved, encoding="utf-8") as file:
        messages = json.load(file)
    check(len(messages) == 2 and messages[1].get("reasoning_content"), f"the stopped reply was not kept: {messages}")

    terminal.ask("/clear", "/clear")
    full = terminal.ask("Add 2 and 3.", "until the context is full")
    check(re.search(r"context of 2048 tokens is full", plain(full)) and "/clear" in full, f"a full context: {full[-300:]!r}")
    answer = plain(full).split("thought for", 1)[-1].split("\n", 1)[-1]
    check(answer.strip() and "(its budget)" in full, f"an endless thought gave no answer: {full[-300:]!r}")
    refused = terminal.ask(f"\x1b[200~{'1 + ' * 1200}\x1b[201~", "a prompt that does not fit")
    check(re.search(r"prompt has \d+ tokens, but the context holds 2048", plain(refused)) and "/clear" in refused,
          f"a prompt that does not fit: {refused[-300:]!r}")

    terminal.ask("/clear", "/clear")
    terminal.type("Add 6 and 7.\r")
    terminal.expect("\x1b\\[2m.+", "the thought begins")
    terminal.type("next")  # while it writes: not shown in between, there afterwards
    terminal.type(CTRL_C)
    time.sleep(0.1)  # two signals at once would be one
    terminal.type(CTRL_C)
    terminal.expect_end(130, "Ctrl-C twice")


def typing(folder):
    """UTF-8, pasting, long lines, another window size."""
    terminal = Terminal("--temperature", 0, folder=folder, LC_ALL="zh_CN.UTF-8")
    terminal.prompt("start")
    # One byte after the other, as slow connections bring them.
    for byte in "27乘以14是多少？".encode():
        os.write(terminal.master, bytes([byte]))
        time.sleep(0.005)
    reply = terminal.ask("", "Chinese")
    check("27乘以14是多少？" in plain(reply), f"the typed Chinese is not shown: {reply!r}")
    check("378" in plain(reply) and "思考了" in reply, f"Chinese: {reply!r}")
    terminal.ask("/clear", "/clear")
    check("⏎" in terminal.ask("\x1b[200~Add 12\nand 30.\x1b[201~", "pasted lines"), "pasted lines were not kept together")
    terminal.ask("two\\\rlines", "a line that goes on")
    long_paste = "\n".join(f"line {i}" for i in range(60))
    terminal.ask(f"\x1b[200~{long_paste}\x1b[201~", "a long paste")
    saved = os.path.join(folder, "pasted.json")
    terminal.ask(f"/save {saved}", "/save")
    with open(saved, encoding="utf-8") as file:
        asked = [m["content"] for m in json.load(file) if m["role"] == "user"]
    check(asked == ["Add 12\nand 30.", "two\nlines", long_paste], f"pasted and typed: {asked}")
    terminal.ask("/clear", "/clear")

    terminal.type("Add 100 and 200 ")
    terminal.expect("200", "echo")
    terminal.resize(24, 20)
    time.sleep(0.3)
    terminal.type("please, now.")
    resized = terminal.ask("", "after a new window size")
    check("思考了" in resized, f"no reply after a new window size: {resized[-300:]!r}")
    terminal.ask("/clear", "/clear")
    terminal.resize(24, 100)
    check("378" in plain(terminal.ask("What is 27*14?", "after another")), "no answer after another window size")
    terminal.ask(f"/save {saved}.json", "/save")
    with open(saved + ".json", encoding="utf-8") as file:
        check(len(json.load(file)) == 2, "a new window size sent something")
    terminal.type("/exit\r")
    terminal.expect_end(0, "/exit")


def hostile_name(folder):
    """A model's name that steers terminals is shown, not obeyed."""
    with open(MODEL, "rb") as file:
        content = file.read()
    name = b"Aloud Bootstrap 2.6M"
    check(content.count(name) == 1, "the default model has another name")
    path = os.path.join(folder, "named.gguf")
    with open(path, "wb") as file:
        file.write(content.replace(name, b"\x1b[31mRED\x9b31m\x07\x1b]0;ttt"))
    terminal = Terminal("--model", path, folder=folder)
    hello = terminal.prompt("start")
    check("\x1b[31m" not in hello and "\x07" not in hello and "\\x1b[31mRED" in hello, f"a raw name: {hello!r}")
    terminal.type(CTRL_D)
    terminal.expect_end(0, "Ctrl-D")


def one_shot():
    greedy = ("--temperature", 0)
    piped = run("chat", *greedy, stdin=b"What is 27*14?\n")
    check(piped.returncode == 0 and b"378" in piped.stdout and not piped.stderr, f"piped: {told(piped)}")
    check(re.search(rb"thought for [\d.]+ s, \d+ tokens\n\n", piped.stdout), f"thought and answer: {told(piped)}")
    both = run("chat", *greedy, "--json", "What is", stdin=b"27*14?")
    alone = run("chat", *greedy, "--json", "What is\n\n27*14?")
    check(json.loads(both.stdout)["answer"] == json.loads(alone.stdout)["answer"], f"PROMPT and stdin: {told(both)}")
    check(json.loads(both.stdout)["usage"] == json.loads(alone.stdout)["usage"], f"PROMPT and stdin: {told(both)}")
    words = run("chat", *greedy, "Add", "3", "and", "4.")
    check(b"**7**" in words.stdout, f"several words: {told(words)}")
    dashes = run("chat", *greedy, "--", "-5+3=?")
    check(dashes.returncode == 0, f"a prompt that begins with a dash: {told(dashes)}")
    hidden = run("chat", *greedy, "--hide-thought", "What is 27*14?")
    check(b"108" not in hidden.stdout and b"378" in hidden.stdout, f"--hide-thought: {told(hidden)}")
    stopped = json.loads(run("chat", *greedy, "--json", "--stop", "= **", "--stop", "zzz", "What is 27*14?").stdout)
    check(stopped["answer"] == "27*14 " and stopped["finish_reason"] == "stop", f"--stop: {stopped}")
    short = json.loads(run("chat", *greedy, "--json", "--max-tokens", 12, "What is 27*14?").stdout)
    check(short["finish_reason"] == "length" and short["usage"]["completion_tokens"] == 12 and short["answer"],
          f"--max-tokens: {short}")
    full = json.loads(run("chat", *greedy, "--json", *ENDLESS, "--context", 60, "What is 27*14?").stdout)
    check(full["finish_reason"] == "context" and full["answer"], f"a full context: {full}")
    for arguments, code, name in ((["--temperature", "9", "Hi"], 2, b"temperature"), (["--top-p", "nan", "Hi"], 2, b"top_p"),
                                  (["--logit-bias", "1:x", "Hi"], 2, b"logit_bias"), (["--logit-bias", "768=1", "Hi"], 2, b"768"),
                                  (["--think", "maybe", "Hi"], 2, b"--think"), (["--effort", "huge", "Hi"], 2, b"--effort"),
                                  (["--json"], 2, b"empty"), ([" "], 2, b"empty")):
        result = run("chat", *arguments)
        check(result.returncode == code and name in result.stderr and result.stderr.count(b"\n") == 1 and not result.stdout,
              f"{arguments}: {told(result)}")


def eval_command(folder):
    path = os.path.join(folder, "problems.jsonl")

    def evaluate(*lines):
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        return run("eval", "--json", "--problems", path)

    good = evaluate('{"prompt": "What is 27*14?", "answer": 378}', "", '{"prompt": "Add 3 and 4.", "answer": "7"}',
                    '{"prompt": "Add 1 and 1.", "answer": "3"}')
    if check(good.returncode == 0, f"eval: {told(good)}"):
        score = json.loads(good.stdout)
        check(score["problems"] == 3 and score["correct"] == 2 and score["mean_thinking_tokens"] > 5, f"eval: {score}")
        check(abs(score["interval95"][0] - 0.2077) < 1e-3 and abs(score["interval95"][1] - 0.9385) < 1e-3, f"Wilson: {score}")
    for bad in ("no JSON", '["a"]', '{"prompt": "a"}', '{"prompt": 1, "answer": "1"}', '{"prompt": "a", "answer": null}'):
        refused = evaluate('{"prompt": "a", "answer": "1"}', bad)
        check(refused.returncode == 1 and b"line 2" in refused.stderr and refused.stderr.count(b"\n") == 1,
              f"{bad}: {told(refused)}")


def main():
    program()
    with tempfile.TemporaryDirectory() as folder:
        for part in (conversation, commands, any_thread, interruptions, typing, hostile_name, eval_command):
            inside = os.path.join(folder, part.__name__)
            os.mkdir(inside)
            part(inside)
    one_shot()
    finish()


main()
