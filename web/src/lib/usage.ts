// Counters of days made into what the operator sees: for each owner the sums, and the tokens of every day.
import type { DailyUsage } from "./types";

const DAY_MS = 86_400_000;

export interface OwnerUsage {
  owner: string;
  requests: number;
  prompt_tokens: number;
  cached_tokens: number;
  completion_tokens: number;
  reasoning_tokens: number;
  days: number[]; // tokens of each of the days, in their order
}

// So many days up to the last one, as the server writes them.
export function days_up_to(last_day: string, count: number): string[] {
  const last = Date.parse(last_day);
  return Array.from({ length: count }, (_, index) => new Date(last - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10));
}

// Who used most comes first; what is of other days does not count.
export function by_owner(entries: DailyUsage[], days: string[]): OwnerUsage[] {
  const owners = new Map<string, OwnerUsage>();
  for (const entry of entries) {
    const index = days.indexOf(entry.day);
    if (index < 0) continue;
    const none = { requests: 0, prompt_tokens: 0, cached_tokens: 0, completion_tokens: 0, reasoning_tokens: 0 };
    const sum = owners.get(entry.owner) ?? { owner: entry.owner, ...none, days: days.map(() => 0) };
    for (const field of Object.keys(none) as (keyof typeof none)[]) sum[field] += entry[field];
    sum.days[index] = (sum.days[index] ?? 0) + entry.prompt_tokens + entry.completion_tokens;
    owners.set(entry.owner, sum);
  }
  const tokens = ({ prompt_tokens, completion_tokens }: OwnerUsage) => prompt_tokens + completion_tokens;
  return [...owners.values()].sort((a, b) => tokens(b) - tokens(a));
}
