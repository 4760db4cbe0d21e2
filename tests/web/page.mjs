// The page in Chromium against the real server and the default model: page.mjs PROGRAM CLIENTS_FOLDER CHROMIUM.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { startServer } from "../clients/server.mjs";

const [program, folder, chromium] = process.argv.slice(2);
const require = createRequire(resolve(folder, "package.json"));
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const { url, stop } = await startServer(program);
const browser = await require("playwright-core").chromium.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
});

// What no page may do: complain, be refused by its own policy, ask anybody but the server.
const complaints = [];

async function open(options, path = "/") {
  const context = await browser.newContext({ viewport: { width: 1100, height: 760 }, locale: "en-US", ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) complaints.push(`asks ${request.url()}`);
  });
  await page.goto(url + path);
  await composer(page).waitFor();
  return page;
}

const composer = (page) => page.locator("main textarea").first();

async function ask(page, question) {
  await composer(page).fill(question);
  await composer(page).press("Enter");
}

// axe comes by the debugger's door, which the page's policy does not guard.
async function violations(page) {
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate(() => globalThis.axe.run(document));
  return found.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
}

async function a_question_is_answered_and_stays() {
  const page = await open({});
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  console.log(`first contentful paint: ${Math.round(paint)} ms`);
  await ask(page, "What is 27*14?");
  const main = page.locator("main");
  await main.getByText("378").first().waitFor();
  await main.getByText(/Thought for/).first().waitFor();
  const text = await main.innerText();
  assert.ok(!/<\/?think>/.test(text), `a tag leaks: ${text}`);
  await page.reload();
  await page.locator("main").getByText("378").first().waitFor();
  await page.getByText("What is 27*14?").first().waitFor();
  await page.context().close();
}

async function everybody_can_use_it(colorScheme) {
  const page = await open({ colorScheme });
  assert.deepEqual(await violations(page), [], `${colorScheme}, the welcome`);
  await ask(page, "What is 5547+678?");
  await page.locator("main").getByText("6225").first().waitFor();
  assert.deepEqual(await violations(page), [], `${colorScheme}, an answer`);
  await page.context().close();
}

async function it_speaks_chinese_on_a_phone() {
  const page = await open({ locale: "zh-CN", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  assert.equal(await page.locator("html").getAttribute("lang"), "zh");
  assert.match(await page.locator("main").innerText(), /\p{Script=Han}/u);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `the page is ${width} wide`);
  // Enter makes a new line where there is no keyboard.
  await composer(page).fill("What is 27*14?");
  await page.getByRole("button", { name: "发送" }).click();
  await page.locator("main").getByText("378").first().waitFor();
  assert.deepEqual(await violations(page), [], "a phone");
  await page.context().close();
}

async function hostile_text_stays_text() {
  const page = await open({});
  const text = `<img src=x onerror="document.title='run'"> <script>document.title='run'</script> [x](javascript:alert(1))`;
  await ask(page, text);
  await page.getByText("onerror").first().waitFor();
  await page.waitForTimeout(1000);
  assert.notEqual(await page.title(), "run");
  assert.equal(await page.locator('main img, main a[href^="javascript"]').count(), 0);
  await page.context().close();
}

try {
  await a_question_is_answered_and_stays();
  await everybody_can_use_it("light");
  await everybody_can_use_it("dark");
  await it_speaks_chinese_on_a_phone();
  await hostile_text_stays_text();
  assert.deepEqual(complaints, []);
} finally {
  await browser.close();
  await stop();
}
