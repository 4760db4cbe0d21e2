"""The program runs on processors that lack what this one has: on an emulated Nehalem (no AVX) and Haswell (AVX2) it chats,
and its logits are those of the instruction set that it should have chosen there."""
import os
import shutil
import tempfile

from harness import DATA, SKIPPED, check, finish, program, run, told

EMULATOR = shutil.which("qemu-x86_64")
# The emulated processor and the instruction set that is the best there.
PROCESSORS = {"Nehalem": "scalar", "Haswell": "avx2"}
MODEL = os.path.join(DATA, "logits", "qwen2-Q4_K_M.gguf")


def logits(folder, *command, **environment):
    out = os.path.join(folder, "out.f32")
    words = [*command, "logits", "--model", MODEL, "--no-sidecar", "--tokens", "3,8,13,18,23", "--threads", 2, "--out", out]
    result = run(*words[1:], command=words[0], **environment)
    if not check(result.returncode == 0, f"{' '.join(command)}: {told(result)}"):
        return None
    with open(out, "rb") as file:
        return file.read()


def main():
    aloud = program()
    if EMULATOR is None or os.uname().machine != "x86_64":
        print("left out: this is no x86-64, or qemu-x86_64 is not installed")
        raise SystemExit(SKIPPED)
    for processor, isa in PROCESSORS.items():
        emulated = (EMULATOR, "-cpu", processor, aloud)
        with tempfile.TemporaryDirectory() as folder:
            found = logits(folder, *emulated)
            # A machine without AVX2 has nothing to compare an emulated Haswell with but the emulator told which to take.
            native = run("logits", "--tokens", "1", "--out", os.devnull, ALOUD_ISA=isa).returncode == 0
            expected = logits(folder, *([aloud] if native else emulated), ALOUD_ISA=isa)
        check(found is not None and found == expected, f"{processor}: not the logits of {isa}")
        reply = run(*emulated[1:], "chat", "--seed", 1, "What is 27*14?", command=EMULATOR)
        check(reply.returncode == 0 and b"378" in reply.stdout, f"{processor}: {told(reply)}")
    finish()


main()
