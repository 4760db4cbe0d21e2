// How the page is bundled: hashed files under assets/, nothing inline, into the folder that ALOUD_WEB_OUT names.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

// Every browser that runs the page reads woff2: the other forms of KaTeX's fonts are left out.
const modern_fonts: Plugin = {
  name: "modern-fonts",
  enforce: "pre",
  transform: (code, id) =>
    id.includes("katex.min.css") ? code.replace(/,url\([^)]*\) format\("(?:woff|truetype)"\)/g, "") : undefined,
};

// Mermaid puts the rules of a diagram's image into the page while it draws, where the page's policy forbids them and
// the browser complains: there they are a description. markdown_diagram.ts makes them rules again in the image.
const MERMAID_STYLE = 'document.createElement("style");';
const DESCRIPTION = 'document.createElementNS("http://www.w3.org/2000/svg", "desc"); style1.setAttribute("class", "rules");';
const quiet_diagrams: Plugin = {
  name: "quiet-diagrams",
  transform(code, id) {
    if (!id.endsWith("/mermaid.core.mjs")) return undefined;
    if (code.split(`const style1 = ${MERMAID_STYLE}`).length !== 2) this.error("Mermaid makes its style elsewhere now");
    return code.replace(MERMAID_STYLE, DESCRIPTION);
  },
};

export default defineConfig({
  plugins: [svelte(), modern_fonts, quiet_diagrams],
  // Tests mount components as a browser does.
  resolve: process.env["VITEST"] ? { conditions: ["browser"] } : {},
  build: {
    outDir: process.env["ALOUD_WEB_OUT"] ?? "../build/web",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/v1": process.env["ALOUD_SERVER"] ?? "http://127.0.0.1:8080" } },
});
