import type { MessageRow } from "../store/messages.ts";
import { HiveError } from "../wire/error.ts";
import { OPERATOR } from "../wire/names.ts";
import { mayReach, resolveRecipient, type Directory, type Principal } from "./directory.ts";
import type { Sender } from "./sender.ts";

/** The recipient that means every agent that the sender may reach. */
export const ALL_AGENTS = "*";

/** A recipient that does not get a message, and why. */
export interface RefusedRecipient {
  to: string;
  error: string;
}

/** Who gets a message. Throws if no one would. */
export function recipientsOf(
  directory: Directory,
  from: Principal,
  sender: Sender,
  to: string,
): { recipients: Principal[]; refused: RefusedRecipient[] } {
  if (to !== ALL_AGENTS) {
    // A program in a cage may send to its own agent. No other sender may write to itself.
    if (to === from.name && (sender.label === undefined || to === OPERATOR))
      throw new HiveError(
        "bad_request",
        to === OPERATOR
          ? "you are the operator: name an agent, or * for every agent"
          : "this is your own name: keep notes in /state instead",
      );
    if (to === from.name) return { recipients: [from], refused: [] };
    return { recipients: [resolveRecipient(directory, from, to)], refused: [] };
  }
  const others = directory.live().filter((one) => one.id !== from.id);
  const refused = others
    .filter((one) => !mayReach(from, one.name))
    .map((one) => ({ to: one.name, error: "your configuration does not let you send there" }));
  const recipients = others.filter((one) => mayReach(from, one.name)).sort((a, b) => a.name.localeCompare(b.name));
  if (recipients.length === 0)
    throw new HiveError("not_found", "you have no recipients: no other agent exists that your config lets you send to");
  return { recipients, refused };
}

/** The agents that a stored broadcast did not reach. */
export function missedBy(directory: Directory, sender: Sender, rows: readonly MessageRow[]): RefusedRecipient[] {
  const reached = new Set([sender.id, ...rows.map((row) => row.recipient)]);
  return directory
    .live()
    .filter((one) => !reached.has(one.id))
    .map((one) => ({ to: one.name, error: "the first send did not reach it: send to it by name" }));
}
