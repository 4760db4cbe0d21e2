// Anthropic's own client against a server with the default model: anthropic.mjs PROGRAM CLIENTS_FOLDER.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { startServer } from "./server.mjs";

const [program, folder] = process.argv.slice(2);
const { url, stop } = await startServer(program);
const { Anthropic } = createRequire(resolve(folder, "package.json"))("@anthropic-ai/sdk");
const client = new Anthropic({ baseURL: url, apiKey: "none is needed here", maxRetries: 0 });
const messages = [{ role: "user", content: "What is 27*14?" }];
const asked = { model: "aloud", max_tokens: 500, messages, temperature: 0, thinking: { type: "enabled", budget_tokens: 400 } };

const reply = await client.messages.create(asked);
assert.deepEqual(reply.content.map((block) => block.type), ["thinking", "text"]);
assert.match(reply.content[1].text, /378/);
assert.equal(reply.stop_reason, "end_turn");
assert.ok(reply.usage.input_tokens > 0 && reply.usage.output_tokens > 0);

let thought = "", answer = "";
const stream = client.messages.stream(asked).on("thinking", (delta) => thought += delta).on("text", (delta) => answer += delta);
const streamed = await stream.finalMessage();
assert.equal(thought, reply.content[0].thinking);
assert.equal(answer, reply.content[1].text);
assert.deepEqual(streamed.content, reply.content);

const tools = [{ name: "multiply", description: "the product of two numbers", input_schema: {
  type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } }, required: ["a", "b"], additionalProperties: false } }];
const called = await client.messages.stream({ ...asked, tools, tool_choice: { type: "any" } }).finalMessage();
const call = called.content.find((block) => block.type === "tool_use");
assert.equal(called.stop_reason, "tool_use");
assert.equal(call.name, "multiply");
assert.deepEqual(Object.keys(call.input), ["a", "b"]);
const after = await client.messages.create({ ...asked, tools, messages: [...messages, { role: "assistant", content: called.content },
  { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "378" }] }] });
assert.ok(after.content.some((block) => block.type === "text"));

assert.ok((await client.messages.countTokens({ model: "aloud", messages })).input_tokens > 0);
await assert.rejects(client.messages.create({ ...asked, model: "nobody" }), Anthropic.NotFoundError);
await assert.rejects(client.messages.create({ ...asked, temperature: 99 }), Anthropic.BadRequestError);
await stop();
