// Every screen in both themes, both languages, on a phone and on a desk: nothing for axe to find, nothing wider than the
// screen: looks.mjs PROGRAM CLIENTS_FOLDER. Pictures go to the folder that ALOUD_PICTURES names.
import assert from "node:assert/strict";
import { join } from "node:path";
import { accessibility, startBrowser, words } from "./browser.mjs";

const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1440, height: 900 } };
const TAGS = { en: "en-GB", zh: "zh-CN" };
const browser = await startBrowser();

async function look(page, name) {
  if (process.env.ALOUD_PICTURES) await page.screenshot({ path: join(process.env.ALOUD_PICTURES, `${name}.png`) });
  assert.deepEqual(await accessibility(page), [], name);
  const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(width <= 0, `${name}: ${width} pixels wider than the screen`);
}

async function lookAround(language, colorScheme, size) {
  const text = words(language);
  const is_phone = size === "phone";
  const page = await browser.open({
    colorScheme, locale: TAGS[language], viewport: SIZES[size], hasTouch: is_phone, isMobile: is_phone, reducedMotion: "reduce" });
  const look_at = (name) => look(page, `${size}-${language}-${colorScheme}-${name}`);
  const press = (name) => page.getByRole("button", { name, exact: true }).first().click();
  const drawer = () => (is_phone ? press(text["sidebar.toggle"]) : undefined);

  assert.equal(await page.evaluate(() => document.documentElement.lang), language);
  await look_at("welcome");
  await press(text["welcome.sum1"]);
  await page.getByText(text["reply.done"]).waitFor({ state: "attached" });
  await look_at("reply");
  await page.getByRole("region", { name: text["thought.title"], exact: true }).getByRole("button").first().click();
  await look_at("thought");
  await press(text["chat.settings"]);
  await look_at("chat-settings");
  await page.keyboard.press("Escape");
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

for (const language of Object.keys(TAGS)) {
  for (const theme of ["light", "dark"]) {
    for (const size of Object.keys(SIZES)) await lookAround(language, theme, size);
  }
}
await browser.close();
