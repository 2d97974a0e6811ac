import { useState, type ReactNode } from "react";
import type { TurnEvent } from "../../src/wire/event.ts";
import { Ansi } from "../kit/ansi.tsx";
import { Who, Words } from "../kit/text.tsx";
import { short } from "../lib/approvals.ts";
import { visible } from "../lib/text.ts";
import { sizeText } from "../../src/wire/size-text.ts";
import { ChangeCount, DiffView } from "./diff-view.tsx";

type ToolUse = Extract<TurnEvent, { type: "tool_use" }>;
type ToolResult = Extract<TurnEvent, { type: "tool_result" }>;

/** Lines of a result before the rest is folded, and characters of a long line. */
const FOLD_LINES = 4;
const FOLD_CHARS = 400;

/** Tools whose call already shows what they do, so a successful result adds nothing. */
const SAYS_ALL: ReadonlySet<string> = new Set(["Write", "Edit", "MultiEdit", "TodoWrite", "send", "ask_operator", "set_status"]);

/** A tool call on one line in the form of its tool, with its result below. */
export function ToolRow({ call, result }: { call: ToolUse; result: ToolResult | undefined }): ReactNode {
  const input = (typeof call.input === "object" && call.input !== null ? call.input : {}) as Record<string, unknown>;
  const hive = /^mcp__hive__(.+)$/.exec(call.name)?.[1];
  const isMail = hive === "send" || hive === "recv" || hive === "ask_operator";
  return (
    <div className="ev">
      <i aria-hidden="true">{isMail ? "✉" : "◇"}</i>
      <div>
        <span className="cyan">{hive ?? shortName(call.name)}</span> <OneLine name={hive ?? call.name} input={input} />
        {!result && <span className="spinner later" role="img" aria-label="running" />}
        <Detail name={call.name} input={input} />
        {result && (
          <Result
            result={result}
            isQuiet={SAYS_ALL.has(hive ?? call.name)}
            lead={call.name === "Read" && !result.is_error ? 0 : FOLD_LINES}
          />
        )}
      </div>
    </div>
  );
}

/** `mcp__files__read` becomes `files · read`. */
function shortName(name: string): string {
  return visible(name.startsWith("mcp__") ? name.slice(5).replace("__", " · ") : name);
}

const str = (value: unknown): string => (typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value));

function OneLine({ name, input }: { name: string; input: Record<string, unknown> }): ReactNode {
  switch (name) {
    case "Bash":
      return (
        <>
          <span className="amber">$</span> <Words text={str(input["command"])} />
        </>
      );
    case "Edit":
      return (
        <>
          <Words text={str(input["file_path"])} />{" "}
          <ChangeCount before={str(input["old_string"])} after={str(input["new_string"])} />
        </>
      );
    case "TodoWrite":
      return <span className="dim">{Array.isArray(input["todos"]) ? `${input["todos"].length} things to do` : ""}</span>;
    case "Read":
    case "Write":
    case "MultiEdit":
    case "NotebookEdit":
      return <Words text={str(input["file_path"] ?? input["notebook_path"])} />;
    case "Glob":
    case "Grep":
      return <Words text={[str(input["pattern"]), str(input["path"])].filter((part) => part !== "").join(" in ")} />;
    case "send":
      return (
        <>
          → <Who name={str(input["to"])} /> <Words text={str(input["body"])} />
        </>
      );
    case "ask_operator":
      return (
        <>
          <Words text={str(input["question"])} />
          {Array.isArray(input["options"]) && (
            <span className="dim"> [{input["options"].map(str).map(visible).join(" | ")}]</span>
          )}
        </>
      );
    case "set_status":
      return (
        <>
          “<Words text={str(input["text"])} />”
        </>
      );
    case "request_spawn":
      return (
        <>
          <Who name={str(input["name"])} /> <Words text={str(input["description"])} />
        </>
      );
    case "request_apply_commit":
      return (
        <>
          <Who name={str(input["agent"])} /> <span className="dim">{visible(short(str(input["commit"])))}</span>{" "}
          <Words text={str(input["description"])} />
        </>
      );
    case "start":
    case "kill":
    case "restart":
    case "update":
      return <Who name={str(input["name"])} />;
    case "cancel_request":
      return <>#{visible(str(input["id"]))}</>;
    case "recv":
      return <span className="dim">{input["wait"] === undefined ? "" : `waits up to ${visible(str(input["wait"]))} s`}</span>;
    default:
      return Object.keys(input).length === 0 ? null : <span className="dim">{visible(clip(JSON.stringify(input), 200))}</span>;
  }
}

/** The part of the input shown below the line: what was written or changed. */
function Detail({ name, input }: { name: string; input: Record<string, unknown> }): ReactNode {
  if (name === "Edit") return <DiffView before={str(input["old_string"])} after={str(input["new_string"])} />;
  if (name === "MultiEdit" && Array.isArray(input["edits"])) {
    return (input["edits"] as Record<string, unknown>[]).map((edit, index) => (
      <DiffView key={index} before={str(edit["old_string"])} after={str(edit["new_string"])} />
    ));
  }
  if (name === "Write") return <DiffView before="" after={str(input["content"])} />;
  return null;
}

interface ResultProps {
  result: ToolResult;
  /** A successful result adds nothing to what the call shows. */
  isQuiet: boolean;
  /** Lines of a long result to show; 0 shows only its length. */
  lead: number;
}

function Result({ result, isQuiet, lead }: ResultProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const text = result.text.replace(/\n+$/, "");
  if (isQuiet && !result.is_error) return <span className="green"> done</span>;
  if (text === "") return <pre className="faint">(no output)</pre>;
  const lines = text.split("\n");
  const isLong = lines.length > lead + 1 || text.length > FOLD_CHARS * Math.max(1, lead);
  const shown = isLong && !isOpen ? clip(lines.slice(0, lead).join("\n"), FOLD_CHARS * lead) : text;
  return (
    <>
      {shown !== "" && (
        <pre className={result.is_error ? "red" : ""}>
          <Ansi text={shown} />
        </pre>
      )}
      {(isLong || result.cut_from !== undefined) && (
        <button type="button" className="fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? "fold ▾" : `${lines.length} lines ▸`}
          {result.cut_from !== undefined && ` (cut from ${sizeText(result.cut_from)})`}
        </button>
      )}
    </>
  );
}

function clip(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
