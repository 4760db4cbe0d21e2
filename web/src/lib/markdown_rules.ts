// The dialect of Markdown that is read here: GFM without HTML, with formulas, and lenient about an end still to come.
import new_reader, { type Env, type MarkdownIt, type StateBlock, type StateCore, type StateInline } from "markdown-it";

// What a parse is told: whether the text is still growing. `at_end` is set while the last run of inline text is read.
export interface ReadingEnv extends Env {
  growing?: boolean;
  at_end?: boolean;
}

// Links lead only to the web and to mail programs; what else is written as a link stays text.
export function is_safe_link(url: string): boolean {
  return /^(?:https?:\/\/|mailto:)/i.test(url);
}

export function markdown_reader(): MarkdownIt {
  const reader = new_reader({ html: false, linkify: true, maxNesting: 60 });
  reader.validateLink = is_safe_link;
  reader.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
  reader.block.ruler.before("fence", "formula", formula_block, { alt: ["paragraph", "reference", "blockquote", "list"] });
  reader.inline.ruler.before("escape", "formula", formula_inline);
  reader.inline.ruler.before("backticks", "growing_code", growing_code);
  reader.inline.ruler.before("link", "growing_link", growing_link);
  reader.inline.ruler2.after("balance_pairs", "growing_emphasis", growing_emphasis);
  reader.core.ruler.at("inline", read_inline);
  return reader;
}

function read_inline(state: StateCore): void {
  const env: ReadingEnv = state.env;
  const runs = state.tokens.filter((token) => token.type === "inline");
  for (const run of runs) {
    env.at_end = env.growing === true && run === runs.at(-1);
    state.md.inline.parse(run.content, state.md, env, run.children ?? []);
  }
}

// A body never contains its own opening mark: so one attempt ends where the next begins, and many unclosed ones
// cost no more than one. A dollar sign is money unless it hugs what it encloses and no digit follows.
const INLINE_FORMULAS = [
  { pattern: /\$\$((?:[^$\\]|\\[^])+?)\$\$/y, display: true },
  { pattern: /\$(?![\s$])((?:[^$\\]|\\[^])+?)(?<!\s)\$(?![\d$])/y, display: false },
  { pattern: /\\\(((?:[^\\]|\\[^()])+?)\\\)/y, display: false },
  { pattern: /\\\[((?:[^\\]|\\[^[\]])+?)\\\]/y, display: true },
];

function formula_inline(state: StateInline, silent: boolean): boolean {
  const first = state.src[state.pos];
  if (first !== "$" && first !== "\\") return false;
  for (const { pattern, display } of INLINE_FORMULAS) {
    pattern.lastIndex = state.pos;
    const match = pattern.exec(state.src);
    if (!match?.[1] || pattern.lastIndex > state.posMax) continue;
    if (!silent) {
      const token = state.push("formula", "", 0);
      token.content = match[1].trim();
      token.meta = { display, closed: true };
    }
    state.pos += match[0].length;
    return true;
  }
  // "$$" without an end is not the beginning of "$...$".
  if (!state.src.startsWith("$$", state.pos)) return false;
  if (!silent) state.pending += "$$";
  state.pos += 2;
  return true;
}

// $$ ... $$ or \[ ... \] on lines of their own, without an empty line within.
function formula_block(state: StateBlock, first: number, end: number, silent: boolean): boolean {
  const line_at = (line: number) => state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]);
  const head = line_at(first);
  const open = head.slice(0, 2);
  if (open !== "$$" && open !== "\\[") return false;
  const close = open === "$$" ? "$$" : "\\]";

  const body: string[] = [];
  let closed = false;
  let line = first;
  for (; line < end && !closed; ++line) {
    const text = (line === first ? head.slice(2) : line_at(line)).trimEnd();
    if (line > first && (text === "" || state.sCount[line]! < state.blkIndent || text.startsWith("\\["))) return false;
    const at = text.indexOf(close);
    closed = at >= 0;
    if (closed && at !== text.length - 2) return false;
    body.push(closed ? text.slice(0, -2) : text);
  }
  const env: ReadingEnv = state.env;
  const content = body.join("\n").trim();
  if (!closed && !env.growing) return false;
  if (closed && content === "") return false;
  if (silent) return true;
  state.line = line;
  const token = state.push("formula_block", "", 0);
  token.block = true;
  token.map = [first, line];
  token.content = content;
  token.meta = { display: true, closed };
  return true;
}

// `code whose end has not come yet
function growing_code(state: StateInline, silent: boolean): boolean {
  const env: ReadingEnv = state.env;
  if (!env.at_end || state.src[state.pos] !== "`") return false;
  const runs = /`+/g;
  runs.lastIndex = state.pos;
  const open = runs.exec(state.src)?.[0] ?? "";
  for (let run = runs.exec(state.src); run; run = runs.exec(state.src)) {
    if (run[0].length === open.length) return false;
  }
  if (!silent) {
    const token = state.push("code_inline", "code", 0);
    token.content = state.src.slice(state.pos + open.length, state.posMax);
  }
  state.pos = state.posMax;
  return true;
}

// [a link](http://whose.end/has-not-com
function growing_link(state: StateInline, silent: boolean): boolean {
  const env: ReadingEnv = state.env;
  if (!env.at_end || state.src[state.pos] !== "[") return false;
  const pattern = /\[([^[\]]*)\]\([^()\s]*$/y;
  pattern.lastIndex = state.pos;
  const match = pattern.exec(state.src);
  if (!match) return false;
  if (!silent) {
    if (state.pending.endsWith("!")) state.pending = state.pending.slice(0, -1);
    state.pending += match[1] ?? "";
  }
  state.pos = state.posMax;
  return true;
}

// **words whose end has not come yet: each open mark is closed at the end, the innermost first.
function growing_emphasis(state: StateInline): void {
  const env: ReadingEnv = state.env;
  if (!env.at_end) return;
  const { delimiters } = state;
  for (let index = delimiters.length - 1; index >= 0; --index) {
    const opener = delimiters[index]!;
    if (!opener.open || opener.end >= 0) continue;
    opener.end = delimiters.length;
    opener.close = false;
    const token = state.push("text", "", 0);
    token.content = "";
    delimiters.push({ ...opener, token: state.tokens.length - 1, end: -1, open: false, close: true });
  }
}
