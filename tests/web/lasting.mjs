// What outlives reloads, lost networks, other tabs, refusals and a full context: lasting.mjs PROGRAM CLIENTS_FOLDER; the
// program is scripted_server.
import assert from "node:assert/strict";
import { accessibility, startBrowser } from "./browser.mjs";
import { answered, ask, button, choose, composer, done, lastReply, list, questions, replies, row, say, stored, thoughtText, until } from "./reader.mjs";
import { startWay } from "./way.mjs";

const CONTEXT = 2048;
const browser = await startBrowser("--context", String(CONTEXT));
const page = await browser.open();

// What was typed and not sent is there again, in the chat it was typed in.
{
  await answered(page, "Settled.");
  await composer(page).fill("Half a thou");
  await page.reload();
  await lastReply(page).waitFor();
  assert.equal(await composer(page).inputValue(), "Half a thou");
  await button(page, "chat.new").click();
  assert.equal(await composer(page).inputValue(), "");
  await composer(page).fill("Another");
  await row(page, "Settled").getByRole("link").click();
  await lastReply(page).waitFor();
  assert.equal(await composer(page).inputValue(), "Half a thou");
  await composer(page).fill("");
}

// The text of a reply is what the server has, no more and no less.
async function same_as_stored(reader) {
  await done(lastReply(reader));
  const { thought, content } = (await stored(reader)).messages.at(-1);
  await lastReply(reader).getByRole("button", { name: /^Thought/ }).click();
  const shown = await thoughtText(lastReply(reader)).getByRole("paragraph").allTextContents();
  assert.equal(shown.join("\n\n"), thought);
  assert.equal(thought.match(/Step 3:/g).length, 1);
  assert.match(content, /^Back\.$/);
}

// A reload in the middle of a thought reads on.
{
  await button(page, "chat.new").click();
  await ask(page, 'Reload. think 120 pace 15 say "Back."');
  await thoughtText(lastReply(page)).getByText("Step 1:").waitFor();
  await page.reload();
  await thoughtText(lastReply(page)).getByText("Step 2:").waitFor();
  assert.equal(await lastReply(page).getAttribute("aria-busy"), "true");
  await same_as_stored(page);
}

// Another address of the server, where no worker comes between the page and a test that keeps answers back.
const way = await startWay(browser.url);
browser.allow(new RegExp(`^asks ${way.url}/`));

// Who asks before the lists have come stays in the chat, though its address has no name yet.
{
  const reader = await browser.open();
  const let_through = {};
  const keep_back = (path, method) => {
    const until_then = new Promise((go) => (let_through[method] = go));
    return reader.route(`**/v1/${path}`, async (route) => {
      if (route.request().method() === method) await until_then;
      await route.continue();
    });
  };
  await keep_back("conversations/folders", "GET");
  await keep_back("conversations", "POST");
  await reader.goto(way.url);
  await ask(reader, 'Early. say "Back."');
  const listed = reader.waitForResponse("**/v1/conversations/folders");
  let_through.GET();
  await (await listed).finished();
  await reader.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  let_through.POST();
  await done(lastReply(reader));
  await lastReply(reader).getByText("Back.").waitFor();
  await row(reader, "Early").waitFor();
  await reader.context().close();
}

// A network that is lost and comes back: the reply has gone on, and is shown whole.
{
  browser.allow(/net::ERR_/);
  const reader = await browser.open();
  await reader.goto(way.url);
  await ask(reader, 'Tunnel. think 120 pace 15 say "Back."');
  await thoughtText(lastReply(reader)).getByText("Step 1:").waitFor();
  await reader.context().setOffline(true);
  way.cut();
  await lastReply(reader).getByText(say("reply.lost")).waitFor();
  await way.mend();
  await reader.context().setOffline(false);
  await lastReply(reader).getByText(say("reply.lost")).waitFor({ state: "detached" });
  await same_as_stored(reader);
  await reader.context().close();
  way.cut();
}

// Two tabs are in step.
{
  browser.allow(/status of 404/);
  const other = await browser.beside(page, new URL(page.url()).pathname + new URL(page.url()).hash);
  await lastReply(other).getByText("Back.").waitFor();
  await answered(page, 'Hello, tab. say "Both of us."');
  await lastReply(other).getByText("Both of us.").waitFor();
  assert.equal(await replies(other).count(), 2);
  await choose(page, row(page, "Reload").getByRole("button"), say("rename"));
  await page.getByRole("textbox", { name: say("rename") }).fill("Bridge");
  await page.keyboard.press("Enter");
  await row(other, "Bridge").waitFor();
  await other.getByRole("heading", { name: "Bridge" }).waitFor();
  await choose(page, row(page, "Bridge").getByRole("button"), say("delete"));
  await row(other, "Bridge").waitFor({ state: "detached" });
  await replies(other).first().waitFor({ state: "detached" });
  await other.close();
}

// What the server refuses is said, and tried again.
{
  browser.allow(/status of (507|503|400)/);
  await button(page, "chat.new").click();
  const refuse = (status, headers = {}) => page.route("**/v1/responses", (route) => route.fulfill({ status, headers,
    json: { error: { message: "full up", type: "server_error", code: null } } }), { times: 1 });
  await refuse(503, { "Retry-After": "7" });
  await refuse(507); // comes first
  await composer(page).fill('Busy. say "Now."');
  await composer(page).press("Enter");
  const trouble = page.getByRole("alert");
  await trouble.getByText(say("error.full")).waitFor();
  await button(trouble, "retry").click();
  await trouble.getByText(say("error.busy")).waitFor();
  await trouble.getByText(say("error.retry_after", { seconds: 7 })).waitFor();
  await button(trouble, "retry").click();
  await lastReply(page).getByText("Now.").waitFor();
  assert.equal(await trouble.count(), 0);
  assert.equal(await questions(page).count(), 1);

  // Too long for the model, which the server itself says; the question stays, and can be made shorter.
  await composer(page).fill(`Too much. ${"x".repeat(CONTEXT)}`);
  await composer(page).press("Enter");
  await trouble.getByText(say("error.context")).waitFor();
  await trouble.getByText(String(CONTEXT)).waitFor();
  await questions(page).last().hover();
  await button(questions(page).last(), "message.edit").click();
  await page.getByRole("textbox", { name: say("message.edit") }).fill('Less. say "That fits."');
  await button(page, "message.resend").click();
  await lastReply(page).getByText("That fits.").waitFor();
  assert.equal(await trouble.count(), 0);

  // A model that fails in the middle of a reply.
  await ask(page, "Break. fail");
  await done(lastReply(page));
  await page.reload();
  await lastReply(page).getByText("the script wants it so").waitFor();
  await button(lastReply(page), "again").waitFor();
}

// What is read stays where it is when a reply ends.
{
  await button(page, "chat.new").click();
  const reply = await ask(page, "Much to read. pace 300 say 900");
  await until(page, () => document.querySelector(".scroller").scrollHeight > 2 * innerHeight);
  await page.evaluate(() => (document.querySelector(".scroller").scrollTop = 0));
  const { hash } = new URL(page.url());
  await page.waitForResponse((answer) => answer.url().endsWith(`/v1/conversations/${hash.split("/")[2]}`));
  await done(reply);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.equal(await page.evaluate(() => document.querySelector(".scroller").scrollTop), 0);
}

// A reply that ends while the server's disk is full says that it is not saved, until it is.
{
  await button(page, "chat.new").click();
  await ask(page, "Keep it. pace 20 say 900");
  await lastReply(page).getByText("Step 2:").waitFor();
  browser.fillDisk();
  await button(page, "reply.stop").click();
  await page.reload();
  await lastReply(page).getByText(say("reply.unsaved")).waitFor();
  await lastReply(page).getByText("Step 2:").waitFor();
  assert.deepEqual(await accessibility(page), []);
  const { saved, ...unsaved } = (await stored(page)).messages.at(-1);
  assert.equal(saved, false);
  browser.fillDisk(false);
  await lastReply(page).getByText(say("reply.unsaved")).waitFor({ state: "detached" });
  assert.deepEqual((await stored(page)).messages.at(-1), unsaved);
  assert.equal(unsaved.status, "cancelled");
}

// A context that is nearly full warns, and one click goes on in a new chat with a summary.
{
  await button(page, "chat.new").click();
  await answered(page, "Fill it. think 1200");
  const { title } = await stored(page);
  assert.equal(await button(page, "handoff.begin").count(), 0);
  await answered(page, `More. think 4000 ${"x".repeat(1000)}`);
  await page.getByRole("img", { name: /^Context: [\d,]+ of 2,048 tokens, 8\d %$/ }).waitFor();
  // The warning takes room from the messages, whose end stays in sight.
  await button(page, "handoff.begin").waitFor();
  await until(page, () => {
    const list = document.querySelector(".scroller");
    return list.scrollHeight - list.scrollTop - list.clientHeight < 2;
  });
  await button(page, "handoff.begin").click();
  await until(page, () => document.querySelector("#composer").value !== "");
  const draft = say("handoff.draft", { title, summary: "scripted" });
  assert.equal(await composer(page).inputValue(), draft);
  assert.equal(await replies(page).count(), 0);
  await page.getByText(say("handoff.done")).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "composer");
  await composer(page).fill("");

  // One that is so full that its last messages leave no room for a summary; a temporary one, which stays temporary.
  await button(list(page), "chat.temporary").click();
  await answered(page, `Fill it to the brim. ${"x".repeat(1000)}`);
  await answered(page, `And more. ${"y".repeat(600)} think 40`);
  await button(page, "handoff.begin").click();
  await until(page, () => document.querySelector("#composer").value !== "");
  assert.match(await composer(page).inputValue(), /Fill it to the brim\./);
  await page.getByRole("heading", { name: say("chat.temporary"), exact: true }).waitFor();
  assert.equal(await page.evaluate(() => Object.values(localStorage).some((kept) => kept.includes("to the brim"))), false);
}

await browser.close();
