// Debian's Chromium before a server with the default model, watched: whatever the page should not do ends the test.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startServer } from "../clients/server.mjs";

// The same browser without what asks its maker by itself: what the trap catches was asked by the page.
const CHROMIUM = "/usr/bin/chromium-headless-shell";
const SKIPPED = 77;
const HANG_MS = 60_000;
const LOCALES = join(dirname(fileURLToPath(import.meta.url)), "../../web/src/locales");

const [program, folder] = process.argv.slice(2);
const require = createRequire(resolve(folder, "package.json"));

// The words of the page in a language, by their keys.
export const words = (locale) => JSON.parse(readFileSync(join(LOCALES, `${locale}.json`), "utf8"));

// A proxy where everything ends that is asked of other addresses than the server's.
async function startTrap(complaints) {
  const trap = createServer();
  const catches = (answer) => ({ url }, peer) => {
    complaints.push(`asks ${url}`);
    answer(peer);
  };
  trap.on("request", catches((response) => response.writeHead(502).end()));
  trap.on("connect", catches((socket) => socket.end("HTTP/1.1 502 No\r\n\r\n")));
  trap.listen(0, "127.0.0.1");
  await once(trap, "listening");
  return { url: `http://127.0.0.1:${trap.address().port}`, close: () => trap.close() };
}

// Resolves to {url, data, fillDisk, open, beside, allow, close}, data being the server's folder. Options go to the server.
export async function startBrowser(...options) {
  if (!existsSync(CHROMIUM)) {
    console.log(`skipped: there is no ${CHROMIUM}`);
    process.exit(SKIPPED);
  }
  const server = await startServer(program, ...options);
  const complaints = [];
  const allowed = [];
  const pages = [];
  const trap = await startTrap(complaints);
  // Chromium asks loopback addresses without the proxy.
  const browser = await require("playwright-core").chromium.launch({
    executablePath: CHROMIUM, args: [`--proxy-server=${trap.url}`] });

  // What the pages show when a test fails.
  process.once("uncaughtException", async (error) => {
    console.error(error, complaints);
    for (const page of pages.filter((page) => !page.isClosed())) {
      console.error(`${page.url()} shows:\n${await page.locator("body").innerText({ timeout: 5000 }).catch(String)}`);
    }
    process.exit(1);
  });

  function watch(page) {
    pages.push(page);
    page.on("pageerror", (error) => complaints.push(`error: ${error.stack}`));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()} ${message.location().url}`);
    });
    page.on("dialog", (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
  }

  async function visit(page, path) {
    watch(page);
    await page.goto(server.url + path);
    await page.locator("textarea, [type=password]").first().waitFor();
    return page;
  }

  // A page of its own visitor: nothing is shared with other pages.
  async function open(context_options = {}, path = "/") {
    const context = await browser.newContext({ locale: "en-GB", colorScheme: "light", ...context_options });
    context.setDefaultTimeout(HANG_MS);
    context.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== server.url) complaints.push(`asks ${request.url()}`);
    });
    return visit(await context.newPage(), path);
  }

  // Another tab of the same visitor.
  const beside = async (page, path = "/") => visit(await page.context().newPage(), path);

  // What a test brings about itself is no complaint.
  const allow = (pattern) => allowed.push(pattern);

  async function close() {
    await browser.close();
    await server.stop();
    trap.close();
    assert.deepEqual(complaints.filter((complaint) => !allowed.some((pattern) => pattern.test(complaint))), []);
  }
  return { url: server.url, data: server.data, fillDisk: server.fillDisk, open, beside, allow, close };
}

// What axe finds in the page as it is shown now: ["rule: place", ...].
export async function accessibility(page) {
  // Through the debugger, which the page's policy does not bind.
  await page.evaluate(require("axe-core").source);
  const { violations } = await page.evaluate(() => axe.run());
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")} ${node.failureSummary}`));
}
