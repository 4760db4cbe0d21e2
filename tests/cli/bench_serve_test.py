"""aloud bench serve asks a server as many users do and tells how it held up; here the server is a stub."""
import http.server
import json
import threading

from harness import check, finish, program, run, told


class Stub(http.server.BaseHTTPRequestHandler):
    """Answers at once, one event for each token."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()
        events = [{"choices": [{"delta": {"content": "x"}}]} for _ in range(body["max_tokens"])]
        events.append({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": body["max_tokens"]}})
        for event in [json.dumps(event) for event in events] + ["[DONE]"]:
            self.wfile.write(f"data: {event}\n\n".encode())

    def log_message(self, *_):
        pass


def main():
    program()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    short = ["--url", url, "--seconds", "1", "--output-median", "5"]

    result = run("bench", "serve", "--json", "--rate", "20", "--seed", "3", *short)
    if check(result.returncode == 0 and not result.stderr, told(result)):
        found = json.loads(result.stdout)
        check(found["rate"] == 20 and found["concurrency"] is None and found["users"] == 8, f"{found}")
        check(found["requests"] == found["completed"] > 0 and found["errors"] == {}, f"{found}")
        check(found["output_tokens_per_second"] > 0 and found["prompt_tokens_per_second"] > 0, f"{found}")
        check(found["goodput"]["requests"] <= found["completed"] and 0 < found["fairness"] <= 1, f"{found}")
        for name in ("first_token_ms", "between_tokens_ms", "whole_ms"):
            check(0 <= found[name]["p50"] <= found[name]["p95"] <= found[name]["p99"], f"{name}: {found}")

    result = run("bench", "serve", "--concurrency", "2", *short)
    text = result.stdout.decode()
    check(result.returncode == 0 and not result.stderr, told(result))
    for part in (url, "2 at a time", "tokens/s", "p95", "goodput", "Jain"):
        check(part in text, f"the table lacks {part!r}: {text!r}")

    server.shutdown()
    server.server_close()
    result = run("bench", "serve", *short)
    check(result.returncode == 1 and url.encode() in result.stderr and not result.stdout, f"nobody there: {told(result)}")
    for arguments, word in (([], b"--url"), ([*short, "--rate", "0"], b"--rate"),
                            ([*short, "--rate", "1", "--concurrency", "1"], b"--concurrency")):
        result = run("bench", "serve", *arguments)
        check(result.returncode == 2 and word in result.stderr and not result.stdout, f"{arguments}: {told(result)}")
    https = run("bench", "serve", "--url", "https://localhost")
    check(https.returncode == 1 and b"http://" in https.stderr, told(https))
    finish()


main()
