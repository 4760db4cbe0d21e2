// Files that are dropped, pasted or chosen, as text.
import type { Outgoing } from "./chat.svelte";
import { t } from "./i18n";

type Attachment = Outgoing["files"][number];

const MOST_BYTES = 20_000_000;
const MOST_CHARACTERS = 1_000_000;
export const LONG_PASTE = 8000; // characters from which on a paste becomes a file

export const attachment = (name: string, text: string): Attachment => ({ name, text, characters: text.length });

const is_pdf = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes.subarray(0, 5)) === "%PDF-";

// UTF-8, or the UTF-16 of Windows, with its byte order mark.
function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const is_utf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const encoding = is_utf16 ? (first === 0xff ? "utf-16le" : "utf-16be") : "utf-8";
  const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
  if (text.includes("\0")) throw new Error("not a text");
  return text;
}

// Throws, in the reader's language, if it has no text or too much.
export async function read_file(file: File): Promise<Attachment> {
  if (file.size > MOST_BYTES) throw new Error(t("file.too_large", { name: file.name }));
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  try {
    text = is_pdf(bytes) ? await (await import("./pdf")).pdf_text(bytes) : decode(bytes);
  } catch {
    throw new Error(t("file.no_text", { name: file.name }));
  }
  if (!text) throw new Error(t("file.no_text", { name: file.name }));
  if (text.length > MOST_CHARACTERS) throw new Error(t("file.too_large", { name: file.name }));
  return attachment(file.name, text);
}
