import type { Command } from "commander";
import { hivectl } from "../../lib/hivectl.ts";
import { costWords, dollars } from "../../wire/cost.ts";
import type { LoopView } from "../../wire/loops.ts";
import { age, count } from "../print.ts";
import { act } from "../shell.ts";
import { table, type Column } from "../table.ts";

/** The verb that lists loops. `let-go` releases one that is held. */
export function loopCommand(program: Command): void {
  act(program.command("loops").description("agents that message one another in circles, and what it has cost"), async (shell) =>
    shell.show(await shell.client.call("loops", {}), ({ loops, limit }) => {
      if (loops.length === 0) return "no agents message one another in circles";
      const columns: Column<LoopView>[] = [
        { title: "CHAIN", value: (one) => String(one.chain), colour: () => "dim" },
        { title: "LOOP", value: (one) => one.agents.join(" → "), isWide: true },
        { title: "ROUNDS", value: (one) => String(one.rounds) },
        { title: "OUTPUT", value: (one) => count(one.output_tokens), spare: 2 },
        { title: "COST", value: (one) => costWords(one.cost_usd, one.unpriced) },
        { title: "LAST", value: (one) => age(one.last_at, shell.now), spare: 1 },
        { title: "HELD", value: (one) => (one.held ? hivectl(`let-go ${one.chain}`) : ""), colour: () => "amber" },
      ];
      const asks = `a loop asks at ${dollars(limit.usd)} or ${limit.output_tokens} output tokens`;
      return `${table(loops, columns, shell.width, shell.paint)}\n${shell.paint("dim", asks)}`;
    }),
  );
}
