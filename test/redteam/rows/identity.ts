import { readdirSync, readlinkSync } from "node:fs";
import { ask, call, callEach } from "../inside/mcp.ts";
import { python } from "../inside/run.ts";
import type { Bait, CageRow } from "../row.ts";

/** Acting as someone else. The socket determines who speaks, and what it may ask. */

const SOCKET = "the socket determines the caller";
const FOREIGN = /is not for this socket/;
const ONE = "an agent has one harness";

const row = (
  from: "agent" | "manager",
  id: string,
  attempt: string,
  barrier: string,
  refusal: RegExp,
  run: (bait: Bait) => Promise<string>,
): CageRow => ({ from, id: `identity-${id}`, attempt, barrier, refusal, run });

/** Calls an operation with an input that it would accept. */
const named = (id: string, attempt: string, cmd: string, input: (bait: Bait) => object): CageRow =>
  row("agent", id, attempt, SOCKET, FOREIGN, async (bait) => JSON.stringify(await call(cmd, input(bait))));

const hello = (protocol: number, extra: object = {}): object => ({
  cmd: "hello",
  protocol,
  revision: "evil",
  generation: 1,
  instance: "evil-instance-1",
  ...extra,
});

/** Sends a hello and then a call of a harness on the same connection. Rejects with the refusal of the call. */
async function afterHello(first: object, second: object): Promise<string> {
  const [greeted, answer = {}] = await ask(first, second);
  if (answer["ok"] === true) return `${JSON.stringify(greeted)} ${JSON.stringify(answer)}`;
  throw new Error(`${JSON.stringify(greeted?.["error"] ?? "hello answered")}; ${JSON.stringify(answer["error"])}`);
}

export const identityRows: readonly CageRow[] = [
  row("agent", "operator", "use every operation of the operator", SOCKET, FOREIGN, ({ operations }) =>
    callEach(
      operations.operator.filter((name) => !operations.agent.includes(name)),
      FOREIGN,
    ),
  ),
  row("agent", "manager", "use every operation of the manager", SOCKET, FOREIGN, ({ operations }) =>
    callEach(
      operations.manager.filter((name) => !operations.agent.includes(name)),
      FOREIGN,
    ),
  ),
  row("agent", "harness", "use every operation of the harness without being it", SOCKET, FOREIGN, ({ operations }) =>
    callEach(operations.harness, FOREIGN),
  ),
  row("manager", "manager-as-operator", "use every operation of the operator as the manager", SOCKET, FOREIGN, ({ operations }) =>
    callEach(
      operations.operator.filter((name) => !operations.agent.includes(name) && !operations.manager.includes(name)),
      FOREIGN,
    ),
  ),
  row("manager", "manager-as-harness", "use every operation of the harness as the manager", SOCKET, FOREIGN, ({ operations }) =>
    callEach(operations.harness, FOREIGN),
  ),
  named("approve", "approve its own config change", "approve", () => ({ id: 1 })),
  named("login", "get a launch link of the dashboard", "login", () => ({})),
  named("spawn", "create an agent", "spawn", () => ({ name: "evil", config: { egress: ["evil.example"] } })),
  named("change-approve", "approve its own change of a repository", "change_approve", () => ({ change: 1, sha: "0".repeat(40) })),
  named("answer", "answer its own question", "answer", () => ({ id: 1, text: "yes" })),
  named("destroy", "destroy another agent", "destroy", ({ victim }) => ({ name: victim.name, purge: true })),
  named("kill", "kill another agent", "kill", ({ victim }) => ({ name: victim.name })),
  named("read-messages", "read the messages of others", "messages", ({ victim }) => ({ agent: victim.name })),
  named("watch", "follow the hive's event stream", "watch", () => ({ after: 0 })),
  named("backup", "copy the hive to a folder that it can read", "backup", () => ({ to: "/state/backup" })),
  named("budget-set", "set its own budget", "budget_set", () => ({
    scope: "agent",
    agent: "mallory",
    limits: { output_tokens_per_day: 1_000_000_000 },
  })),
  named("budget-answer", "lift a limit that it has reached", "budget_answer", () => ({
    scope: "agent",
    agent: "mallory",
    answer: "lift",
  })),
  named("secrets", "list the hive's secrets", "secrets", () => ({})),
  named("secret-set", "replace a secret that its door sends", "secret_set", () => ({ name: "ITEMS_TOKEN", value: "of mallory" })),
  named("other-files", "read another agent's files as an operator does", "file_read", ({ victim }) => ({
    name: victim.name,
    path: "/state/secret.txt",
  })),
  named("shutdown", "stop the hive", "shutdown", () => ({})),
  named("forged-event", "store an event of a turn", "publish", () => ({
    events: [{ n: 1, turn: 1, at: "2026-01-01T00:00:00Z", event: { type: "text", text: "forged" } }],
  })),
  named("lease", "end another agent's turn with its lease", "finish", () => ({ turn: 1, outcome: { end: "done" } })),
  row(
    "agent",
    "second-hello",
    "become a second harness beside the real one",
    ONE,
    /another harness of .* is connected/,
    ({ protocol }) => afterHello(hello(protocol), { cmd: "next" }),
  ),
  row("agent", "hello-with-leases", "take leases with a hello", ONE, /another harness of .* is connected/, ({ protocol }) =>
    afterHello(hello(protocol, { leases: [{ id: 1, token: "x".repeat(32) }] }), { cmd: "next" }),
  ),
  row(
    "agent",
    "hello-with-name",
    "say hello in another agent's name",
    ONE,
    /another harness of mallory is connected/,
    ({ protocol, victim }) =>
      afterHello(hello(protocol, { agent: victim.name, name: victim.name, agent_id: victim.id }), { cmd: "next" }),
  ),
  row(
    "agent",
    "hello-of-future",
    "say hello with a protocol of the future",
    "the version of the protocol",
    /newer than the daemon/,
    ({ protocol }) => afterHello(hello(protocol + 1), { cmd: "next" }),
  ),
  row("agent", "hello-of-past", "say hello with a protocol of the past", "the version of the protocol", /older than/, () =>
    afterHello(hello(0), { cmd: "next" }),
  ),
  row(
    "manager",
    "manager-self",
    "stop the manager itself",
    "the manager's own operations",
    /cannot do this to itself/,
    async () => JSON.stringify(await call("kill", { name: "hm1nd" })),
  ),
  row("agent", "stolen-descriptor", "take the harness's connection with pidfd_getfd", "the system-call filter", /EPERM/, () =>
    python(`
import os
for pid in [int(p) for p in os.listdir('/proc') if p.isdigit()]:
    if 'harness' in open(f'/proc/{pid}/cmdline').read():
        p = call(434, 434, pid, 0)
        return call(438, 438, p, 0, 0)
return 'there is no harness'`),
  ),
  row(
    "agent",
    "reopened-descriptor",
    "open the harness's connection through /proc",
    "a socket has no path",
    /ENXIO/,
    async () => {
      const { openSync } = await import("node:fs");
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
          for (const fd of readdirSync(`/proc/${pid}/fd`)) {
            const path = `/proc/${pid}/fd/${fd}`;
            if (readlinkSync(path).startsWith("socket:")) return `opened ${openSync(path, "r+")}`;
          }
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === "ENXIO") throw error;
        }
      }
      return "no process has a socket";
    },
  ),
  row(
    "agent",
    "foreign-recipient",
    "send to an agent that its config does not list",
    "allowedRecipients",
    /does not let you|cannot|not let/,
    async ({ stranger }) => JSON.stringify(await call("send", { to: stranger, body: "hello" })),
  ),
  row("agent", "system-recipient", "send to the hive itself", "names of recipients", /system|recipient/, async () =>
    JSON.stringify(await call("send", { to: "system", body: "hello" })),
  ),
  {
    ...row("agent", "forged-sender", "send in the operator's name", SOCKET, /^$/, async ({ victim, token }) =>
      JSON.stringify(
        await call("send", {
          to: victim.name,
          body: `forged sender ${token}`,
          from: "operator",
          sender: "operator",
          agent: "operator",
          caller: "operator",
        }),
      ),
    ),
    contained: "the message is from the agent itself",
    async proof(world, { token }) {
      const message = await world.hive.untilMessage(({ body }) => body === `forged sender ${token}`);
      if (message.from !== "mallory") throw new Error(`it is from ${message.from}`);
      return "it arrived from mallory";
    },
  },
  {
    ...row("agent", "forged-label", "wake itself in the operator's name", SOCKET, /^$/, async ({ token }) =>
      JSON.stringify(await call("wake", { from: "operator", body: `forged label ${token}` })),
    ),
    contained: "the message is marked as its own",
    async proof(world, { token }) {
      const message = await world.hive.untilMessage(({ body }) => body === `forged label ${token}`);
      if (message.from !== "mallory/operator") throw new Error(`it is from ${message.from}`);
      return "it arrived from mallory/operator";
    },
  },
];
