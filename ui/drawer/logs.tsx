import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { Ansi } from "../kit/ansi.tsx";
import { Empty } from "../kit/panel.tsx";
import { ApiError, call } from "../lib/api.ts";

/** Lines that stay on the screen. */
const KEPT = 2000;
/** Pause after a failure before the log is asked for again. Milliseconds. */
const RETRY_MS = 2000;
const NEAR_END = 24;

/** The log of an agent's cage: its last lines, then each line as it is written. */
export function Logs({ name }: { name: string }): ReactNode {
  const [lines, setLines] = useState<readonly string[]>();
  const [problem, setProblem] = useState<string>();
  const place = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);

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
  useLayoutEffect(() => {
    if (isAtEnd.current && place.current) place.current.scrollTop = place.current.scrollHeight;
  }, [lines]);

  if (!lines) return <Empty>{problem ?? "loading…"}</Empty>;
  return (
    <>
      <p className="dim small">
        {problem === undefined ? (
          <>
            <span className="dot live green" aria-hidden="true" /> live · the last {lines.length} lines that the cage wrote
          </>
        ) : (
          <span className="amber">{problem}</span>
        )}
      </p>
      <pre
        ref={place}
        className="file"
        tabIndex={0}
        role="log"
        aria-label={`log of ${name}`}
        onScroll={({ currentTarget: at }) => {
          isAtEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < NEAR_END;
        }}
      >
        {lines.length === 0 ? "nothing yet" : <Ansi text={lines.join("\n")} />}
      </pre>
    </>
  );
}
