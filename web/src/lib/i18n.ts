// The texts of the page in the reader's language: t(key, values). Another language is one more file in locales/.
import { SvelteMap } from "svelte/reactivity";
import en from "../locales/en.json";
import zh from "../locales/zh.json";

export type Texts = Record<string, string>;

// By language tag; "name" in each file is what the language calls itself, "direction" how it is written.
export const locales: Record<string, Texts> = { en, zh };

const KEY = "aloud.locale";

// The reader's choice, else the first of the browser's languages that there is.
function initial_locale(): string {
  const kept = globalThis.localStorage?.getItem(KEY);
  const wanted = [kept, ...(globalThis.navigator?.languages ?? [])];
  for (const tag of wanted) {
    const base = tag?.split("-")[0];
    if (base && locales[base]) return base;
  }
  return "en";
}

class I18n {
  #state = new SvelteMap([["locale", initial_locale()]]);

  get locale(): string {
    return this.#state.get("locale") ?? "en";
  }
  set locale(locale: string) {
    this.#state.set("locale", locale);
    globalThis.localStorage?.setItem(KEY, locale);
  }
}

export const i18n = new I18n();

// {name} in the text is replaced by values.name; numbers are written as the language does.
export function t(key: string, values: Record<string, string | number> = {}): string {
  const text = locales[i18n.locale]?.[key] ?? en[key as keyof typeof en] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(i18n.locale) : value;
  });
}
