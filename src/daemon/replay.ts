import type { Filter, Replay } from "../eventlog/feed.ts";
import { passes } from "../eventlog/feed.ts";
import { messageView } from "../messages/view.ts";
import type { Directory } from "../messages/directory.ts";
import { questionView } from "../messages/questions.ts";
import type { Store } from "../store/store.ts";
import type { ChangeReader } from "../work/change-reader.ts";
import type { RequestReader } from "../deploys/request-reader.ts";
import type { HiveEvent } from "../wire/event.ts";

/** Reads the stored events after a position from their tables, merged by sequence number. */
export function storeReplay(
  store: Store,
  directory: Directory,
  requests: Pick<RequestReader, "view">,
  changes: Pick<ChangeReader, "view">,
): Replay {
  const nameOf = (id: string): string => directory.nameOf(id);
  return (after, { events: most, bytes }, filter) => {
    /** One row more than the limit shows that there are more. A character takes at least one byte. */
    const limit = most + 1;
    const sources: Record<string, () => HiveEvent[] | undefined> = {
      message: () =>
        store.messages
          .changedAfter(after, limit, bytes)
          ?.map((row) => ({ kind: "message", seq: row.seq, message: messageView(row, nameOf) })),
      question: () =>
        store.questions
          .after(after, limit, bytes)
          ?.map((row) => ({ kind: "question", seq: row.seq, question: questionView(row, nameOf) })),
      approval: () =>
        store.approvals
          .after(after, limit, bytes)
          ?.map((row) => ({ kind: "approval", seq: row.seq, approval: requests.view(row) })),
      change: () =>
        store.changes.after(after, limit, bytes)?.map((row) => ({ kind: "change", seq: row.seq, change: changes.view(row) })),
      turn: () =>
        store.turns
          .after(after, limit, bytes, nameOf, agentId(directory, filter))
          ?.map((turn) => ({ kind: "turn", seq: turn.seq, turn })),
    };
    const events: HiveEvent[] = [];
    for (const [kind, read] of Object.entries(sources)) {
      if (filter.kinds && !filter.kinds.includes(kind)) continue;
      const found = read();
      // Count before the filter, because rows that it drops were read as well.
      if (!found || events.length + found.length > most) return undefined;
      for (const event of found) events.push(event);
    }
    return events.filter((event) => passes(filter, event)).sort((a, b) => seqOf(a) - seqOf(b));
  };
}

function agentId(directory: Directory, filter: Filter): string | undefined {
  return filter.agent === undefined ? undefined : directory.byName(filter.agent)?.id;
}

const seqOf = (event: HiveEvent): number => ("seq" in event ? event.seq : 0);
