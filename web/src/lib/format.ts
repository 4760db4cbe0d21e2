// Numbers, sizes and times as people read them.
import { i18n, t } from "./i18n";

export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    ++unit;
  }
  return `${size.toLocaleString(i18n.locale, { maximumFractionDigits: size < 10 && unit > 0 ? 1 : 0 })} ${units[unit]}`;
}

export function rate(tokens_per_second: number): string {
  const digits = tokens_per_second < 20 ? 10 : 1;
  return t("stats.rate", { rate: Math.round(tokens_per_second * digits) / digits });
}

export function moment(milliseconds: number): string {
  return new Date(milliseconds).toLocaleString(i18n.locale, { dateStyle: "medium", timeStyle: "short" });
}

export function date(milliseconds: number): string {
  return new Date(milliseconds).toLocaleDateString(i18n.locale, { dateStyle: "medium" });
}

export type Age = "today" | "yesterday" | "week" | "month" | "older";

// Which heading of the list a time belongs under.
export function age(milliseconds: number, now = Date.now()): Age {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const day = 86_400_000;
  if (milliseconds >= midnight) return "today";
  if (milliseconds >= midnight - day) return "yesterday";
  if (milliseconds >= midnight - 7 * day) return "week";
  if (milliseconds >= midnight - 30 * day) return "month";
  return "older";
}

// The first line of a text, short enough for a title.
export function first_words(text: string, most = 60): string {
  const line = text.trim().split("\n")[0] ?? "";
  const characters = [...line];
  return characters.length <= most ? line : `${characters.slice(0, most - 1).join("").trimEnd()}…`;
}
