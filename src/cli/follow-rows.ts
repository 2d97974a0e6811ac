import { connectLines } from "../rpc/client.ts";
import type { HiveEvent } from "../wire/event.ts";
import type { Shell } from "./shell.ts";

/** Where the rows of a kind come from: a call, and the events of the hive. */
interface Source<Row> {
  kind: "approval" | "change";
  read(id: number): Promise<Row>;
  of(event: HiveEvent): Row | undefined;
}

/** What a follower waits for. `hear` gets each new version of a row. */
export interface Listening<Row> {
  isOver(row: Row): boolean;
  hear?(row: Row): void;
}

/** Waits until `isOver` holds for each of these rows. Resolves with their last versions, in the order of `ids`. */
export async function rowsUntil<Row extends { id: number; seq: number }>(
  { socketPath }: Pick<Shell, "socketPath">,
  ids: readonly number[],
  { kind, read, of }: Source<Row>,
  { isOver, hear = () => {} }: Listening<Row>,
): Promise<Row[]> {
  const last = new Map<number, Row>();
  const take = (row: Row): void => {
    hear(row);
    last.set(row.id, row);
  };
  const isDone = (): boolean => [...last.values()].every(isOver);
  for (const id of ids) take(await read(id));
  // After a gap that is too long to replay, fetch the rows again.
  while (!isDone()) {
    const after = [...last.values()].reduce((least, one) => Math.min(least, one.seq), Infinity);
    // A stream needs a connection of its own.
    const client = await connectLines(socketPath, { ordered: true });
    for await (const { event } of client.stream("watch", { after, kinds: [kind] })) {
      const row = event && of(event);
      if (row && last.has(row.id)) take(row);
      if (event?.kind === "reset" || isDone()) break;
    }
    if (!isDone()) for (const id of ids) take(await read(id));
  }
  return ids.flatMap((id) => last.get(id) ?? []);
}
