"""Keys, backups and restores: what the commands print, keep and refuse, and that no file holds a key."""
import json
import os
import re
import stat
import tempfile

from harness import check, finish, program, run, told

KEY = re.compile(r"sk-aloud-[A-Za-z0-9_-]{43}")


def said(what, result, code, *words):
    """Checks the exit code, and that the words are said on stdout or, after a failure, in one line on stderr."""
    text = (result.stderr if code else result.stdout).decode()
    check(result.returncode == code and all(word in text for word in words) and (not code or text.count("\n") == 1),
          f"{what}: expected exit code {code} and {words}; {told(result)}")


def all_bytes(folder):
    content = b""
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            content += file.read()
    return content


def check_keys(data):
    def key(*arguments, **environment):
        return run("key", *arguments, "--data", data, **environment)

    added = key("add", "alice", "--scopes", "chat,admin", "--requests-per-minute", 60)
    secret = added.stdout.decode().strip()
    check(added.returncode == 0 and KEY.fullmatch(secret), f"key add: {told(added)}")
    check(b"once" in added.stderr, f"key add does not say that the key is shown once: {told(added)}")
    check(secret.encode() not in all_bytes(data), "a file of the store holds the key itself")
    check(stat.S_IMODE(os.stat(data).st_mode) == 0o700, "the folder is not private")
    check(stat.S_IMODE(os.stat(os.path.join(data, "aloud.db")).st_mode) == 0o600, "the database is not private")
    said("the same name again", key("add", "alice"), 1, "aloud key: ", "alice", "there is a key")
    other = json.loads(key("add", "小红", "--tokens-per-day", 1000, "--json").stdout)
    check(other["name"] == "小红" and KEY.fullmatch(other["key"]) and other["key"] != secret, f"key add --json: {other}")

    said("key list", key("list"), 0, "alice", "chat,admin", "60", "小红", "1000")
    check(secret not in key("list").stdout.decode(), "key list shows a key")
    listed = json.loads(key("list", "--json").stdout)["keys"]
    check([entry["name"] for entry in listed] == ["alice", "小红"], f"key list --json: {listed}")
    check(listed[0]["requests_per_minute"] == 60 and listed[0]["tokens_per_day"] is None and
          listed[0]["last_used_ms"] is None and listed[0]["usage"]["requests"] == 0, f"key list --json: {listed[0]}")

    said("key revoke", key("revoke", "alice"), 0, "revoked")
    said("a second time", key("revoke", "alice"), 1, "no key of that name")
    said("a name with a space", key("add", "a b"), 1, "a b")
    said("scopes", key("add", "bob", "--scopes", "root"), 2, "root")
    said("a limit of nothing", key("add", "bob", "--tokens-per-day", 0), 2, "tokens-per-day")
    said("no name", key("add"), 2, "NAME")
    said("no action", run("key"), 2, "aloud key: ")
    chinese = run("key", "add", "--help", LC_ALL="zh_CN.UTF-8").stdout.decode()
    check("用法" in chinese and "选项" in chinese and "--scopes" in chinese, f"key add --help in Chinese: {chinese}")


def check_backup(data, folder):
    backup = os.path.join(folder, "backup.db")
    said("backup", run("backup", backup, "--data", data), 0, "written")
    said("backup over a file", run("backup", backup, "--data", data), 1, "is there already")
    said("backup of nothing", run("backup", os.path.join(folder, "b"), "--data", os.path.join(folder, "none")), 1, "none")
    run("key", "add", "later", "--data", data)
    restored = run("restore", backup, "--data", data)
    said("restore", restored, 0, "restored", "kept in")
    kept = restored.stdout.decode().strip().split()[-1]
    check(os.path.dirname(kept) == data and os.path.exists(kept), f"what was there is not kept: {told(restored)}")
    names = [key["name"] for key in json.loads(run("key", "list", "--json", "--data", data).stdout)["keys"]]
    check(names == ["小红"], f"after the restore: {names}")
    said("restore of a damaged file", run("restore", os.path.abspath(__file__), "--data", data), 1, "not a database")
    said("restore of no file", run("restore", os.path.join(folder, "nothing"), "--data", data), 1, "nothing")


def main():
    program()
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        check_keys(data)
        check_backup(data, folder)
        home = run("key", "list", XDG_DATA_HOME=folder)
        check(home.returncode == 0 and os.path.exists(os.path.join(folder, "aloud", "aloud.db")),
              f"XDG_DATA_HOME is not followed: {told(home)}")
    finish()


main()
