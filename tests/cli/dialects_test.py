"""Anthropic's and Ollama's routes from outside, with the default model: at once, as streams, refused, and cut off."""
import json
import signal
import tempfile
import threading
import time

from harness import check, finish
from server import HANG_SECONDS, Server

QUESTION = [{"role": "user", "content": "What is 27*14?"}]
# The little model answers sums; that a call is made at all is asked of it.
TOOL = {"name": "add", "description": "Adds numbers", "schema": {
    "type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"], "additionalProperties": False}}


def messages_stream(server, body):
    """The events as (type, data)."""
    events = list(server.stream("/v1/messages", body))
    return [(event["type"], event) for event in events if event["type"] != "ping"]


def test_messages(server):
    body = {"model": "aloud", "max_tokens": 500, "messages": QUESTION, "temperature": 0, "metadata": {"user_id": "x"},
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]}
    status, reply = server.ask("POST", "/v1/messages", body, {"anthropic-version": "2023-06-01"})
    if not check(status == 200, f"messages: {status} {reply}"):
        return
    content, usage = reply["content"], reply["usage"]
    check([block["type"] for block in content] == ["thinking", "text"], f"blocks: {content}")
    check("signature" in content[0] and content[0]["thinking"] and content[-1]["text"], f"blocks: {content}")
    check(reply["stop_reason"] == "end_turn" and reply["stop_sequence"] is None and reply["type"] == "message"
          and reply["role"] == "assistant" and reply["id"].startswith("msg_"), f"messages: {reply}")

    events = messages_stream(server, body)
    types = [kind for kind, _ in events]
    check(types[0] == "message_start" and types[-2:] == ["message_delta", "message_stop"], f"events: {types}")
    check([t for t in types if t != "content_block_delta"] == ["message_start"] + ["content_block_start", "content_block_stop"] * 2
          + ["message_delta", "message_stop"], f"events: {types}")
    told = {"thinking": "", "text": "", "signature": ""}
    for kind, event in events:
        if kind == "content_block_delta":
            field = event["delta"]["type"].removesuffix("_delta")
            check(event["index"] == (1 if field == "text" else 0), f"index: {event}")
            told[field] += event["delta"][field]
    check(told == {"thinking": content[0]["thinking"], "text": content[1]["text"], "signature": content[0]["signature"]},
          f"stream: {told}, at once: {content}")
    last = events[-2][1]
    check(last["delta"]["stop_reason"] == "end_turn" and last["usage"]["output_tokens"] == usage["output_tokens"],
          f"message_delta: {last}")
    # A conversation goes on with the blocks that came.
    follow = [*QUESTION, {"role": "assistant", "content": [*content, {"type": "redacted_thinking", "data": "x"}]},
              {"role": "user", "content": "And 3+4?"}]
    check(server.ask("POST", "/v1/messages", {**body, "messages": follow})[0] == 200, "a conversation that goes on")


def test_counted_tokens(server):
    """What is counted is what a message with the same words is billed for."""
    tools = [{"name": TOOL["name"], "input_schema": TOOL["schema"]}]
    for fields in ({}, {"system": "Be brief."}, {"thinking": {"type": "disabled"}}, {"tools": tools},
                   {"tools": tools, "tool_choice": {"type": "none"}},
                   {"tools": tools, "tool_choice": {"type": "tool", "name": "add"}, "thinking": {"type": "disabled"}}):
        body = {"messages": QUESTION, **fields}
        status, reply = server.ask("POST", "/v1/messages", {**body, "max_tokens": 20})
        usage = reply["usage"]
        whole = usage["input_tokens"] + usage["cache_read_input_tokens"]
        counted = server.ask("POST", "/v1/messages/count_tokens", body)
        check(counted == (200, {"input_tokens": whole}), f"{fields}: counted {counted}, the prompt had {whole}")


def test_ends_of_messages(server):
    def ask(**fields):
        return server.ask("POST", "/v1/messages", {"max_tokens": 500, "messages": QUESTION, "temperature": 0, **fields})[1]

    check(ask(max_tokens=3)["stop_reason"] == "max_tokens", "max_tokens")
    reply = ask(thinking={"type": "disabled"})
    check([block["type"] for block in reply["content"]] == ["text"], f"without thought: {reply}")
    first = reply["content"][0]["text"].strip()[0]
    reply = ask(thinking={"type": "disabled"}, stop_sequences=[first])
    check(reply["stop_reason"] == "stop_sequence" and reply["stop_sequence"] == first, f"stop_sequences: {reply}")


def test_tools_of_messages(server):
    tool = {"name": TOOL["name"], "description": TOOL["description"], "input_schema": TOOL["schema"]}
    body = {"max_tokens": 400, "messages": QUESTION, "temperature": 0, "tools": [tool],
            "tool_choice": {"type": "tool", "name": "add"}}
    status, reply = server.ask("POST", "/v1/messages", body)
    if not check(status == 200, f"tools: {status} {reply}"):
        return
    call = reply["content"][-1]
    check(reply["stop_reason"] == "tool_use" and call["type"] == "tool_use" and call["name"] == "add"
          and isinstance(call["input"].get("sum"), int), f"tool_use: {reply}")
    events = messages_stream(server, body)
    arguments = "".join(event["delta"].get("partial_json", "") for kind, event in events if kind == "content_block_delta")
    starts = [event["content_block"] for kind, event in events if kind == "content_block_start"]
    check(json.loads(arguments) == call["input"] and starts[-1]["type"] == "tool_use" and starts[-1]["input"] == {},
          f"streamed call: {arguments} {starts}, at once: {call}")
    follow = [*QUESTION, {"role": "assistant", "content": reply["content"]}, {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": call["id"], "content": [{"type": "text", "text": "378"}]}]}]
    status, reply = server.ask("POST", "/v1/messages", {"max_tokens": 300, "messages": follow, "tools": [tool]})
    check(status == 200, f"a tool's result: {status} {reply}")


def test_errors_of_messages(server):
    good = {"max_tokens": 5, "messages": QUESTION}
    image = [{"role": "user", "content": [{"type": "image", "source": {}}]}]
    for fields, word in (({"max_tokens": None}, "max_tokens"), ({"messages": []}, "messages"), ({"messages": image}, "image"),
                         ({"messages": [{"role": "system", "content": "x"}]}, "messages[0].role"),
                         ({"messages": [*QUESTION, {"role": "assistant", "content": "It"}]}, "messages"),
                         ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
                         ({"tool_choice": {"type": "tool", "name": "add"}}, "add"), ({"thinking": {"type": "much"}}, "much")):
        status, error = server.ask("POST", "/v1/messages", {**good, **fields})
        check(status == 400 and error["type"] == "error" and error["error"]["type"] == "invalid_request_error"
              and word in error["error"]["message"], f"{fields}: {status} {error}")
    status, error = server.ask("POST", "/v1/messages", {**good, "model": "claude"})
    check(status == 404 and error["error"]["type"] == "not_found_error", f"model: {status} {error}")


def lines(server, path, body):
    answer = server.open("POST", path, body)
    check(answer.getheader("Content-Type") == "application/x-ndjson", f"{path}: {answer.getheader('Content-Type')}")
    return [json.loads(line) for line in answer]


def test_ollama_chat(server):
    body = {"model": "aloud:latest", "messages": QUESTION, "options": {"temperature": 0, "num_ctx": 4096}, "keep_alive": "5m"}
    status, reply = server.ask("POST", "/api/chat", {**body, "stream": False})
    if not check(status == 200, f"chat: {status} {reply}"):
        return
    message = reply["message"]
    check(message["role"] == "assistant" and message["content"] and message["thinking"], f"chat: {reply}")
    check(reply["done"] is True and reply["done_reason"] == "stop" and reply["model"] == "aloud", f"chat: {reply}")
    check(all(isinstance(reply[name], int) for name in (
        "total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"))
          and reply["total_duration"] >= reply["prompt_eval_duration"] + reply["eval_duration"]
          and reply["eval_duration"] > 0, f"figures: {reply}")
    parts = lines(server, "/api/chat", body)
    for name in ("content", "thinking"):
        text = "".join(part["message"].get(name, "") for part in parts)
        check(text == message[name], f"{name}: {text!r}, at once {message[name]!r}")
    check([part["done"] for part in parts] == [False] * (len(parts) - 1) + [True]
          and parts[-1]["eval_count"] == reply["eval_count"], f"lines: {parts[-1]}")

    def ask(**fields):
        return server.ask("POST", "/api/chat", {**body, "stream": False, **fields})[1]

    check("thinking" not in ask(think=False)["message"], "think: false")
    check(ask(think="low")["message"].get("thinking"), "think: low")
    check(ask(options={"num_predict": 3})["done_reason"] == "length", "num_predict")
    check(isinstance(json.loads(ask(format=TOOL["schema"])["message"]["content"]).get("sum"), int), "format: a schema")
    check(ask(messages=[])["done_reason"] == "load", "no messages")


def test_ollama_tools(server):
    """A call that was made is shown to the model again; whether it calls by itself is its own affair."""
    tool = {"type": "function", "function": {"name": "add", "description": "Adds", "parameters": TOOL["schema"]}}
    body = {"model": "aloud", "stream": False, "tools": [tool], "messages": [
        *QUESTION, {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "add", "arguments": {"sum": 378}}}]},
        {"role": "tool", "tool_name": "add", "content": "378"}], "options": {"num_predict": 200}}
    status, reply = server.ask("POST", "/api/chat", body)
    check(status == 200 and reply["done"], f"tools: {status} {reply}")
    # A tool that must be called: OpenAI's field is understood here, too.
    body = {"model": "aloud", "messages": QUESTION, "tools": [tool], "tool_choice": "required", "options": {"temperature": 0}}
    at_once = server.ask("POST", "/api/chat", {**body, "stream": False})[1]["message"].get("tool_calls")
    streamed = [part["message"]["tool_calls"] for part in lines(server, "/api/chat", body) if "tool_calls" in part["message"]]
    for calls in (at_once, *streamed):
        check(calls and isinstance(calls[0]["function"]["arguments"]["sum"], int), f"tool_calls: {calls}")
    check(len(streamed) == 1, f"tool_calls: {streamed}")


def test_ollama_generate(server):
    body = {"model": "aloud", "prompt": "What is 27*14?", "system": "Be brief.", "options": {"temperature": 0}, "context": [1, 2]}
    status, reply = server.ask("POST", "/api/generate", {**body, "stream": False})
    if check(status == 200, f"generate: {status} {reply}"):
        check(reply["response"] and reply["thinking"] and "message" not in reply, f"generate: {reply}")
        parts = lines(server, "/api/generate", body)
        check("".join(part["response"] for part in parts) == reply["response"], f"generate: {parts}")
    raw = server.ask("POST", "/api/generate", {**body, "raw": True, "stream": False, "options": {"num_predict": 4}})[1]
    check(raw["eval_count"] == 4 and "thinking" not in raw, f"raw: {raw}")


def test_ollama_models(server):
    models = server.ask("GET", "/api/tags")[1]["models"]
    check([m["name"] for m in models] == ["aloud"] and models[0]["size"] > 0 and models[0]["details"]["family"], f"tags: {models}")
    running = server.ask("GET", "/api/ps")[1]["models"]
    check([m["model"] for m in running] == ["aloud"] and running[0]["context_length"] > 0, f"ps: {running}")
    check(server.ask("GET", "/api/version")[1].get("version"), "version")
    status, shown = server.ask("POST", "/api/show", {"model": "aloud:latest"})
    check(status == 200 and shown["capabilities"] == ["completion", "thinking", "tools"] and shown["model_info"]
          and shown["details"]["quantization_level"], f"show: {status} {shown}")
    check(server.ask("POST", "/api/show", {"model": "llama"})[0] == 404, "show of a model that is not there")


def test_ollama_errors(server):
    good = {"model": "aloud", "messages": QUESTION}
    for fields, word in (({"messages": [{"role": "user", "content": "x", "images": ["aGk="]}]}, "messages[0].images"),
                         ({"options": {"temperature": "hot"}}, "options.temperature"), ({"think": "much"}, "think"),
                         ({"format": "xml"}, "format"), ({"messages": [{"role": "king"}]}, "messages[0].role")):
        status, error = server.ask("POST", "/api/chat", {**good, **fields})
        check(status == 400 and word in error["error"], f"{fields}: {status} {error}")
    check(server.ask("POST", "/api/chat", {**good, "model": "llama"})[0] == 404, "a model that is not there")
    check(server.ask("POST", "/api/generate", {"model": "aloud", "prompt": "x", "suffix": "y"})[0] == 400, "suffix")


# Ends only after 3000 letters.
LETTERS = {"type": "object", "properties": {"letters": {"type": "string", "pattern": "^[a-z]{3000}$"}}, "required": ["letters"],
           "additionalProperties": False}


def test_the_end_of_the_server(folder):
    """What runs on when the time is over is told so in its own dialect, at once and as a stream."""
    server = Server(folder, "--drain-seconds", "0")
    server.wait_ready()
    calls = {"max_tokens": 4000, "messages": QUESTION, "thinking": {"type": "disabled"}, "tool_choice": {"type": "tool", "name": "spell"},
             "tools": [{"name": "spell", "input_schema": LETTERS}]}
    bodies = {"/v1/messages": calls, "/api/chat": {"messages": QUESTION, "think": False, "format": LETTERS},
              "/api/generate": {"prompt": "What is 27*14?", "think": False, "format": LETTERS},
              "/v1/chat/completions": {"messages": QUESTION, "thinking": {"type": "disabled"}, "guided_regex": "[a-z]{3000}"},
              "/v1/completions": {"prompt": "What is", "max_tokens": 4000, "guided_regex": "[a-z]{3000}"}}
    ends, said = {}, {path: [] for path in bodies}

    def ask(path, stream):
        answer = server.open("POST", path, {**bodies[path], "stream": stream})
        if stream:
            said[path].extend(answer)
        ends[path, stream] = answer.status, answer.getheader("Retry-After"), answer.read().decode()

    asking = [threading.Thread(target=ask, args=(path, stream)) for path in bodies for stream in (True, False)]
    for thread in asking:
        thread.start()
    deadline = time.monotonic() + HANG_SECONDS
    all_run = f'aloud_sequences{{model="aloud",state="generating"}} {len(asking)}'
    while ((all_run not in server.ask("GET", "/metrics")[1] or any(len(lines) < 30 for lines in said.values()))
           and time.monotonic() < deadline):
        pass
    server.process.send_signal(signal.SIGTERM)
    for thread in asking:
        thread.join(HANG_SECONDS)
    check(server.process.wait(HANG_SECONDS) == 0, f"the server did not end well: {server.errors[-5:]}")

    for path in bodies:
        status, again_after, text = ends[path, False]
        check(status == 503 and again_after, f"{path} at once: {status}, Retry-After {again_after}")
        at_once = json.loads(text)
        status, text = ends[path, True][0], b"".join(said[path]).decode()
        lines = text.strip().split("\n")
        last = json.loads(lines[-1].removeprefix("data: "))
        check(status == 200 and last == at_once, f"{path}: {lines[-4:]}, at once {at_once}")
        if path == "/v1/messages":
            check(last["type"] == "error" and last["error"]["type"] == "overloaded_error" and last["error"]["message"], f"{path}: {last}")
            check(lines[-2] == "event: error" and not any(end in text for end in ("message_delta", "message_stop")), f"{path}: {lines[-4:]}")
            check("input_json_delta" in text, f"{path} was not caught while it called: {text[:300]}")
        elif path.startswith("/api/"):
            check(list(last) == ["error"] and isinstance(last["error"], str) and '"done":true' not in text, f"{path}: {lines[-4:]}")
        else:
            check(last["error"]["code"] == "interrupted" and "[DONE]" not in text, f"{path}: {lines[-4:]}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        if check(server.port, f"the server did not start: {server.errors}"):
            server.wait_ready()
            for test in (test_messages, test_counted_tokens, test_ends_of_messages, test_tools_of_messages, test_errors_of_messages, test_ollama_chat,
                         test_ollama_tools, test_ollama_generate, test_ollama_models, test_ollama_errors):
                test(server)
        check(server.stop() == 0, f"the server did not end well: {server.errors[-5:]}")
    with tempfile.TemporaryDirectory() as folder:
        test_the_end_of_the_server(folder)
    finish()


main()
