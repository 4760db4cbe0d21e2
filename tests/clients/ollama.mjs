// Ollama's own client against a server with the default model: ollama.mjs PROGRAM CLIENTS_FOLDER.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { startServer } from "./server.mjs";

const [program, folder] = process.argv.slice(2);
const { url, stop } = await startServer(program);
const { Ollama } = createRequire(resolve(folder, "package.json"))("ollama");
const client = new Ollama({ host: url });
const asked = { model: "aloud", messages: [{ role: "user", content: "What is 27*14?" }], options: { seed: 1 }, think: true };

const reply = await client.chat(asked);
assert.match(reply.message.content, /378/);
assert.ok(reply.message.thinking.length > 0);
assert.ok(reply.done && reply.done_reason === "stop" && reply.eval_count > 0 && reply.prompt_eval_count > 0);

let thought = "", answer = "", last = null;
for await (const part of await client.chat({ ...asked, stream: true })) {
  thought += part.message.thinking ?? "";
  answer += part.message.content;
  last = part;
}
assert.equal(thought, reply.message.thinking);
assert.equal(answer, reply.message.content);
assert.ok(last.done);

const generated = await client.generate({ model: "aloud:latest", prompt: "What is 27*14?", think: false, options: { seed: 1 } });
assert.ok(generated.response.length > 0 && !generated.thinking);

const format = { type: "object", properties: { sum: { type: "integer" } }, required: ["sum"], additionalProperties: false };
const structured = await client.chat({ ...asked, format });
assert.equal(typeof JSON.parse(structured.message.content).sum, "number");

assert.deepEqual((await client.list()).models.map((model) => model.name), ["aloud"]);
assert.equal((await client.ps()).models.length, 1);
assert.ok((await client.show({ model: "aloud" })).capabilities.includes("thinking"));
assert.ok((await client.version()).version.length > 0);
await assert.rejects(client.chat({ ...asked, model: "nobody" }), /nobody/);
await stop();
