import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import type { StoredTurnEvent } from "../../src/wire/event.ts";
import { Empty } from "../kit/panel.tsx";
import { Prose } from "../kit/prose.tsx";
import { Words } from "../kit/text.tsx";
import { toast } from "../kit/toast.tsx";
import { useFollowEnd } from "../lib/follow-end.ts";
import { loadOlder, useHive } from "../lib/store.ts";
import { EventRow } from "./event.tsx";
import { Rows, type TailRow } from "./rows.ts";

const NOTHING: readonly StoredTurnEvent[] = [];
/** Pixels from the top at which older events are loaded. */
const NEAR_TOP = 400;
/** Pixels above the first row and below the last. */
const PADDING = 8;
/** Rows that the list is about while the reader is at its end, at least; it is cut at twice as many. */
const WINDOW = 1500;

/**
 * The live tail. It stays at the end while the reader is there; scrolling up freezes it and counts what is new. Only
 * the rows in sight exist, so a hundred thousand events stay smooth.
 */
export function TailView({ agent }: { agent: AgentView }): ReactNode {
  const tail = useHive((state) => state.tails.get(agent.name));
  const partial = useHive((state) => state.partials.get(agent.name));
  const events = tail?.events ?? NOTHING;
  // One per page: it keeps the rows that it has made.
  const [builder] = useState(() => new Rows());
  const rows = builder.of(events);
  const scroller = useRef<HTMLDivElement>(null);
  const { isAtEnd, keep, toEnd, onScroll, onWheel } = useFollowEnd(scroller);
  const [seenSeq, setSeenSeq] = useState(0);
  const isLoading = useRef(false);
  // Counting every row anew with each event would cost more than showing it: the list begins at this position.
  const [from, setFrom] = useState(0);
  const start = from === 0 ? 0 : rows.length - countAfter(rows, from - 1);
  const total = rows.length - start + (partial ? 1 : 0);
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => 26,
    overscan: 12,
    paddingStart: PADDING,
    paddingEnd: PADDING,
    getItemKey: useCallback((index: number) => rows[start + index]?.seq ?? "partial", [rows, start]),
  });
  // At the end it is the end that stays where it is, whatever the rows above turn out to measure.
  virtual.shouldAdjustScrollPositionOnItemSizeChange = isAtEnd ? () => false : undefined;
  const height = virtual.getTotalSize();
  useEffect(() => {
    if (!isAtEnd || rows.length - start <= 2 * WINDOW) return;
    const next = rows[rows.length - WINDOW]?.seq ?? 0;
    setFrom(next);
    // What the rows before it measured would be kept as long as the page; who goes back to them measures them anew.
    for (const seq of virtual.itemSizeCache.keys()) if (Number(seq) < next) virtual.itemSizeCache.delete(seq);
  }, [isAtEnd, rows, rows.length, start, virtual]);

  const firstSeq = rows[start]?.seq;
  const firstBefore = useRef(firstSeq);
  useLayoutEffect(() => {
    const before = firstBefore.current;
    firstBefore.current = firstSeq;
    if (isAtEnd || before === undefined || firstSeq === undefined || firstSeq >= before) return;
    // What the reader looks at stays where it is while older rows come in above.
    const index = rows.length - countAfter(rows, before - 1) - start;
    const added = (virtual.measurementsCache[index]?.start ?? PADDING) - PADDING;
    const at = scroller.current;
    if (!at) return;
    at.scrollBy({ top: added, behavior: "instant" });
    // Before the event tells it: what is measured meanwhile is made good from here, not from where it was.
    virtual.scrollOffset = at.scrollTop;
  }, [firstSeq, isAtEnd, rows, start, virtual]);
  useLayoutEffect(keep, [keep, isAtEnd, height, partial?.text]);
  const lastSeq = rows.at(-1)?.seq ?? 0;
  useEffect(() => {
    if (isAtEnd) setSeenSeq(lastSeq);
  }, [isAtEnd, lastSeq]);

  const older = async (): Promise<void> => {
    if (isLoading.current || (start === 0 && tail?.more !== true)) return;
    isLoading.current = true;
    try {
      if (start === 0) await loadOlder(agent.name);
      setFrom(start > WINDOW ? (rows[start - WINDOW]?.seq ?? 0) : 0);
    } catch {
      toast("older events could not be loaded", "error");
    } finally {
      isLoading.current = false;
    }
  };
  const unseen = isAtEnd ? 0 : countAfter(rows, seenSeq);

  return (
    <>
      <div
        ref={scroller}
        className="tail"
        role="log"
        aria-label={`turns of ${agent.name}`}
        aria-live="off"
        tabIndex={0}
        onWheel={onWheel}
        onScroll={(event) => {
          onScroll(event);
          if (event.currentTarget.scrollTop < NEAR_TOP) void older();
        }}
      >
        {tail && total === 0 && (
          <Empty>
            {agent.last_turn ? `No turn of ${agent.name} is kept.` : `${agent.name} has had no turn yet.`}
            {agent.destroyed ? "" : " Write to it below."}
          </Empty>
        )}
        {!tail && <Empty>loading…</Empty>}
        <div className="tail-inner" style={{ height }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[start + item.index];
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                data-seq={row?.seq}
                className="tail-row"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {row ? <EventRow row={row} /> : partial && <PartialRow kind={partial.kind} text={partial.text} />}
              </div>
            );
          })}
        </div>
      </div>
      {!isAtEnd && (
        <button type="button" className="pill" onClick={toEnd}>
          ↓ {unseen > 0 ? `${unseen} new` : "to the end"}
        </button>
      )}
    </>
  );
}

/** Rows after a position: they are in order, so the search halves. */
function countAfter(rows: readonly TailRow[], seq: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.seq ?? 0) <= seq) low = middle + 1;
    else high = middle;
  }
  return rows.length - low;
}

/** Text that is being written. */
function PartialRow({ kind, text }: { kind: "text" | "thinking"; text: string }): ReactNode {
  return (
    <div className="ev">
      <i aria-hidden="true">{kind === "thinking" ? "∴" : ""}</i>
      <div className={`writing ${kind === "thinking" ? "dim" : ""}`}>
        {kind === "thinking" ? <Words text={text} /> : <Prose text={text} />}
        <span className="cursor" aria-hidden="true" />
      </div>
    </div>
  );
}
