// The colours of code: highlight.js with its common languages, loaded when the first code appears.
import { common, createLowlight } from "lowlight";

export interface CodeSpan {
  scope: string;
  text: string;
}

type Highlighted = ReturnType<ReturnType<typeof createLowlight>["highlight"]>["children"][number];

const lowlight = createLowlight(common);

// Longer code stays without colours, so that no page waits for them.
const kLongestColoured = 40_000;

export function code_spans(language: string, text: string): CodeSpan[] {
  if (text.length > kLongestColoured || !lowlight.registered(language)) return [{ scope: "", text }];
  const spans: CodeSpan[] = [];
  flatten(lowlight.highlight(language, text).children, "", spans);
  return spans;
}

function flatten(nodes: Highlighted[], scope: string, spans: CodeSpan[]): void {
  for (const node of nodes) {
    if (node.type === "text") {
      spans.push({ scope, text: node.value });
    } else if (node.type === "element") {
      const names = node.properties["className"];
      flatten(node.children, Array.isArray(names) ? names.join(" ") : scope, spans);
    }
  }
}

// Code that grows: the colours of its beginning stay until it has grown by a tenth, so that all of it together
// costs little more than once.
export class GrowingCode {
  #language = "";
  #coloured = "";
  #spans: CodeSpan[] = [];

  spans(language: string, text: string, closed: boolean): CodeSpan[] {
    const growth = text.length - this.#coloured.length;
    const same_beginning = language === this.#language && text.startsWith(this.#coloured);
    if (growth === 0 && same_beginning) return this.#spans;
    if (closed || !same_beginning || growth > this.#coloured.length / 10 + 20) {
      this.#language = language;
      this.#coloured = text;
      this.#spans = code_spans(language, text);
      return this.#spans;
    }
    return [...this.#spans, { scope: "", text: text.slice(this.#coloured.length) }];
  }
}
