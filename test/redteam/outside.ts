import { DaemonPlace } from "./daemon-place.ts";
import { Place } from "./outside/place.ts";
import { scaled } from "../lib/slowness.ts";
import { judge, observe, type OutsideRow, type Position } from "./row.ts";
import { agentFileRows } from "./rows/agent-files.ts";
import { browserRows } from "./rows/browser.ts";
import { copyRows } from "./rows/copies.ts";
import { forgeRows } from "./rows/forge.ts";
import { gateRows } from "./rows/gate.ts";
import { operatorRows } from "./rows/operators.ts";
import { passkeyRows } from "./rows/passkey.ts";
import { restoreRows } from "./rows/restore.ts";
import { socketRows } from "./rows/socket.ts";
import { upstreamRows } from "./rows/upstream.ts";
import { webRows } from "./rows/web.ts";
import { resultOf, type Result } from "./result.ts";

/** Longest attempt from outside. Milliseconds. */
const ATTEMPT_MS = scaled(90_000);

/** Every attempt from outside of the cages, in the order in which they are carried out. */
export const outsideRows: readonly OutsideRow<Place>[] = [
  ...webRows,
  ...browserRows,
  ...gateRows,
  ...restoreRows,
  ...operatorRows,
  ...agentFileRows,
  ...copyRows,
  ...upstreamRows,
  ...forgeRows,
  ...socketRows,
  ...passkeyRows,
];

/** Starts a hive, carries out these attempts on it one after the other, and stops it. */
export async function attackFromOutside(rows: readonly OutsideRow<Place>[], report: (line: string) => void): Promise<Result[]> {
  report("starting a hive to attack from outside");
  return attackIn(await Place.start(), rows, report);
}

/** Starts a hive through root's helper, and attacks from where its daemon stands. */
export async function attackFromDaemon(
  rows: readonly OutsideRow<DaemonPlace>[],
  report: (line: string) => void,
): Promise<Result[]> {
  report("starting a hive with a daemon of its own user");
  return attackIn(await DaemonPlace.start(), rows, report);
}

async function attackIn<P extends { stop(): Promise<void>; left?(position: Position): Promise<void> }>(
  place: P,
  rows: readonly OutsideRow<P>[],
  report: (line: string) => void,
): Promise<Result[]> {
  try {
    const results: Result[] = [];
    for (const [n, row] of rows.entries()) {
      const result = resultOf(row, judge(row, await observe(() => row.run(place), ATTEMPT_MS)));
      report(`${result.outcome} ${row.id}`);
      results.push(result);
      if (rows[n + 1]?.from !== row.from) await place.left?.(row.from);
    }
    return results;
  } finally {
    await place.stop();
  }
}
