import type { Command } from "commander";
import { hivectl } from "../lib/hivectl.ts";
import type { DiffFile } from "../wire/approval.ts";
import { isUnshown } from "../wire/unshown.ts";
import { repeated } from "./arguments.ts";
import { confirm, mayAsk, tellByPage, type Deciding } from "./deciding.ts";
import { EXIT, Failure, UsageError } from "./exit.ts";
import { plural, visible } from "./print.ts";
import type { Shell } from "./shell.ts";

/**
 * The shortest prefix that identifies a commit: as long as the hive prints them. The owner of a change can make a second
 * commit with the same seven digits in a minute.
 */
const MIN_SHA_CHARS = 12;
const SHA_PREFIX = new RegExp(`^[0-9a-f]{${MIN_SHA_CHARS},40}$`);
/** Rows assumed for a terminal that does not report its size. */
const MIN_ROWS = 24;

/** The options of a verb that approves a commit. */
export interface Approving extends Deciding {
  sha?: string;
  unshown?: string[];
}

/** Adds the options of a verb that approves a commit. */
export function approves(command: Command): Command {
  return command
    .option("-s, --sha <commit>", "approve exactly this commit, without asking")
    .option(
      "-u, --unshown <path>",
      "a file that `show` does not show whole, once for each; without it --yes is refused",
      repeated,
    );
}

/** What the operator is to approve: a request, or a change. */
interface Approvable {
  /** Its name in texts: `#12`, `change 12`. */
  label: string;
  /** The words of `hivectl` that show it. */
  show: string;
  /** False if it does not wait for approval. The daemon then says why. */
  waits: boolean;
  sha: string | undefined;
  stat: { files: number; added: number; removed: number };
  files: readonly DiffFile[];
  /** Its text without the diff, and with it. */
  summary(): string;
  text(): string;
}

/**
 * Gets the operator's consent: shows the whole diff and asks; or prints the summary if the answer came with the command.
 * Throws if the operator declines, and for what the daemon would refuse.
 */
export async function consent(shell: Shell, what: Approvable, options: Approving): Promise<void> {
  const { label, waits, sha } = what;
  const asks = waits && options.sha === undefined && options.yes !== true && mayAsk(shell);
  if (!asks && !shell.isJson) tellSummary(shell, what);
  if (!waits) return;
  checkUnshown(what, options.unshown ?? []);
  if (options.sha !== undefined) return checkSha(what, options.sha);
  // A yes covers what was shown, so the question comes after the last line of the diff.
  if (asks) await tellAll(shell, what.text());
  await confirm(
    shell,
    options,
    `approve ${label}${sha === undefined ? "" : ` (${sha.slice(0, 12)})`}`,
    "--sha <commit> or --yes",
  );
}

/** Makes the daemon's check before the operator is asked anything. */
function checkUnshown({ label, show, files }: Approvable, named: readonly string[]): void {
  const missing = files.filter((file) => isUnshown(file) && !named.includes(file.path));
  if (missing.length === 0) return;
  const list = missing.map((file) => `\n  ${visible(file.path)} (${file.binary ? "not text" : "too long"})`).join("");
  throw new Failure(
    EXIT.refused,
    "conflict",
    `${label} changes files that are not shown whole:${list}\nLook at each with ${hivectl(`${show} --file <path>`)} and name it with \`--unshown <path>\``,
  );
}

function checkSha({ label, show, sha }: Approvable, meant: string): void {
  if (!SHA_PREFIX.test(meant)) throw new UsageError(`--sha takes a commit's name, ${MIN_SHA_CHARS} to 40 hex digits`);
  if (sha?.startsWith(meant) !== true)
    throw new Error(`${label} is of commit ${sha ?? "(none yet)"}, not of ${meant}: look again with ${hivectl(show)}`);
}

function tellSummary(shell: Shell, { show, stat: { files, added, removed }, summary }: Approvable): void {
  const change = files === 0 ? "" : `\n${plural(files, "file")}, +${added} -${removed}; ${hivectl(show)} has the diff`;
  shell.say(`${summary()}${change}\n`);
}

/** Prints a text with a diff: on a terminal by page. */
async function tellAll(shell: Shell, diff: string): Promise<void> {
  const text = `${diff}\n`;
  const { isTTY, rows } = process.stdout;
  if (isTTY) await tellByPage(text, { rows: rows || MIN_ROWS, columns: shell.width });
  else shell.say(text);
}
