"""OpenAI's Responses API from outside, with the default model: streams that are found again, what is stored of them,
conversations, control, owners, a crash."""
import contextlib
import json
import os
import pathlib
import re
import signal
import tempfile
import time

from harness import check, finish, run, told
from server import HANG_SECONDS, Server

QUESTION = "What is 27*14?"
# Long enough to be caught in the middle; ends when the context is full.
LONG = {"input": QUESTION, "guided_regex": "[a-z]{3000}", "thinking": {"type": "disabled"}, "detect_loops": False, "seed": 3}
COMPANY = 24
SHORT_FILE = 64 << 10  # bytes: the index of the store's log has room, the log has not
FINAL = {"response.completed", "response.incomplete", "response.failed"}


def events_of(answer, most=None):
    """The events as data, each checked against its frame."""
    frame, events = {}, []
    for line in answer:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            frame[name] = value
        elif "data" in frame:
            event = json.loads(frame["data"])
            check(frame["event"] == event["type"] and frame["id"] == str(event["sequence_number"]), f"frame: {frame}")
            events.append(event)
            frame = {}
            if len(events) == most:
                break
    return events


def create(server, body, **fields):
    status, response = server.ask("POST", "/v1/responses", {**body, **fields})
    check(status == 200, f"{fields}: {status} {response}")
    return response


def stream(server, body, headers=None):
    return events_of(server.open("POST", "/v1/responses", {**body, "stream": True}, headers))


def again(server, name, query="", headers=None):
    return events_of(server.open("GET", f"/v1/responses/{name}?stream=true{query}", headers=headers))


def wait_for(condition, what):
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    check(False, f"{what}: not within {HANG_SECONDS} s")
    return None


def is_idle(server):
    return 'aloud_sequences{model="aloud",state="generating"} 0' in server.ask("GET", "/metrics")[1]


@contextlib.contextmanager
def company(server, headers=None):
    """Many others run beside, so that a long one takes seconds."""
    names = [server.ask("POST", "/v1/responses", {**LONG, "seed": seed, "background": True}, headers)[1]["id"] for seed in range(COMPANY)]
    try:
        yield
    finally:
        for name in names:
            server.ask("DELETE", f"/v1/responses/{name}", headers=headers)


def text_of(response, kind="message"):
    return "".join(part["text"] for item in response["output"] if item["type"] == kind for part in item["content"])


def joined(events, kind):
    return "".join(event["delta"] for event in events if event["type"] == f"response.{kind}.delta")


def test_at_once_and_as_a_stream(server):
    body = {"input": QUESTION, "seed": 1, "instructions": "Be brief.", "metadata": {"a": "b"}}
    whole = create(server, body)
    check([item["type"] for item in whole["output"]] == ["reasoning", "message"] and "378" in text_of(whole), f"{whole}")
    check(whole["object"] == "response" and whole["status"] == "completed" and whole["id"].startswith("resp_")
          and whole["metadata"] == {"a": "b"} and whole["error"] is None, f"at once: {whole}")
    usage = whole["usage"]
    check(0 < usage["output_tokens_details"]["reasoning_tokens"] < usage["output_tokens"]
          and usage["input_tokens"] + usage["output_tokens"] == usage["total_tokens"], f"usage: {usage}")

    events = stream(server, body)
    types = [event["type"] for event in events]
    check([event["sequence_number"] for event in events] == list(range(len(events))), f"numbers: {types}")
    check(types[0] == "response.created" and types[-1] == "response.completed", f"types: {types}")
    once = [kind for kind in types if not kind.endswith(".delta") and kind not in ("response.queued", "response.in_progress")]
    item = ["response.output_item.added", "response.content_part.added"], ["response.content_part.done", "response.output_item.done"]
    check(once == ["response.created", *item[0], "response.reasoning_text.done", *item[1], *item[0], "response.output_text.done",
                   *item[1], "response.completed"], f"types: {once}")
    check(any(event.get("progress", {}).get("total") for event in events), "nobody told how the prompt is read")
    last = events[-1]["response"]
    check(joined(events, "reasoning_text") == text_of(last, "reasoning") == text_of(whole, "reasoning"), "the thought differs")
    check(joined(events, "output_text") == text_of(last) == text_of(whole), "the answer differs")
    end = next(event["thought_end"] for event in events if event["type"] == "response.reasoning_text.done")
    check(end["reason"] == "model" and end["tokens"] > 0, f"thought_end: {end}")
    check(server.ask("GET", f"/v1/responses/{last['id']}") == (200, last), "what is stored is not what was told")


def test_a_connection_that_breaks(server):
    answer = server.open("POST", "/v1/responses", {**LONG, "stream": True})
    seen = events_of(answer, most=12)
    answer.close()
    name, number = seen[0]["response"]["id"], seen[-1]["sequence_number"]
    rest = again(server, name, f"&starting_after={number}")
    check(rest and rest[0]["sequence_number"] == number + 1 and rest[-1]["type"] in FINAL, f"after {number}: {rest[:1]}")
    check(seen + rest == again(server, name), "events are told differently the second time")
    check(rest == again(server, name, headers={"Last-Event-ID": str(number)}), "Last-Event-ID")
    check(joined(seen + rest, "output_text") == text_of(rest[-1]["response"]), "text was lost")
    status, error = server.ask("GET", f"/v1/responses/{name}?stream=true&starting_after=x")
    check(status == 400 and "starting_after" in error["error"]["message"], f"starting_after=x: {status} {error}")


def test_a_response_that_is_not_stored_ends_with_its_client(server):
    answer = server.open("POST", "/v1/responses", {**LONG, "store": False, "stream": True})
    name = events_of(answer, most=3)[0]["response"]["id"]
    answer.close()
    wait_for(lambda: is_idle(server), "a client that left is still served")
    check(server.ask("GET", f"/v1/responses/{name}")[0] == 404, "it was stored")


def test_control(server):
    with company(server):
        control(server)


def control(server):
    name = create(server, LONG, background=True)["id"]
    status, response = server.ask("GET", f"/v1/responses/{name}")
    check(status == 200 and response["status"] in ("queued", "in_progress"), f"in the background: {status} {response}")
    status, response = server.ask("POST", f"/v1/responses/{name}/cancel", {})
    check(status == 200 and response["status"] == "cancelled", f"cancel: {status} {response}")
    check(server.ask("GET", f"/v1/responses/{name}")[1] == response, "a cancelled one is stored otherwise")

    answer = server.open("POST", "/v1/responses", {**LONG, "stream": True})
    name = events_of(answer, most=3)[0]["response"]["id"]
    status, told_so = server.ask("POST", f"/v1/responses/{name}/control", {"action": "stop"})
    check((status, told_so) == (200, {"id": name, "object": "response.control", "action": "stop"}), f"control: {status} {told_so}")
    last = events_of(answer)[-1]
    check(last["type"] == "response.incomplete" and last["response"]["status"] == "cancelled", f"stopped: {last}")
    check(server.ask("POST", f"/v1/responses/{name}/control", {"action": "dance"})[0] == 400, "an action that is none")

    name = create(server, LONG, background=True)["id"]
    status, deleted = server.ask("DELETE", f"/v1/responses/{name}")
    check(status == 200 and deleted["deleted"] is True and deleted["id"] == name, f"delete: {status} {deleted}")
    for path in ("", "?stream=true", "/input_items"):
        check(server.ask("GET", f"/v1/responses/{name}{path}")[0] == 404, f"deleted: {path}")


def test_what_is_deleted_ends(server):
    with company(server):
        pass
    wait_for(lambda: is_idle(server), "what was deleted still runs")


def test_conversations(server):
    conversation = server.ask("POST", "/v1/conversations", {
        "title": "Sums", "messages": [{"id": "q", "role": "user", "content": QUESTION}]})[1]["id"]

    def messages():
        return {m["id"]: m for m in server.ask("GET", f"/v1/conversations/{conversation}")[1]["messages"]}

    # A reply to what is there already, and another one beside it.
    first = stream(server, {"conversation": {"id": conversation, "parent": "q"}, "seed": 1})[-1]["response"]
    stored = messages()[first["id"]]
    check(stored["parent"] == "q" and stored["role"] == "assistant" and stored["status"] == "complete", f"stored: {stored}")
    check(stored["content"] == text_of(first) and stored["thought"] == text_of(first, "reasoning"), f"stored: {stored}")
    check(stored["usage"] == first["usage"] and stored["extra"]["thought_end"]["reason"] == "model", f"stored: {stored}")
    second = create(server, {"conversation": {"id": conversation, "parent": "q"}, "seed": 2})
    check(messages()[second["id"]]["parent"] == "q", "a second reply to the same question")

    # A question with it: at the active leaf.
    third = create(server, {"conversation": conversation, "input": "And 3+4?", "seed": 1})
    tree = messages()
    asked = tree[tree[third["id"]]["parent"]]
    check(asked["content"] == "And 3+4?" and asked["parent"] == second["id"] and len(tree) == 5, f"tree: {tree}")
    check(third["usage"]["input_tokens"] > second["usage"]["input_tokens"], "the conversation was not read")

    # One that is stopped.
    with company(server):
        name = create(server, LONG, conversation=conversation, background=True)["id"]
        status, error = server.ask("POST", "/v1/responses", {"input": "x", "conversation": conversation})
        check(status == 409, f"after a reply that is still written: {status} {error}")
        check(server.ask("POST", f"/v1/responses/{name}/cancel", {})[0] == 200, "cancel")
    check(messages()[name]["status"] == "cancelled", f"stopped: {messages()[name]}")

    for fields, code in (({"conversation": "nowhere"}, 404), ({"conversation": {"id": conversation, "parent": "x"}}, 404),
                         ({"conversation": {"id": conversation, "parent": first["id"]}}, 400),
                         ({"conversation": conversation, "store": False, "input": "x"}, 400),
                         ({"conversation": conversation, "previous_response_id": first["id"], "input": "x"}, 400)):
        status, error = server.ask("POST", "/v1/responses", fields)
        check(status == code, f"{fields}: {status} {error}")
    check(len(messages()) == 7, "a request that was refused left something")


def test_responses_that_follow_one_another(server):
    first = create(server, {"input": [{"role": "user", "content": [{"type": "input_text", "text": QUESTION}]}], "seed": 1})
    second = create(server, {"input": "And 3+4?", "previous_response_id": first["id"], "seed": 1})
    check(second["previous_response_id"] == first["id"], f"previous: {second}")
    # The same as the whole of it at once.
    whole = create(server, {"seed": 1, "input": [{"role": "user", "content": QUESTION}, *first["output"],
                                                 {"role": "user", "content": "And 3+4?"}]})
    check(whole["usage"]["input_tokens"] == second["usage"]["input_tokens"] and text_of(whole) == text_of(second),
          f"followed: {second}, at once: {whole}")
    items = server.ask("GET", f"/v1/responses/{second['id']}/input_items?order=asc")[1]
    check([item["content"] for item in items["data"]] == ["And 3+4?"] and items["data"][0]["id"], f"items: {items}")


def test_the_pages_of_an_input(server):
    asked = [{"role": "user", "content": f"{i}"} for i in range(5)]
    name = create(server, {"input": asked, "max_output_tokens": 1})["id"]
    for order, expected in (("asc", list("01234")), ("desc", list("43210"))):
        found, after = [], ""
        for _ in range(3):
            page = server.ask("GET", f"/v1/responses/{name}/input_items?order={order}&limit=2{after}")[1]
            found += [item["content"] for item in page["data"]]
            check(page["first_id"] == page["data"][0]["id"] and page["has_more"] == (len(found) < 5), f"{order}: {page}")
            after = f"&after={page['last_id']}"
        check(found == expected, f"{order}: {found}")
        end = server.ask("GET", f"/v1/responses/{name}/input_items?order={order}{after}")[1]
        check(end["data"] == [] and not end["has_more"] and end["last_id"] is None, f"behind the last: {end}")
    for query in ("limit=0", "limit=101", "limit=x", "limit=", "order=up", "after=none", "limit=-1", "limit=99999999999999999999"):
        status, error = server.ask("GET", f"/v1/responses/{name}/input_items?{query}")
        check(status == 400 and error["error"]["param"] == query.split("=")[0], f"{query}: {status} {error}")


def test_tools_and_formats(server):
    tool = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {"sum": {"type": "integer"}},
                                                              "required": ["sum"], "additionalProperties": False}}
    body = {"input": QUESTION, "tools": [tool], "tool_choice": {"type": "function", "name": "add"}, "seed": 1}
    events = stream(server, body)
    call = events[-1]["response"]["output"][-1]
    check(call["type"] == "function_call" and call["name"] == "add" and isinstance(json.loads(call["arguments"])["sum"], int)
          and joined(events, "function_call_arguments") == call["arguments"], f"call: {call}")
    follow = create(server, {"tools": [tool], "previous_response_id": events[-1]["response"]["id"], "max_output_tokens": 3, "input": [
        {"type": "function_call_output", "call_id": call["call_id"], "output": "378"}]})
    check(follow["status"] == "incomplete" and follow["incomplete_details"] == {"reason": "max_output_tokens"}, f"{follow}")
    schema = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"], "additionalProperties": False}
    held = create(server, {"input": QUESTION, "seed": 1, "reasoning": {"effort": "low"}, "text": {
        "format": {"type": "json_schema", "name": "a", "schema": schema, "strict": True}}})
    check(set(json.loads(text_of(held))) == {"answer"}, f"schema: {held}")
    without = create(server, {"input": QUESTION, "seed": 1, "reasoning": {"effort": "none"}})
    check([item["type"] for item in without["output"]] == ["message"], f"without thought: {without}")


def test_errors(server):
    for body, param in (({}, "input"), ({"input": []}, "input"), ({"input": 3}, "input"), ({"input": [{"role": "king", "content": "x"}]}, "input[0].role"),
                        ({"input": [{"type": "image"}]}, "input[0].type"), ({"input": "x", "truncation": "auto"}, "truncation"),
                        ({"input": "x", "max_output_tokens": 0}, "max_output_tokens"),
                        ({"input": "x", "background": True, "store": False}, "background"),
                        ({"input": "x", "text": {"format": {"type": "xml"}}}, "text.format.type")):
        status, error = server.ask("POST", "/v1/responses", body)
        check(status == 400 and error["error"]["param"] == param, f"{body}: {status} {error}")
    check(server.ask("POST", "/v1/responses", {"input": "x", "previous_response_id": "resp_x"})[0] == 404, "previous")


def test_owners(folder):
    keys = {}
    for name in ("anna", "ben"):
        added = run("key", "add", name, "--data", os.path.join(folder, "data"), HOME=folder)
        if not check(added.returncode == 0, f"key add: {told(added)}"):
            return
        keys[name] = {"x-api-key": re.search(r"sk-aloud-\S+", (added.stdout + added.stderr).decode()).group()}
    server = Server(folder, "--behind-proxy")
    try:
        server.wait_ready()
        with company(server, keys["ben"]):
            owners(server, keys)
    finally:
        check(server.stop() == 0, "the server with keys did not end well")


def owners(server, keys):
    name = server.ask("POST", "/v1/responses", {**LONG, "background": True}, keys["anna"])[1]["id"]
    for method, path, body in (("GET", "", None), ("GET", "?stream=true", None), ("GET", "/input_items", None), ("DELETE", "", None),
                               ("POST", "/cancel", {}), ("POST", "/control", {"action": "stop"})):
        status, _ = server.ask(method, f"/v1/responses/{name}{path}", body, keys["ben"])
        check(status == 404, f"another owner's: {method} {path}: {status}")
    follow = {"input": "x", "previous_response_id": name}
    check(server.ask("POST", "/v1/responses", follow, keys["ben"])[0] == 404, "another owner's: previous_response_id")
    status, response = server.ask("POST", f"/v1/responses/{name}/cancel", {}, keys["anna"])
    check(status == 200 and response["status"] == "cancelled", f"it did not run on: {status} {response}")


def test_a_crash(folder):
    """What was written of replies is there after kill -9, and they say that they were interrupted."""
    server = Server(folder)
    server.wait_ready()
    done = create(server, {"input": QUESTION, "seed": 1})
    # Many at once, so that none ends before the first of it is stored.
    running = {}
    for seed in range(COMPANY):
        conversation = server.ask("POST", "/v1/conversations", {})[1]["id"]
        running[create(server, LONG, seed=seed, conversation=conversation, background=True)["id"]] = conversation

    def replies():
        found = {}
        for name, conversation in running.items():
            messages = server.ask("GET", f"/v1/conversations/{conversation}")[1]["messages"]
            found[name] = next(message for message in messages if message["id"] == name)
        return found

    before = wait_for(lambda: (r := replies()) and any(m["content"] for m in r.values()) and r, "nothing is stored")
    server.stop(signal.SIGKILL)
    check(before and any(m["status"] == "running" for m in before.values()), f"none was caught in the middle: {before}")

    server = Server(folder)
    server.wait_ready()
    for name, after in replies().items():
        was = before[name]
        check(after["status"] == ("interrupted" if was["status"] == "running" else was["status"])
              or after["status"] == "complete", f"after the crash: {after['status']}, before: {was['status']}")
        check(after["content"].startswith(was["content"]), f"text was lost: {after['content']!r}, before: {was['content']!r}")
        events = again(server, name)
        check(len(events) == 1 and events[0]["type"] in FINAL, f"after the crash: {events}")
        if after["status"] == "interrupted":
            check(server.ask("GET", f"/v1/responses/{name}")[1]["error"]["code"] == "interrupted", "GET after the crash")
    check(server.ask("GET", f"/v1/responses/{done['id']}")[1] == done, "a response from before the crash")
    check([e["response"] for e in again(server, done["id"], "&starting_after=0")] == [done], "its stream")
    check(server.stop() == 0, f"the server did not end well: {server.errors[-5:]}")


def test_a_store_that_refuses(folder):
    """A reply that ended while the disk is full says so, is stored when there is space, and runs for ever nowhere."""
    server = Server(folder)
    server.wait_ready()

    def ask_long():
        conversation = server.ask("POST", "/v1/conversations", {})[1]["id"]
        answer = server.open("POST", "/v1/responses", {**LONG, "conversation": conversation, "stream": True})
        seen = events_of(answer, most=20)
        return conversation, seen[0]["response"]["id"], answer

    def told_of(server, conversation, name):
        message = server.ask("GET", f"/v1/conversations/{conversation}")[1]["messages"][-1]
        return server.ask("GET", f"/v1/responses/{name}")[1], message

    conversation, name, answer = ask_long()
    server.fill_disk()
    check(server.ask("POST", f"/v1/responses/{name}/control", {"action": "stop"})[0] == 200, "control")
    response, message = wait_for(lambda: (r := told_of(server, conversation, name))[1]["status"] != "running" and r, "a full disk")
    check(response["status"] == message["status"] == "cancelled" and response["saved"] is message["saved"] is False,
          f"not saved: {response} {message}")
    check(message["content"] == text_of(response) != "", f"not saved: {response} {message}")
    [last] = again(server, name)[-1:]
    check(last["response"] == response, f"not saved, its stream: {last}")
    status, refused = server.ask("POST", "/v1/responses", {"input": "x"})
    check(status >= 500 and folder not in refused["error"]["message"], f"a full disk takes another one: {status} {refused}")
    check(server.ask("POST", f"/v1/conversations/{conversation}/fork", {"leaf": name})[0] >= 500, "a fork on a full disk")
    server.fill_disk(False)
    fork = server.ask("POST", f"/v1/conversations/{conversation}/fork", {"leaf": name})[1]["messages"][-1]
    check({**fork, "saved": False} == message, f"a fork with a reply that is not saved: {fork} {message}")
    last = events_of(answer)[-1]["response"]
    check(last == told_of(server, conversation, name)[0] == {key: value for key, value in response.items() if key != "saved"},
          f"saved: {last}")
    check("saved" not in told_of(server, conversation, name)[1], "a message that is saved now")

    conversation, name, answer = ask_long()
    server.fill_disk()
    server.ask("POST", f"/v1/responses/{name}/control", {"action": "stop"})
    check(server.stop() == 0, f"the server did not end well: {server.errors[-5:]}")
    last = events_of(answer)[-1]
    check(last["type"] == "response.failed" and last["response"]["error"]["code"] == "not_stored" and text_of(last["response"]),
          f"at the end of the server: {last}")
    server = Server(folder)
    server.wait_ready()
    response, message = told_of(server, conversation, name)
    check(message["status"] == "interrupted" and response["error"]["code"] == "interrupted", f"later: {response} {message}")
    check(server.stop() == 0, f"the server did not end well: {server.errors[-5:]}")


def test_a_start_without_space(folder):
    """What can be read is read, a reply that ran is interrupted, and everything goes on when there is space."""
    server = Server(folder)
    server.wait_ready()
    conversation = server.ask("POST", "/v1/conversations", {})[1]["id"]
    answer = server.open("POST", "/v1/responses", {**LONG, "conversation": conversation, "stream": True})
    name = events_of(answer, most=20)[0]["response"]["id"]
    server.stop(signal.SIGKILL)

    server = Server(folder, most_bytes=SHORT_FILE)
    if not check(server.port, f"no start without space: {server.errors}"):
        return
    server.wait_ready()

    def states():
        messages = server.ask("GET", f"/v1/conversations/{conversation}")[1]["messages"]
        return {message["id"]: message["status"] for message in messages if message["role"] == "assistant"}

    check(any("nothing can be stored now" in line for line in server.errors), f"what the log says: {server.errors}")
    check(states() == {name: "interrupted"}, f"without space: {states()}")
    check(server.ask("GET", f"/v1/responses/{name}")[1]["error"]["code"] == "interrupted", "the response without space")
    another = {"input": QUESTION, "conversation": conversation}
    check(server.ask("POST", "/v1/responses", another)[0] >= 500, "a reply without space")
    server.fill_disk(False)
    expected = {name: "interrupted", create(server, another)["id"]: "complete"}
    check(states() == expected, f"with space: {states()}")
    check(server.stop() == 0, f"the server did not end well: {server.errors[-5:]}")
    server = Server(folder)
    server.wait_ready()
    check(states() == expected, f"later: {states()}")
    check(server.stop() == 0, f"the server did not end well: {server.errors[-5:]}")


def model_that_sees_all(folder):
    """The default model with a chat template that leaves no question out, as those of larger models."""
    model = (pathlib.Path(__file__).resolve().parents[2] / "models" / "default.gguf").read_bytes()
    last, everything = b"messages[ns.last:]", b"messages"
    check(model.count(last) == 1, "the default model's template is another")
    path = os.path.join(folder, "all.gguf")
    pathlib.Path(path).write_bytes(model.replace(last, everything.ljust(len(last))))
    return path


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder, "--model", "aloud=" + model_that_sees_all(folder))
        if check(server.port, f"the server did not start: {server.errors}"):
            server.wait_ready()
            for test in (test_at_once_and_as_a_stream, test_a_connection_that_breaks,
                         test_a_response_that_is_not_stored_ends_with_its_client, test_control, test_what_is_deleted_ends, test_conversations,
                         test_responses_that_follow_one_another, test_the_pages_of_an_input, test_tools_and_formats, test_errors):
                test(server)
            create(server, LONG, background=True)  # its end must not be in the way of the server's
        check(server.stop() == 0, f"the server did not end well: {server.errors[-5:]}")
    for test in (test_owners, test_a_crash, test_a_store_that_refuses, test_a_start_without_space):
        with tempfile.TemporaryDirectory() as folder:
            test(folder)
    finish()


main()
