// What was typed and not sent, by chat, kept over reloads; of a temporary chat only as long as its tab is open.
const key = (chat: string) => `aloud.draft.${chat}`;
const place = (chat: string) => (chat === "temporary" ? sessionStorage : localStorage);

export const read_draft = (chat: string): string => place(chat).getItem(key(chat)) ?? "";

export function keep_draft(chat: string, text: string): void {
  if (text) place(chat).setItem(key(chat), text);
  else place(chat).removeItem(key(chat));
}

// Somebody logs out: nothing of theirs stays in this browser.
export function forget_drafts(): void {
  for (const storage of [localStorage, sessionStorage]) {
    const names = Object.keys(storage).filter((name) => name.startsWith(key("")));
    for (const name of names) storage.removeItem(name);
  }
}
