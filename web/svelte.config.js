// Svelte with TypeScript; styles of components go into the one style sheet.
import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  compilerOptions: { css: "external", runes: true },
};
