// Files of conversations: nothing in them runs, and the switch for thoughts holds.
import { expect, test } from "vitest";
import { file_name, to_file, to_html, to_markdown } from "./export";
import type { WholeConversation } from "./types";

const HOSTILE = `<script>alert(1)</script><img src=x onerror="alert(2)">'&`;

const whole: WholeConversation = {
  id: "c",
  title: HOSTILE,
  pinned: false,
  archived: false,
  active_leaf: "a",
  messages: [
    { id: "u", role: "user", content: HOSTILE, status: "complete" },
    { id: "a", parent: "u", role: "assistant", content: "4", thought: `${HOSTILE}\nsecret`, model: HOSTILE, status: "complete" },
    { id: "b", parent: "u", role: "assistant", content: "another branch", status: "complete" },
  ],
};

test("a page has no element of anybody's but ours", () => {
  const html = to_html(whole, true);
  expect(html).not.toMatch(/<script|<img/);
  expect(html).toContain("&lt;script&gt;");
  expect(html).not.toContain("another branch");
});

test("without thoughts there are none", () => {
  for (const format of ["markdown", "html", "json"] as const) {
    expect(to_file(whole, format, true).text).toContain("secret");
    expect(to_file(whole, format, false).text).not.toContain("secret");
  }
});

test("Markdown quotes the thought", () => {
  expect(to_markdown(whole, true)).toContain("> secret\n\n4\n");
});

test("names of files", () => {
  expect(file_name("../../etc/passwd\u0000", "md")).toBe("etc passwd.md");
  expect(file_name("", "md")).toBe("aloud.md");
  expect(file_name("a/b:c", "html")).toBe("a b c.html");
});
