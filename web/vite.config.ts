// How the page is bundled: hashed files under assets/, nothing inline, into the folder that ALOUD_WEB_OUT names.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: process.env["ALOUD_WEB_OUT"] ?? "../build/web",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/v1": process.env["ALOUD_SERVER"] ?? "http://127.0.0.1:8080" } },
});
