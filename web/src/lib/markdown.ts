// Markdown to a tree of a few known kinds of nodes: nothing that the tree can say runs or loads anything.
import type { Token } from "markdown-it";
import { is_safe_link, markdown_reader, type ReadingEnv } from "./markdown_rules";

const PLAIN_TAGS = [
  "p", "h3", "h4", "h5", "h6", "ul", "blockquote", "li", "strong", "em", "s", "code", "br", "hr",
  "thead", "tbody", "tr",
] as const;
type PlainTag = (typeof PLAIN_TAGS)[number];

export type MarkdownNode =
  | { kind: "text"; text: string }
  | { kind: "element"; tag: PlainTag; children: MarkdownNode[] }
  | { kind: "list"; start: number; children: MarkdownNode[] }
  | { kind: "table"; children: MarkdownNode[] }
  | { kind: "cell"; tag: "th" | "td"; align: "left" | "center" | "right" | undefined; children: MarkdownNode[] }
  | { kind: "link"; url: string; children: MarkdownNode[] }
  | { kind: "checkbox"; checked: boolean }
  | { kind: "code"; language: string; text: string; closed: boolean }
  | { kind: "formula"; source: string; display: boolean; closed: boolean };

// A top-level block and the lines of the source that it takes: [first, end).
export interface MarkdownBlock {
  nodes: MarkdownNode[];
  first: number;
  end: number;
}

const reader = markdown_reader();

// The blocks of a text. Of a growing one the end is read as if what is open were closed.
export function markdown_blocks(source: string, growing = false, references: ReadingEnv["references"] = {}): MarkdownBlock[] {
  const tokens = reader.parse(source, { growing, references });
  const blocks: MarkdownBlock[] = [];
  for (let begin = 0; begin < tokens.length;) {
    let end = begin + 1;
    for (let depth = tokens[begin]!.nesting; depth > 0; ++end) depth += tokens[end]!.nesting;
    const [first, last] = tokens[begin]!.map ?? [0, 0];
    blocks.push({ nodes: tree_of(tokens.slice(begin, end)), first, end: last });
    begin = end;
  }
  return blocks;
}

// Flat tokens with beginnings and ends to a tree.
function tree_of(tokens: Token[]): MarkdownNode[] {
  const root: MarkdownNode[] = [];
  const open: MarkdownNode[][] = [root];
  for (const token of tokens) {
    const siblings = open.at(-1) ?? root;
    if (token.nesting < 0) {
      const children = open.pop();
      if (token.tag === "li" && children) mark_task(children);
    } else if (token.nesting > 0) {
      // The paragraphs of a tight list are none.
      const children = token.hidden ? siblings : [];
      if (!token.hidden) siblings.push(container(token, children));
      open.push(children);
    } else {
      siblings.push(...leaf(token));
    }
  }
  return root;
}

function container(token: Token, children: MarkdownNode[]): MarkdownNode {
  switch (token.tag) {
    case "ol":
      return { kind: "list", start: Number(attribute(token, "start") || 1), children };
    case "table":
      return { kind: "table", children };
    case "th":
    case "td": {
      const align = /(left|center|right)$/.exec(attribute(token, "style"))?.[1] as "left" | undefined;
      return { kind: "cell", tag: token.tag, align, children };
    }
    case "a":
      return link(attribute(token, "href"), children);
    case "h1":
    case "h2":
    case "h3":
    case "h4":
    case "h5":
    case "h6":
      // The page has the first two levels for itself.
      return element(`h${Math.min(Number(token.tag[1]) + 2, 6)}`, children);
    default:
      return element(token.tag, children);
  }
}

function leaf(token: Token): MarkdownNode[] {
  switch (token.type) {
    case "inline":
      return tree_of(token.children ?? []);
    case "text":
      return token.content ? [text_node(token.content)] : [];
    case "softbreak":
    case "hardbreak":
      return [element("br", [])];
    case "hr":
      return [element("hr", [])];
    case "code_inline":
      return [element("code", [text_node(token.content)])];
    case "fence":
      return [{ kind: "code", language: language_of(token.info), text: code_text(token), closed: is_closed(token) }];
    case "code_block":
      return [{ kind: "code", language: "", text: code_text(token), closed: true }];
    case "formula":
    case "formula_block":
      return [
        {
          kind: "formula",
          source: token.content,
          display: token.meta?.["display"] === true,
          closed: token.meta?.["closed"] === true,
        },
      ];
    case "image": {
      // An image would tell its server who reads: it is a link that the reader may follow.
      const url = attribute(token, "src");
      return [link(url, [text_node(token.content || url)])];
    }
    default:
      return [text_node(token.content)];
  }
}

function attribute(token: Token, name: string): string {
  return String(token.attrGet(name) ?? "");
}

function text_node(text: string): MarkdownNode {
  return { kind: "text", text };
}

function element(tag: string, children: MarkdownNode[]): MarkdownNode {
  const known = PLAIN_TAGS.find((plain) => plain === tag);
  return { kind: "element", tag: known ?? "p", children };
}

function link(url: string, children: MarkdownNode[]): MarkdownNode {
  return is_safe_link(url) ? { kind: "link", url, children } : element("em", children);
}

// An item that begins with "[ ] " or "[x] " is a task.
function mark_task(item: MarkdownNode[]): void {
  const paragraph = item[0]?.kind === "element" && item[0].tag === "p" ? item[0].children : item;
  const first = paragraph[0];
  const box = first?.kind === "text" ? /^\[([ xX])\]\s/.exec(first.text) : null;
  if (first?.kind !== "text" || !box) return;
  first.text = first.text.slice(box[0].length);
  paragraph.unshift({ kind: "checkbox", checked: box[1] !== " " });
}

function language_of(info: string): string {
  return /^[\w+#.-]{1,30}/.exec(info.trim())?.[0].toLowerCase() ?? "";
}

// A fence whose last line closes it has two lines more than its text.
function is_closed(token: Token): boolean {
  const [first, end] = token.map ?? [0, 0];
  const lines = token.content === "" ? 0 : code_text(token).split("\n").length;
  return end - first === lines + 2;
}

function code_text(token: Token): string {
  return token.content.replace(/\n$/, "");
}
