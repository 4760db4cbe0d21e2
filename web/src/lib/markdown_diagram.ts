// Diagrams: Mermaid, loaded when a reader asks for the first one.
import DOMPurify from "dompurify";
import mermaid from "mermaid";
import { trusted_types } from "./trusted_types";

// Mermaid writes HTML as text, which the page's policy refuses unless somebody vouches for it: text with tags is cleaned.
trusted_types?.createPolicy("default", { createHTML: (text) => (text.includes("<") ? DOMPurify.sanitize(text) : text) });

let drawn = 0;

// The diagram as an image, which can neither run nor load anything. Throws where the text describes none.
// `place` is an element of the page in which Mermaid measures texts; it is left empty.
export async function draw_diagram(source: string, dark: boolean, place: HTMLElement): Promise<Blob> {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    theme: dark ? "dark" : "neutral",
    htmlLabels: false,
    flowchart: { htmlLabels: false },
    fontFamily: "sans-serif",
    suppressErrorRendering: true,
  });
  try {
    const { svg } = await mermaid.render(`diagram-${++drawn}`, source, place);
    return new Blob([image_of(svg)], { type: "image/svg+xml" });
  } finally {
    place.replaceChildren();
  }
}

// The text of an image: its size in pixels is that of its own coordinates, its rules are rules again (see vite.config.ts).
// Nothing here is read by the page, whose policy would complain about the rules.
function image_of(svg: string): string {
  const [, width = "100%", height = "100%"] = /^<svg[^>]* viewBox="\S+ \S+ (\S+) (\S+)"/.exec(svg) ?? [];
  return svg
    .replace(/^<svg[^>]*/, (head) => head.replace(/ (?:width|height)="[^"]*"/g, ""))
    .replace(/^<svg/, `<svg width="${width}" height="${height}"`)
    .replace(/<desc class="rules">([^<]*)<\/desc>/, "<style>$1</style>")
    .replaceAll("&nbsp;", "&#160;"); // which only HTML knows
}
