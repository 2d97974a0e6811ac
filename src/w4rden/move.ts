import { existsSync, lstatSync, readFileSync, readdirSync, renameSync, rmSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { makeFolder } from "../lib/own-folder.ts";
import { isAlive } from "../os/process-id.ts";
import { runNow } from "../os/run-now.ts";
import { countOfRoot, lockHolder } from "./state-folder.ts";

/** What a start does with state folders before it starts the daemon. */
export interface Plan {
  /** Moves the folder of an earlier version to its new place. */
  move?: { from: string; how: "rename" | "copy" | "finish" };
  /** Files of root that become the daemon's, and files of others that stay theirs. */
  give: { given: number; kept: number };
}

/** The state folder that the daemon had when it ran as root. */
export function oldState(env: NodeJS.ProcessEnv): string {
  return join(env["XDG_STATE_HOME"] || join(env["HOME"] || "/root", ".local", "state"), "hyperhive");
}

const hasHive = (folder: string): boolean => existsSync(join(folder, "hive.db"));
const isEmpty = (folder: string): boolean => !existsSync(folder) || readdirSync(folder).length === 0;

/** Plans a start. Changes nothing. Throws if a folder cannot be moved as it is. */
export function plan(state: string, from: string | undefined): Plan {
  const move = from === undefined || from === state ? undefined : planMove(state, from);
  const folder = move && move.how !== "finish" ? move.from : state;
  const isRoots = existsSync(folder) && lstatSync(folder).uid === 0;
  return { ...(move ? { move } : {}), give: isRoots ? countOfRoot(folder) : { given: 0, kept: 0 } };
}

function planMove(state: string, from: string): Plan["move"] {
  if (!hasHive(from)) return undefined;
  // A copy that was interrupted before the old folder was put aside. Nothing has been given to the daemon's user yet.
  if (!isEmpty(state)) return hasHive(state) && lstatSync(state).uid === 0 ? { from, how: "finish" } : undefined;
  const found = lstatSync(from);
  if (!found.isDirectory() || found.uid !== 0) return undefined;
  const holder = lockHolder(join(from, "daemon.lock"));
  if (holder !== undefined) throw new Error(`a daemon of an earlier version runs on ${from} (pid ${holder}): stop it first`);
  const how = lstatSync(nearest(dirname(state))).dev === found.dev ? "rename" : "copy";
  const cage = how === "copy" ? livingCage(from) : undefined;
  if (cage !== undefined)
    throw new Error(
      `${from} is on another file system than ${state}, and a cage of it runs (pid ${cage}): stop the agents first`,
    );
  return { from, how };
}

/** Carries the move of a plan out. Safe to repeat after a crash at any point. */
export function carryOut({ move }: Plan, state: string): void {
  if (!move) return;
  makeFolder(dirname(state), 0o755);
  if (existsSync(state) && move.how !== "finish") rmdirSync(state);
  if (move.how === "rename") return renameSync(move.from, state);
  if (move.how === "copy") {
    const unfinished = `${state}.moving`;
    rmSync(unfinished, { recursive: true, force: true });
    runNow("cp", ["-a", "--reflink=auto", "--", move.from, unfinished]);
    runNow("sync", ["--file-system", unfinished]);
    renameSync(unfinished, state);
  }
  renameSync(move.from, `${move.from}.moved`);
}

/** The plan in words, for `--dry-run` and for the terminal of a start that moves. */
export function planWords({ move, give }: Plan, state: string, user: string): string[] {
  const words: Record<NonNullable<Plan["move"]>["how"], string> = {
    rename: `move ${move?.from} to ${state}`,
    copy: `copy ${move?.from} to ${state}, and keep the old folder as ${move?.from}.moved`,
    finish: `finish a copy of ${move?.from} to ${state}, and keep the old folder as ${move?.from}.moved`,
  };
  return [
    ...(move ? [words[move.how]] : []),
    ...(give.given > 0
      ? [`give ${give.given} files and folders of root in it to ${user}; ${give.kept} of agents keep their users`]
      : []),
  ];
}

function nearest(folder: string): string {
  return existsSync(folder) ? folder : nearest(dirname(folder));
}

const CageNote = z.object({ init: z.object({ pid: z.int(), startTime: z.number(), boot: z.string().optional() }) });

/** The first process of a cage of this hive that still runs. */
function livingCage(state: string): number | undefined {
  const agents = join(state, "agents");
  for (const id of existsSync(agents) ? readdirSync(agents) : []) {
    const note = noteOf(join(agents, id, "cage", "cage.json"));
    if (note && isAlive(note.init)) return note.init.pid;
  }
  return undefined;
}

function noteOf(file: string): z.infer<typeof CageNote> | undefined {
  try {
    return CageNote.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    // No cage runs here.
    return undefined;
  }
}
