// What the page tells beside what is said: the place in the queue, models and their states, the speed, titles that the model
// finds, code to be copied: telling.mjs PROGRAM CLIENTS_FOLDER; the program is scripted_server.
import assert from "node:assert/strict";
import { startBrowser } from "./browser.mjs";
import { answered, ask, button, done, lastReply, list, say } from "./reader.mjs";

const browser = await startBrowser("--sequences", "1");
const page = await browser.open({ permissions: ["clipboard-read", "clipboard-write"] });

// Its place while others are served, and about how long that takes; then the answer.
{
  const other = await browser.open();
  const first = await ask(other, "Long. pace 20 say 160");
  await first.getByText("Step 1:").waitFor();
  const reply = await ask(page, 'After that. say "My turn."');
  await reply.getByText(new RegExp(`^${say("reply.queued", { position: 1 })}(, about \\d+ s)?$`)).waitFor();
  await done(first);
  await reply.getByText("My turn.").waitFor();
  await done(reply);
  await reply.getByText(/ · [\d.,]+ tokens\/s · scripted$/).waitFor();
  await other.context().close();
}

// The models, how large they are, and whether they are in memory.
{
  await page.getByRole("button", { name: new RegExp(`^${say("model.label")}`) }).click();
  const offered = await page.getByRole("menuitemradio").allInnerTexts();
  assert.deepEqual(offered, [`scripted\n1.5 GB · ${say("model.loaded")}`, `scripted-two\n1.5 GB · ${say("model.unloaded")}`]);
  await page.keyboard.press("Escape");
}

// A title is asked for once, after the first reply.
{
  let asked = 0;
  await page.route("**/v1/conversations/*/title", (route) => {
    ++asked;
    return route.fulfill({ json: { id: "", title: "What the model calls it" } });
  });
  await button(page, "chat.new").click();
  await answered(page, "Name this.");
  await page.getByRole("heading", { name: "What the model calls it" }).waitFor();
  await list(page).getByRole("link", { name: "Name this." }).waitFor(); // what the server has, which was not asked
  await answered(page, "And go on.");
  assert.equal(asked, 1);
}

// Code is copied without its fence.
{
  const reply = await answered(page, 'Write. say "```python\nprint(1 < 2)\n```"');
  await button(reply, "code.copy").click();
  await page.getByText(say("copied")).first().waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "print(1 < 2)");
}

await browser.close();
