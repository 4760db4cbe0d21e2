// Questions about the tree that the messages of a conversation make; every edit and every regeneration is a branch.
import type { Message } from "./types";

type Tree = ReadonlyMap<string, Message>;

// The branch that ends with a leaf, from the beginning.
export function path_to(messages: Tree, leaf: string | undefined): Message[] {
  const path: Message[] = [];
  for (let at = leaf ? messages.get(leaf) : undefined; at; at = at.parent ? messages.get(at.parent) : undefined) {
    path.push(at);
    if (path.length > messages.size) break; // A circle: never from our server.
  }
  return path.reverse();
}

// Messages with the same parent and role as this one, itself among them, oldest first.
export function siblings(messages: Tree, message: Message): Message[] {
  const parent = message.parent ?? "";
  return [...messages.values()]
    .filter((other) => (other.parent ?? "") === parent && other.role === message.role)
    .sort((a, b) => (a.created_ms ?? 0) - (b.created_ms ?? 0));
}

// The newest branch through a message: where its last child's last child ends.
export function newest_leaf(messages: Tree, id: string): string {
  let leaf = id;
  for (;;) {
    let next: Message | undefined;
    for (const other of messages.values()) {
      if (other.parent === leaf && (!next || (other.created_ms ?? 0) >= (next.created_ms ?? 0))) next = other;
    }
    if (!next) return leaf;
    leaf = next.id;
  }
}
