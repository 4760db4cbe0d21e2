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

export default defineConfig({
  plugins: [svelte(), modern_fonts],
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
