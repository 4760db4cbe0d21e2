// Short notes at the edge of the page, some with a way back.
export interface Toast {
  id: number;
  text: string;
  kind: "note" | "error";
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 8000;
let next_id = 0;

export const toasts: Toast[] = $state([]);

export function close_toast(id: number): void {
  const index = toasts.findIndex((toast) => toast.id === id);
  if (index >= 0) toasts.splice(index, 1);
}

export function show_toast(text: string, options: Partial<Pick<Toast, "kind" | "action">> = {}): void {
  const id = next_id++;
  toasts.push({ id, text, kind: options.kind ?? "note", ...(options.action ? { action: options.action } : {}) });
  setTimeout(() => close_toast(id), SHOWN_MS);
}

export function show_error(error: unknown): void {
  show_toast(error instanceof Error ? error.message : String(error), { kind: "error" });
}
