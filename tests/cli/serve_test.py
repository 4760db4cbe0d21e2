"""The server from outside, with the default model: OpenAI's routes at once and as streams, errors, thought under control,
keys, the operator's routes, the end."""
import gzip
import json
import os
import re
import signal
import sqlite3
import tempfile
import threading
import time
from urllib.parse import quote

from harness import check, finish, program, run, told
from server import HANG_SECONDS, Server

QUESTION = [{"role": "user", "content": "What is 27*14?"}]


def test_operations(server):
    check(server.ask("GET", "/health")[1].get("status") == "ok", "/health")
    status, models = server.ask("GET", "/v1/models")
    check(status == 200 and [m["id"] for m in models["data"]] == ["aloud"], f"/v1/models: {models}")
    model = server.ask("GET", "/v1/models/aloud")[1]
    check(model.get("id") == "aloud" and model.get("size_bytes", 0) > 1_000_000, f"/v1/models/aloud: {model}")
    status, metrics = server.ask("GET", "/metrics")
    check(status == 200 and 'aloud_model_loaded{model="aloud"} 1' in metrics, f"/metrics: {metrics}")


def test_page(server):
    """The page and what it names come without a key, zipped for those who take it, and not twice."""
    if not os.path.exists(os.path.join(os.path.dirname(program()), "web", "index.html")):
        status, error = server.ask("GET", "/")
        check(status == 404 and "without the page" in error["error"]["message"], f"no page: {status} {error}")
        return
    answer = server.open("GET", "/")
    page = answer.read().decode()
    check(answer.status == 200 and answer.getheader("Content-Type") == "text/html; charset=utf-8", f"page: {answer.status}")
    check(answer.getheader("Cache-Control") == "no-cache", f"page: {answer.headers}")
    check("default-src 'none'" in answer.getheader("Content-Security-Policy"), f"page: {answer.headers}")
    again = server.open("GET", "/", headers={"If-None-Match": answer.getheader("ETag")})
    check(again.status == 304 and again.read() == b"", f"the page again: {again.status}")
    check(server.open("HEAD", "/").status == 200, "HEAD /")
    named = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    check(any(path.endswith(".js") for path in named) and any(path.endswith(".css") for path in named), f"page: {page}")
    for path in [*named, "/sw.js"]:
        plain = server.open("GET", path)
        zipped = server.open("GET", path, headers={"Accept-Encoding": "gzip"})
        content = zipped.read()
        if zipped.getheader("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        check(plain.status == 200 and plain.read() == content, f"{path}: {plain.status} {zipped.status}")
        check(("immutable" in plain.getheader("Cache-Control")) == path.startswith("/assets/"), f"{path}: {plain.headers}")
    check(server.ask("GET", "/assets/none.js")[0] == 404, "a file that the page does not have")


def test_chat(server):
    status, reply = server.ask("POST", "/v1/chat/completions", {"messages": QUESTION, "seed": 1})
    if not check(status == 200, f"chat: {status} {reply}"):
        return
    message, usage = reply["choices"][0]["message"], reply["usage"]
    check("378" in message["content"] and message["reasoning_content"], f"chat: {message}")
    check(reply["choices"][0]["finish_reason"] == "stop", f"chat: {reply['choices'][0]}")
    check(0 < usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"], f"usage: {usage}")
    check(usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"], f"usage: {usage}")

    deltas = {"reasoning_content": "", "content": ""}
    ends, kinds, last = [], [], None
    for chunk in server.stream("/v1/chat/completions", {"messages": QUESTION, "seed": 1, "logprobs": True, "top_logprobs": 2,
                                                        "stream_options": {"include_usage": True, "include_progress": True}}):
        last = chunk
        kinds += [chunk["progress"]["phase"]] if "progress" in chunk else []
        for choice in chunk["choices"]:
            for name in deltas:
                deltas[name] += choice["delta"].get(name) or ""
            ends += [choice["finish_reason"]] if choice["finish_reason"] else []
            for token in (choice["logprobs"] or {}).get("content", []):
                check(token["logprob"] <= 0 and len(token["top_logprobs"]) == 2, f"logprobs: {token}")
    check(deltas["content"] == message["content"] and deltas["reasoning_content"] == message["reasoning_content"],
          f"stream: {deltas}, at once: {message}")
    check(ends == ["stop"] and last["usage"]["completion_tokens"] == usage["completion_tokens"], f"stream: {ends} {last}")
    check("prefill" in kinds, f"progress: {kinds}")
    cached = last["usage"]["prompt_tokens_details"]["cached_tokens"]
    check(last["usage"]["prompt_cache_hit_tokens"] == cached, f"usage: {last['usage']}")


def test_every_question_is_the_first(server):
    """The default model learnt from single questions: earlier ones do not confuse it."""
    turns = [{"role": "user", "content": "What is 27*14?"}, {"role": "assistant", "content": "27*14 = **378**"},
             {"role": "user", "content": "What is 12+30?"}]
    status, body = server.ask("POST", "/v1/chat/completions", {"messages": turns, "temperature": 0})
    check(status == 200 and "42" in body["choices"][0]["message"]["content"], f"a second question: {status} {body}")


def test_control_of_thought(server):
    def content(**fields):
        status, reply = server.ask("POST", "/v1/chat/completions", {"messages": QUESTION, "seed": 1, **fields})
        check(status == 200, f"{fields}: {status} {reply}")
        return reply["choices"][0], reply["usage"]

    for fields in ({"thinking": {"type": "disabled"}}, {"reasoning_effort": "none"},
                   {"chat_template_kwargs": {"enable_thinking": False}}):
        choice, _ = content(**fields)
        check(not choice["message"].get("reasoning_content") and choice["message"]["content"], f"{fields}: {choice}")
    choice, usage = content(thinking={"type": "enabled", "budget_tokens": 5})
    check(usage["completion_tokens_details"]["reasoning_tokens"] == 5 and choice["message"]["content"]
          and choice["finish_details"]["thought_ended_by"] == "budget", f"budget: {choice} {usage}")
    choice, usage = content(max_tokens=3)
    check(choice["finish_reason"] == "length" and choice["finish_details"]["type"] == "max_tokens"
          and usage["completion_tokens"] == 3, f"max_tokens: {choice} {usage}")
    choices = server.ask("POST", "/v1/chat/completions", {"messages": QUESTION, "n": 3, "temperature": 1.5})[1]["choices"]
    check([c["index"] for c in choices] == [0, 1, 2], f"n: {choices}")


def test_the_same_seed_alone_and_in_company(server):
    body = {"messages": QUESTION, "seed": 7, "temperature": 1}
    alone = server.ask("POST", "/v1/chat/completions", body)[1]["choices"][0]["message"]
    found = []

    def ask(seed):
        reply = server.ask("POST", "/v1/chat/completions", {**body, "seed": seed})[1]
        if seed == 7:
            found.append(reply["choices"][0]["message"])

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(31)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(found == [alone], f"seed 7 among 30 others: {found}, alone: {alone}")


def test_structured_output(server):
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"],
              "additionalProperties": False}
    status, reply = server.ask("POST", "/v1/chat/completions", {
        "messages": QUESTION, "seed": 1, "max_tokens": 300, "response_format": {
            "type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}}})
    if check(status == 200, f"schema: {status} {reply}"):
        text = reply["choices"][0]["message"]["content"]
        check(set(json.loads(text)) == {"answer"}, f"schema: {text}")
    text = server.ask("POST", "/v1/completions", {"prompt": "x", "guided_regex": "(ab|cd){3}", "seed": 3})[1]["choices"][0]["text"]
    check(re.fullmatch("(ab|cd){3}", text), f"regex: {text}")
    status, error = server.ask("POST", "/v1/chat/completions", {"messages": QUESTION, "response_format": {
        "type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "minLength": "x"}}}})
    check(status == 400 and "response_format.json_schema.schema" in error["error"]["param"], f"bad schema: {status} {error}")


def test_tools_of_developers(server):
    tokens = server.ask("POST", "/tokenize", {"prompt": "2+2=4"})[1]["tokens"]
    check(server.ask("POST", "/detokenize", {"tokens": tokens})[1]["prompt"] == "2+2=4", f"detokenize {tokens}")
    prompt = server.ask("POST", "/apply-template", {"messages": QUESTION})[1]
    check("27*14" in prompt["prompt"] and len(prompt["tokens"]) == prompt["count"], f"apply-template: {prompt}")
    reply = server.ask("POST", "/v1/completions", {"prompt": prompt["tokens"], "seed": 1, "logprobs": 0})[1]
    check("378" in reply["choices"][0]["text"], f"completions: {reply}")
    check(server.ask("POST", "/v1/completions", {"prompt": [1, -1]})[0] == 400, "a negative token")


def test_errors(server):
    for body, param in (("{", ""), ("[]", ""), ({}, "messages"), ({"messages": []}, "messages"),
                        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
                        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].type"),
                        ({"messages": QUESTION, "temperature": "hot"}, "temperature"),
                        ({"messages": QUESTION, "temperature": 9}, "temperature"),
                        ({"messages": QUESTION, "n": 0}, "n"), ({"messages": QUESTION, "max_tokens": -1}, "max_tokens"),
                        ({"messages": QUESTION, "top_logprobs": 3}, "top_logprobs"),
                        ({"messages": QUESTION, "logit_bias": {"x": 1}}, "logit_bias.x"),
                        ({"messages": QUESTION, "tools": [{"type": "function"}]}, "tools[0].function"),
                        ({"messages": [{"role": "user", "content": "7 " * 20000}]}, "messages")):
        status, error = server.ask("POST", "/v1/chat/completions", body)
        check(status == 400 and (error["error"]["param"] or "") == param, f"{str(body)[:80]}: {status} {error}")
    status, error = server.ask("POST", "/v1/chat/completions", {"messages": QUESTION, "model": "gpt-9"})
    check(status == 404 and error["error"]["code"] == "model_not_found", f"model: {status} {error}")
    check(server.ask("GET", "/nowhere")[0] == 404, "a path that is not there")
    check(server.ask("DELETE", "/v1/models")[0] == 405, "a method that is not there")
    status, error = server.ask("POST", "/v1/chat/completions/chatcmpl-x/control", {"action": "stop"})
    check(status == 404, f"control of nothing: {status} {error}")


def test_control_while_it_runs(server):
    """A stop reaches a reply that would be long."""
    answer = server.open("POST", "/v1/chat/completions", {
        "messages": QUESTION, "stream": True, "min_p": 0, "temperature": 5, "top_p": 1,
        "logit_bias": {}, "detect_loops": False})
    stopped = None
    for line in answer:
        line = line.decode()
        if line.startswith("data: {") and stopped is None:
            chunk = json.loads(line[len("data: "):])
            stopped = server.ask("POST", f"/v1/chat/completions/{chunk['id']}/control", {"action": "end_thinking"})[0]
    check(stopped in (200, 404), f"control: {stopped}")  # 404: it had finished by then


def test_disconnect_frees_the_place(server):
    answer = server.open("POST", "/v1/chat/completions", {"messages": QUESTION, "stream": True, "temperature": 5, "top_p": 1})
    answer.readline()
    answer.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        metrics = server.ask("GET", "/metrics")[1]
        if 'aloud_sequences{model="aloud",state="generating"} 0' in metrics:
            return
        time.sleep(0.02)
    check(False, "a client that left is still served after 10 s")


def test_keys(folder):
    added = run("key", "add", "anna", "--data", os.path.join(folder, "data"), HOME=folder)
    if not check(added.returncode == 0, f"key add: {told(added)}"):
        return
    key = re.search(r"sk-aloud-\S+", (added.stdout + added.stderr).decode()).group()
    server = Server(folder, "--behind-proxy")
    try:
        server.wait_ready()
        body = {"messages": QUESTION, "max_tokens": 5}
        status, error = server.ask("POST", "/v1/chat/completions", body)
        check(status == 401 and error["error"]["type"] == "authentication_error", f"no key: {status} {error}")
        wrong = {"Authorization": "Bearer sk-aloud-wrong"}
        check(server.ask("POST", "/v1/chat/completions", body, wrong)[0] == 401, "a wrong key")
        for headers in ({"Authorization": f"Bearer {key}"}, {"x-api-key": key}):
            check(server.ask("POST", "/v1/chat/completions", body, headers)[0] == 200, f"a key in {list(headers)}")
        check(server.ask("GET", "/metrics", headers={"x-api-key": key})[0] == 403, "metrics are the operator's")
        check(server.ask("POST", "/v1/session", {"key": key + "x"})[0] == 401, "a session for a wrong key")
        answer = server.open("POST", "/v1/session", {"key": key})
        cookie, session = answer.getheader("Set-Cookie"), json.loads(answer.read())
        check(session["owner"] == "anna" and "HttpOnly" in cookie and "SameSite=Strict" in cookie, f"{session} {cookie}")
        jar = {"Cookie": cookie.split(";")[0]}
        check(server.ask("GET", "/v1/session", headers=jar)[1].get("owner") == "anna", "a session")
        check(server.ask("POST", "/v1/chat/completions", body, jar)[0] == 403, "a write without the token")
        jar["X-CSRF-Token"] = session["csrf_token"]
        check(server.ask("POST", "/v1/chat/completions", body, jar)[0] == 200, "a write with the token")
        check(server.ask("DELETE", "/v1/session", headers=jar)[0] == 200, "log out")
        check(server.ask("GET", "/v1/session", headers=jar)[0] == 401, "a session that was ended")
    finally:
        check(server.stop() == 0, "the server with keys did not end well")


def test_operator(folder):
    """Keys, usage and state are the operator's; a key is told once, and the last that can make others stays."""
    data = os.path.join(folder, "data")
    secret = json.loads(run("key", "add", "olga", "--scopes", "admin", "--json", "--data", data, HOME=folder).stdout)["key"]
    server = Server(folder, "--behind-proxy")
    try:
        server.wait_ready()
        olga = {"x-api-key": secret}

        def ask(expected, method, path, body=None, headers=olga):
            status, answer = server.ask(method, path, body, headers)
            check(status == expected, f"{method} {path} {body}: {status} {answer}, expected {expected}")
            return answer

        ask(403, "POST", "/v1/chat/completions", {"messages": QUESTION})
        session = ask(200, "GET", "/v1/session")
        check(session["is_operator"] and not session["may_chat"], f"a key for operators only: {session}")
        made = ask(200, "POST", "/v1/keys", {"name": "小红/2", "requests_per_minute": 5})
        check(made["scopes"] == "chat" and made["tokens_per_day"] is None, f"a new key: {made}")
        user, path = {"x-api-key": made["key"]}, "/v1/keys/" + quote("小红/2", safe="")
        ask(409, "POST", "/v1/keys", {"name": "小红/2"})
        for body, param in (({}, "name"), ({"name": "a b"}, "name"), ({"name": ".."}, "name"), ({"name": "x", "scopes": "root"}, "scopes"),
                            ({"name": "x", "tokens_per_day": 0}, "tokens_per_day")):
            check(ask(400, "POST", "/v1/keys", body)["error"]["param"] == param, f"{body}: not {param}")
        ask(200, "POST", "/v1/chat/completions", {"messages": QUESTION, "max_tokens": 5}, user)
        for method, where in (("GET", "/v1/keys"), ("POST", "/v1/keys"), ("PATCH", path), ("DELETE", path), ("GET", "/v1/usage"),
                              ("GET", "/v1/state")):
            body = {} if method in ("POST", "PATCH") else None
            ask(403, method, where, body, user)
            ask(401, method, where, body, {})

        deadline = time.monotonic() + HANG_SECONDS  # counters come after the reply
        while not ask(200, "GET", "/v1/usage")["data"] and time.monotonic() < deadline:
            time.sleep(0.02)
        [used] = ask(200, "GET", "/v1/usage?owner=" + quote("小红/2"))["data"]
        check(used["requests"] == 1 and used["completion_tokens"] == 5 and used["prompt_tokens"] > 0, f"usage: {used}")
        check(ask(200, "GET", "/v1/usage?last_day=2020-01-01")["data"] == [], "usage of another time")
        for wrong in ("first_day=yesterday", "first_day=2020-01-01", "last_day=2026-02-30"):
            check(ask(400, "GET", "/v1/usage?" + wrong)["error"]["param"] == wrong.split("=")[0], wrong)
        [model] = ask(200, "GET", "/v1/state")["models"]
        check(model["status"] == "loaded" and model["tokens"]["generated"] > 0 and model["pages"]["total"] > 0, f"state: {model}")

        changed = ask(200, "PATCH", path, {"tokens_per_day": 1})
        check(changed["tokens_per_day"] == 1 and changed["requests_per_minute"] == 5, f"a changed key: {changed}")
        ask(429, "POST", "/v1/chat/completions", {"messages": QUESTION, "max_tokens": 5}, user)
        ask(200, "PATCH", path, {"tokens_per_day": None})
        ask(200, "POST", "/v1/chat/completions", {"messages": QUESTION, "max_tokens": 5}, user)
        ask(400, "PATCH", path, {"name": "other"})
        ask(404, "PATCH", "/v1/keys/nobody", {})
        listed = ask(200, "GET", "/v1/keys")
        check([key["name"] for key in listed["data"]] == ["olga", "小红/2"], f"keys: {listed}")
        check("sk-aloud-" not in json.dumps(listed) and "hash" not in json.dumps(listed), "the list tells a secret")

        check("last key" in ask(409, "DELETE", "/v1/keys/olga")["error"]["message"], "the last operator")
        ask(409, "PATCH", "/v1/keys/olga", {"scopes": "chat"})
        ask(200, "DELETE", path)
        ask(404, "DELETE", path)
        ask(401, "GET", "/v1/models", headers=user)
    finally:
        check(server.stop() == 0, f"the server with an operator did not end well: {server.errors}")


def test_drain(folder):
    """SIGTERM: a reply that runs is finished, then the program ends."""
    server = Server(folder)
    server.wait_ready()
    answer = server.open("POST", "/v1/chat/completions", {"messages": QUESTION, "stream": True, "seed": 1})
    answer.readline()
    server.process.send_signal(signal.SIGTERM)
    check(b"[DONE]" in answer.read(), "a stream was cut off by SIGTERM")
    check(server.process.wait(HANG_SECONDS) == 0, "the server did not end well")


def test_drain_cuts_off_what_lasts(folder):
    """What runs on after the time is told so in its own dialect, and stored so; nothing new begins meanwhile."""
    long = {"messages": QUESTION, "guided_regex": "[a-z]{3000}", "thinking": {"type": "disabled"}, "detect_loops": False}
    server = Server(folder, "--drain-seconds", "1")
    server.wait_ready()
    # Many beside each other, so that none ends by itself.
    for seed in range(20):
        server.ask("POST", "/v1/responses", {**long, "input": "x", "seed": seed, "background": True})
    chat = server.open("POST", "/v1/chat/completions", {**long, "stream": True})
    chat.readline()
    response = server.open("POST", "/v1/responses", {**long, "input": "x", "stream": True})
    name = json.loads(next(line for line in response if line.startswith(b"data: "))[len(b"data: "):])["response"]["id"]
    next(line for line in response if line.startswith(b"event: response.output_text.delta"))
    server.process.send_signal(signal.SIGTERM)
    while (ready := server.open("GET", "/ready")).status != 503:
        pass
    check(ready.getheader("Retry-After"), "a server that ends does not say when to ask again")
    refused = server.open("POST", "/v1/chat/completions", {"messages": QUESTION})
    check(refused.status == 503 and refused.getheader("Retry-After") and b"stopping" in refused.read(), f"new work: {refused.status}")
    check(b'"interrupted"' in chat.read(), "a chat that is cut off is not told")
    last = response.read().decode()
    check("event: response.failed" in last and '"interrupted"' in last, f"a response that is cut off is not told: {last[-300:]}")
    check(server.process.wait(HANG_SECONDS) == 0, "the server did not end well")
    again = Server(folder)
    stored = again.ask("GET", f"/v1/responses/{name}")[1]
    check(stored["status"] == "failed" and stored["error"]["code"] == "interrupted" and stored["output"], f"stored: {stored}")
    again.stop()


def test_a_second_signal_ends_at_once(folder):
    server = Server(folder, "--drain-seconds", "600")
    server.wait_ready()
    answer = server.open("POST", "/v1/chat/completions", {"messages": QUESTION, "guided_regex": "[a-z]{3000}", "stream": True})
    answer.readline()
    server.process.send_signal(signal.SIGTERM)
    while server.open("GET", "/ready").status != 503:
        pass
    check(server.stop() == 1, "a second signal was not heeded")


def test_options_in_a_file(folder):
    path = os.path.join(folder, "server.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write('# what the operator wants\ncontext = 512\norigin = ["https://a.example", "https://b.example"]\n')
    server = Server(folder, "--config", path)
    server.wait_ready()
    check(server.ask("GET", "/v1/models/aloud")[1]["max_model_len"] == 512, "context of the file")
    for origin in ("https://a.example", "https://b.example"):
        allowed = server.open("GET", "/health", headers={"Origin": origin}).getheader("Access-Control-Allow-Origin")
        check(allowed == origin, f"{origin} of the file: {allowed}")
    check(server.stop() == 0, f"the server with a file did not end well: {server.errors[-5:]}")


def test_what_cannot_be_erased_is_told(folder):
    """The operator learns that something that was deleted long ago is still in the files."""
    server = Server(folder)
    conversation = server.ask("POST", "/v1/conversations", {"title": "x"})[1]["id"]
    server.ask("DELETE", f"/v1/conversations/{conversation}")
    server.stop()
    reader = sqlite3.connect(os.path.join(folder, "data", "aloud.db"), isolation_level=None)
    reader.execute("UPDATE conversations SET deleted_ms = 1")
    reader.execute("BEGIN")
    reader.execute("SELECT 1 FROM conversations").fetchone()  # whoever reads keeps the log from being emptied
    server = Server(folder)
    deadline = time.monotonic() + HANG_SECONDS
    while not any("not erased yet" in line for line in server.errors) and time.monotonic() < deadline:
        time.sleep(0.05)
    metrics = server.ask("GET", "/metrics")[1]
    check('aloud_store_failures_total{what="purge"} 1' in metrics, f"not erased: {metrics}")
    reader.close()
    check(server.stop() == 0, f"the server that could not erase did not end well: {server.errors[-5:]}")


def test_public_address_needs_tls():
    result = run("serve", "--host", "0.0.0.0", "--port", "0", timeout=HANG_SECONDS)
    check(result.returncode == 2 and b"--tls-certificate" in result.stderr, f"public: {told(result)}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        if check(server.port, f"the server did not start: {server.errors}"):
            server.wait_ready()
            for test in (test_operations, test_page, test_chat, test_every_question_is_the_first, test_control_of_thought,
                         test_the_same_seed_alone_and_in_company, test_structured_output, test_tools_of_developers, test_errors, test_control_while_it_runs,
                         test_disconnect_frees_the_place):
                test(server)
        check(server.stop() == 0, f"the server did not end well: {server.errors[-5:]}")
        check(not any("27*14" in line for line in server.errors), "the log tells what was asked")
        test_keys(folder)
    with tempfile.TemporaryDirectory() as folder:
        test_operator(folder)
        test_drain(folder)
        test_drain_cuts_off_what_lasts(folder)
        test_a_second_signal_ends_at_once(folder)
        test_options_in_a_file(folder)
        test_what_cannot_be_erased_is_told(folder)
        test_public_address_needs_tls()
    finish()


main()
