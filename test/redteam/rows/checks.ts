import { call } from "../inside/mcp.ts";
import { shell } from "../inside/run.ts";
import { cageRow, type CageRow } from "../row.ts";
import type { World } from "../world.ts";

/** The check of a change, which runs what an agent proposes: as a way to what the agent's own cage does not reach. */

const LIST = "the hosts of the repository's settings";

const fromCage = cageRow("agent", "checks");

/** What the proposal tries in its check: addresses of the agent's own list, one of the repository's, and its environment. */
const attack = (port: number): string => `
import { readdirSync } from "node:fs";
import { connect } from "node:net";
const proxy = new URL(process.env.HTTP_PROXY);
const get = (url) =>
  new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(proxy.port), proxy.hostname, () =>
      socket.write("GET " + url + " HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"));
    socket.on("data", (chunk) => (answer += chunk));
    socket.on("error", (error) => resolve(error.message));
    socket.on("close", () => resolve(answer.split("\\r\\n\\r\\n").slice(1).join(" ").replace(/\\s+/g, " ")));
  });
for (const [name, url] of Object.entries({
  listed: "http://public.redteam.test/",
  port: "http://public.redteam.test:${port}/",
  own: "http://loopback.redteam.test/",
  loopback: "http://127.0.0.1:${port}/",
  door: "/items/items/from-check",
})) console.log("tried " + name + ": " + (await get(url)));
console.log("found secrets: " + Object.keys(process.env).filter((name) => /TOKEN|HIVE_API|ANTHROPIC/.test(name)).join(" "));
console.log("found sockets: " + readdirSync("/run/hive").filter((name) => name.endsWith(".sock")).join(" "));
`;

let proposal: Promise<string> | undefined;
/** Proposes a change whose check runs the attack, once. */
const proposed = (port: number): Promise<string> =>
  (proposal ??= (async () => {
    const program = Buffer.from(attack(port)).toString("base64");
    await shell(
      `git clone -q hive:web /tmp/checked && cd /tmp/checked && git switch -q -c checked && echo ${program} | base64 -d > attack.mjs && git add -A && git commit -qm attack && git push -q origin checked`,
    );
    await call("propose_change", { repo: "web", branch: "checked", title: "attack" });
    return "the check runs its program";
  })());

/** The output of the check of the attacker's proposal, once it has ended. */
async function outputOf(world: World): Promise<string> {
  const { hive } = world;
  const isEnded = (state = "waiting"): boolean => !["waiting", "running"].includes(state);
  const events = await hive.watch(
    (event) => event.kind === "change" && event.change.branch === "checked" && isEnded(event.change.early_check?.state),
    { after: 0, kinds: ["change"] },
  );
  const last = events.at(-1);
  if (last?.kind !== "change") throw new Error("there is no change");
  return (await hive.call("change_log", { change: last.change.id })).lines.join("\n");
}

/** Throws unless the output has each of these. */
function expectAll(output: string, expected: readonly RegExp[]): void {
  const missing = expected.find((one) => !one.test(output));
  if (missing) throw new Error(`${missing.source} is not in: ${output.slice(-300)}`);
}

export const checkRows: readonly CageRow[] = [
  {
    ...fromCage("egress", "reach more of the network from the check of its own change", LIST, /^$/, ({ host }) =>
      proposed(host.port),
    ),
    contained: "the check reaches what its repository lists and nothing else",
    async proof(world) {
      const output = await outputOf(world);
      expectAll(output, [
        /tried listed: .*the web/,
        /tried port: .*is not on/,
        /tried own: .*is not on/,
        /tried loopback: .*is a private address/,
      ]);
      return "the listed host answered it, and the others were refused";
    },
  },
  {
    ...fromCage(
      "grants",
      "use the agent's doors and secrets in the check of its own change",
      "a cage without the agent",
      /^$/,
      ({ host }) => proposed(host.port),
    ),
    contained: "a check has neither",
    async proof(world) {
      const output = await outputOf(world);
      expectAll(output, [/^found secrets: *$/m, /^found sockets: egress\.sock$/m]);
      if (world.api.some(({ url }) => url.includes("from-check"))) throw new Error("a call of a door arrived");
      return "no secret, no door and one socket are there";
    },
  },
];
