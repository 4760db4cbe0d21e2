// The page comes fast, is small, asks nobody else, and opens without a network: page.mjs PROGRAM CLIENTS_FOLDER.
import assert from "node:assert/strict";
import { startBrowser, words } from "./browser.mjs";

const MOST_BYTES = 400 << 10;  // of what is loaded at first, as it is sent
const text = words("en");

const browser = await startBrowser();
const page = await browser.open();
const figures = await page.evaluate(async () => {
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const files = loaded.filter((entry) => !entry.name.includes("/v1/"));
  return { paint: paint.startTime, bytes: files.reduce((sum, entry) => sum + entry.encodedBodySize, 0), files: files.length };
});
console.log(`first paint after ${Math.round(figures.paint)} ms; ${figures.files} files, ${figures.bytes} bytes as sent`);
assert.ok(figures.bytes > 0 && figures.bytes <= MOST_BYTES, `${figures.bytes} bytes at first, more than ${MOST_BYTES}`);
assert.equal(await page.title(), "aloud");

// What was read once is there when the network is gone.
await page.getByRole("button", { name: text["welcome.sum1"], exact: true }).click();
await page.getByText(text["reply.done"]).waitFor({ state: "attached" });
await page.evaluate(() => navigator.serviceWorker.ready);
await page.reload();
await page.getByRole("strong").getByText("378").waitFor();
await page.context().setOffline(true);
await page.reload();
await page.getByRole("navigation").getByRole("link", { name: text["welcome.sum1"], exact: true }).waitFor();
await page.getByRole("strong").getByText("378").waitFor();
await page.context().setOffline(false);

await browser.close();
