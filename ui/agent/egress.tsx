import { useCallback, type ReactNode } from "react";
import type { EgressRow } from "../../src/wire/history-operations.ts";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { bytes, visible } from "../lib/text.ts";

/** Connections that are looked at; the same host and verdict become one line. */
const READ = 100;
const SHOWN = 6;

/** Whom an agent has connected to, and whom it was refused. */
export function Egress({ name }: { name: string }): ReactNode {
  const last = useHive((state) => state.agents.get(name)?.last_turn?.turn);
  const { value, error } = useFetched(
    useCallback(() => call("egress", { agent: name, limit: READ }), [name]),
    last,
  );
  if (error !== undefined) return <p className="red small">{error}</p>;
  if (!value) return null;
  if (value.connections.length === 0) return <p className="dim small">it has connected to nobody</p>;
  const lines = new Map<string, EgressRow & { times: number }>();
  for (const row of value.connections) {
    const key = `${row.verdict} ${row.host}:${row.port}`;
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
  return (
    <ul className="plain">
      {[...lines.values()].slice(0, SHOWN).map((row) => (
        <li key={row.id}>
          <span className={row.verdict === "allowed" ? "green" : "red"}>{row.verdict === "allowed" ? "allowed" : "denied"}</span>{" "}
          {visible(row.host)}:{row.port}{" "}
          <span className="faint" title={visible(row.verdict)}>
            <Age since={row.at} />
            {row.times > 1 && ` · ${row.times}×`}
            {row.bytes_in + row.bytes_out > 0 && ` · ${bytes(row.bytes_in + row.bytes_out)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}
