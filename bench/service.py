#!/usr/bin/env python3
"""How a server with a real model's shape holds up: full batches, a shared system prompt, people who leave, a heavy neighbour.

Each part prints one line; --only picks some. The model is one that `aloud bench --write` made up, written to
build/peers where it is missing. Needs a machine with nothing else to do."""
import argparse
import http.client
import itertools
import json
import os
import pathlib
import platform
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench" / "peers"))
from llama_cpp import server_program  # noqa: E402

ALOUD = ROOT / "build" / "release" / "aloud"
MODEL = ROOT / "build" / "peers" / "r1-distill-qwen-1.5b-Q4_K_M.gguf"
CHATS = 32
PEER_CONTEXT = 1024
POLL_SECONDS = 0.005


def say(*words):
    print(*words, flush=True)


def percentile(values, share):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def area_under_curve(less, more):
    """How often one of `more` is greater than one of `less`: 0.5 when nothing tells them apart."""
    wins = sum((b > a) + 0.5 * (b == a) for a in less for b in more)
    return wins / (len(less) * len(more))


def get(port, path):
    """Status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Server:
    """`aloud serve` on a free port, with a key for each user who is asked for."""

    def __init__(self, *options, model=None):
        self.folder = tempfile.TemporaryDirectory()
        data = ["--data", self.folder.name]
        self.keys = {}
        self.data = data
        self.process = subprocess.Popen([ALOUD, "serve", "--port", "0", *data, *(["--model", model] if model else []), *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline().strip().rsplit(":", 1)[1])
        while get(self.port, "/ready")[0] != 200:
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def key(self, user):
        if user not in self.keys:
            added = subprocess.run([ALOUD, "key", "add", user, *self.data], capture_output=True, text=True, check=True)
            self.keys[user] = re.search(r"\S{20,}", added.stdout).group()
        return self.keys[user]

    def sequences(self):
        """How many wait, read their prompts and generate."""
        text = get(self.port, "/metrics")[1]
        return {state: int(float(value)) for state, value in re.findall(r'^aloud_sequences{.*state="(\w+)".*} (\S+)$', text, re.M)}


class LlamaServer:
    """llama.cpp's server, for Chat, with a place for each chat."""

    def __init__(self, model):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen([server_program(), "--model", model, "--port", str(self.port), "--parallel", str(CHATS),
                                         "--ctx-size", str(CHATS * PEER_CONTEXT), "--threads", str(os.cpu_count())],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.is_ready():
            if self.process.poll() is not None:
                sys.exit(f"llama-server ended with {self.process.returncode}")
            time.sleep(0.2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def is_ready(self):
        try:
            return get(self.port, "/health")[0] == 200
        except OSError:
            return False


class Chat:
    """One streamed reply: begin() sends the request, pieces() tells when each piece came."""

    def __init__(self, server, prompt, tokens, user=None, **fields):
        body = json.dumps({"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "stream": True, **fields})
        key = f"Authorization: Bearer {server.key(user)}\r\n" if user else ""
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        self.begun = time.monotonic()
        self.socket.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{key}"
                            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])

    def pieces(self):
        for line in self.file:
            if line.startswith(b"data: [DONE]"):
                return
            if re.search(rb'content":"[^"]', line):
                yield time.monotonic()

    def first_token_seconds(self):
        return next(self.pieces()) - self.begun

    def leave(self):
        self.file.close()
        self.socket.close()


def words(count, seed):
    """A text that no other seed begins with; of so many tokens in a made-up vocabulary, where every letter is one."""
    letters = random.Random(seed)
    return "".join(letters.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(count))


def full_batch(server, users, seconds):
    """All chats generate for so long: tokens/s of all together, and the milliseconds between two tokens of a chat."""
    times = [[] for _ in range(CHATS)]
    enough = threading.Event()

    def follow(i):
        chat = Chat(server, words(100, i), 4000, user=users[i % len(users)])
        for moment in chat.pieces():
            times[i].append(moment)
            if enough.is_set():
                break
        chat.leave()

    threads = [threading.Thread(target=follow, args=(i,)) for i in range(CHATS)]
    for thread in threads:
        thread.start()
    while not all(len(own) > 1 for own in times):
        time.sleep(0.1)
    begin = time.monotonic()
    time.sleep(seconds)
    enough.set()
    end = time.monotonic()
    for thread in threads:
        thread.join()
    inside = [[t for t in own if begin <= t <= end] for own in times]
    return sum(map(len, inside)) / (end - begin), [1000 * (b - a) for own in inside for a, b in zip(own, own[1:])]


def batch(model, seconds):
    """All chats generate: their rate beside that of the engine alone."""
    alone = json.loads(subprocess.run([ALOUD, "bench", "--json", "--model", model, "--sequences", str(CHATS), "--context", "128"],
                                      capture_output=True, text=True, check=True).stdout)
    engine = alone["decode"][0]["tokens_per_second"]
    with Server(model=model) as server:
        users = [f"user{i}" for i in range(8)]
        for user in users:
            server.key(user)
        rate, gaps = full_batch(server, users, seconds)
    say(f"batch: {CHATS} chats {rate:.1f} tokens/s, the engine alone {engine:.1f}: {rate / engine:.1%}; "
        f"between tokens p50 {percentile(gaps, 50):.0f}, p95 {percentile(gaps, 95):.0f} ms")


def peer(model, seconds):
    """The same chats with llama.cpp's server and with ours, one after the other."""
    with LlamaServer(model) as server:
        their_rate, their_gaps = full_batch(server, [None], seconds)
    with Server(model=model) as server:
        rate, gaps = full_batch(server, [None], seconds)
    say(f"peer: {CHATS} chats {rate:.1f} tokens/s, llama-server {their_rate:.1f}: {rate / their_rate:.2f}x; between tokens p95 "
        f"{percentile(gaps, 95):.0f} ms, llama-server {percentile(their_gaps, 95):.0f} ms")


def system_prompt(model, _):
    """The operator's 2,000 tokens are read once."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(words(2000, 1))
        file.flush()
        with Server("--system-prompt-file", file.name, model=model) as server:
            waits = []
            for user in ("first", "second", "third"):
                chat = Chat(server, words(10, len(waits)), 4, user=user)
                waits.append(chat.first_token_seconds())
                chat.leave()
    say(f"system prompt: first token after {waits[0]:.2f} s, the second user's after {waits[1]:.2f} s "
        f"({waits[1] / waits[0]:.1%}), the third's after {waits[2]:.2f} s")


def probe(_, seconds):
    """Whether a stranger's prompt shows in the time to the first token: the model that ships, many tries."""
    known, unknown = [], []
    with Server() as server:
        for user in ("owner", "stranger"):
            server.key(user)
        deadline = time.monotonic() + 2 * seconds
        seed = 0
        while time.monotonic() < deadline and len(known) < 500:
            seed += 2
            prompt = "Please think about this: " + words(400, seed)
            chat = Chat(server, prompt, 1, user="owner")
            own = chat.first_token_seconds()
            chat.leave()
            order = [(prompt, known), ("Please think about this: " + words(400, seed + 1), unknown)]
            for text, waits in order if seed % 4 else order[::-1]:
                chat = Chat(server, text, 1, user="stranger")
                waits.append(chat.first_token_seconds())
                chat.leave()
    say(f"probe: {len(known)} pairs, AUC {area_under_curve(known, unknown):.3f} "
        f"(median {1000 * statistics.median(known):.1f} and {1000 * statistics.median(unknown):.1f} ms; the owner's first {1000 * own:.1f} ms)")


def free_after(server, state, chat):
    """Leaves and waits until the place is free."""
    begin = time.monotonic()
    chat.leave()
    while server.sequences()[state] > 0:
        time.sleep(POLL_SECONDS)
    return 1000 * (time.monotonic() - begin)


def wait_for(server, state):
    while server.sequences()[state] == 0:
        time.sleep(POLL_SECONDS)


def leaving(model, _):
    """People leave in the queue, while their prompt is read and while they are answered."""
    found = {}
    with Server("--sequences", "1", model=model) as server:
        found["answered"] = []
        for i in range(34):
            chat = Chat(server, words(8, i), 4000)
            next(chat.pieces())
            found["answered"].append(free_after(server, "generating", chat))
        found["read"] = []
        for i in range(34):
            chat = Chat(server, words(1500, i), 4000)
            wait_for(server, "reading")
            time.sleep(0.02 * i)
            found["read"].append(free_after(server, "reading", chat))
        found["waiting"] = []
        busy = Chat(server, words(8, 99), 100000)
        next(busy.pieces())
        for i in range(34):
            chat = Chat(server, words(100, i), 4000)
            wait_for(server, "waiting")
            found["waiting"].append(free_after(server, "waiting", chat))
        busy.leave()
    everything = [value for values in found.values() for value in values]
    say("leaving: free after " + ", ".join(f"{name} p50 {percentile(v, 50):.0f} p99 {percentile(v, 99):.0f} ms" for name, v in found.items())
        + f"; all p99 {percentile(everything, 99):.0f} ms of {len(everything)}")


def neighbour(model, _):
    """A light user's wait for the first token, alone and beside one with 100 requests in the queue."""
    with Server(model=model) as server:
        def light(count):
            waits = []
            for i in range(count):
                chat = Chat(server, words(100, 1000 + i), 8, user="light")
                waits.append(chat.first_token_seconds())
                for _ in chat.pieces():
                    pass
                chat.leave()
            return waits

        light(1)
        unloaded = light(10)
        server.key("heavy")
        heavy = []

        def add(i):
            chat = Chat(server, words(200, i), 400, user="heavy")
            heavy.append(chat)
            for _ in chat.pieces():
                pass

        threads = [threading.Thread(target=add, args=(i,), daemon=True) for i in range(100)]
        for thread in threads:
            thread.start()
        time.sleep(20)
        beside = light(10)
        queue = server.sequences()
    alone, loaded = percentile(unloaded, 95), percentile(beside, 95)
    say(f"neighbour: light user's first token p95 {alone:.2f} s alone, {loaded:.2f} s beside 100 requests of another "
        f"({loaded / alone:.2f}x); then {queue}")


def overload(model, seconds):
    """Goodput when twice as much comes as can be done."""
    seeds = itertools.count(1)  # no prompt twice: the second time it would be known

    def load(server, *options):
        # A word is about six tokens of a made-up vocabulary.
        return json.loads(subprocess.run([ALOUD, "bench", "serve", "--json", "--url", server.url, "--users", "8",
                                          *(part for user in range(8) for part in ("--key", server.key(f"user{user}"))),
                                          "--prompt-median", "10", "--prompt-longest", "30", "--output-median", "40",
                                          "--output-longest", "150", "--seconds", str(2 * seconds), "--goal-first-token-ms", "30000",
                                          "--goal-between-tokens-ms", "1500", "--seed", str(next(seeds)), *options],
                                         capture_output=True, text=True, check=True).stdout)

    with Server("--queue", "16", model=model) as server:
        full = load(server, "--concurrency", str(CHATS))
        peak = full["requests_per_second"]
        results = {"all chats always busy": full}
        for times in (1, 2):
            results[f"{times}x, {times * peak:.2f} requests/s"] = load(server, "--rate", f"{times * peak:.3f}")
    goodput = {name: result["goodput"]["output_tokens_per_second"] for name, result in results.items()}
    for name, result in results.items():
        say(f"overload, {name}: goodput {goodput[name]:.1f} tokens/s ({goodput[name] / max(goodput.values()):.1%} of the best), "
            f"{result['completed']} of {result['requests']} completed, refused {result['errors']}, "
            f"first token p95 {result['first_token_ms']['p95']:.0f} ms, between tokens p95 {result['between_tokens_ms']['p95']:.0f} ms")


PARTS = {part.__name__: part for part in (batch, peer, system_prompt, probe, leaving, neighbour, overload)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some of {','.join(PARTS)}")
    parser.add_argument("--model", type=pathlib.Path, default=MODEL)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    if not options.model.exists():
        options.model.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([ALOUD, "bench", "--shape", "r1-distill-qwen-1.5b", "--type", "Q4_K_M", "--write", options.model], check=True)
    say(f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors, {options.model.name}")
    for name in options.only.split(",") if options.only else PARTS:
        PARTS[name](options.model, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
