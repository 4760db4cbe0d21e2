// Keys that work anywhere in the page; the help sheet shows the same table.
import { chats } from "./chats.svelte";
import { settings, keep_settings } from "./settings.svelte";
import { show_error } from "./toasts.svelte";
import { focus_composer, ui } from "./ui.svelte";

export interface Shortcut {
  keys: string[]; // "Mod" is Ctrl, on Apple's machines Command
  label: string; // key of its text
  matches: (event: KeyboardEvent) => boolean;
  run: () => void;
}

const is_apple = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");
const mod = (event: KeyboardEvent) => (is_apple ? event.metaKey : event.ctrlKey) && !event.altKey;
const key = (event: KeyboardEvent) => event.key.toLowerCase();

// Escape belongs to what lies over the page.
const is_something_over = () => document.querySelector("dialog[open], :popover-open") !== null;

export const key_name = (name: string): string => (name === "Mod" ? (is_apple ? "⌘" : "Ctrl") : name);

export function show_sidebar(): void {
  settings.sidebar = true;
  ui.drawer = true;
}

export const shortcuts: Shortcut[] = [
  {
    keys: ["Mod", "Shift", "O"],
    label: "shortcut.new",
    matches: (event) => mod(event) && event.shiftKey && key(event) === "o",
    run: () => {
      chats.start_new();
      focus_composer();
    },
  },
  {
    keys: ["Mod", "K"],
    label: "shortcut.search",
    matches: (event) => mod(event) && !event.shiftKey && key(event) === "k",
    run: () => {
      show_sidebar();
      setTimeout(() => document.querySelector<HTMLInputElement>("#search")?.focus());
    },
  },
  {
    keys: ["Mod", "Shift", "S"],
    label: "shortcut.sidebar",
    matches: (event) => mod(event) && event.shiftKey && key(event) === "s",
    run: () => {
      settings.sidebar = !settings.sidebar;
      ui.drawer = settings.sidebar;
      keep_settings();
    },
  },
  {
    keys: ["Shift", "Esc"],
    label: "shortcut.composer",
    matches: (event) => event.shiftKey && event.key === "Escape",
    run: focus_composer,
  },
  {
    keys: ["Mod", "Shift", "E"],
    label: "shortcut.answer_now",
    matches: (event) => mod(event) && event.shiftKey && key(event) === "e",
    run: () => void chats.current.reply?.answer_now().catch(show_error),
  },
  {
    keys: ["Esc"],
    label: "shortcut.stop",
    matches: (event) => !event.shiftKey && event.key === "Escape" && !is_something_over() && chats.current.reply !== null,
    run: () => void chats.current.reply?.stop().catch(show_error),
  },
  {
    keys: ["Mod", "Shift", "K"],
    label: "shortcut.think",
    matches: (event) => mod(event) && event.shiftKey && key(event) === "k",
    run: () => void chats.current.change_settings({ think: chats.current.settings.think === false }).catch(show_error),
  },
  {
    keys: ["Mod", "/"],
    label: "shortcut.help",
    matches: (event) => mod(event) && event.key === "/",
    run: () => ui.open("help"),
  },
];

export function on_key(event: KeyboardEvent): void {
  const found = event.isComposing ? undefined : shortcuts.find((shortcut) => shortcut.matches(event));
  if (event.key === "Escape" && ui.has_drawer) {
    ui.drawer = false;
    return;
  }
  if (!found) return;
  event.preventDefault();
  found.run();
}
