// The Vercel AI SDK, through its provider for compatible servers, against a server with the default model:
// vercel.mjs PROGRAM CLIENTS_FOLDER.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { startServer } from "./server.mjs";

const [program, folder] = process.argv.slice(2);
const { url, stop } = await startServer(program);
const require = createRequire(resolve(folder, "package.json"));
const { generateText, streamText, Output, tool } = require("ai");
const { createOpenAICompatible } = require("@ai-sdk/openai-compatible");
const { z } = require("zod");
const provider = createOpenAICompatible({ name: "aloud", baseURL: `${url}/v1`, includeUsage: true, supportsStructuredOutputs: true });
const asked = { model: provider("aloud"), prompt: "What is 27*14?", seed: 1, maxRetries: 0 };

const reply = await generateText(asked);
assert.match(reply.text, /378/);
assert.ok(reply.reasoningText.length > 0);
assert.equal(reply.finishReason, "stop");

let thought = "", answer = "";
const stream = streamText(asked);
for await (const part of stream.fullStream) {
  if (part.type === "reasoning-delta") thought += part.text;
  if (part.type === "text-delta") answer += part.text;
  assert.notEqual(part.type, "error");
}
assert.equal(thought, reply.reasoningText);
assert.equal(answer, reply.text);
assert.ok((await stream.usage).outputTokens > 0);

const multiply = tool({ description: "the product of two numbers", inputSchema: z.object({ a: z.number().int(), b: z.number().int() }) });
const called = await generateText({ ...asked, tools: { multiply }, toolChoice: "required" });
assert.deepEqual(called.toolCalls.map((call) => call.toolName), ["multiply"]);

const { output } = await generateText({ ...asked, output: Output.object({ schema: z.object({ sum: z.number().int() }) }) });
assert.equal(typeof output.sum, "number");

await assert.rejects(generateText({ ...asked, model: provider("nobody") }), (error) => error.statusCode === 404);
await stop();
