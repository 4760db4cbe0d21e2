// Conversations as files: Markdown, a page that needs nothing else, or the server's own JSON.
import { moment } from "./format";
import { i18n, t } from "./i18n";
import { path_to } from "./tree";
import type { Message, WholeConversation } from "./types";

export type Format = "markdown" | "html" | "json";

export interface ExportFile {
  name: string;
  type: string;
  text: string;
}

const endings: Record<Format, [ending: string, type: string]> = {
  markdown: ["md", "text/markdown"],
  html: ["html", "text/html"],
  json: ["json", "application/json"],
};

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
export const escape_html = (text: string): string => text.replace(/[&<>"']/g, (sign) => escapes[sign] ?? sign);

// The branch that is shown, as questions and answers.
function turns(whole: WholeConversation): Message[] {
  const messages = new Map(whole.messages.map((message) => [message.id, message]));
  const leaf = whole.active_leaf ?? whole.messages.at(-1)?.id;
  return path_to(messages, leaf).filter((message) => message.role === "user" || message.role === "assistant");
}

const speaker = (message: Message) => (message.role === "user" ? t("export.you") : message.model || t("export.model"));

export function to_markdown(whole: WholeConversation, thoughts: boolean): string {
  const parts = turns(whole).map((message) => {
    const quoted = message.thought?.split("\n").map((line) => `> ${line}`.trimEnd()).join("\n");
    const thought = thoughts && quoted ? `> *${t("export.thought")}*\n>\n${quoted}\n\n` : "";
    return `## ${speaker(message)}\n\n${thought}${message.content}\n`;
  });
  return `# ${whole.title || t("chat.untitled")}\n\n${parts.join("\n")}`;
}

const PAGE_STYLE = `body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:1rem/1.6 system-ui,sans-serif;color-scheme:light dark}
article{margin-block:1.5rem}h2{font-size:.9rem;opacity:.7;margin:0}.text{white-space:pre-wrap;overflow-wrap:anywhere}
details{border-inline-start:3px solid #8888;padding-inline-start:1rem;opacity:.75}`;

// Everything that people and models wrote is escaped; the page has no script and asks nobody for anything.
export function to_html(whole: WholeConversation, thoughts: boolean): string {
  const parts = turns(whole).map((message) => {
    const thought =
      thoughts && message.thought
        ? `<details><summary>${escape_html(t("export.thought"))}</summary><div class="text" dir="auto">${escape_html(message.thought)}</div></details>`
        : "";
    return `<article><h2>${escape_html(speaker(message))}</h2>${thought}<div class="text" dir="auto">${escape_html(message.content)}</div></article>`;
  });
  const title = escape_html(whole.title || t("chat.untitled"));
  return `<!doctype html>
<html lang="${i18n.locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>${PAGE_STYLE}</style></head>
<body><h1>${title}</h1><p>${escape_html(moment(whole.updated_ms ?? Date.now()))}</p>
${parts.join("\n")}
</body></html>
`;
}

function without_thoughts(whole: WholeConversation): WholeConversation {
  return { ...whole, messages: whole.messages.map(({ thought: _, ...rest }) => rest) };
}

// What a file system takes: no separators, no control characters, not empty.
export function file_name(title: string, ending: string): string {
  const clean = title.replace(/[\u0000-\u001f\u007f<>:"/\\|?*]+/g, " ").replace(/\s+/g, " ").replace(/^[. ]+/, "").trimEnd();
  return `${clean.slice(0, 80) || "aloud"}.${ending}`;
}

export function to_file(whole: WholeConversation, format: Format, thoughts: boolean): ExportFile {
  const [ending, type] = endings[format];
  const texts: Record<Format, () => string> = {
    markdown: () => to_markdown(whole, thoughts),
    html: () => to_html(whole, thoughts),
    json: () => JSON.stringify(thoughts ? whole : without_thoughts(whole), null, 1),
  };
  return { name: file_name(whole.title, ending), type, text: texts[format]() };
}

// All conversations in one file, one after the other.
export function all_to_file(all: { conversations: WholeConversation[] }, format: Format, thoughts: boolean): ExportFile {
  const [ending, type] = endings[format];
  const texts: Record<Format, () => string> = {
    markdown: () => all.conversations.map((whole) => to_markdown(whole, thoughts)).join("\n---\n\n"),
    html: () => all.conversations.map((whole) => to_html(whole, thoughts)).join("\n"),
    json: () => JSON.stringify(thoughts ? all : { ...all, conversations: all.conversations.map(without_thoughts) }, null, 1),
  };
  return { name: file_name("aloud", ending), type, text: texts[format]() };
}

export function download(file: ExportFile): void {
  const address = URL.createObjectURL(new Blob([file.text], { type: `${file.type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = address;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
