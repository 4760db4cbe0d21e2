// A server with the default model on a free port, for the tests of clients.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

// Resolves to {url, data, fillDisk, stop}, data being its folder, when the model answers.
export async function startServer(program, ...options) {
  const folder = mkdtempSync(join(tmpdir(), "aloud-clients-"));
  const command = [program, "serve", "--port", "0", "--data", folder, "--log", "off", ...options];
  const server = spawn("sh", ["-c", 'trap "" XFSZ; exec "$@"', "sh", ...command], { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => server.kill("SIGKILL"));  // also when a test fails
  const [url] = await once(createInterface(server.stdout), "line");
  while ((await fetch(`${url}/ready`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
  // As if the disk were full: no file can be written to any more. (Without the trap above that would end the program.)
  const fillDisk = (full = true) => execFileSync("prlimit", ["--pid", server.pid, `--fsize=${full ? 0 : "unlimited"}:`]);
  const stop = async () => {
    server.kill("SIGTERM");
    if (server.exitCode === null) await once(server, "exit");
    rmSync(folder, { recursive: true });
  };
  return { url, data: folder, fillDisk, stop };
}
