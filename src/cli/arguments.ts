import { InvalidArgumentError } from "commander";

/** A number on the command line: 1, 2, 3… Throws words for the usage line. */
export function wholeNumber(text: string): number {
  const value = Number(text.replace(/^#/, ""));
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("it is a whole number from 1 on.");
  return value;
}

/** An agent's name, with or without its `@`. */
export function agentName(text: string): string {
  return text.replace(/^@/, "");
}

/** The same for an argument that takes several. */
export function agentNames(name: string, before: string[] | undefined): string[] {
  return [...(before ?? []), agentName(name)];
}
