// Installs what package.json names into a folder: install.mjs FOLDER. Exits with 77 where that cannot be done.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SKIPPED = 77;
const TIMEOUT_MS = 300_000;

const folder = process.argv[2];
const wanted = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "package.json"), "utf8");
const done = join(folder, "installed.json");
if (existsSync(done) && readFileSync(done, "utf8") === wanted) process.exit(0);

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "package.json"), wanted);
const result = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: folder, timeout: TIMEOUT_MS });
if (result.status !== 0) {
  console.log(`skipped: npm could not install: ${result.error ?? result.stderr}`);
  process.exit(SKIPPED);
}
writeFileSync(done, wanted);
