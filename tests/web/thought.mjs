// A thought as it comes, ends, is read and is steered: thought.mjs PROGRAM CLIENTS_FOLDER; the program is scripted_server.
import assert from "node:assert/strict";
import { startBrowser } from "./browser.mjs";
import { answered, ask, button, choose, composer, done, lastReply, questions, request, say, stored, thought, thoughtText, until } from "./reader.mjs";

const browser = await startBrowser();
const page = await browser.open({ permissions: ["clipboard-read", "clipboard-write"] });
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
const summary = (reply) => thought(reply).getByRole("button").first();

// It is read while it comes, and is one line when it is done.
{
  await page.evaluate(() => {
    window.seen = [];
    new MutationObserver(() => {
      const now = document.querySelector("article[aria-busy=true]")?.textContent ?? "";
      window.seen.push({ length: now.length, tags: /<\/?think/i.test(now) });
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  const reply = await ask(page, 'Count. think 160 pace 30 say "That was **all**."');
  await thoughtText(reply).getByText("Step 2:").waitFor();
  assert.match(await summary(reply).innerText(), new RegExp(say("thought.running")));
  assert.equal(await reply.getByText("That was").count(), 0);
  await summary(reply).getByText(/\d/).waitFor(); // how long it takes so far
  await done(reply);
  await reply.getByRole("strong").getByText("all").waitFor();
  const lengths = new Set((await page.evaluate(() => window.seen)).map(({ length }) => length));
  assert.ok(lengths.size > 10, `it came in ${lengths.size} pieces`);
  assert.equal(await summary(reply).getAttribute("aria-expanded"), "false");

  // Time and tokens of thought and answer, as the server tells them.
  const { messages } = await stored(page);
  const { usage, extra } = messages.at(-1);
  const thought_tokens = usage.output_tokens_details.reasoning_tokens;
  assert.ok(thought_tokens >= 160 && thought_tokens < 180, `${thought_tokens} tokens`);
  assert.ok(extra.thought_end.seconds > 1);
  assert.match(await summary(reply).innerText(), new RegExp(`^Thought for \\d+(\\.\\d)? s · ${thought_tokens} tokens$`));
  await reply.getByText(`${say("stats.tokens", { count: usage.output_tokens - thought_tokens })} · `).waitFor();

  // Its steps, and what of it can be copied.
  await summary(reply).click();
  await button(reply, "thought.outline").click();
  const steps = reply.getByRole("navigation", { name: say("thought.outline") }).getByRole("button");
  assert.equal(await steps.count(), 4);
  await steps.nth(2).click();
  assert.match(await page.evaluate(() => document.activeElement.textContent), /^Step 3:/);
  await button(reply, "thought.copy").click();
  assert.match(await clipboard(), /^Step 1:[^]*\n\nStep 4:[^]*$/);
  await button(reply, "copy").last().click();
  await page.getByText(say("copied")).first().waitFor();
  assert.equal(await clipboard(), "That was **all**.");
  await choose(page, button(reply, "message.more"), say("copy.with_thought"));
  await until(page, async () => (await navigator.clipboard.readText()).startsWith("> "));
  assert.match(await clipboard(), /^> Step 1:[^]*\n\nThat was \*\*all\*\*\.$/);
}

// Marks of thoughts that a model writes in its thought come in pieces and are never seen, in no moment.
{
  const reply = await answered(page, 'Tags. think "I <think> or </think> or <thinking>, and 2 < 3." pace 100');
  assert.ok((await page.evaluate(() => window.seen)).every(({ tags }) => !tags));
  await summary(reply).click();
  await thoughtText(reply).getByText("I or or , and 2 < 3.", { exact: true }).waitFor();
  assert.equal((await thoughtText(reply).textContent()).trim(), "I  or  or , and 2 < 3.");
}

// Answer now: stays where it is while the thought grows, the thought ends, the answer comes; the keyboard is not lost.
{
  const reply = await ask(page, 'Ponder. think 4000 pace 100 say "Early."');
  await thoughtText(reply).getByText("Step 1:").waitFor();
  const place = await button(page, "reply.answer_now").boundingBox();
  await thoughtText(reply).getByText("Step 4:").waitFor();
  assert.deepEqual(await button(page, "reply.answer_now").boundingBox(), place);
  await button(page, "reply.answer_now").press("Enter");
  await reply.getByText("Early.").waitFor();
  await until(page, () => document.activeElement.id === "composer");
  await done(reply);
  assert.match(await summary(reply).innerText(), new RegExp(`${say("thought.ended.asked")}$`));
}

// Stop keeps what came; Continue goes on.
{
  const reply = await ask(page, "Talk. pace 100 say 4000");
  await reply.getByText("Step 2:").waitFor();
  await button(page, "reply.stop").click();
  await reply.getByText(say("ended.stopped")).waitFor();
  const { content } = (await stored(page)).messages.at(-1);
  assert.match(content, /Step 2:/);
  await page.reload();
  await lastReply(page).getByText(say("ended.stopped")).waitFor();
  assert.equal(await lastReply(page).getByText("Step 1:").count(), 1);
  await button(lastReply(page), "message.continue").click();
  await questions(page).last().getByText(say("message.continue_prompt")).waitFor();
  await lastReply(page).getByText("scripted").first().waitFor();
  await done(lastReply(page));
}

// Effort, budget and the switch are sent, and remembered by the chat.
{
  await button(page, "chat.new").click();
  await page.getByLabel(say("think.effort")).selectOption("high");
  await page.getByLabel(say("think.budget")).selectOption("128");
  const asked = request(page);
  const reply = await answered(page, 'Budget. think 4000 say "Cut."');
  const { reasoning, thinking } = await asked;
  assert.deepEqual({ reasoning, thinking }, { reasoning: { effort: "high" }, thinking: { type: "enabled", budget_tokens: 128 } });
  assert.match(await summary(reply).innerText(), new RegExp(`${say("thought.ended.budget")}$`));
  await reply.getByText("Cut.").waitFor();
  const address = page.url();

  const visited = [];
  page.on("framenavigated", (frame) => visited.push(frame.url()));
  await button(page, "chat.new").click();
  await composer(page).waitFor();
  await button(page, "think.switch").click();
  const unthinking = request(page);
  const quick = await answered(page, 'Quick. think 4000 say "At once."');
  assert.deepEqual((await unthinking).thinking, { type: "disabled" });
  assert.equal(await thought(quick).count(), 0);

  const addressed = page.url();
  await page.goto(address);
  await page.reload();
  await lastReply(page).getByText("Cut.").waitFor();
  // A chat sets its address once, not again when its reply ends: the reader may be on the way to another by then.
  assert.deepEqual(visited, [`${browser.url}/#/`, addressed, address, address]);
  assert.equal(await button(page, "think.switch").getAttribute("aria-pressed"), "true");
  assert.equal(await page.getByLabel(say("think.effort")).inputValue(), "high");
  assert.equal(await page.getByLabel(say("think.budget")).inputValue(), "128");
}

await browser.close();
