// Markdown that grows: what is above its last block is read once and keeps its nodes, so that only the end is drawn anew.
import { markdown_blocks, type MarkdownBlock, type MarkdownNode } from "./markdown";
import type { ReadingEnv } from "./markdown_rules";

export interface StreamBlock {
  key: number;
  nodes: MarkdownNode[];
}

export class MarkdownStream {
  #text = "";
  #settled: StreamBlock[] = [];
  #settled_length = 0;
  #references: NonNullable<ReadingEnv["references"]> = {};
  #last: StreamBlock[] = [];

  // The blocks of the text. What is as it was last time, a settled block or a node of the last one, is the same object.
  update(text: string, growing: boolean): StreamBlock[] {
    const source = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    if (!source.startsWith(this.#text)) this.#restart();
    this.#text = source;
    if (growing) this.#settle();
    const tail = source.slice(this.#settled_length);
    const references = { ...this.#references };
    const blocks = markdown_blocks(growing ? without_undecided_end(tail) : tail, growing, references);
    if (!growing && this.#settled_length > 0 && Object.keys(references).length > 0) {
      // A link may be defined below its use: once, at the end, everything is read together.
      this.#restart();
      this.#last = this.#keyed(markdown_blocks(source));
    } else {
      this.#last = [...this.#settled, ...this.#keyed(blocks)];
    }
    return this.#last;
  }

  #restart(): void {
    this.#text = "";
    this.#settled = [];
    this.#settled_length = 0;
    this.#references = {};
  }

  // Blocks before the last one that begins at a whole line cannot change any more.
  #settle(): void {
    const tail = this.#text.slice(this.#settled_length);
    const whole_lines = tail.slice(0, tail.lastIndexOf("\n") + 1);
    const blocks = markdown_blocks(whole_lines, true, { ...this.#references });
    const last_settled = blocks.at(-2);
    if (!last_settled) return;
    const settled = whole_lines.slice(0, offset_of_line(whole_lines, last_settled.end));
    this.#settled.push(...this.#keyed(markdown_blocks(settled, false, this.#references)));
    this.#settled_length += settled.length;
  }

  #keyed(blocks: MarkdownBlock[]): StreamBlock[] {
    return blocks.map((block, index) => {
      const key = this.#settled.length + index;
      return { key, nodes: with_old_nodes(this.#last[key]?.nodes ?? [], block.nodes) };
    });
  }
}

// The new list with the old nodes where they are equal; the old list where it all is.
function with_old_nodes(before: MarkdownNode[], now: MarkdownNode[]): MarkdownNode[] {
  const nodes = now.map((node, index) => old_if_equal(before[index], node));
  return nodes.length === before.length && nodes.every((node, index) => node === before[index]) ? before : nodes;
}

function old_if_equal(before: MarkdownNode | undefined, now: MarkdownNode): MarkdownNode {
  if (before?.kind !== now.kind) return now;
  if ("children" in now && "children" in before) now.children = with_old_nodes(before.children, now.children);
  const old_entries = new Map(Object.entries(before));
  return Object.entries(now).every(([name, value]) => old_entries.get(name) === value) ? before : now;
}

function offset_of_line(text: string, line: number): number {
  let offset = 0;
  for (let passed = 0; passed < line; ++passed) offset = text.indexOf("\n", offset) + 1;
  return offset;
}

// Hides for the moment what may still become anything: trailing marks, a line that is only the beginning of an item
// or an underline, the head of a table without the line below.
export function without_undecided_end(tail: string): string {
  let end = tail.length;
  while (end > 0 && "*_~`".includes(tail.charAt(end - 1))) --end;
  let visible = tail.slice(0, end);
  const last_line = visible.lastIndexOf("\n") + 1;
  if (/^ {0,3}(?:[-=+]+|#{1,6}|\d{1,9}[.)]?) *$/.test(visible.slice(last_line, last_line + 40))) {
    visible = visible.slice(0, last_line);
  }
  return visible.replace(/(^|\n\n)\|[^\n]*(?:\n[|:\- ]*)?$/, "$1");
}
