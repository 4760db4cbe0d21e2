// Every language has every text, with the same values in it; every key in the source has a text.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { i18n, locales, t } from "./i18n";

const values_in = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
const english = locales["en"]!;

test.each(Object.keys(locales))("%s is complete", (tag) => {
  const texts = locales[tag]!;
  expect(Object.keys(texts).sort()).toEqual(Object.keys(english).sort());
  for (const [key, text] of Object.entries(texts)) expect([key, values_in(text)]).toEqual([key, values_in(english[key]!)]);
});

test("keys in the source are in the locales", () => {
  const sources = (readdirSync("src", { recursive: true }) as string[]).filter((name) => /(?<!\.test)\.(svelte|ts)$/.test(name));
  const used = sources.flatMap((name) => [...readFileSync(`src/${name}`, "utf8").matchAll(/\bt\(\s*"([^"]+)"/g)].map((match) => match[1]!));
  expect(used.length).toBeGreaterThan(100);
  expect(used.filter((key) => !(key in english))).toEqual([]);
});

test("values are put in, and only once", () => {
  i18n.locale = "en";
  expect(t("chat.deleted", { title: "{title} $& <b>" })).toBe("“{title} $& <b>” was deleted.");
  expect(t("no such key")).toBe("no such key");
});
