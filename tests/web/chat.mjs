// A conversation in the browser: asking, reading the thought, stopping, reloading in the middle:
// chat.mjs PROGRAM CLIENTS_FOLDER.
import assert from "node:assert/strict";
import { startBrowser, words } from "./browser.mjs";

const COMPANY = 24;
const text = words("en");
const browser = await startBrowser();
const post = (path, body) => fetch(browser.url + path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then((answer) => answer.json());

// Many others run beside, so that a long reply takes seconds; new ones each time, for they end as well.
async function inCompany(action) {
  const long = { input: "x", guided_regex: "[a-z]{3000}", thinking: { type: "disabled" }, detect_loops: false, background: true };
  const others = await Promise.all(Array.from({ length: COMPANY }, (_, seed) => post("/v1/responses", { ...long, seed })));
  await action();
  await Promise.all(others.map(({ id }) => fetch(`${browser.url}/v1/responses/${id}`, { method: "DELETE" })));
}

// The next replies that the page asks for have these fields too.
const asking = (page, fields) => page.route("**/v1/responses", (route) =>
  route.request().method() === "POST" ? route.continue({ postData: { ...route.request().postDataJSON(), ...fields } }) : route.continue());

const replies = (page) => page.getByRole("article", { name: text["message.reply"] });
const lastReply = (page) => replies(page).last();
const thought = (page) => lastReply(page).getByRole("region", { name: text["thought.title"] });

async function ask(page, question) {
  const before = await replies(page).count();
  await page.getByRole("textbox", { name: text["composer.placeholder"] }).fill(question);
  await page.keyboard.press("Enter");
  await replies(page).nth(before).waitFor();
}

const page = await browser.open();

// Asked, thought about, answered; all of it is there after a reload.
await ask(page, "What is 27*14?");
await lastReply(page).getByRole("strong").getByText("378").waitFor();
for (const again of [false, true]) {
  if (again) await page.reload();
  await thought(page).getByRole("button", { name: /Thought for .* tokens/ }).click();
  const told = await thought(page).getByRole("region", { name: text["thought.text"] }).textContent();
  assert.match(told, /27/);
  assert.doesNotMatch(told, /think>/);
  assert.match(await lastReply(page).innerText(), /378/);
}
await page.getByRole("navigation").getByRole("link", { name: /27\*14/ }).waitFor();

await inCompany(async () => {
  // Stopped while it answers; what there was stays.
  await asking(page, { guided_regex: "[a-z]{1000}", thinking: { type: "disabled" }, detect_loops: false });
  await ask(page, "Spell something long.");
  await page.getByRole("button", { name: text["reply.stop"] }).waitFor();
  await lastReply(page).getByText(/[a-z]{30}/).waitFor();
  await page.getByRole("button", { name: text["reply.stop"] }).press("Enter");
  await lastReply(page).getByText(text["ended.stopped"]).waitFor();
  await page.unroute("**/v1/responses");
});

await inCompany(async () => {
  // A reload in the middle finds the reply again, and it goes on to its end.
  await asking(page, { guided_regex: "[b-z]{400}a", thinking: { type: "disabled" }, detect_loops: false });
  await ask(page, "Spell something else.");
  await lastReply(page).getByText(/[b-z]{30}/).waitFor();
  await page.reload();
  await lastReply(page).getByText(/[b-z]{400}a/).waitFor();
  await page.unroute("**/v1/responses");
});

await browser.close();
