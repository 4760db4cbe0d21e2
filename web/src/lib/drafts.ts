// What was typed and not sent, by chat, kept over reloads.
const key = (chat: string) => `aloud.draft.${chat}`;

export const read_draft = (chat: string): string => localStorage.getItem(key(chat)) ?? "";

export function keep_draft(chat: string, text: string): void {
  if (text) localStorage.setItem(key(chat), text);
  else localStorage.removeItem(key(chat));
}

// Somebody logs out: nothing of theirs stays in this browser.
export function forget_drafts(): void {
  const names = Object.keys(localStorage).filter((name) => name.startsWith(key("")));
  for (const name of names) localStorage.removeItem(name);
}
