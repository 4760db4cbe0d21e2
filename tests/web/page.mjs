// The page comes fast, is small, asks nobody else, and opens without a network: page.mjs PROGRAM CLIENTS_FOLDER.
import assert from "node:assert/strict";
import { startBrowser, words } from "./browser.mjs";
import { until } from "./reader.mjs";
import { startWay } from "./way.mjs";

const MOST_BYTES = 400 << 10;  // of what is loaded at first, as it is sent
const text = words("en");

const browser = await startBrowser();
const page = await browser.open();
await until(page, () => performance.getEntriesByName("first-contentful-paint").length > 0);
const figures = await page.evaluate(async () => {
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const files = loaded.filter((entry) => !entry.name.includes("/v1/"));
  return { paint: paint.startTime, bytes: files.reduce((sum, entry) => sum + entry.encodedBodySize, 0), files: files.length };
});
console.log(`first paint after ${Math.round(figures.paint)} ms; ${figures.files} files, ${figures.bytes} bytes as sent`);
assert.ok(figures.bytes > 0 && figures.bytes <= MOST_BYTES, `${figures.bytes} bytes at first, more than ${MOST_BYTES}`);
assert.equal(await page.title(), "aloud");

// What was read once is there when the network is gone: the list, and the chats. The page says so, and finds the way back.
const way = await startWay(browser.url);
browser.allow(/net::ERR_/);
browser.allow(new RegExp(`^asks ${way.url}/`));
await page.goto(way.url);
const button = (key) => page.getByRole("button", { name: text[key], exact: true });
await button("welcome.sum1").click();
await page.getByText(text["reply.done"]).waitFor({ state: "attached" });
// At the first visit, too, where all was read before the worker watched.
const kept = async () => (await caches.match("/v1/session")) && (await (await caches.open("aloud-1")).keys())
  .some(({ url }) => /\/v1\/conversations\/(?!folders)./.test(url));
await page.waitForFunction(kept);
way.cut();
const notice = page.getByText(text["offline.text"]);
await page.goto("about:blank");
await page.goto(way.url);
await page.getByRole("navigation").getByRole("link", { name: text["welcome.sum1"], exact: true }).click();
await page.getByRole("strong").getByText("378").waitFor();
await notice.waitFor();
await button("retry").click();
await button("retry").and(page.locator(":enabled")).waitFor();
assert.equal(await notice.count(), 1);
await way.mend();
await button("retry").click();
await notice.waitFor({ state: "detached" });
await page.getByRole("strong").getByText("378").waitFor();
way.cut();

await browser.close();
