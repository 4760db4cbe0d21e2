"""A server that is killed with SIGKILL under load, again and again: nothing that it acknowledged is lost or there twice."""
import http.client
import random
import signal
import sys
import tempfile
import threading
import time

from harness import check, finish
from server import Server

KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 20
WRITERS, ASKERS = 2, 2


class Load:
    """What many clients do until the server is gone, and what they were told is stored."""

    def __init__(self, server, kill):
        self.server, self.kill = server, kill
        self.added = []     # (conversation, message, content)
        self.answered = []  # (conversation, response, thought and answer)
        self.begun = []     # (conversation, question)
        self.threads = [threading.Thread(target=self.until_gone, args=(job, i))
                        for job, count in ((self.write, WRITERS), (self.ask, ASKERS)) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def until_gone(self, job, i):
        try:
            for turn in range(100000):
                job(f"conv_{self.kill}_{job.__name__}_{i}", turn)
        except (OSError, http.client.HTTPException, ValueError, StopIteration):
            pass  # killed in the middle

    def expect(self, method, path, body):
        status, answer = self.server.ask(method, path, body)
        if check(status == 200 and isinstance(answer, dict), f"{method} {path}: {status} {answer}"):
            return answer
        raise StopIteration

    def write(self, conversation, turn):
        if turn == 0:
            self.expect("POST", "/v1/conversations", {"id": conversation})
        message = f"m{turn}"
        self.expect("POST", f"/v1/conversations/{conversation}/messages",
                    {"messages": [{"id": message, "role": "user", "content": f"{conversation} {turn}",
                                   **({"parent": f"m{turn - 1}"} if turn else {})}]})
        self.added.append((conversation, message, f"{conversation} {turn}"))

    def ask(self, conversation, turn):
        if turn == 0:
            self.expect("POST", "/v1/conversations", {"id": conversation})
        question = f"What is {turn} + {self.kill}?"
        response, text = None, {"response.reasoning_text.delta": "", "response.output_text.delta": ""}
        for event in self.server.stream("/v1/responses", {"conversation": conversation, "input": question, "max_output_tokens": 200}):
            if event["type"] == "response.created":
                response = event["response"]["id"]
                self.begun.append((conversation, question))
            elif event["type"] in text:
                text[event["type"]] += event["delta"]
            elif event["type"] in ("response.completed", "response.incomplete"):
                self.answered.append((conversation, response, *text.values()))

    def stop(self):
        self.server.stop(signal.SIGKILL)
        for thread in self.threads:
            thread.join()


def check_kept(server, load):
    messages = {}
    for conversation in {entry[0] for entry in load.added + load.answered + load.begun}:
        status, answer = server.ask("GET", f"/v1/conversations/{conversation}")
        if check(status == 200, f"{conversation} is gone: {answer}"):
            messages[conversation] = answer["messages"]
    def found(conversation, test, what):
        count = sum(map(test, messages.get(conversation, [])))
        check(count == 1, f"{what} of {conversation} is there {count} times after kill {load.kill}")
    for conversation, message, content in load.added:
        found(conversation, lambda m: m["id"] == message and m["content"] == content, message)
    for conversation, question in load.begun:
        found(conversation, lambda m: m["role"] == "user" and m["content"] == question, repr(question))
    for conversation, response, thought, answer in load.answered:
        found(conversation, lambda m: m["id"] == response and m["status"] == "complete" and m.get("thought", "").strip() == thought.strip()
              and m["content"].strip() == answer.strip(), f"the reply {response}")
    for conversation, own in messages.items():
        check(not any(m.get("status") == "running" for m in own), f"{conversation} has a reply that is still running")


def main():
    random.seed(7)
    seconds, kept = [], 0
    with tempfile.TemporaryDirectory() as folder:
        load = None
        for kill in range(KILLS + 1):
            begin = time.monotonic()
            server = Server(folder)
            server.wait_ready()
            seconds.append(time.monotonic() - begin)
            if load:
                check_kept(server, load)
                kept += len(load.added) + len(load.begun) + len(load.answered)
            if kill == KILLS:
                server.stop()
                break
            load = Load(server, kill)
            time.sleep(random.uniform(0.05, 0.6))
            load.stop()
    check(kept > KILLS, f"only {kept} writes were acknowledged")
    print(f"{KILLS} kills, {kept} acknowledged writes, ready after {max(seconds):.2f} s at most")
    finish()


main()
