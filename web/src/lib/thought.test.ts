// A thought is told in steps, and never shows the marks around it.
import { describe, expect, it } from "vitest";
import { step_title, ThoughtSteps, without_tags } from "./thought";

function texts(text: string, growing = false): string[] {
  return new ThoughtSteps().update(text, growing).map((step) => step.text);
}

describe("ThoughtSteps", () => {
  it.each([
    ["", []],
    ["\n\n \n", []],
    ["a", ["a"]],
    ["a\nb\n\nc", ["a\nb", "c"]],
    ["a\r\n\r\nb", ["a", "b"]],
    ["\n\na\n \n\n\nb\n\n", ["a", "b"]],
    ["<think>\na\n\nb\n</think>\n\n", ["a", "b"]],
  ])("splits %j", (text, steps) => {
    expect(texts(text)).toEqual(steps);
  });

  it("keeps what is settled, in pieces of any size", () => {
    const text = Array.from({ length: 12 }, (_, index) => `Step ${index}.\n${"Wait, hmm. ".repeat(index % 4 === 3 ? 120 : index)}`).join("\n\n");
    const whole = texts(text);
    for (const size of [1, 2, 3, 11, 400]) {
      const steps = new ThoughtSteps();
      let last = steps.update("", true);
      for (let end = size; end < text.length; end += size) {
        const next = steps.update(text.slice(0, end), true);
        // All that was not in the last paragraph is the same object.
        const paragraph = last.map((step) => step.begins).lastIndexOf(true);
        expect(last.slice(0, paragraph).every((step, index) => next[index] === step)).toBe(true);
        last = next;
      }
      expect(steps.update(text, false).map((step) => step.text)).toEqual(whole);
    }
  });

  it("numbers its steps", () => {
    const steps = new ThoughtSteps().update(`${"word ".repeat(2000)}\n\nb\n\nc`, false);
    expect(steps.map((step) => step.key)).toEqual(steps.map((_, index) => index));
    expect(steps.filter((step) => step.begins).length).toBe(3);
  });

  it.each(["word ", "字", "一句话。", "\u{1F600}", "a\n", "x"])("cuts a long paragraph of %j and loses nothing", (piece) => {
    const text = piece.repeat(3000);
    const steps = texts(text);
    expect(Math.max(...steps.map((step) => step.length))).toBeLessThanOrEqual(1200);
    expect(steps.join("").replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
    for (const step of steps) expect(step).not.toMatch(/[\uD800-\uDBFF]$|^[\uDC00-\uDFFF]/);
  });

  it("begins again with another text", () => {
    const steps = new ThoughtSteps();
    steps.update("a\n\nb\n\nc", true);
    expect(steps.update("x\n\ny", false).map((step) => step.text)).toEqual(["x", "y"]);
  });
});

describe("marks of thoughts", () => {
  it.each([
    ["<think>a</think>", "a"],
    ["<thinking>a</THINKING>", "a"],
    ["<thi<think>nk>a", "think>a"],
    ["</thi<think>nk>a", "/think>a"],
    ["a < b, c <t> d", "a < b, c <t> d"],
  ])("are taken out of %j", (text, plain) => {
    expect(without_tags(text, false)).toBe(plain);
  });

  it("never show while they come", () => {
    const text = "<think>\nIf a < b then\n\n<b>c</b> </think> d </thi<think>nk> <thinking>e</thinking>";
    const steps = new ThoughtSteps();
    for (let end = 1; end <= text.length; ++end) {
      const shown = steps.update(text.slice(0, end), true).map((step) => step.text).join("\n\n");
      expect(shown).not.toMatch(/<\/?t(h(i(n(k|$)|$)|$)|$)/);
    }
  });
});

describe("step_title", () => {
  it.each([
    ["First line\nsecond", "First line"],
    ["## **Step 1:** `x`", "Step 1: x"],
    ["---", "---"],
    [`${"word ".repeat(40)}`, `${"word ".repeat(15)}word…`],
    ["字".repeat(200), `${"字".repeat(80)}…`],
  ])("of %j", (text, title) => {
    expect(step_title({ key: 0, text, begins: true })).toBe(title);
  });
});
