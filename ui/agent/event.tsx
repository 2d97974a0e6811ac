import { turnCostWords } from "../../src/wire/cost.ts";
import { memo, useState, type ReactNode } from "react";
import { MessageBody } from "../kit/message-body.tsx";
import { Prose } from "../kit/prose.tsx";
import { Who, Words } from "../kit/text.tsx";
import { Clock } from "../kit/time.tsx";
import { count, duration, visible } from "../lib/text.ts";
import { RESULT_CLASS } from "../lib/turn-result.ts";
import type { TailRow } from "./rows.ts";
import { ToolRow } from "./tool.tsx";

/** One event of a turn. */
export const EventRow = memo(function EventRow({ row }: { row: TailRow }): ReactNode {
  const { event } = row;
  switch (event.type) {
    case "turn_start":
      return (
        <>
          <div className="rule">
            <span>
              turn {event.turn} · from {visible(event.from)} · <Clock at={row.at} />
              {event.redelivered && " · delivered again"}
              {event.unread > 0 && ` · ${event.unread} more wait`}
            </span>
          </div>
          <div className="ev">
            <i aria-hidden="true">→</i>
            <div>
              <Who name={event.from} /> <MessageBody message={event} />
            </div>
          </div>
        </>
      );
    case "turn_end": {
      const tokens = event.tokens.input + event.tokens.output + event.tokens.cache_read + event.tokens.cache_write;
      const cost = turnCostWords(tokens, event.cost_usd);
      return (
        <div className={`rule ${RESULT_CLASS[event.result]}`}>
          <span>
            ended <Clock at={row.at} /> · {duration(event.duration_ms)} · {count(tokens)} tok
            {cost === "" ? "" : ` · ${cost}`} · {event.result === "ok" ? "ok" : visible(event.reason)}
          </span>
        </div>
      );
    }
    case "text":
      return (
        <div className="ev">
          <i aria-hidden="true" />
          <Prose text={event.text} />
        </div>
      );
    case "thinking":
      return <Thinking text={event.text} ms={event.ms} />;
    case "tool_use":
      return <ToolRow call={event} result={row.result} />;
    case "tool_result":
      return (
        <div className="ev">
          <i aria-hidden="true">↳</i>
          <pre>
            <Words text={event.text} />
          </pre>
        </div>
      );
    case "note":
      return (
        <div className={`ev ${{ info: "dim", warn: "amber", error: "red" }[event.level]}`}>
          <i aria-hidden="true">{event.level === "info" ? "·" : "!"}</i>
          <div>
            <Words text={event.text} />
          </div>
        </div>
      );
    case "compacted":
      return (
        <div className="rule mauve">
          session compacted{event.before_tokens === undefined ? "" : `, ${count(event.before_tokens)} tok before`}
        </div>
      );
    case "session": {
      const broken = Object.entries(event.mcp).filter(([, status]) => status !== "connected");
      return (
        <div className="ev amber">
          <i aria-hidden="true">!</i>
          <div>
            MCP servers that did not connect: <Words text={broken.map(([name, status]) => `${name} (${status})`).join(", ")} />
          </div>
        </div>
      );
    }
  }
});

function Thinking({ text, ms }: { text: string; ms: number | undefined }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="ev">
      <i aria-hidden="true">∴</i>
      <div>
        <button type="button" className="fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          thinking{ms === undefined ? "" : `, ${duration(ms)}`} {isOpen ? "▾" : "▸"}
        </button>
        {isOpen && (
          <div className="prose dim">
            <Words text={text} />
          </div>
        )}
      </div>
    </div>
  );
}
