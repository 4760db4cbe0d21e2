"""llama.cpp as node-llama-cpp brings it from npm: its prebuilt libraries, and its server built from the source beside them.

Everything lies in build/peers. Needs npm and git, for the server cmake, ninja and g++ too."""
import json
import pathlib
import platform
import subprocess
import sys

WORK = pathlib.Path(__file__).resolve().parents[2] / "build" / "peers"
VERSION = "3.22.1"  # of node-llama-cpp: llama.cpp de3ff81
PLATFORM = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}[platform.machine()]
LIBRARIES = WORK / "node_modules" / "@node-llama-cpp" / PLATFORM / "bins" / PLATFORM
SOURCE = WORK / "llama.cpp"


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def command(*words, **keywords):
    """Runs a command to its end and returns what it printed."""
    words = [str(word) for word in words]
    result = subprocess.run(words, stdout=subprocess.PIPE, text=True, **keywords)
    if result.returncode != 0:
        sys.exit(f"failed: {' '.join(words)}")
    return result.stdout


def install():
    """Makes LIBRARIES and SOURCE."""
    package = WORK / "node_modules" / "node-llama-cpp"
    WORK.mkdir(parents=True, exist_ok=True)
    if not LIBRARIES.exists() or json.loads((package / "package.json").read_text())["version"] != VERSION:
        say("installing node-llama-cpp", VERSION)
        command("npm", "install", "--prefix", WORK, "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund",
                f"node-llama-cpp@{VERSION}", f"@node-llama-cpp/{PLATFORM}@{VERSION}", stderr=subprocess.DEVNULL)
        command("rm", "-rf", SOURCE)
    if not (SOURCE / "CMakeLists.txt").exists():
        command("rm", "-rf", SOURCE)
        command("git", "clone", "--quiet", package / "llama" / "gitRelease.bundle", SOURCE)


# What its build is told of this processor. Not of AMX: its products with that crash when GCC 12 has compiled them.
FEATURES = {"sse4_2": "SSE42", "avx": "AVX", "avx2": "AVX2", "bmi2": "BMI2", "fma": "FMA", "f16c": "F16C", "avx_vnni": "AVX_VNNI",
            "avx512f": "AVX512", "avx512vbmi": "AVX512_VBMI", "avx512_vnni": "AVX512_VNNI", "avx512_bf16": "AVX512_BF16"}


def server_program():
    """llama-server for this machine's processor, built where it is missing (about 15 minutes)."""
    install()
    build = WORK / "llama-server"
    program = build / "bin" / "llama-server"
    if not program.exists():
        say("building llama-server")
        flags = set(pathlib.Path("/proc/cpuinfo").read_text().split())
        command("cmake", "-S", SOURCE, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=OFF",
                "-DGGML_NATIVE=OFF", *(f"-DGGML_{option}=ON" for flag, option in FEATURES.items() if flag in flags),
                "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_EXAMPLES=OFF", "-DLLAMA_OPENSSL=OFF", "-DLLAMA_USE_PREBUILT_UI=OFF",
                stderr=subprocess.DEVNULL)
        command("ninja", "-C", build, "llama-server")
    return program
