// Diagrams: Mermaid, loaded when a reader asks for the first one.
import DOMPurify from "dompurify";
import mermaid from "mermaid";
import { trusted_types } from "./trusted_types";

// Mermaid writes HTML as text, which the page's policy refuses unless somebody vouches for it: text with tags is cleaned
// first. What with_size() reads is cleaned by Mermaid and is only ever an image.
trusted_types?.createPolicy("default", {
  createHTML: (text, _type, sink) => (text.includes("<") && sink !== "DOMParser parseFromString" ? DOMPurify.sanitize(text) : text),
});

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
    return new Blob([with_size(svg)], { type: "image/svg+xml" });
  } finally {
    place.replaceChildren();
  }
}

// An image needs its size in pixels: that of its own coordinates.
function with_size(svg: string): string {
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
  const root = parsed.documentElement;
  const [, , width, height] = (root.getAttribute("viewBox") ?? "").split(/\s+/);
  if (width && height) {
    root.setAttribute("width", width);
    root.setAttribute("height", height);
  }
  root.querySelector("style")?.removeAttribute("type");  // in the page it had to be none, see vite.config.ts
  return new XMLSerializer().serializeToString(parsed);
}
