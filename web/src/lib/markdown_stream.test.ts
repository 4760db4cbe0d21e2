// Markdown that grows: settled blocks stay, and in the end it reads as if it had come at once.
import { describe, expect, it } from "vitest";
import { markdown_blocks } from "./markdown";
import { MarkdownStream, without_undecided_end } from "./markdown_stream";

const DOCUMENT = [
  "# Title", "A paragraph with **bold**, `code` and\na second line.", "- one\n- two\n  - nested\n\n  more\n- three",
  "| a | b |\n|---|---|\n| 1 | 2 |", "```js\nconst a = `1`;\n\n# not a title\n```", "$$\nx\n= y\n$$", "Setext\n===",
  "text\n#hashtag\n# heading", "1. a\n2. b", "> quote\ngoes on\n\n> another", "[a] is defined below", "***",
  "[a]: https://b.c\n\"title\"", "the end",
].join("\n\n");

describe("MarkdownStream", () => {
  it.each([1, 2, 3, 7, 50])("reads in pieces of %d what it reads at once", (size) => {
    const stream = new MarkdownStream();
    for (let end = size; end < DOCUMENT.length; end += size) stream.update(DOCUMENT.slice(0, end), true);
    const blocks = stream.update(DOCUMENT, false);
    expect(blocks.map((block) => block.nodes)).toEqual(markdown_blocks(DOCUMENT).map((block) => block.nodes));
  });

  it("keeps the nodes of settled blocks and their keys", () => {
    const stream = new MarkdownStream();
    const settled = new Map<number, unknown>();
    for (let end = 1; end <= DOCUMENT.length; ++end) {
      const blocks = stream.update(DOCUMENT.slice(0, end), true);
      expect(blocks.map((block) => block.key)).toEqual(blocks.map((_, index) => index));
      for (const block of blocks.slice(0, -2)) {
        expect(settled.get(block.key) ?? block.nodes).toBe(block.nodes);
        settled.set(block.key, block.nodes);
      }
    }
    expect(settled.size).toBeGreaterThan(10);
  });

  it("keeps the nodes of the last block that are as they were", () => {
    const stream = new MarkdownStream();
    const before = stream.update("- **a** b\n- c\n- d", true)[0]?.nodes[0];
    const after = stream.update("- **a** b\n- c\n- d e", true)[0]?.nodes[0];
    if (before?.kind !== "element" || after?.kind !== "element") expect.fail("no list");
    expect(after).not.toBe(before);
    expect(after.children[0]).toBe(before.children[0]);
    expect(after.children[1]).toBe(before.children[1]);
    expect(after.children[2]).not.toBe(before.children[2]);
    expect(stream.update("- **a** b\n- c\n- d e", false)[0]?.nodes[0]).toBe(after);
  });

  it("begins again with another text", () => {
    const stream = new MarkdownStream();
    stream.update("a\n\nb\n\nc\n\nd", true);
    expect(stream.update("x", false).map((block) => block.nodes)).toEqual(markdown_blocks("x").map((b) => b.nodes));
  });

  it("reads all line ends alike", () => {
    const stream = new MarkdownStream();
    const crlf = DOCUMENT.replaceAll("\n", "\r\n");
    for (let end = 1; end < crlf.length; ++end) stream.update(crlf.slice(0, end), true);
    expect(stream.update(crlf, false).map((block) => block.nodes)).toEqual(
      markdown_blocks(DOCUMENT).map((block) => block.nodes),
    );
  });

  it.each([
    ["a **", "a "],
    ["a\n-", "a\n"],
    ["a\n- ", "a\n"],
    ["a\n12", "a\n"],
    ["a\n===", "a\n"],
    ["a\n- b", "a\n- b"],
    ["| a | b |", ""],
    ["a\n\n| a | b |\n|--", "a\n\n"],
    ["| a |\n|---|\n| 1", "| a |\n|---|\n| 1"],
    ["a - ", "a - "],
  ])("hides the undecided end of %j", (tail, visible) => {
    expect(without_undecided_end(tail)).toBe(visible);
  });
});

// None of these may cost more than a little more than its length.
describe("hostile lengths", () => {
  const many = 20_000;
  it.each([
    "[", "![", "[a](", "*a ", "**a* ", "_a ", "`a", "``a`", "$a ", "$$a", "\\(", "\\[", "\\[\n", "$$\n", "> ", "- ", "1. ", "<a ",
    "<!--", "&#", "|", "|a\n", "a|b\n", "~~~", "~~a", "\\", "[a]: b\n", "[a][", "(", "https://", "a@b.", "\u0000", "#", "=\n", "\n> - ",
    "*_", "a**b", "x<y", "\t", "]", "![](", "[x](<", "```\n", "- [ ] ", "\n\n|",
  ])("reads many %j in good time", (piece) => {
    const text = piece.repeat(many);
    const began = performance.now();
    markdown_blocks(text, false);
    markdown_blocks(text, true);
    without_undecided_end(text);
    new MarkdownStream().update(text, true);
    expect(performance.now() - began).toBeLessThan(20_000);
  }, 60_000);
});
