"""/v1/conversations from outside: what is stored, found, changed, carried away, and who may see it."""
import json
import os
import re
import tempfile
from urllib.parse import quote

from harness import check, finish, run, told
from server import Server

BASE = "/v1/conversations"


def ask(server, method, path, body=None, expected=200, headers=None):
    status, answer = server.ask(method, BASE + path, body, headers)
    check(status == expected, f"{method} {path}: {status}, expected {expected}: {answer}")
    return answer


def message(id, parent, role, content, **more):
    return {"id": id, "role": role, "content": content, **({"parent": parent} if parent else {}), **more}


TREE = [message("q1", "", "user", "How tall is the Eiffel tower?"),
        message("a1", "q1", "assistant", "About 330 metres.", thought="It stands in Paris.", model="aloud")]


def test_one_conversation(server):
    made = ask(server, "POST", "", {"title": "Towers", "settings": {"effort": "low"}, "messages": TREE})
    path = "/" + made["id"]
    check([m["id"] for m in made["messages"]] == ["q1", "a1"] and made["active_leaf"] == "a1", f"made: {made}")
    check(ask(server, "GET", path) == made, "what is read is what was made")
    check(ask(server, "POST", "", made) == made, "making it again changes nothing")

    edited = ask(server, "POST", path + "/messages", {"messages": [message("q2", "", "user", "And the Kölner Dom?")]})
    check([m["id"] for m in edited["data"]] == ["q2"], f"a branch: {edited}")
    check(ask(server, "GET", path)["active_leaf"] == "q2", "the new branch is shown")
    ask(server, "PATCH", path, {"active_leaf": "a1"})
    fork = ask(server, "POST", path + "/fork", {"leaf": "a1"})
    check(fork["id"] != made["id"] and [m["content"] for m in fork["messages"]] == [m["content"] for m in TREE], f"{fork}")

    changed = ask(server, "PATCH", path, {"title": "Türme", "pinned": True, "folder": "Reisen", "settings": {"budget": 9}})
    check((changed["title"], changed["pinned"], changed["folder"], changed["settings"]) == ("Türme", True, "Reisen", {"budget": 9}),
          f"{changed}")
    check(ask(server, "GET", "/folders")["data"] == [{"name": "Reisen", "conversations": 1}], "folders")
    check([c["id"] for c in ask(server, "GET", "?folder=Reisen")["data"]] == [made["id"]], "by folder")
    check(ask(server, "GET", "?archived=true")["data"] == [], "archived ones")
    titled = ask(server, "POST", f"/{fork['id']}/title", {})
    check(titled["title"], f"a title: {titled}")

    hits = ask(server, "GET", "/search?query=paris")["data"]
    check(len(hits) == 2 and hits[0]["messages"][0]["in_thought"], f"search: {hits}")
    words = [piece["text"] for piece in hits[0]["messages"][0]["excerpt"] if piece["matches"]]
    check(words == ["Paris"], f"the match is marked: {words}")

    ask(server, "DELETE", path)
    ask(server, "GET", path, expected=404)
    check(len(ask(server, "GET", "/search?query=paris")["data"]) == 1, "deleted ones are not found")
    check([c["id"] for c in ask(server, "GET", "?deleted=true")["data"]] == [made["id"]], "deleted ones")
    check(ask(server, "POST", path + "/restore", {})["title"] == "Türme", "undo")
    check(len(ask(server, "GET", path)["messages"]) == 3, "undo brings every message back")


def test_pages(server):
    made = {ask(server, "POST", "", {"title": f"page {i}", "folder": "many"})["id"] for i in range(7)}
    found, cursor = [], ""
    while cursor is not None:
        page = ask(server, "GET", f"?folder=many&limit=3&cursor={cursor}")
        check(len(page["data"]) <= 3, f"{page}")
        found += [c["id"] for c in page["data"]]
        cursor = page["next_cursor"]
    check(len(found) == 7 and set(found) == made, f"pages: {found}")


def test_carried_away(server):
    everything = ask(server, "GET", "/export")
    check(everything["format"] == "aloud-conversations" and len(everything["conversations"]) == 9, f"{everything}")
    one = everything["conversations"][-1]
    check(ask(server, "GET", f"/{one['id']}/export") == one, "one is exported as in all")
    again = ask(server, "POST", "/import", everything)
    check((again["imported"], again["present"], len(again["data"])) == (0, 9, 9), f"imported again: {again}")
    check(ask(server, "GET", "/export") == everything, "imported twice, there once")
    with tempfile.TemporaryDirectory() as folder:
        other = Server(folder)
        first = ask(other, "POST", "/import", one)
        check((first["imported"], first["present"]) == (1, 0), f"one imported elsewhere: {first}")
        rest = ask(other, "POST", "/import", everything)
        check((rest["imported"], rest["present"]) == (8, 1), f"the others with it: {rest}")
        check(ask(other, "GET", "/export") == everything, "an import elsewhere is the same")
        check(other.stop() == 0, "the other server did not end well")


def test_errors(server):
    for method, path, body, expected, words in [
            ("GET", "/none", None, 404, "none"), ("PATCH", "/none", {"title": "x"}, 404, "none"),
            ("DELETE", "/none", None, 404, "none"), ("POST", "/none/messages", {"messages": [TREE[0]]}, 404, "none"),
            ("POST", "/none/messages", {"messages": []}, 400, "messages"), ("POST", "/none/title", {}, 404, "none"),
            ("POST", "", {"messages": [message("a", "b", "user", "")]}, 400, "parent"),
            ("POST", "", {"messages": [{"role": 7}]}, 400, "role"), ("POST", "", {"pinned": "yes"}, 400, "pinned"),
            ("POST", "/import", {"format": "other"}, 400, "format"),
            ("GET", "?limit=0", None, 400, "whole number"), ("GET", "?archived=1", None, 400, "true or false"),
            ("GET", "?cursor=zz", None, 400, "cursor"), ("GET", "/search?query=", None, 400, "word"),
            ("PUT", "/none", {}, 405, "")]:
        error = ask(server, method, path, body, expected)["error"]["message"]
        check(words in error, f"{method} {path}: {error!r} does not say {words!r}")


def test_hostile(server):
    """Whatever is sent is stored as it is or refused with a reason; nothing else is touched."""
    before = ask(server, "GET", "?limit=200")["data"]
    long_name = "x" * 5000
    odd = ["", "../../etc/passwd", long_name, "a\0b", "a/b", "\u202e", "'; DROP TABLE messages; --"]
    bodies = [{"id": name, "title": name, "folder": name, "messages": []} for name in odd]
    bodies += [{"messages": [message(name, "", "user", name)]} for name in odd]
    bodies += [{"messages": [message("m", "m", "user", "its own parent")]},
               {"messages": [message("m", "", "user", "one"), message("m", "", "user", "two")]},
               {"messages": [message("a", "b", "user", "1"), message("b", "a", "user", "2")]},
               {"messages": [message("m", "", "root", "no such role")]}, {"messages": {"id": "m"}}, {"settings": []}, [], 7,
               "{", b"\xff\xfe", b'{"title": "\xc3\x28"}', '{"title": "\\ud800"}', "[" * 100000,
               {"title": "t", "settings": {"deep": json.loads("[" * 60 + "]" * 60)}}]
    made = []
    for body in bodies:
        status, answer = server.ask("POST", BASE, body)
        told_why = isinstance(answer, dict) and (answer.get("error") or {}).get("message")
        check(status == 200 or 400 <= status < 500 and told_why, f"{str(body)[:80]!r}: {status} {str(answer)[:200]}")
        if status == 200:
            made.append(answer)
            check(server.ask("GET", f"{BASE}/{quote(answer['id'], safe='')}") == (200, answer), f"{str(body)[:80]!r} is read as it was made")
    for query in ('"', "*", "NEAR(a b)", "a AND", "-", "title:x", "%", "x" * 5000, " ".join("abcdefghijklmnopqrstuvwxyz"), "\0"):
        status, answer = server.ask("GET", f"{BASE}/search?query={quote(query)}")
        check(status in (200, 400), f"search {query[:40]!r}: {status} {answer}")
    chain = [message(f"m{i}", f"m{i - 1}" if i else "", "user", f"message {i}") for i in range(3000)]
    many = ask(server, "POST", "", {"messages": chain})
    check(len(many["messages"]) == 3000 and many["active_leaf"] == "m2999", "a chain of 3,000 messages")
    for conversation in made + [many]:
        server.ask("DELETE", f"{BASE}/{quote(conversation['id'], safe='')}")
    check(ask(server, "GET", "?limit=200")["data"] == before, "the others are as they were")


def test_preflight(folder):
    """A page of another origin may change a conversation only where the operator named that origin."""
    server = Server(folder, "--origin", "https://chat.example")
    for origin, expected in (("https://chat.example", 204), ("https://evil.example", 403)):
        answer = server.open("OPTIONS", BASE + "/any", None, {"Origin": origin, "Access-Control-Request-Method": "PATCH",
                                                              "Access-Control-Request-Headers": "content-type,x-csrf-token"})
        methods = answer.headers.get("Access-Control-Allow-Methods", "")
        check(answer.status == expected and ("PATCH" in methods) == (expected == 204), f"{origin}: {answer.status} {methods}")
    check(server.stop() == 0, "the server for another origin did not end well")


def test_owners(folder):
    keys = {}
    for name in ("anna", "bert"):
        added = run("key", "add", name, "--data", os.path.join(folder, "data"), HOME=folder)
        if not check(added.returncode == 0, f"key add: {told(added)}"):
            return
        keys[name] = {"x-api-key": re.search(r"sk-aloud-\S+", (added.stdout + added.stderr).decode()).group()}
    server = Server(folder, "--behind-proxy")
    made = ask(server, "POST", "", {"title": "mine", "messages": TREE}, headers=keys["anna"])
    path = "/" + made["id"]
    ask(server, "GET", path, expected=401)
    for method, ending, body in [("GET", "", None), ("PATCH", "", {"title": "x"}), ("DELETE", "", None),
                                 ("POST", "/messages", {"messages": [message("x", "a1", "user", "x")]}),
                                 ("POST", "/fork", {"leaf": "a1"}), ("POST", "/restore", {}), ("POST", "/title", {}),
                                 ("GET", "/export", None)]:
        ask(server, method, path + ending, body, expected=404, headers=keys["bert"])
    for listing in ("", "/search?query=paris", "/folders"):
        check(ask(server, "GET", listing, headers=keys["bert"])["data"] == [], f"{listing}: another's")
    check(ask(server, "GET", "/export", headers=keys["bert"])["conversations"] == [], "another's in an export")
    check(ask(server, "GET", path, headers=keys["anna"]) == made, "it is as it was")

    answer = server.open("POST", "/v1/session", {"key": keys["anna"]["x-api-key"]})
    jar = {"Cookie": answer.getheader("Set-Cookie").split(";")[0]}
    token = json.loads(answer.read())["csrf_token"]
    ask(server, "PATCH", path, {"title": "forged"}, expected=403, headers=jar)
    ask(server, "DELETE", path, expected=403, headers=jar)
    ask(server, "PATCH", path, {"title": "changed"}, headers={**jar, "X-CSRF-Token": token})
    check(server.stop() == 0, "the server with keys did not end well")


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        if check(server.port, f"the server did not start: {server.errors}"):
            for test in (test_one_conversation, test_pages, test_carried_away, test_errors, test_hostile):
                test(server)
        check(server.stop() == 0, f"the server did not end well: {server.errors[-5:]}")
    with tempfile.TemporaryDirectory() as folder:
        test_owners(folder)
    with tempfile.TemporaryDirectory() as folder:
        test_preflight(folder)
    finish()


main()
