"""`cmake --install` gives a program that needs nothing of the folder it was built from."""
import json
import os
import subprocess
import tempfile

from harness import check, finish, program, run, told


def main():
    build = os.path.dirname(program())
    source = os.path.dirname(os.path.dirname(build))
    with tempfile.TemporaryDirectory() as prefix:
        subprocess.run(["cmake", "--install", build, "--prefix", prefix, "--strip"], check=True, stdout=subprocess.DEVNULL)
        installed = os.path.join(prefix, "bin", "aloud")
        result = run("chat", "--json", "--temperature", 0, "What is 27*14?", command=installed, cwd=prefix, HOME=prefix)
        check(result.returncode == 0 and "378" in json.loads(result.stdout or b'{"answer": ""}')["answer"],
              f"the installed program: {told(result)}")
        with open(installed, "rb") as file:
            content = file.read()
        check(source.encode() not in content, f"the installed program knows {source}")
        libraries = subprocess.run(["ldd", installed], capture_output=True, text=True, check=True).stdout
        check("not found" not in libraries and source not in libraries, f"libraries: {libraries}")
    finish()


main()
