"""A server under test, and asking it over HTTP."""
import http.client
import json
import os
import resource
import signal
import subprocess
import threading
import time

from harness import program

HANG_SECONDS = 120


def limit_files(process, most_bytes):
    """How long a file the process may write; None: any. Process 0 is the caller."""
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (most if most_bytes is None else most_bytes, most))


class Server:
    """`aloud serve` on a free port with a data folder of its own."""

    def __init__(self, folder, *options, most_bytes=None):
        """With most_bytes no file can be written beyond that length: see fill_disk."""
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen([program(), "serve", "--port", "0", "--data", os.path.join(folder, "data"), *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
                                        restore_signals=False,  # SIGXFSZ stays ignored: see fill_disk
                                        preexec_fn=most_bytes and (lambda: limit_files(0, most_bytes)))
        self.errors = []
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rsplit(":", 1)[1]) if self.url else 0

    def open(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANG_SECONDS)
        text = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
        return connection.getresponse()

    def ask(self, method, path, body=None, headers=None):
        """Status and the parsed body."""
        answer = self.open(method, path, body, headers)
        text = answer.read()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode(errors="replace")

    def stream(self, path, body, headers=None):
        """The data of the events, parsed, as they come."""
        for line in self.open("POST", path, {**body, "stream": True}, headers):
            line = line.decode().rstrip("\n")
            if line.startswith("data: ") and line != "data: [DONE]":
                yield json.loads(line[len("data: "):])

    def wait_ready(self):
        deadline = time.monotonic() + HANG_SECONDS
        while self.ask("GET", "/ready")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.05)

    def fill_disk(self, is_full=True):
        """As if the disk were full: no file can be written to any more."""
        limit_files(self.process.pid, 0 if is_full else None)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        try:
            return self.process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "it had to be killed"
