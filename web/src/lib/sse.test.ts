// Events come out whole, wherever the text is cut.
import { expect, test } from "vitest";
import { EventParser } from "./sse";

const STREAM = ': comment\r\nevent: a\r\nid: 7\r\ndata: {"x":\r\ndata: 1}\r\n\r\nretry: 5\ndata:two\n\n:\n\nevent: none\n\ndata: three\r\r';
const EVENTS = [
  { event: "a", data: '{"x":\n1}', id: "7" },
  { event: "", data: "two", id: "7" },
];

test("at every cut", () => {
  for (let cut = 0; cut <= STREAM.length; ++cut) {
    const parser = new EventParser();
    const found = [...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut)), ...parser.push("\n")];
    expect(found.slice(0, 2)).toEqual(EVENTS);
    expect(found.slice(2).map((event) => event.data)).toEqual(["three"]);
  }
});

test("an event that is not complete does not come", () => {
  expect(new EventParser().push("data: half\n")).toEqual([]);
});
