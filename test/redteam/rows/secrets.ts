import { existsSync, readFileSync } from "node:fs";
import { call } from "../inside/mcp.ts";
import { secretIn } from "../inside/secret.ts";
import { cageRow, type CageRow } from "../row.ts";

/** Secrets of others, and an agent's own where it does not belong. The attacker has OWN_TOKEN in its environment. */

const fromCage = cageRow("agent", "secrets");

/** The attacker's own secret, which it may read and send. */
function own(): string {
  const value = process.env["OWN_TOKEN"] ?? "";
  if (value === "") throw new Error("it has no secret of its own");
  return value;
}

export const secretRows: readonly CageRow[] = [
  {
    ...fromCage(
      "of-another",
      "find another agent's secret in a file, an environment or the memory of a process",
      "a cage gets the secrets of its own config",
      /nothing in/,
      (bait) => secretIn(bait, "victimSecretBackwards"),
    ),
    alone: true,
    async proof(world) {
      const { init } = await world.hive.cage("victim");
      const pids = [init, ...(await world.hive.cage("victim")).all()];
      const has = (pid: number): boolean =>
        existsSync(`/proc/${pid}/environ`) && readFileSync(`/proc/${pid}/environ`, "utf8").includes("VICTIM_TOKEN=");
      // A value that is not stored would prove nothing.
      if (!pids.some(has)) throw new Error("the victim has no secret");
      return "the victim has it";
    },
  },
  {
    ...fromCage(
      "stored",
      "let the hive store its own secret: in a message, a question, its status and what a tool prints",
      "values are replaced in all that a cage says",
      /^$/,
      async ({ victim, token }) => {
        const value = own();
        console.log(`its own secret is ${value}`);
        await call("send", { to: victim.name, body: `secret ${token} ${value}` });
        await call("ask_operator", { question: `is ${value} the secret, or ${Buffer.from(value).toString("base64")}?` });
        await call("set_status", { text: `it is ${value}` });
        return "it was said in four ways";
      },
    ),
    contained: "the name of the secret is stored in its place",
    async proof(world, { token }) {
      const { body = "" } = await world.hive.untilMessage((message) => message.body?.includes(`secret ${token}`) === true);
      if (!body.endsWith("[secret OWN_TOKEN]")) throw new Error(`the message ends with ${body.slice(-30)}`);
      const leaks = await world.valuesOutside(["OWN_TOKEN", "VICTIM_TOKEN"]);
      if (leaks.length > 0) throw new Error(leaks.join(", "));
      return "the message has the name; no value is in the database, a log or another cage's log";
    },
  },
];
