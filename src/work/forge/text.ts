import type { ChangeRecord } from "../../store/changes.ts";
import { OPERATOR } from "../../wire/names.ts";
import type { ForgeText } from "../../wire/work.ts";
import { CHANGE_TRAILER } from "../queue/merge-script.ts";
import { inert } from "./inert.ts";

/** Characters of the title of a pull request: GitHub takes 256. */
const MAX_TITLE = 250;

/** What a pull request says. */
export interface PullText {
  title: string;
  body: string;
}

/**
 * The text of a change's pull request: who wrote it, with the trailer that names the change, then what its agent wrote.
 * The hive's own words come first, because markup that is left open hides what comes after it.
 */
export function pullText(row: ChangeRecord, rule: ForgeText): PullText {
  const shown = rule === "inert" ? inert : (text: string): string => text;
  const title = shown(row.title.replaceAll(/\s+/g, " ").trim()).slice(0, MAX_TITLE) || `Change ${row.id}`;
  const by = row.agent === OPERATOR ? "the operator" : `the agent ${row.agent_name}`;
  const own = `Written by ${by}, approved in its hive, which also writes this branch.\n\n${CHANGE_TRAILER}: ${row.repo}/${row.id}`;
  return { title, body: [own, shown(row.body).trim()].filter((part) => part !== "").join("\n\n---\n\n") };
}
