// The browser's way to refuse text where HTML or a script's address is meant, unless a policy vouches for it. The server
// lists the policies that there may be (src/api/web_page.cc): Svelte's for its templates, "worker", "default" and DOMPurify's.
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: {
      createHTML?: (text: string, type: string, sink: string) => string;
      createScriptURL?: (url: string) => string;
    },
  ): { createScriptURL(url: string): string };
}

// Not every browser has it.
export const trusted_types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
