// Text that would be markup or a script stays text: hostile.mjs PROGRAM CLIENTS_FOLDER.
import assert from "node:assert/strict";
import { startBrowser, words } from "./browser.mjs";

const HOSTILE = `<img src=x onerror="document.title='run'"> <script>document.title='run'</script> [x](javascript:alert(1)) ![x](http://example.org/x.png)`;
const text = words("en");

const browser = await startBrowser();
const page = await browser.open();
await page.getByRole("textbox", { name: text["composer.placeholder"] }).fill(HOSTILE);
await page.keyboard.press("Enter");
await page.getByRole("article").getByText("onerror").first().waitFor();
await page.getByText(text["reply.done"]).waitFor({ state: "attached" });

// The same as a model's words, with a title, from a file of somebody's.
const { id } = await page.evaluate(async (content) => {
  const answer = await fetch("/v1/conversations", { method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ title: content, messages: [
      { id: "q", parent: null, role: "user", content },
      { id: "a", parent: "q", role: "assistant", content, thought: content, status: "complete" }] }) });
  return answer.json();
}, HOSTILE);
await page.evaluate((address) => (location.hash = address), `#/c/${id}`);
await page.reload();
await page.getByRole("article", { name: text["message.reply"] }).getByText("onerror").first().waitFor();
await page.getByRole("region", { name: text["thought.title"], exact: true }).getByRole("button").first().click();
await page.getByRole("region", { name: text["thought.text"] }).getByText("onerror").first().waitFor();

assert.match(await page.title(), /^<img src=x/);
assert.equal(await page.locator('main img, main script, a[href^="javascript:" i]').count(), 0);
await browser.close();
