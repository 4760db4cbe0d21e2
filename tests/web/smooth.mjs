// Measures the page, by hand and on a quiet machine, not in ./test: first paint, bytes, the longest task of the main thread
// while 10,000 tokens of thought come at 200 in a second, memory over 200 turns:
// smooth.mjs SCRIPTED_SERVER CLIENTS_FOLDER. With ALOUD_PROFILE=FILE the thought's CPU profile goes there.
import { writeFileSync } from "node:fs";
import { startBrowser } from "./browser.mjs";
import { answered, ask, button, composer, done, lastReply, thought, thoughtText, until } from "./reader.mjs";

const TOKENS = 10_000;
const PACE = 200;
const TURNS = 200;
const HANG_MS = 180_000;

const browser = await startBrowser("--context", "131072");
const page = await browser.open();
page.setDefaultTimeout(HANG_MS);
const devtools = await page.context().newCDPSession(page);
let missed = 0;

function report(what, value, bar, unit) {
  const fits = value <= bar;
  if (!fits) ++missed;
  console.log(`${what}: ${value} ${unit} (bar: ${bar} ${unit}${fits ? "" : ", MISSED"})`);
}

// The longest task of the main thread while action runs, in milliseconds.
async function longest_task(action) {
  await page.context().browser().startTracing(page, { categories: ["toplevel"] });
  await action();
  const { traceEvents } = JSON.parse(await page.context().browser().stopTracing());
  const main = new Set(traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = traceEvents.filter((event) => event.dur && /RunTask/.test(event.name) && main.has(`${event.pid} ${event.tid}`));
  const longest = tasks.reduce((most, task) => (task.dur > most.dur ? task : most));
  const since_begin = ({ ts }) => ((ts - tasks[0].ts) / 1e6).toFixed(1);
  const ran = ((longest.tdur ?? longest.dur) / 1000).toFixed(1); // else it waited for a processor
  console.log(`  after ${since_begin(longest)} s of ${since_begin(tasks.at(-1))} s, ${ran} ms of it running:`);
  return Math.round(longest.dur / 100) / 10;
}

async function heap_megabytes() {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  const { nodes } = await devtools.send("Memory.getDOMCounters");
  return { heap: Math.round(usedSize / 1e5) / 10, nodes };
}

await until(page, () => performance.getEntriesByName("first-contentful-paint").length > 0);
const first = await page.evaluate(() => {
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return { paint: paint.startTime, bytes: loaded.filter(({ name }) => !name.includes("/v1/")).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0) };
});
report("first paint", Math.round(first.paint), 1000, "ms");
report("first load, as sent", Math.round(first.bytes / 1024), 400, "KiB");

await page.setViewportSize({ width: 1440, height: 900 });
if (process.env.ALOUD_PROFILE) {
  await devtools.send("Profiler.enable");
  await devtools.send("Profiler.start");
}
const began = performance.now();
report(`longest task, ${TOKENS} tokens of thought at ${PACE}/s`, await longest_task(async () => {
  await ask(page, `Measure. think ${TOKENS} pace ${PACE} say "Done."`);
  await lastReply(page).getByText("Done.").waitFor();
  await done(lastReply(page));
}), 50, "ms");
console.log(`  which came in ${Math.round((performance.now() - began) / 1000)} s`);
if (process.env.ALOUD_PROFILE) {
  const { profile } = await devtools.send("Profiler.stop");
  writeFileSync(process.env.ALOUD_PROFILE, JSON.stringify(profile));
}
report("longest task, that thought opened", await longest_task(async () => {
  await thought(lastReply(page)).getByRole("button").first().click();
  await thoughtText(lastReply(page)).getByText("Step 250:").waitFor({ state: "attached" });
}), 50, "ms");
report(`longest task, an answer of ${TOKENS / 5} tokens at ${PACE}/s`, await longest_task(async () => {
  await answered(page, `Speak. say ${TOKENS / 5} pace ${PACE}`);
}), 50, "ms");

for (const [what, between] of [["in one chat", () => undefined], ["in a chat each", () => button(page, "chat.new").click()]]) {
  await button(page, "chat.new").click();
  const growth = [];
  for (let turn = 1; turn <= TURNS; ++turn) {
    await between();
    await composer(page).fill(`Turn ${turn}. think 40 say "${"It goes on and on. ".repeat(8)}The end of ${turn}."`);
    await composer(page).press("Enter");
    await lastReply(page).getByText(`The end of ${turn}.`).waitFor();
    await done(lastReply(page));
    if (turn % (TURNS / 4) === 0) growth.push(await heap_megabytes());
  }
  console.log(`  ${what}: ${growth.map(({ heap, nodes }) => `${heap} MB, ${nodes} nodes`).join("; ")}`);
  report(`memory, growth over the last ${TURNS / 2} of ${TURNS} turns ${what}`, Math.round((growth[3].heap - growth[1].heap) * 10) / 10, 5, "MB");
}

await browser.close();
process.exit(missed > 0 ? 1 : 0);
