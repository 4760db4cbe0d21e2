// What a reader of the page sees and does, found by the words of its English.
import { words } from "./browser.mjs";

const text = words("en");

// The text of that key with its values.
export const say = (key, values = {}) => text[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

export const button = (where, key, values) => where.getByRole("button", { name: say(key, values), exact: true });
export const composer = (page) => page.locator("#composer");
export const questions = (page) => page.getByRole("article", { name: say("message.yours") });
export const replies = (page) => page.getByRole("article", { name: say("message.reply") });
export const lastReply = (page) => replies(page).last();
export const done = (reply) => reply.and(reply.page().locator("[aria-busy=false]")).waitFor();
export const thought = (reply) => reply.getByRole("region", { name: say("thought.title"), exact: true });
export const thoughtText = (reply) => reply.getByRole("region", { name: say("thought.text") });
export const list = (page) => page.getByRole("navigation", { name: say("sidebar.label") });
export const row = (page, title) => list(page).getByRole("listitem").filter({ has: page.getByRole("link", { name: title }) });

// Returns the reply when it has begun.
export async function ask(page, question) {
  const count = await replies(page).count();
  await composer(page).fill(question);
  await composer(page).press("Enter");
  const reply = replies(page).nth(count);
  await reply.waitFor();
  return reply;
}

// Returns the reply when it is complete.
export async function answered(page, question) {
  const reply = await ask(page, question);
  await done(reply);
  return reply;
}

// Opens a menu and chooses from it.
export async function choose(page, menu, name) {
  await menu.click();
  await page.getByRole("menu").getByRole("button").or(page.getByRole("menuitem")).or(page.getByRole("menuitemradio")).filter({ hasText: name }).click();
}

// The body of the next request for a reply.
export async function request(page) {
  const sent = await page.waitForRequest((asked) => asked.method() === "POST" && asked.url().endsWith("/v1/responses"));
  return sent.postDataJSON();
}

// What the server answers to the page's visitor.
export const server = (page, path, body) => page.evaluate(async ([address, sent]) => {
  const options = sent ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(sent) } : {};
  const answer = await fetch(address, options);
  return answer.json();
}, [path, body]);

// The open conversation as the server has it.
export const stored = (page) => server(page, `/v1/conversations/${new URL(page.url()).hash.split("/")[2]}`);

// Until the function says yes in the page. Playwright's own waiting is forbidden by the page's policy.
export async function until(page, condition) {
  const end = Date.now() + 20_000;
  while (!(await page.evaluate(condition))) {
    if (Date.now() > end) throw new Error(`never: ${condition}`);
    await page.waitForTimeout(20);
  }
}
