import { PROTOCOL } from "../../src/wire/harness.ts";
import { nanoseconds, ready } from "./child.ts";
import { ask, openLines, type Lines } from "./wire.ts";

/** A receiver's report to the sender: when it got a message, and that it waits again. */
export type Report = { got: number; body: string } | { waits: true };

/**
 * Blocked receivers in a separate process, one connection each. `kind` is `floor` or the hive's revision, followed by
 * inbox, socket and generation of each receiver.
 */
export async function receivers([kind = "", ...triples]: string[]): Promise<void> {
  const report = (one: Report): void => void process.send?.(one);
  const open: [string, Lines][] = [];
  for (let at = 0; at < triples.length; at += 3) {
    const [inbox = "", path = "", generation = "0"] = triples.slice(at, at + 3);
    const lines = await openLines({ path });
    if (kind !== "floor") await hello(lines, kind, Number(generation));
    open.push([inbox, lines]);
  }
  ready();
  for (const [inbox, lines] of open) void loop(kind, inbox, lines, report);
}

async function loop(kind: string, inbox: string, lines: Lines, report: (one: Report) => void): Promise<void> {
  for (let turn = 1; ; turn++) {
    lines.write(`${JSON.stringify(kind !== "floor" ? { cmd: "next", id: 1 } : { cmd: "next", id: 1, inbox })}\n`);
    report({ waits: true });
    const text = await lines.next();
    const got = nanoseconds();
    const { message } = JSON.parse(text) as { message?: { body: string } };
    if (!message) throw new Error(`a receiver waited for a message and got ${text}`);
    report({ got, body: message.body });
    if (kind !== "floor") await ask(lines, { cmd: "finish", id: 2, turn, outcome: { kind: "ok" } });
  }
}

/** Becomes the agent's harness, one that the daemon has no reason to replace. */
export async function hello(lines: Lines, revision: string, generation: number): Promise<Record<string, unknown>> {
  return ask(lines, {
    cmd: "hello",
    id: 0,
    protocol: PROTOCOL,
    revision,
    generation,
    instance: `bench-${process.pid}-${Math.random()}`,
  });
}
