import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { Ansi } from "../kit/ansi.tsx";
import { Empty } from "../kit/panel.tsx";
import { ApiError, call } from "../lib/api.ts";
import { useFollowEnd } from "../lib/follow-end.ts";
import { visible } from "../lib/text.ts";

/** Maximum lines on the screen. */
const KEPT = 2000;
/** Pause after a failure before the log is requested again. Milliseconds. */
const RETRY_MS = 2000;

/** The log of an agent's cage: its last lines, then each new line. */
export function Logs({ name }: { name: string }): ReactNode {
  const [lines, setLines] = useState<readonly string[]>();
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    let isOver = false;
    const follow = async (): Promise<void> => {
      let position: number | undefined;
      while (!isOver) {
        try {
          const part = await call("logs", { name, lines: 500, ...(position === undefined ? {} : { after: position }) });
          if (isOver) return;
          const isFirst = position === undefined;
          position = part.position;
          setProblem(undefined);
          if (isFirst || part.lines.length > 0)
            setLines((known) => [...(isFirst ? [] : (known ?? [])), ...part.lines].slice(-KEPT));
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
  }, [name]);

  if (!lines) return <Empty>{problem ?? "loading…"}</Empty>;
  return (
    <>
      <p className="dim small">
        {problem === undefined ? (
          <>
            <span className="dot live green" aria-hidden="true" /> live ·{" "}
            {lines.length === 1 ? "1 line" : `the last ${lines.length} lines`} of the cage’s log
          </>
        ) : (
          <span className="amber">{problem}</span>
        )}
      </p>
      <Lines name={name} lines={lines} />
    </>
  );
}

function Lines({ name, lines }: { name: string; lines: readonly string[] }): ReactNode {
  const place = useRef<HTMLPreElement>(null);
  const { keep, onScroll, onWheel } = useFollowEnd(place);
  useLayoutEffect(keep, [keep, lines]);
  return (
    <pre
      ref={place}
      className="file"
      tabIndex={0}
      role="log"
      aria-label={`log of ${visible(name)}`}
      onScroll={onScroll}
      onWheel={onWheel}
    >
      {lines.length === 0 ? "nothing yet" : <Ansi text={lines.join("\n")} />}
    </pre>
  );
}
