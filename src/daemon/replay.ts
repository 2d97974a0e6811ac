import type { Filter, Replay } from "../eventlog/feed.ts";
import { passes } from "../eventlog/feed.ts";
import { messageView } from "../messages/view.ts";
import type { Directory } from "../messages/directory.ts";
import { questionView } from "../messages/questions.ts";
import type { Store } from "../store/store.ts";
import type { RequestReader } from "../deploys/request-reader.ts";
import type { HiveEvent } from "../wire/event.ts";

/** Reads stored events after a position from the tables that they live in, merged into the one sequence. */
export function storeReplay(store: Store, directory: Directory, requests: Pick<RequestReader, "view">): Replay {
  const nameOf = (id: string): string => directory.nameOf(id);
  return (after, limit, filter) => {
    const wants = (kind: string): boolean => filter.kinds === undefined || filter.kinds.includes(kind);
    const events: HiveEvent[] = [];
    if (wants("message")) {
      for (const row of store.messages.changedAfter(after, limit))
        events.push({ kind: "message", seq: row.seq, message: messageView(row, nameOf) });
    }
    if (wants("question")) {
      for (const row of store.questions.after(after, limit))
        events.push({ kind: "question", seq: row.seq, question: questionView(row, nameOf) });
    }
    if (wants("approval")) {
      for (const row of store.approvals.after(after, limit))
        events.push({ kind: "approval", seq: row.seq, approval: requests.view(row) });
    }
    if (wants("turn")) {
      for (const turn of store.turns.after(after, limit, nameOf, agentId(directory, filter)))
        events.push({ kind: "turn", seq: turn.seq, turn });
    }
    // At the limit the feed takes the gap for too long to replay; filtering first would hide that.
    if (events.length >= limit) return events.slice(0, limit);
    return events.filter((event) => passes(filter, event)).sort((a, b) => seqOf(a) - seqOf(b));
  };
}

function agentId(directory: Directory, filter: Filter): string | undefined {
  return filter.agent === undefined ? undefined : directory.byName(filter.agent)?.id;
}

const seqOf = (event: HiveEvent): number => ("seq" in event ? event.seq : 0);
