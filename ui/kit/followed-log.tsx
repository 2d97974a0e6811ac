import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { ApiError } from "../lib/api.ts";
import { useFollowEnd } from "../lib/follow-end.ts";
import { Ansi } from "./ansi.tsx";
import { Empty } from "./panel.tsx";

/** Maximum lines on the screen. */
const KEPT = 2000;
/** Pause after a failure before the log is requested again. Milliseconds. */
const RETRY_MS = 2000;

/** A part of a log, and where the next part begins. */
interface Part {
  lines: readonly string[];
  position: number;
}
/** Reads the last lines, or what comes after a position. Keep it stable: a new function starts again with the last lines. */
type Read = (after: number | undefined) => Promise<Part>;

interface LogProps {
  label: string;
  of: string;
  read: Read;
  /** Lines on the screen, if fewer than a pane holds. */
  most?: number;
  /** False for a log that has ended: it is read once, to its end. */
  isLive?: boolean;
}

/** A log: its last lines, then each new line while it is live. `read` waits until there is something after a position. */
export function FollowedLog({ label, of, read, most = KEPT, isLive = true }: LogProps): ReactNode {
  const [lines, setLines] = useState<readonly string[]>();
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    let isOver = false;
    const follow = async (): Promise<void> => {
      let position: number | undefined;
      while (!isOver) {
        try {
          const part = await read(position);
          if (isOver) return;
          const isFirst = position === undefined;
          position = part.position;
          setProblem(undefined);
          if (!isLive && !isFirst && part.lines.length === 0) return;
          if (isFirst || part.lines.length > 0)
            setLines((known) => [...(isFirst ? [] : (known ?? [])), ...part.lines].slice(-most));
        } catch (error) {
          if (isOver) return;
          setProblem(error instanceof ApiError ? error.message : "the log could not be read");
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    };
    void follow();
    return () => {
      isOver = true;
    };
  }, [read, most, isLive]);

  if (!lines) return <Empty>{problem ?? "loading…"}</Empty>;
  return (
    <>
      <p className="dim small">
        {problem === undefined ? (
          <>
            {isLive && (
              <>
                <span className="dot live green" aria-hidden="true" /> live ·{" "}
              </>
            )}
            {lines.length === 1 ? "1 line" : `the last ${lines.length} lines`} of {of}
          </>
        ) : (
          <span className="amber">{problem}</span>
        )}
      </p>
      <Lines label={label} lines={lines} />
    </>
  );
}

function Lines({ label, lines }: { label: string; lines: readonly string[] }): ReactNode {
  const place = useRef<HTMLPreElement>(null);
  const { keep, onScroll, onWheel } = useFollowEnd(place);
  useLayoutEffect(keep, [keep, lines]);
  return (
    <pre ref={place} className="file" tabIndex={0} role="log" aria-label={label} onScroll={onScroll} onWheel={onWheel}>
      {lines.length === 0 ? "nothing yet" : <Ansi text={lines.join("\n")} />}
    </pre>
  );
}
