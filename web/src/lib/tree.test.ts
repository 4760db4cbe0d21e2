// Branches of a tree of messages.
import { expect, test } from "vitest";
import { newest_leaf, path_to, siblings } from "./tree";
import type { Message } from "./types";

const message = (id: string, parent: string, created_ms: number): Message => ({
  id,
  parent,
  created_ms,
  role: id.startsWith("u") ? "user" : "assistant",
  content: id,
  status: "complete",
});
const tree = new Map(
  [message("u1", "", 1), message("a1", "u1", 2), message("a2", "u1", 3), message("u2", "a1", 4), message("u3", "", 5)].map((one) => [one.id, one]),
);
const ids = (messages: Message[]) => messages.map(({ id }) => id);

test("the path to a leaf", () => {
  expect(ids(path_to(tree, "u2"))).toEqual(["u1", "a1", "u2"]);
  expect(path_to(tree, "lost")).toEqual([]);
  expect(path_to(tree, undefined)).toEqual([]);
});

test("a circle has an end", () => {
  const circle = new Map([message("a", "b", 1), message("b", "a", 2)].map((one) => [one.id, one]));
  expect(path_to(circle, "a").length).toBeLessThan(5);
});

test("siblings, oldest first", () => {
  expect(ids(siblings(tree, tree.get("a2")!))).toEqual(["a1", "a2"]);
  expect(ids(siblings(tree, tree.get("u1")!))).toEqual(["u1", "u3"]);
});

test("the newest leaf", () => {
  expect(newest_leaf(tree, "u1")).toBe("a2");
  expect(newest_leaf(tree, "a1")).toBe("u2");
});
