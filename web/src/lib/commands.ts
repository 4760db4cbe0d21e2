// Words after a slash in the composer: what they do to the chat.
import { chats } from "./chats.svelte";
import { settings } from "./settings.svelte";
import { ui } from "./ui.svelte";
import type { Effort } from "./types";

export interface Command {
  name: string;
  label: string; // key of its text, or the text of a preset
  argument?: string; // what may follow, as shown
  // The text that the composer has afterwards.
  run: (argument: string) => Promise<string> | string;
}

const done = (action: void | Promise<void>) => Promise.resolve(action).then(() => "");
const efforts: readonly string[] = ["low", "medium", "high"] satisfies Effort[];

const fixed: Command[] = [
  { name: "new", label: "command.new", run: () => done(chats.start_new()) },
  { name: "temporary", label: "command.temporary", run: () => done(chats.start_new(true)) },
  {
    name: "think",
    label: "command.think",
    argument: "on | off",
    run: (argument) => done(chats.current.change_settings({ think: argument !== "off" })),
  },
  {
    name: "effort",
    label: "command.effort",
    argument: "low | medium | high",
    run: (argument) =>
      done(chats.current.change_settings({ effort: efforts.includes(argument) ? (argument as Effort) : undefined })),
  },
  {
    name: "budget",
    label: "command.budget",
    argument: "1024",
    run: (argument) => done(chats.current.change_settings({ budget: Math.max(0, parseInt(argument) || 0) || undefined })),
  },
  {
    name: "system",
    label: "command.system",
    argument: "…",
    run: (argument) => {
      if (argument) return done(chats.current.change_settings({ system_prompt: argument }));
      return done(ui.open("chat"));
    },
  },
  { name: "export", label: "command.export", run: () => done(ui.open("data")) },
  { name: "help", label: "command.help", run: () => done(ui.open("help")) },
];

// Of several with the same name the first counts.
export function commands(): Command[] {
  const presets = settings.presets.filter(({ name }) => name).map(({ name, text }) => ({ name, label: text, run: () => text }));
  const all: Command[] = [...fixed, ...presets];
  return all.filter(({ name }, index) => index === all.findIndex((other) => other.name === name));
}

// Those whose names begin as the text does; none unless the text is a slash and one word.
export function matching_commands(text: string): Command[] {
  const word = /^\/(\S*)$/.exec(text)?.[1];
  return word === undefined ? [] : commands().filter((command) => command.name.startsWith(word));
}

// The command that a whole text is, with what follows it.
export function parse_command(text: string): { command: Command; argument: string } | null {
  const match = /^\/(\S+)(?:\s+([\s\S]*))?$/.exec(text.trim());
  const command = match && commands().find(({ name }) => name === match[1]);
  return command ? { command, argument: match[2]?.trim() ?? "" } : null;
}
