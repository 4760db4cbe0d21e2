// The way out: the session ends, and this browser forgets what was read and written in it.
import { api } from "./api";
import { forget_drafts } from "./drafts";
import { show_error } from "./toasts.svelte";

const KEY = "aloud.owner"; // of what this browser keeps

// Whether somebody else was here last, and did not log out.
export function was_another(owner: string): boolean {
  const last = localStorage.getItem(KEY);
  localStorage.setItem(KEY, owner);
  return last !== null && last !== owner;
}

// Whoever comes next sees nothing of who was here.
export function forget_reader(): void {
  localStorage.removeItem(KEY);
  forget_drafts();
  navigator.serviceWorker?.controller?.postMessage("forget");
  location.assign("/");
  location.reload();
}

export async function log_out(): Promise<void> {
  try {
    await api.log_out();
  } catch (error) {
    show_error(error);
  }
  forget_reader();
}
