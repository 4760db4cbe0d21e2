// The way out: the session ends, and this browser forgets what was read and written in it.
import { api } from "./api";
import { forget_drafts } from "./drafts";
import { show_error } from "./toasts.svelte";

export async function log_out(): Promise<void> {
  try {
    await api.log_out();
  } catch (error) {
    show_error(error);
  }
  forget_drafts();
  navigator.serviceWorker?.controller?.postMessage("forget");
  location.assign("/");
  location.reload();
}
