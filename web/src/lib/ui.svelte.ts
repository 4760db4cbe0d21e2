// What of the page is open, and who is looking at it.
import { MediaQuery } from "svelte/reactivity";
import type { Conversation, Session } from "./types";

export type DialogName = "help" | "settings" | "chat" | "data";

class Ui {
  narrow = new MediaQuery("max-width: 52rem"); // the sidebar has no place beside the chat
  dialog = $state<DialogName | null>(null);
  moving = $state<Conversation | null>(null); // the conversation for which a folder is chosen
  operator = $state(false); // the operator's page is asked for
  drawer = $state(false); // the sidebar over the page, on narrow screens
  offline = $state(false); // the server could not be reached last time
  session = $state<Session | null>(null);
  state = $state<"starting" | "login" | "ready" | "unreachable">("starting");

  // Whether the page behind it must wait.
  get has_drawer(): boolean {
    return this.drawer && this.narrow.current;
  }

  open(dialog: DialogName): void {
    this.dialog = dialog;
    this.drawer = false;
  }
}

export const ui = new Ui();

export function focus_composer(): void {
  document.querySelector<HTMLTextAreaElement>("#composer")?.focus();
}
