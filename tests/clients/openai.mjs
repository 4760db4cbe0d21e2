// OpenAI's own client against a server with the default model: openai.mjs PROGRAM CLIENTS_FOLDER.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { startServer } from "./server.mjs";

const [program, folder] = process.argv.slice(2);
const { url, stop } = await startServer(program);
const { OpenAI } = createRequire(resolve(folder, "package.json"))("openai");
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none is needed here", maxRetries: 0 });
const messages = [{ role: "user", content: "What is 27*14?" }];
const tools = [{ type: "function", function: { name: "multiply", description: "the product of two numbers", parameters: {
  type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } }, required: ["a", "b"], additionalProperties: false } } }];

const reply = await client.chat.completions.create({ model: "aloud", messages, seed: 1 });
assert.match(reply.choices[0].message.content, /378/);
assert.ok(reply.choices[0].message.reasoning_content.length > 0);
assert.equal(reply.choices[0].finish_reason, "stop");
assert.ok(reply.usage.completion_tokens_details.reasoning_tokens > 0);

let thought = "", answer = "", usage = null;
for await (const chunk of await client.chat.completions.create(
  { model: "aloud", messages, seed: 1, stream: true, stream_options: { include_usage: true } })) {
  thought += chunk.choices[0]?.delta.reasoning_content ?? "";
  answer += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(answer, reply.choices[0].message.content);
assert.equal(thought, reply.choices[0].message.reasoning_content);
assert.equal(usage.completion_tokens, reply.usage.completion_tokens);

const called = await client.chat.completions.create({ model: "aloud", messages, tools, tool_choice: "required", seed: 1 });
const [call] = called.choices[0].message.tool_calls;
assert.equal(called.choices[0].finish_reason, "tool_calls");
assert.equal(call.function.name, "multiply");
assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ["a", "b"]);

const stream = client.chat.completions.stream({ model: "aloud", messages, tools, tool_choice: "required", seed: 1 });
const { name, arguments: text } = (await stream.finalChatCompletion()).choices[0].message.tool_calls[0].function;
assert.deepEqual({ arguments: text, name }, { ...call.function });

const after = await client.chat.completions.create({ model: "aloud", seed: 1, tools, messages: [...messages,
  called.choices[0].message, { role: "tool", tool_call_id: call.id, content: "378" }] });
assert.ok(after.choices[0].message.content.length > 0);

const schema = { type: "object", properties: { sum: { type: "integer" } }, required: ["sum"], additionalProperties: false };
const structured = await client.chat.completions.create({ model: "aloud", messages, seed: 1,
  response_format: { type: "json_schema", json_schema: { name: "sum", schema, strict: true } } });
assert.equal(typeof JSON.parse(structured.choices[0].message.content).sum, "number");

const completion = await client.completions.create({ model: "aloud", prompt: "27*14", max_tokens: 5, seed: 1 });
assert.ok(completion.usage.completion_tokens <= 5);

const response = await client.responses.create({ model: "aloud", input: "What is 27*14?", seed: 1 });
assert.match(response.output_text, /378/);
assert.deepEqual(response.output.map((item) => item.type), ["reasoning", "message"]);
assert.ok(response.usage.output_tokens_details.reasoning_tokens > 0);
assert.equal((await client.responses.retrieve(response.id)).output_text, response.output_text);
const [asked] = (await client.responses.inputItems.list(response.id)).data;
assert.equal(asked.content, "What is 27*14?");

const responses = client.responses.stream({ model: "aloud", input: "What is 27*14?", seed: 1 });
let said = "", thinks = "";
responses.on("response.output_text.delta", (event) => { said += event.delta; });
responses.on("response.reasoning_text.delta", (event) => { thinks += event.delta; });
const streamed = await responses.finalResponse();
assert.equal(said, response.output_text);
assert.equal(streamed.output_text, response.output_text);
assert.equal(thinks, response.output[0].content[0].text);
let resumed = "";
for await (const event of await client.responses.retrieve(streamed.id, { stream: true, starting_after: 3 })) {
  assert.ok(event.sequence_number > 3);
  if (event.type === "response.completed") resumed = event.response.output[1].content[0].text;
}
assert.equal(resumed, response.output_text);

const { type, function: multiply } = tools[0];
const asksTool = await client.responses.create({ model: "aloud", input: "What is 27*14?", seed: 1,
  tools: [{ type, ...multiply }], tool_choice: { type: "function", name: "multiply" } });
const request = asksTool.output.find((item) => item.type === "function_call");
assert.deepEqual(Object.keys(JSON.parse(request.arguments)), ["a", "b"]);
const answered = await client.responses.create({ model: "aloud", previous_response_id: asksTool.id, seed: 1,
  input: [{ type: "function_call_output", call_id: request.call_id, output: "378" }] });
assert.ok(answered.output_text.length > 0);
const held = await client.responses.create({ model: "aloud", input: "What is 27*14?", seed: 1,
  text: { format: { type: "json_schema", name: "sum", schema, strict: true } } });
assert.equal(typeof JSON.parse(held.output_text).sum, "number");
await client.responses.delete(response.id);
await assert.rejects(client.responses.retrieve(response.id), OpenAI.NotFoundError);

assert.deepEqual((await client.models.list()).data.map((model) => model.id), ["aloud"]);
await assert.rejects(client.chat.completions.create({ model: "nobody", messages }), OpenAI.NotFoundError);
await assert.rejects(client.chat.completions.create({ model: "aloud", messages, temperature: 99 }),
  (error) => error instanceof OpenAI.BadRequestError && error.param === "temperature");
await assert.rejects(client.chat.completions.create({ model: "aloud", messages: [{ role: "user", content: "7 ".repeat(20000) }] }),
  (error) => error.code === "context_length_exceeded" && /\d/.test(error.message));
await stop();
