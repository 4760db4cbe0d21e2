// Holds the grammars of JSON schemas against ajv: check.mjs DRIVE VOCABULARY.gguf CLIENTS_FOLDER COUNT [SEED].
//
// COUNT schemas are made up, and those of cases.jsonl come on top. Of each, texts that came of random logits must be
// valid, and values that ajv finds valid must be accepted token by token. Without npm, which installs ajv, it is skipped.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { makeSchema, randomStream } from "./corpus.mjs";

const SKIPPED = 77;
const INSTANCES = 20;
const OUTPUTS = 4;

const [drive, vocabulary, clients, count, seed = "1"] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));

const installed = spawnSync(process.execPath, [join(here, "..", "clients", "install.mjs"), clients], { stdio: "inherit" });
if (installed.status !== 0) process.exit(SKIPPED);
const require = createRequire(resolve(clients, "package.json"));
const Ajv7 = require("ajv").default, Ajv2020 = require("ajv/dist/2020").default, addFormats = require("ajv-formats").default;

let failures = 0;
function fail(message) {
  if (++failures <= 20) console.log(`FAILED: ${message}`);
}

function validator(schema) {
  const ajv = new (String(schema.$schema).includes("draft-07") ? Ajv7 : Ajv2020)({ strict: false, logger: false });
  addFormats(ajv);
  return ajv.compile(schema);
}

// As Python and most models write it.
function spaced(value) {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${spaced(member)}`).join(", ")}}`;
}

// Up to INSTANCES different valid values, as texts.
function instances(make, validate, random) {
  const texts = new Set();
  for (let i = 0; i < INSTANCES * 20 && texts.size < INSTANCES; ++i) {
    const value = make(random);
    if (validate(value)) texts.add(i % 2 ? JSON.stringify(value) : spaced(value));
  }
  return [...texts];
}

const cases = readFileSync(join(here, "cases.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
for (let i = 0, made = 0; made < Number(count); ++i) {
  const [schema, make] = makeSchema(Number(seed), i);
  const texts = instances(make, validator(schema), randomStream(i));
  if (texts.length === 0) continue;  // some contradict themselves
  cases.push({ name: `made up ${seed}/${i}`, schema, instances: texts });
  ++made;
}
const lines = cases.map(({ schema, instances = [] }) => JSON.stringify({ schema, instances }));
const run = spawnSync(drive, [vocabulary, seed, String(OUTPUTS)], { input: lines.join("\n") + "\n", maxBuffer: 1 << 30, timeout: 900_000 });
if (run.status !== 0) {
  console.log(`FAILED: ${drive}: exit code ${run.status} ${run.signal ?? ""} ${run.stderr}`);
  process.exit(1);
}
const results = run.stdout.toString().trim().split("\n").map((line) => JSON.parse(line));
if (results.length !== cases.length) fail(`${results.length} results of ${cases.length} cases`);

let outputs = 0, accepted = 0;
cases.forEach((test, i) => {
  const result = results[i] ?? { error: "no result" };
  const told = `${test.name}: ${JSON.stringify(test.schema).slice(0, 700)}`;
  if (test.error !== undefined || result.error !== undefined) {
    if (!(test.error !== undefined && result.error?.includes(test.error))) fail(`${told}: error ${result.error}, expected ${test.error}`);
    return;
  }
  const validate = validator(test.schema);
  for (const text of result.outputs) {
    let valid = false;
    try {
      valid = validate(JSON.parse(text));
    } catch {}
    if (!valid) fail(`${told}: wrote ${text.slice(0, 400)} ${JSON.stringify(validate.errors)}`);
    ++outputs;
  }
  const refused = result.refused.map((index) => test.instances[index]);
  const expected = test.refused ?? [];
  for (const text of refused) if (!expected.includes(text)) fail(`${told}: refused ${text.slice(0, 400)}`);
  for (const text of expected) if (!refused.includes(text)) fail(`${told}: accepted ${text.slice(0, 400)}`);
  accepted += (test.instances?.length ?? 0) - refused.length;
});
console.log(`${cases.length} schemas, ${outputs} texts of random logits, ${accepted} values accepted, ${failures} failures`);
process.exit(failures === 0 ? 0 : 1);
