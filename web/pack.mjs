// Puts the files of the built page into the one file that the program embeds: pack.mjs FOLDER PACK.
// A pack is a line of JSON, an array with {path, type, etag, immutable, size, gzip_size} of each file, then for each its
// bytes and the same gzipped, where that is smaller (else gzip_size is 0).
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".ttf": "font/ttf",
  ".webmanifest": "application/manifest+json",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
};

const [folder, pack] = process.argv.slice(2);
const index = [];
const bodies = [];
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = join(entry.parentPath ?? entry.path, entry.name);
  const type = TYPES[extname(file)];
  if (!type) throw new Error(`${file}: no media type is known for files like this`);
  const name = relative(folder, file);
  const bytes = readFileSync(file);
  const gzipped = gzipSync(bytes, { level: 9 });
  const gzip_size = gzipped.length < bytes.length ? gzipped.length : 0;
  index.push({
    path: name === "index.html" ? "/" : `/${name}`,
    type,
    etag: `W/"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`,
    immutable: name.startsWith("assets/"),  // vite names them by their content
    size: bytes.length,
    gzip_size,
  });
  bodies.push(bytes, gzipped.subarray(0, gzip_size));
}
writeFileSync(pack, Buffer.concat([Buffer.from(`${JSON.stringify(index)}\n`), ...bodies]));
