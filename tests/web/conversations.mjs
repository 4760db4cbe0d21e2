// The list of chats, and chats as files: conversations.mjs PROGRAM CLIENTS_FOLDER; the program is scripted_server.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startBrowser } from "./browser.mjs";
import { answered, button, choose, composer, list, questions, replies, row, say, server, thought, thoughtText } from "./reader.mjs";

const browser = await startBrowser();
const page = await browser.open();
const menu = (title) => row(page, title).getByRole("button");
const titles = () => list(page).getByRole("link").allInnerTexts();
const dialog = page.getByRole("dialog");
const gone = (locator) => locator.waitFor({ state: "detached" });

await answered(page, 'Apples. think "About the quince." say "Pears & <b>plums</b>."');
await button(page, "chat.new").click();
await answered(page, 'Nothing much. say "Zwetschgen."');
await choose(page, menu("Nothing much"), say("rename"));
await page.getByRole("textbox", { name: say("rename") }).fill("Nothing much");
await page.keyboard.press("Enter");
await list(page).getByRole("link", { name: "Nothing much", exact: true }).waitFor();

// Its name, its place, its folder.
{
  await choose(page, menu("Apples"), say("rename"));
  await page.getByRole("textbox", { name: say("rename") }).fill("Fruit <i>");
  await page.keyboard.press("Enter");
  await row(page, "Fruit <i>").waitFor();
  await choose(page, menu("Fruit"), say("pin"));
  await list(page).getByRole("heading", { name: say("age.pinned") }).waitFor();
  assert.match((await titles())[0], /Fruit/);
  await choose(page, menu("Nothing much"), say("folder.move"));
  await dialog.getByLabel(say("folder.name")).fill("Odds");
  await button(dialog, "save").click();
  const view = list(page).getByRole("button", { name: new RegExp(`^${say("view.label")}`) });
  await choose(page, view, "Odds");
  await gone(row(page, "Fruit"));
  await row(page, "Nothing much").waitFor();
  await page.reload();
  await row(page, "Fruit <i>").waitFor();
  await list(page).getByRole("heading", { name: say("age.pinned") }).waitFor();

  // Out of sight, and back.
  await choose(page, menu("Nothing much"), say("archive"));
  await gone(row(page, "Nothing much"));
  await choose(page, view, say("view.archived"));
  await row(page, "Nothing much").waitFor();
  await choose(page, view, say("view.all"));
  await button(page, "undo").click();
  await row(page, "Nothing much").waitFor();
}

// Deleted, and undone.
{
  await choose(page, menu("Nothing much"), say("delete"));
  await gone(row(page, "Nothing much"));
  await page.getByText(say("chat.deleted", { title: "Nothing much" })).waitFor();
  await button(page, "undo").last().click();
  await row(page, "Nothing much").click();
  await replies(page).last().getByText("Zwetschgen.").waitFor();
}

// Found by words of its answers and thoughts, which are marked.
{
  const search = page.getByRole("searchbox", { name: say("search.label") });
  await search.fill("quince");
  await list(page).getByText(say("search.in_thought")).waitFor();
  assert.deepEqual(await list(page).locator("mark").allInnerTexts(), ["quince", "quince"]);
  await list(page).getByRole("link").filter({ hasText: say("search.in_thought") }).click();
  await replies(page).last().getByText("Pears & <b>plums</b>.").waitFor();
  await search.fill("no such word");
  await list(page).getByText(say("search.found", { count: 0 })).waitFor();
  await search.fill("");
}

// As files, with and without the thoughts.
const folder = mkdtempSync(join(tmpdir(), "aloud-exports-"));
async function exported(format, thoughts, key = "export.one") {
  await button(list(page), "data.title").click();
  await dialog.getByLabel(say(`format.${format}`)).check();
  await dialog.getByLabel(say("export.thoughts")).setChecked(thoughts);
  const [download] = await Promise.all([page.waitForEvent("download"), button(dialog, key).click()]);
  await button(dialog, "close").click();
  const name = download.suggestedFilename();
  const path = join(folder, name);
  await download.saveAs(path);
  return { name, path, text: readFileSync(path, "utf8") };
}
{
  await row(page, "Fruit").getByRole("link").click();
  for (const thoughts of [true, false]) {
    const markdown = await exported("markdown", thoughts);
    assert.equal(markdown.name, "Fruit i.md");
    assert.match(markdown.text, /^# Fruit <i>\n\n## You\n\nApples\.[^]*## scripted\n\n[^]*Pears & <b>plums<\/b>\./);
    assert.equal(/> About the quince\./.test(markdown.text), thoughts);

    const json = JSON.parse((await exported("json", thoughts)).text);
    assert.equal(json.messages.at(-1).content, "Pears & <b>plums</b>.");
    assert.equal(json.messages.at(-1).thought, thoughts ? "About the quince." : undefined);

    // To share: a page that needs nothing and runs nothing.
    const html = await exported("html", thoughts);
    const reader = await (await page.context().browser().newContext()).newPage();
    const asked = [];
    reader.on("request", (request) => asked.push(request.url()));
    await reader.goto(pathToFileURL(html.path).href);
    await reader.getByRole("heading", { name: "Fruit <i>" }).waitFor();
    await reader.getByText("Pears & <b>plums</b>.", { exact: true }).waitFor();
    assert.equal(await reader.getByText("About the quince.", { exact: true }).count(), thoughts ? 1 : 0);
    assert.equal(await reader.locator("script, img, link, i, b").count(), 0);
    assert.deepEqual(asked, [pathToFileURL(html.path).href]);
    await reader.context().close();
  }
}

// From files: what was exported here, and others' exports.
const at = 1_700_000_000;
const node = (id, parent, message) => [id, { id, parent, children: [], message }];
const chatgpt = [{ title: "From ChatGPT", create_time: at, update_time: at, current_node: "c", mapping: Object.fromEntries([
  node("root", null, null),
  node("a", "root", { author: { role: "user" }, content: { content_type: "text", parts: ["What is a quark?"] }, create_time: at }),
  node("b", "a", { author: { role: "assistant" }, content: { content_type: "thoughts", thoughts: [{ summary: "", content: "Up or down?" }] }, create_time: at }),
  node("c", "b", { author: { role: "assistant" }, content: { content_type: "text", parts: ["A particle."] }, metadata: { model_slug: "gpt" }, create_time: at }),
]) }];
const deepseek = [{ title: "From DeepSeek", inserted_at: "2025-02-01T10:00:00.000+08:00", updated_at: "2025-02-01T10:00:00.000+08:00", mapping: Object.fromEntries([
  node("root", null, null),
  node("1", "root", { model: "deepseek-reasoner", inserted_at: "2025-02-01T10:00:00.000+08:00", fragments: [{ type: "REQUEST", content: "What is a lepton?" }] }),
  node("2", "1", { model: "deepseek-reasoner", inserted_at: "2025-02-01T10:00:01.000+08:00", fragments: [{ type: "THINK", content: "An electron is one." }, { type: "RESPONSE", content: "A light particle." }] }),
]) }];
async function imported(name, content) {
  await button(list(page), "data.title").click();
  const chosen = page.waitForEvent("filechooser");
  await button(dialog, "import.choose").click();
  await (await chosen).setFiles({ name, mimeType: "application/json", buffer: Buffer.from(content) });
}
{
  const all = await exported("json", true, "export.all");
  const own = JSON.parse(all.text);
  assert.equal(own.conversations.length, 2);
  for (const conversation of own.conversations) conversation.id += "-copy";  // what is there already would stay as it is
  const before = (await titles()).length;
  for (const [content, known] of [
    [JSON.stringify(own), page.getByText(say("import.done", { count: 2 }))],
    [JSON.stringify(own), page.getByText(say("import.done_some", { count: 0, present: 2 }))],
    [JSON.stringify(chatgpt), list(page).getByText("From ChatGPT")],
    [JSON.stringify(deepseek), list(page).getByText("From DeepSeek")],
  ]) {
    await imported("conversations.json", content);
    await known.waitFor();
    await button(dialog, "close").click();
  }
  assert.equal((await titles()).length, before + 4);
  for (const [title, asked, thinks, answer] of [
    ["From ChatGPT", "What is a quark?", "Up or down?", "A particle."],
    ["From DeepSeek", "What is a lepton?", "An electron is one.", "A light particle."],
    ["Fruit <i>", "Apples.", "About the quince.", "Pears & <b>plums</b>."],
  ]) {
    await row(page, title).first().getByRole("link").click();
    await questions(page).getByText(asked, { exact: false }).waitFor();
    await replies(page).last().getByText(answer).waitFor();
    await thought(replies(page).last()).getByRole("button").first().click();
    await thoughtText(replies(page).last()).getByText(thinks).waitFor();
  }

  // What is none of these is refused in words.
  await imported("holiday.json", '{"photos": []}');
  await page.getByText(say("import.unknown", { name: "holiday.json" })).waitFor();
  await button(dialog, "close").click();
  await imported("broken.json", "{");
  await page.getByText(say("import.no_json", { name: "broken.json" })).waitFor();
}

rmSync(folder, { recursive: true });
// A long list comes in portions, each once, and stays as long as it has become; a folder may be called as a view is.
{
  const folder = say("view.archived");
  for (let number = 0; number < 80; ++number) {
    await server(page, "/v1/conversations", { title: `Old ${number}`, ...(number === 0 ? { folder } : {}) });
  }
  await page.reload();
  const all = (await server(page, "/v1/conversations?limit=200&archived=false")).data.length;
  await button(list(page), "list.more").dblclick();
  await list(page).getByRole("link").nth(all - 1).waitFor();
  await choose(page, menu("Old 40"), say("rename"));
  await page.getByRole("textbox", { name: say("rename") }).fill("Old and new");
  await page.keyboard.press("Enter");
  await row(page, "Old and new").waitFor();
  assert.equal(await list(page).getByRole("link").count(), all);

  await list(page).getByRole("button", { name: new RegExp(`^${say("view.label")}`) }).click();
  await page.getByRole("menuitemradio", { name: folder }).nth(1).waitFor();
  assert.equal(await page.getByRole("menuitemradio", { name: folder }).count(), 2);
}

await browser.close();
