// Sums by owner and day.
import { expect, test } from "vitest";
import { by_owner, days_up_to } from "./usage";

const entry = (day: string, owner: string, tokens: number) => ({
  day, owner, requests: 1, prompt_tokens: tokens, cached_tokens: 1, completion_tokens: 2 * tokens, reasoning_tokens: tokens });

test("days go over the ends of months", () => {
  expect(days_up_to("2024-03-01", 3)).toEqual(["2024-02-28", "2024-02-29", "2024-03-01"]);
});

test("each owner's days are added up, the greatest first", () => {
  const days = days_up_to("2026-01-03", 2);
  const used = by_owner([entry("2026-01-01", "anna", 500), entry("2026-01-02", "anna", 5), entry("2026-01-02", "ben", 4), entry("2026-01-03", "ben", 6)], days);
  expect(used).toEqual([
    { owner: "ben", requests: 2, prompt_tokens: 10, cached_tokens: 2, completion_tokens: 20, reasoning_tokens: 10, days: [12, 18] },
    { owner: "anna", requests: 1, prompt_tokens: 5, cached_tokens: 1, completion_tokens: 10, reasoning_tokens: 5, days: [15, 0] },
  ]);
});
