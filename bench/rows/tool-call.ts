import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hiveWith } from "../lib/hive.ts";
import type { Row } from "../lib/row.ts";
import { percentile, ratio } from "../lib/stats.ts";

/** Calls of each kind in one slice. */
const CALLS = 60;
const SLICES = 10;
const [CALLER, RECEIVER] = ["ada", "bob"];
/** A program in the CLI's place times its own calls, in the real cage, under the real harness. */
const STAND_IN = join(import.meta.dirname, "../../bench/lib/stand-in-cli.cjs");

/** The tool `send` as the CLI calls it, over its stdio and the harness's MCP server, against the same call on mcp.sock. */
export const toolCall: Row = {
  name: "tool-call",
  async run({ quick }) {
    const hive = await hiveWith([CALLER, RECEIVER], { HIVE_CLAUDE_PATH: STAND_IN });
    try {
      await hive.call("start", { scope: { agent_names: [CALLER] } });
      const asked = { to: RECEIVER, calls: CALLS, slices: quick ? 3 : SLICES };
      await hive.call("send", { to: CALLER, body: `measure ${JSON.stringify(asked)}` });
      const done = await hive.untilAgent(CALLER, (agent) => agent.last_turn !== undefined && agent.state !== "thinking");
      if (done.last_turn?.result !== "ok") throw new Error(`the calls failed: ${done.last_turn?.reason ?? done.state_reason}`);
      const file = join(await hive.folderOf(CALLER), "state", "tool-calls.json");
      const seen = JSON.parse(readFileSync(file, "utf8")) as { mcp: number[][]; bare: number[][] };
      const us = (slices: number[][], share: number): string => `${Math.round(percentile(slices.flat(), share) / 1000)}`;
      return [
        {
          what: "MCP tool call `send` as the CLI makes it, p50, against the bare socket",
          value: ratio(seen.mcp, seen.bare),
          unit: "×",
          reach: { most: 2 },
          detail: `${us(seen.mcp, 0.5)} / ${us(seen.bare, 0.5)} µs (p99 ${us(seen.mcp, 0.99)} / ${us(seen.bare, 0.99)} µs)`,
        },
      ];
    } finally {
      await hive.dispose();
    }
  },
};
