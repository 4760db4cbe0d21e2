"""What the end-to-end tests share: running the program, noting what went wrong, where the data lies."""
import os
import subprocess
import sys

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data")
SKIPPED = 77
MOST_TOLD = 20

_failures = []


def program():
    """The path of the program under test: the first argument of every script."""
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} PROGRAM")
    return os.path.abspath(sys.argv[1])


def run(*arguments, stdin=b"", timeout=600, cwd=None, command=None, **environment):
    """Runs `aloud ARGUMENTS`; keywords are environment variables on top of a plain English environment."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ}
    plain.update({"LC_ALL": "C.UTF-8", **environment})
    return subprocess.run([command or program(), *map(str, arguments)], input=stdin, capture_output=True, timeout=timeout,
                          env=plain, cwd=cwd)


def check(condition, message):
    """Notes a failure and goes on; returns whether the condition held."""
    if not condition:
        _failures.append(message)
        if len(_failures) <= MOST_TOLD:
            print(f"FAILED: {message}\n", end="", flush=True)
    return bool(condition)


def told(result):
    """What a run said, for messages."""
    return f"exit code {result.returncode}, stdout {result.stdout[-300:]!r}, stderr {result.stderr[-300:]!r}"


def finish():
    print(f"{len(_failures)} failures")
    sys.exit(1 if _failures else 0)
