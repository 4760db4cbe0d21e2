// Every screen in both themes, both languages, on a phone and on a desk, in high contrast, in colours of the system's and
// from right to left: nothing for axe to find, nothing cut off or wider than the screen, nothing too small for a thumb:
// looks.mjs PROGRAM CLIENTS_FOLDER. Pictures go to the folder that ALOUD_PICTURES names.
import assert from "node:assert/strict";
import { join } from "node:path";
import { accessibility, startBrowser, words } from "./browser.mjs";

const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1440, height: 900 } };
const TAGS = { en: "en-GB", zh: "zh-CN" };
const LEAST = 40; // pixels of what a thumb should hit

// Each pair of size, language and theme is among them.
const VISITORS = [
  { size: "desk", language: "en", theme: "light" },
  { size: "phone", language: "en", theme: "dark" },
  { size: "phone", language: "zh", theme: "light" },
  { size: "desk", language: "zh", theme: "dark" },
  { size: "desk", language: "en", theme: "dark", special: "contrast", options: { contrast: "more", reducedMotion: "no-preference" } },
  { size: "phone", language: "zh", theme: "dark", special: "forced", options: { forcedColors: "active" } },
  { size: "phone", language: "en", theme: "light", special: "rtl" },
  { size: "desk", language: "en", theme: "light", special: "rtl" },
];

const RICH = `# A heading

A [link](https://example.org), \`code\`, $e^{i\\pi} = -1$ and a very long word: ${"wide".repeat(60)}.

| Name | A column with a long heading | Another column |
|---|--:|:-:|
| ${"cell ".repeat(8)} | 12345678901234567890 | x |

- [x] done

$$\\int_0^1 x^2\\,dx = \\frac13 + ${"x + ".repeat(60)} y$$

\`\`\`python
def f(x): return "${"a long line ".repeat(20)}"
\`\`\`

\`\`\`mermaid
graph TD
  A[Begin] -->|yes| B{Choice}
\`\`\``;

const browser = await startBrowser();
const diagrams = new Set(); // their sizes, which are the same for all

// What is cut off at the edge of a message though nothing there scrolls, and what is too small: to be empty.
function faults(least) {
  const found = [];
  const name = (element) => `${element.tagName.toLowerCase()} "${(element.ariaLabel ?? element.textContent).trim().slice(0, 30)}"`;
  const scrolls = (element, end) => {
    for (let at = element; at && at !== end; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== "visible" || at.matches(".unseen, .katex-mathml, .place")) return true;
    }
    return false;
  };
  for (const column of document.querySelectorAll("article, form, dialog .inside, .welcome .inside")) {
    const edges = (column.closest(".message") ?? column).getBoundingClientRect();
    for (const element of column.querySelectorAll("*")) {
      const box = element.getBoundingClientRect();
      const outside = box.width > 0 && (box.right > edges.right + 1 || box.left < edges.left - 1);
      if (outside && !scrolls(element, column)) found.push(`cut off: ${name(element)}`);
    }
  }
  for (const element of document.querySelectorAll("button, select, summary, input, textarea, nav a")) {
    const target = element.closest("label") ?? element;
    const { width, height } = target.getBoundingClientRect();
    if (element.checkVisibility() && width > 1 && Math.min(width, height) < least && !element.disabled) {
      found.push(`${Math.round(width)} x ${Math.round(height)}: ${name(element)}`);
    }
  }
  return found;
}

async function look(page, name, least) {
  if (process.env.ALOUD_PICTURES) await page.screenshot({ path: join(process.env.ALOUD_PICTURES, `${name}.png`) });
  assert.deepEqual(await accessibility(page), [], name);
  const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(width <= 0, `${name}: ${width} pixels wider than the screen`);
  assert.deepEqual(await page.evaluate(faults, least), [], name);
}

// A chat with everything that a message can hold; resolves to its address.
async function imported(page) {
  const id = await page.evaluate(async (content) => {
    const answer = await fetch("/v1/conversations", { method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ title: "Much ".repeat(30), messages: [
        { id: "q", parent: null, role: "user", content: "W".repeat(200) },
        { id: "a", parent: "q", role: "assistant", content, thought: content, status: "complete" }] }) });
    return (await answer.json()).id;
  }, RICH);
  return `#/c/${id}`;
}

async function lookAround({ size, language, theme, special = "", options = {} }) {
  const text = words(language);
  const is_phone = size === "phone";
  const page = await browser.open({
    colorScheme: theme, locale: TAGS[language], viewport: SIZES[size], hasTouch: is_phone, isMobile: is_phone,
    reducedMotion: "reduce", ...options });
  if (special === "rtl") await page.evaluate(() => (document.documentElement.dir = "rtl"));
  const look_at = (name) => look(page, `${size}-${language}-${theme}-${special}-${name}`, is_phone ? LEAST : 0);
  const press = (name) => page.getByRole("button", { name, exact: true }).first().click();
  const drawer = () => (is_phone ? press(text["sidebar.toggle"]) : undefined);

  assert.equal(await page.evaluate(() => document.documentElement.lang), language);
  await page.getByText(text["welcome.larger"]).click();
  await look_at("welcome");
  await press(text["welcome.sum1"]);
  await page.getByText(text["reply.done"]).waitFor({ state: "attached" });
  await look_at("reply");
  await page.getByRole("region", { name: text["thought.title"], exact: true }).getByRole("button").first().click();
  await look_at("thought");
  await press(text["chat.settings"]);
  await look_at("chat-settings");
  await page.keyboard.press("Escape");
  await page.evaluate((address) => (location.hash = address), await imported(page));
  await page.getByRole("region", { name: text["markdown.table"] }).waitFor();
  await page.locator(".katex-display").waitFor();
  if (special !== "rtl") {
    await press(text["diagram.draw"]);
    const diagram = page.getByRole("img", { name: text["diagram.alt"] });
    await diagram.waitFor();
    diagrams.add(await diagram.evaluate((image) => `${image.naturalWidth} x ${image.naturalHeight}`));
  }
  await look_at("rich");
  await drawer();
  await look_at("list");
  await press(text["settings.title"]);
  await look_at("settings");
  await page.keyboard.press("Escape");
  await drawer();
  await press(text["operator.title"]);
  await page.getByRole("table", { name: text["usage.title"] }).waitFor();
  await page.getByText(text["state.rate"]).waitFor();
  await look_at("operator");
  await press(text["keys.add"]);
  await look_at("key");
  await page.context().close();
}

for (const visitor of VISITORS) await lookAround(visitor);
assert.equal(diagrams.size, 1, [...diagrams].join(", "));
await browser.close();
