// What may be attached, and what is refused.
import { File as NodeFile } from "node:buffer";
import { expect, test } from "vitest";
import { read_file } from "./attachments";
import { i18n } from "./i18n";

i18n.locale = "en";
const read = (content: string | Uint8Array) => read_file(new NodeFile([content], "a.bin") as unknown as File);

const PDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 41>>stream
BT /F 12 Tf 20 100 Td (27 times 14) Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
`;

test("texts in UTF-8 and UTF-16", async () => {
  expect((await read("两只苹果")).text).toBe("两只苹果");
  expect((await read(new Uint8Array([0xff, 0xfe, 0x41, 0]))).text).toBe("A");
});

// Readers of PDF need a newer Node than Debian 12 has; browsers have it all.
test.skipIf(!("withResolvers" in Promise))("a PDF's text", async () => {
  expect((await read(PDF)).text).toBe("27 times 14");
});

test("what is no text is refused by name", async () => {
  for (const content of [new Uint8Array([0xff, 0xd8, 0xff]), "a\0b", "", "%PDF-broken"]) {
    await expect(read(content)).rejects.toThrow("a.bin");
  }
});
