// The text of a PDF, read in the browser; loaded only when there is one.
import { extractText, getDocumentProxy } from "unpdf";

// Pages are parted by blank lines. Throws if it is no PDF.
export async function pdf_text(bytes: Uint8Array): Promise<string> {
  const document = await getDocumentProxy(bytes, { isEvalSupported: false });
  const { text } = await extractText(document, { mergePages: false });
  return text.map((page) => page.trim()).join("\n\n").trim();
}
