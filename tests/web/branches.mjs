// Versions of messages, copies, messages that wait, and chats that leave no trace: branches.mjs PROGRAM CLIENTS_FOLDER; the
// program is scripted_server.
import assert from "node:assert/strict";
import { startBrowser } from "./browser.mjs";
import { answered, ask, button, choose, composer, done, lastReply, list, questions, replies, request, row, say, server } from "./reader.mjs";

const browser = await startBrowser();
const page = await browser.open();
const versions = (message) => message.getByRole("group", { name: say("branch.label") });
const chats = async () => (await server(page, "/v1/conversations")).data;

// A message that is edited becomes a version beside the old one; arrows lead from one to the other.
{
  await answered(page, 'First. say "one"');
  await questions(page).first().hover();
  await button(questions(page).first(), "message.edit").click();
  await page.getByRole("textbox", { name: say("message.edit") }).fill('Second. say "two"');
  await button(page, "message.resend").click();
  await lastReply(page).getByText("two", { exact: true }).waitFor();
  await done(lastReply(page));
  assert.match(await versions(questions(page).first()).innerText(), /2 \/ 2/);
  await button(versions(questions(page).first()), "branch.previous").click();
  await lastReply(page).getByText("one", { exact: true }).waitFor();
  assert.match(await questions(page).first().innerText(), /First\./);
  await page.reload();
  await lastReply(page).getByText("one", { exact: true }).waitFor();
  await button(versions(questions(page).first()), "branch.next").click();
  await lastReply(page).getByText("two", { exact: true }).waitFor();
}

// Another reply to the same message, also of another model, or with another effort.
{
  await button(page, "chat.new").click();
  await answered(page, "Who are you?");
  await button(lastReply(page), "again").click();
  await versions(lastReply(page)).getByText("2 / 2").waitFor();
  await lastReply(page).getByText("scripted", { exact: true }).waitFor();

  const other = request(page);
  await choose(page, button(lastReply(page), "message.more"), say("again.with", { model: "scripted-two" }));
  assert.equal((await other).model, "scripted-two");
  await versions(lastReply(page)).getByText("3 / 3").waitFor();
  await lastReply(page).getByText("scripted-two", { exact: true }).waitFor();

  const harder = request(page);
  await choose(page, button(lastReply(page), "message.more"), say("again.high"));
  assert.deepEqual((await harder).reasoning, { effort: "high" });
  await versions(lastReply(page)).getByText("4 / 4").waitFor();
  assert.equal(await replies(page).count(), 1);
}

// A copy up to a message is a chat of its own.
{
  const original = page.url();
  await answered(page, 'More. say "the original goes on"');
  await choose(page, button(replies(page).first(), "message.more"), say("chat.fork"));
  await page.getByText(say("chat.forked")).waitFor();
  await replies(page).nth(1).waitFor({ state: "detached" });
  await answered(page, 'Else. say "the copy goes elsewhere"');
  await page.goto(original);
  await lastReply(page).getByText("the original goes on").waitFor();
  assert.equal(await page.getByText("the copy goes elsewhere").count(), 0);

  // Who is on the way to another chat when a reply ends, or asks for a third one meanwhile, gets there.
  const slowly = async (id, milliseconds) => {
    await page.route(`**/v1/conversations/${id}`, async (route) => {
      await page.waitForTimeout(milliseconds);
      await route.continue();
    }, { times: 1 });
  };
  await slowly(original.split("/").at(-1), 1000);
  await page.goBack();
  await lastReply(page).getByText("the copy goes elsewhere").waitFor();
  const copy = page.url();
  await ask(page, "Slowly. pace 100 say 40");
  await page.goto(original);
  await lastReply(page).getByText("the original goes on").waitFor();
  assert.equal(page.url(), original);
  await slowly(copy.split("/").at(-1), 1000);
  await page.goto(copy);
  await row(page, "First.").getByRole("link").click();
  await lastReply(page).getByText("two", { exact: true }).waitFor();
  await page.waitForTimeout(1500);
  await lastReply(page).getByText("two", { exact: true }).waitFor();
}

// Messages wait while a reply is written; one that is taken out is never sent.
{
  await button(page, "chat.new").click();
  await ask(page, "Long. think 4000 pace 100");
  for (const next of ['Next. say "drei"', "Never sent."]) {
    await composer(page).fill(next);
    await composer(page).press("Enter");
  }
  const waiting = page.getByRole("list", { name: say("queue.label") }).getByRole("listitem");
  assert.equal(await waiting.count(), 2);
  await composer(page).fill("Half a thought");
  await button(waiting.last(), "queue.edit").click();
  assert.equal(await composer(page).inputValue(), "Never sent.\n\nHalf a thought");
  await composer(page).fill("Never sent.");
  await composer(page).press("Enter");
  await button(waiting.last(), "queue.remove").click();
  await button(page, "reply.answer_now").click();
  await lastReply(page).getByText("drei", { exact: true }).waitFor();
  await done(lastReply(page));
  assert.equal(await waiting.count(), 0);
  assert.equal(await replies(page).count(), 2);
  assert.equal(await page.getByText("Never sent.").count(), 0);
}

// A temporary chat answers and remembers, and is nowhere afterwards.
{
  const before = (await chats()).map(({ id }) => id);
  const answers = (await list(page).getByRole("link").count());
  await button(list(page), "chat.temporary").click();
  await answered(page, 'Whisper. say "hush"');
  const told = await answered(page, "And now tell.");
  assert.match(await told.innerText(), /Whisper\.[^]*hush[^]*And now tell/);
  assert.deepEqual((await chats()).map(({ id }) => id), before);
  await page.reload();
  await list(page).getByRole("link").nth(answers - 1).waitFor();
  assert.equal(await replies(page).count(), 0);
  assert.equal(await list(page).getByRole("link").count(), answers);
  assert.equal(await page.getByText("hush").count(), 0);
}

// Of a long chat the end is shown, and what came before when it is asked for or found.
{
  const messages = Array.from({ length: 150 }, (_, at) => ({
    id: `long${at}`, parent: at > 0 ? `long${at - 1}` : "", role: at % 2 ? "assistant" : "user", content: `Number ${at} of many.` }));
  await server(page, "/v1/conversations", { id: "conv_long", title: "A long one", messages });
  await page.reload();
  await list(page).getByRole("link", { name: "A long one" }).click();
  const number = (at) => page.getByText(`Number ${at} of many.`, { exact: true });
  await number(149).waitFor();
  assert.equal(await number(89).count(), 0);
  await button(page, "messages.earlier", { count: 90 }).click();
  await number(30).waitFor();
  assert.equal(await number(29).count(), 0);
  assert.ok(await number(90).isVisible());
  await button(page, "messages.earlier", { count: 30 }).click();
  await number(0).waitFor();
  await page.reload();
  await number(149).waitFor();
  await page.evaluate(() => (location.hash = "#/c/conv_long/long3"));
  await number(3).waitFor();
}

await browser.close();
