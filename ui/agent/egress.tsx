import { useCallback, useState, type ReactNode } from "react";
import { presetHosts, presetWith } from "../../src/wire/egress-presets.ts";
import { callWords, missingEntry, reasonOf, withEgress } from "../../src/wire/egress.ts";
import type { EgressRow } from "../../src/wire/history-operations.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { Age } from "../kit/time.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { proposeFiles } from "../lib/propose.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { sizeText } from "../../src/wire/size-text.ts";

/** Connections to fetch. Those with the same host and verdict are merged into one line. */
const READ = 100;
const SHOWN = 6;

/** The hosts that an agent connected to, and the denied ones. */
export function Egress({ name }: { name: string }): ReactNode {
  // New connections come with turns, and a deploy changes what is listed.
  const mark = useHive((state) => {
    const agent = state.agents.get(name);
    return `${agent?.last_turn?.turn ?? ""} ${agent?.deployed_sha ?? ""}`;
  });
  const { value, error } = useFetched(
    useCallback(() => call("egress", { agent: name, limit: READ }), [name]),
    mark,
  );
  const [asked, setAsked] = useState<string>();
  if (error !== undefined) return <p className="red small">{error}</p>;
  if (!value) return null;
  if (value.connections.length === 0) return <p className="dim small">no connections yet</p>;
  const lines = new Map<string, EgressRow & { times: number }>();
  for (const row of value.connections) {
    const key = `${row.verdict} ${whatOf(row)}`;
    const known = lines.get(key);
    if (!known) lines.set(key, { ...row, times: 1 });
    else
      lines.set(key, {
        ...known,
        times: known.times + 1,
        bytes_in: known.bytes_in + row.bytes_in,
        bytes_out: known.bytes_out + row.bytes_out,
      });
  }
  const propose = async (): Promise<void> => {
    if (asked === undefined) return;
    const request = await proposeFiles(name, `allow egress to ${asked}`, (path, text) =>
      path === "agent.json" ? added(text, asked) : text,
    );
    setAsked(undefined);
    toast(`request ${request} waits for you`);
  };
  return (
    <>
      <ul className="plain egress">
        {[...lines.values()].slice(0, SHOWN).map((row) => (
          <Line key={row.id} row={row} onPropose={setAsked} />
        ))}
      </ul>
      <Confirm
        isOpen={asked !== undefined}
        onClose={() => setAsked(undefined)}
        title={`propose ${asked ?? ""} for ${name}?`}
        words={
          <>
            A config change adds <code>{(presetHosts(asked ?? "") ?? [asked]).join(", ")}</code> to <code>egress</code> in the
            deployed agent.json. Nothing is allowed before you approve the request and it is deployed.
          </>
        }
      >
        <Action kind="go" run={propose}>
          propose
        </Action>
      </Confirm>
    </>
  );
}

/** The host of a connection, or the call to an API door. */
const whatOf = ({ host, port, call: made }: EgressRow): string => (made ? callWords(made) : `${host}:${port}`);

interface LineProps {
  row: EgressRow & { times: number };
  onPropose: (entry: string) => void;
}

function Line({ row, onPropose }: LineProps): ReactNode {
  const entry = missingEntry(row);
  const preset = entry === undefined ? undefined : presetWith(entry);
  const isAllowed = row.verdict === "allowed";
  return (
    <li>
      <span className={isAllowed ? "green" : "red"}>{isAllowed ? "allowed" : "denied"}</span> {visible(whatOf(row))}{" "}
      <span className="faint">
        <Age since={row.at} />
        {row.times > 1 && ` · ${row.times}×`}
        {row.bytes_in + row.bytes_out > 0 && ` · ${sizeText(row.bytes_in + row.bytes_out)}`}
      </span>
      {!isAllowed && (
        <div className="dim">
          {visible(reasonOf(row.verdict))}
          {row.listed === true && <span className="green"> · listed by now</span>}
        </div>
      )}
      {entry !== undefined && (
        <Allowed to="propose">
          <button type="button" className="ghost" onClick={() => onPropose(entry)} aria-label={`propose ${entry}…`}>
            propose…
          </button>
          {preset !== undefined && (
            <button type="button" className="ghost" onClick={() => onPropose(preset)} aria-label={`propose all of ${preset}…`}>
              all of {preset}…
            </button>
          )}
        </Allowed>
      )}
    </li>
  );
}

/** The proposed agent.json with one more entry in `egress`. */
function added(agentJson: string, entry: string): string {
  try {
    return withEgress(agentJson, entry);
  } catch (error) {
    throw new ApiError("conflict", error instanceof Error ? error.message : String(error));
  }
}
