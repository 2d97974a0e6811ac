import { useCallback, useEffect, useState, type ReactNode } from "react";
import type { Output } from "../../src/wire/operations.ts";
import { Ansi } from "./ansi.tsx";
import { Action } from "./button.tsx";
import { Sheet } from "./dialog.tsx";
import { Empty } from "./panel.tsx";
import { ApiError, call } from "../lib/api.ts";

/** Shows the log or the deployed config of an agent: `open` is `logs:<name>` or `config:<name>`. */
export function AgentDrawer({ open, onClose }: { open: string | undefined; onClose: () => void }): ReactNode {
  const [what, name] = open?.split(":") ?? [];
  const isKnown = (what === "logs" || what === "config") && name !== undefined;
  return (
    <Sheet
      isOpen={isKnown}
      onClose={onClose}
      title={`${name ?? ""} · ${what === "logs" ? "cage log" : "deployed config"}`}
      isDrawer
    >
      {name !== undefined && what === "logs" && <Logs name={name} />}
      {name !== undefined && what === "config" && <Config name={name} />}
    </Sheet>
  );
}

/** Fetches when it is shown, and again when asked. */
function useFetched<T>(fetch: () => Promise<T>): { value: T | undefined; error: string | undefined; again: () => Promise<void> } {
  const [value, setValue] = useState<T>();
  const [error, setError] = useState<string>();
  const again = useCallback(async (): Promise<void> => {
    try {
      setValue(await fetch());
      setError(undefined);
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : "that could not be fetched");
    }
  }, [fetch]);
  useEffect(() => {
    void again();
  }, [again]);
  return { value, error, again };
}

function Logs({ name }: { name: string }): ReactNode {
  const { value, error, again } = useFetched<Output<"logs">>(useCallback(() => call("logs", { name, lines: 500 }), [name]));
  if (error) return <Empty>{error}</Empty>;
  if (!value) return <Empty>loading…</Empty>;
  return (
    <>
      <div className="foot">
        <span className="dim">the last {value.lines.length} lines that the cage wrote</span>
        <span className="grow" />
        <Action kind="ghost" run={again}>
          again
        </Action>
      </div>
      <pre className="file">{value.lines.length === 0 ? "nothing yet" : <Ansi text={value.lines.join("\n")} />}</pre>
    </>
  );
}

function Config({ name }: { name: string }): ReactNode {
  const { value, error } = useFetched<Output<"config">>(useCallback(() => call("config", { name }), [name]));
  const [chosen, setChosen] = useState("agent.json");
  if (error) return <Empty>{error}</Empty>;
  if (!value) return <Empty>loading…</Empty>;
  const file = value.files.find((one) => one.path === chosen) ?? value.files[0];
  return (
    <>
      <div className="foot" role="tablist" aria-label="files">
        {value.files.map((one) => (
          <button
            key={one.path}
            type="button"
            role="tab"
            aria-selected={one === file}
            className={`ghost ${one === file ? "amber" : ""}`}
            onClick={() => setChosen(one.path)}
          >
            {one.path}
          </button>
        ))}
      </div>
      <pre className="file">{file?.text === "" ? <span className="faint">(empty)</span> : <Ansi text={file?.text ?? ""} />}</pre>
    </>
  );
}
