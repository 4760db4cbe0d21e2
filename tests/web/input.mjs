// What goes into the composer, and the keyboard: files, commands, presets, instructions, shortcuts: input.mjs PROGRAM
// CLIENTS_FOLDER; the program is scripted_server.
import assert from "node:assert/strict";
import { startBrowser } from "./browser.mjs";
import { answered, ask, button, composer, done, lastReply, list, questions, replies, request, say, stored, thought, thoughtText, until } from "./reader.mjs";

const browser = await startBrowser();
const page = await browser.open();
const dialog = page.getByRole("dialog");
const attached = page.getByRole("list", { name: say("file.attached") }).getByRole("listitem");
const focused = () => page.evaluate(() => document.activeElement?.id);

// A PDF of one page with that text.
function pdf(text) {
  const stream = `BT /F1 24 Tf 72 700 Td (${text}) Tj ET`;
  const objects = [
    "<</Type/Catalog/Pages 2 0 R>>",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
    `<</Length ${stream.length}>>\nstream\n${stream}\nendstream`,
    "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
  ];
  let file = "%PDF-1.4\n";
  const places = objects.map((object, index) => {
    const place = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(place).padStart(10, "0")} 00000 n \n`;
  });
  return `${file}xref\n0 6\n0000000000 65535 f \n${places.join("")}trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n${file.length}\n%%EOF\n`;
}

// Files are dropped or pasted, texts too long for a line are pasted; the model gets all of them.
const give = (kind, ...files) => composer(page).evaluate((area, [event, given]) => {
  const data = new DataTransfer();
  for (const { name, content } of given) {
    if (name) data.items.add(new File([content], name));
    else data.setData("text/plain", content);
  }
  const options = { bubbles: true, cancelable: true };
  area.dispatchEvent(event === "drop" ? new DragEvent("drop", { ...options, dataTransfer: data }) : new ClipboardEvent("paste", { ...options, clipboardData: data }));
}, [kind, files]);
{
  await give("drop", { name: "notes.txt", content: "Buy a kettle." });
  await give("paste", { name: "page.pdf", content: pdf("The kettle is blue.") });
  await attached.nth(1).waitFor();
  await give("paste", { content: `Long ago. ${"word ".repeat(2000)}` });
  await give("paste", { name: "unwanted.txt", content: "Never mind." });
  await attached.nth(3).waitFor();
  await button(attached.nth(3), "file.remove", { name: "unwanted.txt" }).click();
  await give("drop", { name: "picture.bin", content: "\0\0\0" });
  await page.getByText(say("file.no_text", { name: "picture.bin" })).waitFor();
  const names = (await attached.allInnerTexts()).map((name) => name.trim());
  assert.deepEqual(names, ["notes.txt", "page.pdf", say("file.pasted")]);
  assert.equal(await attached.count(), 3);
  await button(attached.nth(2), "file.remove", { name: say("file.pasted") }).click();
  const told = await answered(page, "Now tell.");
  assert.match(await told.innerText(), /Now tell\.\s+\[notes\.txt\]\s+Buy a kettle\.\s+\[page\.pdf\]\s+The kettle is blue\./);
  assert.match(await questions(page).last().innerText(), /^Your message\s+notes\.txt\s+page\.pdf\s+Now tell\.$/);
}

// Files may have the same name.
{
  for (const content of ["Once.", "Twice."]) await give("drop", { name: "same.txt", content });
  await attached.nth(1).waitFor();
  await composer(page).fill("Both.");
  await composer(page).press("Enter");
  const names = questions(page).last().getByText("same.txt", { exact: true });
  await names.nth(1).waitFor();
  await done(lastReply(page));
  await page.reload();
  await names.nth(1).waitFor();
  assert.equal(await names.count(), 2);
  await button(page, "chat.new").click();
}

// Commands begin with a slash.
async function command(text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
  await until(page, () => document.querySelector("#composer").value === "");
}
{
  await composer(page).fill("/");
  const offered = page.getByRole("listbox", { name: say("command.label") }).getByRole("option");
  assert.equal(await offered.count(), 8);
  await composer(page).press("ArrowDown");
  assert.equal(await composer(page).getAttribute("aria-activedescendant"), "command-temporary");
  await composer(page).fill("/ef");
  await composer(page).press("Tab");
  assert.equal(await composer(page).inputValue(), "/effort ");
  await command("/effort low");
  await command("/budget 300");
  await page.getByRole("option", { name: say("budget.tokens", { count: 300 }), selected: true }).waitFor({ state: "attached" });
  await page.getByRole("option", { name: say("effort.low"), selected: true }).waitFor({ state: "attached" });
  await command("/think off");
  assert.equal(await button(page, "think.switch").getAttribute("aria-pressed"), "false");
  await command("/think on");
  await command("/temporary");
  await page.getByRole("heading", { name: say("chat.temporary"), exact: true }).waitFor();
  await command("/new");
  await page.getByRole("heading", { name: say("chat.new"), exact: true }).waitFor({ state: "attached" });
  await command("/help");
  await dialog.getByText("/budget 1024").waitFor();
  await page.keyboard.press("Escape");
}

// A preset is a command whose text goes into the composer.
{
  await button(list(page), "settings.title").click();
  await button(dialog, "preset.add").click();
  await dialog.getByLabel(say("preset.name"), { exact: true }).fill("greet");
  await dialog.getByLabel(say("preset.text"), { exact: true }).fill('Greetings. say "Ahoy"');
  await button(dialog, "preset.add").click(); // of the name of a command: that stays
  await dialog.getByLabel(say("preset.name"), { exact: true }).last().fill("help");
  await dialog.getByLabel(say("preset.text"), { exact: true }).last().fill("No help.");
  await page.reload(); // also with the dialog still open
  await composer(page).fill("/hel");
  assert.deepEqual(await page.getByRole("option", { name: "/help" }).allInnerTexts(), [`/help\n${say("command.help")}`]);
  await composer(page).fill("/gre");
  await composer(page).press("Enter");
  assert.equal(await composer(page).inputValue(), 'Greetings. say "Ahoy"');
  await composer(page).press("Enter");
  await lastReply(page).getByText("Ahoy").waitFor();
}

// Instructions belong to a chat.
{
  await button(page, "chat.settings").click();
  await dialog.getByLabel(say("chat.system_prompt")).fill("Speak like a pirate.");
  await button(dialog, "save").click();
  assert.match(await (await answered(page, "Please tell.")).innerText(), /Speak like a pirate\./);
  await page.reload();
  await lastReply(page).waitFor();
  await button(page, "chat.settings").click();
  assert.equal(await dialog.getByLabel(say("chat.system_prompt")).inputValue(), "Speak like a pirate.");
  await page.keyboard.press("Escape");
  await button(page, "chat.new").click();
  assert.doesNotMatch(await (await answered(page, "Please tell.")).innerText(), /pirate/);
  await command("/system Speak like a bishop.");
  assert.match(await (await answered(page, "Please tell.")).innerText(), /Speak like a bishop\./);

  // What is sent right after them waits until they are stored, however long that takes.
  await page.route("**/v1/conversations/*", async (route) => {
    if (route.request().method() === "PATCH") await page.waitForTimeout(500);
    await route.continue();
  });
  await command("/system Speak like a baker.");
  assert.match(await (await answered(page, "Please tell.")).innerText(), /Speak like a baker\./);
  await page.unroute("**/v1/conversations/*");
}

// From here on the mouse rests: shortcuts, and the way to everything else by Tab.
async function tab_to(name, step) {
  for (let count = 0; count < 80; ++count) {
    await page.keyboard.press(step);
    const [label, text] = await page.evaluate(() => [document.activeElement.getAttribute("aria-label"), document.activeElement.textContent.trim()]);
    if (label === name || text === name) return;
  }
  assert.fail(`${name} is not reached by ${step}`);
}
async function open_menu(label, step) {
  await tab_to(label, step);
  await page.keyboard.press("Enter");
  await until(page, () => document.activeElement.closest('[role="menu"]'));
}
const type = async (text) => {
  await page.keyboard.press("Shift+Escape");
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
};
{
  await page.keyboard.press("Control+/");
  for (const key of ["new", "search", "sidebar", "composer", "answer_now", "stop", "think", "help"]) {
    await dialog.getByRole("term").getByText(say(`shortcut.${key}`), { exact: true }).first().waitFor();
  }
  // Who turns elsewhere while it closes has the focus there.
  await page.evaluate(() => {
    document.querySelector("dialog").close();
    document.querySelector("#search").focus();
  });
  await page.locator("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(), "search");
  await page.keyboard.press("Control+/");
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  assert.equal(await focused(), "search");
  await page.keyboard.press("Shift+Escape");
  await page.keyboard.press("Control+k");
  await until(page, () => document.activeElement.id === "search");
  await page.keyboard.press("Shift+Escape");
  assert.equal(await focused(), "composer");
  await page.keyboard.press("Control+Shift+S");
  await list(page).waitFor({ state: "hidden" });
  await page.keyboard.press("Control+Shift+S");
  await list(page).waitFor();
  await page.keyboard.press("Control+Shift+K");
  await page.locator('[aria-pressed="false"]').getByText(say("think.switch")).waitFor();
  await page.keyboard.press("Control+Shift+K");
  await page.keyboard.press("Control+Shift+O");
  assert.equal(await focused(), "composer");
  assert.equal(await replies(page).count(), 0);

  await type('Ponder. think 4000 pace 100 say "Early."');
  await thoughtText(lastReply(page)).getByText("Step 1:").waitFor();
  await page.keyboard.press("Control+Shift+E");
  await lastReply(page).getByText("Early.").waitFor();
  await done(lastReply(page));
  await type("Talk. pace 100 say 4000");
  await lastReply(page).getByText("Step 1:").waitFor();
  await page.keyboard.press("Escape");
  await lastReply(page).getByText(say("ended.stopped")).waitFor();

  // The thought, another reply, another version of the question, its arrows.
  await page.keyboard.press("Control+Shift+O");
  await type("Who are you?");
  await lastReply(page).getByText("scripted", { exact: true }).waitFor();
  await done(lastReply(page));
  await tab_to(say("again"), "Shift+Tab");
  await page.keyboard.press("Enter");
  await lastReply(page).getByText("2 / 2").waitFor();
  await done(lastReply(page));
  await page.keyboard.press("Shift+Escape");
  await tab_to(say("branch.previous"), "Shift+Tab");
  await page.keyboard.press("Enter");
  await lastReply(page).getByText("1 / 2").waitFor();
  await page.keyboard.press("Shift+Escape");
  await tab_to(await thought(lastReply(page)).getByRole("button").first().innerText(), "Shift+Tab");
  await page.keyboard.press("Enter");
  await thoughtText(lastReply(page)).getByText("A short thought.").waitFor();
  await tab_to(say("message.edit"), "Shift+Tab");
  await page.keyboard.press("Enter");
  await until(page, () => document.activeElement.tagName === "TEXTAREA");
  await page.keyboard.press("Control+a");
  await page.keyboard.type('Once more. say "By hand."');
  await page.keyboard.press("Control+Enter");
  await lastReply(page).getByText("By hand.").waitFor();

  // Menus: of the reply, of the model, of the list.
  await done(lastReply(page));
  await page.keyboard.press("Shift+Escape");
  await open_menu(say("message.more"), "Shift+Tab");
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await lastReply(page).getByText("2 / 2").waitFor();
  await page.keyboard.press("Control+k");
  await open_menu(say("chat.actions", { title: "Who are you?" }), "Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: say("rename") }).waitFor();
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await list(page).getByRole("link", { name: "By keyboard" }).waitFor();
  await page.keyboard.press("Control+k");
  await open_menu(say("chat.actions", { title: "By keyboard" }), "Tab");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await list(page).getByRole("link", { name: "By keyboard" }).waitFor({ state: "detached" });
}

await browser.close();
