// A server that asks for keys: logging in, what the operator sees and does, and that nobody sees another's chats:
// operator.mjs PROGRAM CLIENTS_FOLDER.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { accessibility, startBrowser, words } from "./browser.mjs";

const QUESTION = "What is 27*14?";
const text = words("en");
const browser = await startBrowser("--behind-proxy");

const addKey = (name, scopes) => JSON.parse(execFileSync(
  process.argv[2], ["key", "add", name, "--scopes", scopes, "--json", "--data", browser.data], { encoding: "utf8" })).key;
const anna = addKey("anna", "chat");
const olga = addKey("olga", "chat,admin");

browser.allow(/status of (401|409)/);
const visit = () => browser.open();
const look = async (page, name) => assert.deepEqual(await accessibility(page), [], name);
const button = (page, name) => page.getByRole("button", { name, exact: true });
const row = (page, table, name) => page.getByRole("table", { name: text[table] }).getByRole("row").filter({ has: page.getByText(name, { exact: true }) });
const asked = (page) => page.getByRole("navigation").getByRole("link", { name: QUESTION });

async function tryKey(page, key) {
  await page.getByLabel(text["login.key"]).fill(key);
  await page.keyboard.press("Enter");
}
async function logIn(page, key) {
  await tryKey(page, key);
  await page.getByRole("textbox", { name: text["composer.placeholder"] }).waitFor();
}
async function choose(page, name, action) {
  await button(page, text["keys.actions"].replace("{name}", name)).press("Enter");
  await page.getByRole("menuitem", { name: text[action], exact: true }).press("Enter");
}

// A user: no page without a key, a wrong key is told, and there is no way to the operator's page.
const user = await visit();
await look(user, "login");
await user.locator("[type=password]:focus").waitFor();
await tryKey(user, `${anna}x`);
await user.getByRole("alert").getByText(text["login.wrong"]).waitFor();
await look(user, "a wrong key");
await logIn(user, anna);
await user.getByRole("textbox", { name: text["composer.placeholder"] }).fill(QUESTION);
await user.keyboard.press("Enter");
await user.getByRole("strong").getByText("378").waitFor();
await asked(user).waitFor();
assert.equal(await button(user, text["operator.title"]).count(), 0);
await user.evaluate(() => (location.hash = "#/operator"));
await user.getByRole("main", { name: text["chat.label"] }).waitFor();
assert.equal(await user.getByRole("heading", { name: text["operator.title"] }).count(), 0);

// The operator: keys, what was used, what the machine does; nothing of what was said.
const usage = () => fetch(`${browser.url}/v1/usage`, { headers: { "x-api-key": olga } }).then((answer) => answer.json());
while ((await usage()).data.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
const operator = await visit();
await logIn(operator, olga);
await button(operator, text["operator.title"]).click();
await row(operator, "keys.title", "anna").waitFor();
assert.match(await row(operator, "usage.title", "anna").innerText(), /^anna\s+1\s+\d+/);
assert.match(await row(operator, "usage.title", "anna").getByRole("img").getAttribute("aria-label"), /: \d+ tokens/);
await operator.getByText(text["state.rate"]).waitFor();
assert.ok(!(await operator.locator("body").innerText()).includes("27*14"));
await look(operator, "the operator's page");

// The last key that can make others stays.
await choose(operator, "olga", "keys.revoke");
await look(operator, "revoking");
await button(operator, text["keys.revoke"]).press("Enter");
await operator.getByRole("alert").getByText(text["keys.last"]).waitFor();
await button(operator, text["cancel"]).press("Enter");

// A new key: its name is not taken twice, it is shown once, and it can be changed.
await button(operator, text["keys.add"]).press("Enter");
const name = operator.getByRole("textbox", { name: text["keys.name"] });
await name.fill("anna");
await button(operator, text["keys.make"]).press("Enter");
await operator.getByRole("alert").getByText(text["keys.taken"]).waitFor();
await look(operator, "a name that is taken");
await name.fill("bert/2");
await name.press("Enter");
const bert = await operator.getByRole("dialog").locator("code").innerText();
assert.match(bert, /^sk-aloud-[\w-]{43}$/);
await look(operator, "a new key");
await button(operator, text["keys.kept"]).press("Enter");
await row(operator, "keys.title", "bert/2").getByText(text["keys.never"]).waitFor();
assert.ok(!(await operator.content()).includes(bert));
await choose(operator, "bert/2", "keys.edit");
await operator.getByLabel(text["keys.requests_limit"]).fill("60");
await operator.keyboard.press("Enter");
await row(operator, "keys.title", "bert/2").getByText(text["keys.per_minute"].replace("{count}", "60")).waitFor();

// Its owner gets in and sees nothing of others, until it is revoked.
const other = await visit();
await logIn(other, bert);
await other.getByText(text["list.none_all"]).waitFor();
assert.equal(await asked(other).count(), 0);
await choose(operator, "bert/2", "keys.revoke");
await button(operator, text["keys.revoke"]).press("Enter");
await row(operator, "keys.title", "bert/2").waitFor({ state: "detached" });
await other.getByRole("textbox", { name: text["composer.placeholder"] }).fill(QUESTION);
await other.keyboard.press("Enter");
await tryKey(other, bert);
await other.getByRole("alert").getByText(text["login.wrong"]).waitFor();

// Who logs in there next sees nothing of that one, not even what was not sent.
await other.evaluate(() => localStorage.setItem("aloud.draft.new", "Half a secret"));
await logIn(other, anna);
await asked(other).waitFor();
assert.equal(await other.getByRole("article").count(), 0);
assert.equal(await other.getByRole("textbox", { name: text["composer.placeholder"] }).inputValue(), "");

// Back from the operator's page to the chats, which are the operator's own.
await operator.getByRole("link", { name: text["operator.back"] }).press("Enter");
await operator.getByRole("main", { name: text["chat.label"] }).waitFor();
assert.equal(await asked(operator).count(), 0);

// Who may look after keys and not chat sees nothing but that.
const keeper = await visit();
await tryKey(keeper, addKey("kim", "admin"));
await row(keeper, "keys.title", "kim").waitFor();
assert.equal(await keeper.getByRole("navigation").count(), 0);
await look(keeper, "a keeper of keys");
await button(keeper, text["login.leave"]).press("Enter");
await keeper.getByLabel(text["login.key"], { exact: true }).waitFor();

await browser.close();
