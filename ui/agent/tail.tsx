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
/** Minimum rows in the list while the reader is at its end. It is trimmed at twice as many. */
const WINDOW = 1500;

/**
 * The live tail. It follows the end until the reader scrolls up; then it stays and counts new events. Only visible rows
 * are in the DOM, so a hundred thousand events stay smooth.
 */
export function TailView({ agent }: { agent: AgentView }): ReactNode {
  const tail = useHive((state) => state.tails.get(agent.name));
  const partial = useHive((state) => state.partials.get(agent.name));
  const events = tail?.events ?? NOTHING;
  // One builder per page: it keeps its rows.
  const [builder] = useState(() => new Rows());
  const rows = builder.of(events);
  const scroller = useRef<HTMLDivElement>(null);
  const { isAtEnd, keep, toEnd, onScroll, onWheel } = useFollowEnd(scroller);
  const [seenSeq, setSeenSeq] = useState(0);
  const isLoading = useRef(false);
  // The list begins at this event. Building all rows again with each event would cost more than rendering them.
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
  // While following, keep the end in place when rows above turn out taller or shorter.
  virtual.shouldAdjustScrollPositionOnItemSizeChange = isAtEnd ? () => false : undefined;
  const height = virtual.getTotalSize();
  useEffect(() => {
    if (!isAtEnd || rows.length - start <= 2 * WINDOW) return;
    const next = rows[rows.length - WINDOW]?.seq ?? 0;
    setFrom(next);
    // Drop the measurements of the removed rows, which would be kept as long as the page. They are measured again if
    // the reader scrolls back.
    for (const seq of virtual.itemSizeCache.keys()) if (Number(seq) < next) virtual.itemSizeCache.delete(seq);
  }, [isAtEnd, rows, rows.length, start, virtual]);

  const firstSeq = rows[start]?.seq;
  const firstBefore = useRef(firstSeq);
  useLayoutEffect(() => {
    const before = firstBefore.current;
    firstBefore.current = firstSeq;
    if (isAtEnd || before === undefined || firstSeq === undefined || firstSeq >= before) return;
    // Keep the visible rows in place while older rows are inserted above.
    const index = rows.length - countAfter(rows, before - 1) - start;
    const added = (virtual.measurementsCache[index]?.start ?? PADDING) - PADDING;
    const at = scroller.current;
    if (!at) return;
    at.scrollBy({ top: added, behavior: "instant" });
    // Set the offset before the scroll event does, so that measurements in between are corrected from here and not from
    // the old position.
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

/** Counts the rows after a position, by binary search: they are sorted. */
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

/** Text that the model is writing. */
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
