// Files that are dropped, pasted or chosen, as text.
import type { Outgoing } from "./chat.svelte";
import { t } from "./i18n";

type File_ = Outgoing["files"][number];

const MOST_BYTES = 2_000_000;
export const LONG_PASTE = 8000; // characters from which on a paste becomes a file

export const text_file = (name: string, text: string): File_ => ({ name, text, characters: text.length });

// Throws, in the reader's language, if it is no text or too large.
export async function read_file(file: File): Promise<File_> {
  if (file.size > MOST_BYTES) throw new Error(t("file.too_large", { name: file.name }));
  const bytes = await file.arrayBuffer();
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (text.includes("\0")) throw new Error("binary");
    return text_file(file.name, text);
  } catch {
    throw new Error(t("file.no_text", { name: file.name }));
  }
}
