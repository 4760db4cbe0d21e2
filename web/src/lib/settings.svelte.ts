// What this browser remembers of its reader: looks, keys, presets, and how new chats begin. Kept in localStorage.
import type { ChatSettings } from "./types";

export interface Preset {
  name: string;
  text: string;
}

export interface Settings {
  theme: "system" | "light" | "dark";
  contrast: "system" | "high" | "normal";
  send_with: "enter" | "ctrl+enter";
  presets: Preset[];
  new_chat: ChatSettings;
  sidebar: boolean;
}

const KEY = "aloud.settings";

const defaults: Settings = {
  theme: "system",
  contrast: "system",
  send_with: "enter",
  presets: [],
  new_chat: { think: true },
  sidebar: true,
};

const BUDGETS = [128, 512, 2048, 8192, 32768];

// The budgets of a thought to choose from, in tokens; the one that was chosen by other means is among them.
export function budgets_with(chosen: number | undefined): number[] {
  return chosen && !BUDGETS.includes(chosen) ? [...BUDGETS, chosen] : BUDGETS;
}

function kept(): Partial<Settings> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>;
  } catch {
    return {};
  }
}

export const settings: Settings = $state({ ...defaults, ...kept() });

export function keep_settings(): void {
  localStorage.setItem(KEY, JSON.stringify(settings));
}

// Sets the attributes that theme.css goes by, now and whenever the reader or the system changes its mind.
export function apply_theme(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const contrast = matchMedia("(prefers-contrast: more)");
  const apply = () => {
    const is_dark = settings.theme === "system" ? dark.matches : settings.theme === "dark";
    const is_high = settings.contrast === "system" ? contrast.matches : settings.contrast === "high";
    document.documentElement.dataset["theme"] = is_dark ? "dark" : "light";
    document.documentElement.dataset["contrast"] = is_high ? "high" : "normal";
  };
  dark.addEventListener("change", apply);
  contrast.addEventListener("change", apply);
  $effect(apply);
}
