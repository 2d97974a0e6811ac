import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { REAL_CLI, TestHive, cleanEnv, commandLine, isRunning, until } from "../lib/hive.ts";

/** What runs in a cage besides turns: interfaces for other programs, servers, and processes that start and end. */

const HARNESS = join(import.meta.dirname, "../../dist/harness/hive-ag3nt.js");
/** An MCP server on stdio with one tool, `shout`, that also reports its process id. */
const SHOUT = `
  const say = (line) => process.stdout.write(JSON.stringify(line) + "\\n");
  let text = "";
  process.stdin.on("end", () => process.exit());
  process.stdin.on("data", (chunk) => {
    text += chunk;
    for (let at; (at = text.indexOf("\\n")) >= 0; text = text.slice(at + 1)) {
      const { id, method, params } = JSON.parse(text.slice(0, at));
      if (id === undefined) continue;
      if (method === "initialize") say({ jsonrpc: "2.0", id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "shout", version: "1" } } });
      else if (method === "tools/list") say({ jsonrpc: "2.0", id, result: { tools: [{ name: "shout", description: "loud", inputSchema: { type: "object", properties: { text: { type: "string" } } } }] } });
      else if (method === "tools/call") say({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text: params.arguments.text.toUpperCase() + " from " + (process.env.WHO || "nobody") }] } });
      else say({ jsonrpc: "2.0", id, error: { code: -32601, message: "no such method" } });
    }
  });`;

let hive: TestHive;
beforeAll(async () => {
  const shout = (server: string) => ({
    tools: [{ name: `mcp__${server}__shout`, input: { text: "hello" } }],
    capture: { heard: "([A-Z]{5} from \\w+|down just now)" },
  });
  const tell = { tools: [{ name: "send", input: { to: "operator", body: "{{heard}}" } }] };
  hive = await new TestHive({ ...REAL_CLI, HIVE_WARM_SECONDS: "2" })
    .play([
      { when: { text: "^shout (?<with>own|resident)" }, agents: ["own"], steps: [shout("own"), tell, { say: "done" }] },
      { when: { text: "^shout" }, agents: ["resident"], steps: [shout("resident"), tell, { say: "done" }] },
      {
        when: { text: "^who" },
        steps: [
          { tools: [{ name: "mcp__hive_again__whoami" }], capture: { heard: '"name":"(\\w+)"' } },
          { tools: [{ name: "mcp__hive_again__send", input: { to: "operator", body: "I am {{heard}}" } }] },
          { say: "done" },
        ],
      },
      {
        when: { text: "^ring" },
        steps: [
          {
            tools: [{ name: "Bash", input: { command: "echo it is noon | hive-ag3nt wake --from cron --body -" } }],
          },
          { say: "rung" },
        ],
      },
      {
        when: { from: "\\w+/cron" },
        steps: [{ tools: [{ name: "send", input: { to: "operator", body: "heard {{body}}" } }] }, { say: "done" }],
      },
      { when: { from: "system" }, steps: [{ say: "noted" }] },
      {
        when: { text: "." },
        steps: [{ tools: [{ name: "send", input: { to: "operator", body: "heard {{body}}" } }] }, { say: "done" }],
      },
    ])
    .start();
  const node = "/opt/hive/bin/node";
  await Promise.all([
    hive.call("spawn", {
      name: "own",
      config: {
        extraMcpServers: {
          own: { command: node, args: ["-e", SHOUT], env: { WHO: "own" } },
          hive_again: { command: "/opt/hive/bin/hive-ag3nt", args: ["mcp"] },
          broken: { command: "/nowhere/at/all" },
        },
      },
    }),
    hive.call("spawn", {
      name: "resident",
      config: { extraMcpServers: { resident: { command: node, args: ["-e", SHOUT], env: { WHO: "resident" }, resident: true } } },
    }),
  ]);
});
afterAll(() => hive.dispose());

async function told(to: string, body: string): Promise<string> {
  const { sent } = await hive.call("send", { to, body });
  const { seq } = (await hive.call("state", {})).state;
  const events = await hive.watch(
    (event) =>
      event.kind === "message" &&
      event.message.id > (sent[0]?.id ?? 0) &&
      event.message.to === "operator" &&
      event.message.from === to,
    { after: Math.min(seq, sent[0]?.id ?? 0), kinds: ["message"] },
  );
  const last = events.at(-1);
  return last?.kind === "message" ? (last.message.body ?? "") : "";
}

describe("hive-ag3nt mcp on stdio", () => {
  /** As any MCP client in the cage would start it. */
  async function clientOf(name: string): Promise<Client> {
    const client = new Client({ name: "test", version: "1" });
    const env = cleanEnv({ HIVE_SOCKETS: dirname(hive.agentSocket(name)) });
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [HARNESS, "mcp"], env }));
    return client;
  }

  test("serves an agent its tools, and the manager more", async () => {
    const names = async (name: string): Promise<string[]> => {
      const client = await clientOf(name);
      const { tools } = await client.listTools();
      for (const tool of tools) expect(tool.description?.length, tool.name).toBeGreaterThan(20);
      await client.close();
      return tools.map((tool) => tool.name);
    };
    const own = await names("own");
    expect(own).toEqual(expect.arrayContaining(["send", "recv", "ask_operator", "set_status", "whoami"]));
    expect(own).not.toContain("kill");
    expect(await names("hm1nd")).toEqual(expect.arrayContaining([...own, "list_agents", "start", "kill", "restart"]));
  });

  test("sends as the agent whose socket it uses; a refusal is an answer that a model can read", async () => {
    const client = await clientOf("own");
    const answer = await client.callTool({ name: "send", arguments: { to: "operator", body: "from a program" } });
    expect(answer).not.toHaveProperty("isError", true);
    await hive.untilMessage((message) => message.body === "from a program" && message.from === "own");
    const refusal = (await client.callTool({ name: "send", arguments: { to: "ghost", body: "x" } })) as {
      isError?: boolean;
      content: { text: string }[];
    };
    expect(refusal.isError).toBe(true);
    expect(refusal.content[0]?.text).toContain('no recipient "ghost"; you can reach: operator');
    const early = (await client.callTool({ name: "recv", arguments: {} })) as { content: { text: string }[] };
    expect(early.content[0]?.text).toContain("no turn is running");
    await client.close();
  });

  test("works inside the cage as a server of the CLI", async () => {
    expect(await told("own", "who are you")).toBe("I am own");
  });
});

describe("servers of agent.json", () => {
  test("run in the cage with their environment; one that does not start is shown and does not block the others", async () => {
    expect(await told("own", "shout own")).toBe("HELLO from own");
    const { events } = await hive.call("turn_events", { agent: "own", limit: 500 });
    const session = events.findLast(({ event }) => event.type === "session")?.event;
    expect(session).toMatchObject({ mcp: { hive: "connected", own: "connected", hive_again: "connected" } });
    expect(session?.type === "session" && session.mcp["broken"]).not.toBe("connected");
  });

  test("a resident one is one process over all turns, and is restarted when it dies", async () => {
    expect(await told("resident", "shout one")).toBe("HELLO from resident");
    const cage = await hive.cage("resident");
    const pid = cage.find("toUpperCase");
    expect(await told("resident", "shout two")).toBe("HELLO from resident");
    expect(cage.find("toUpperCase")).toBe(pid);
    process.kill(pid, "SIGKILL");
    const runs = async (): Promise<number> =>
      (await hive.call("logs", { name: "resident", lines: 100 })).lines.filter((line) =>
        line.includes("resident server resident runs"),
      ).length;
    await expect.poll(runs).toBe(2);
    expect(await told("resident", "shout three")).toBe("HELLO from resident");
    expect(cage.find("toUpperCase")).not.toBe(pid);
  });
});

test("a program in the cage wakes its agent: hive-ag3nt wake, with the text on stdin", async () => {
  await hive.call("send", { to: "hm1nd", body: "ring" });
  const woken = await hive.untilMessage((message) => message.from === "hm1nd/cron");
  expect(woken).toMatchObject({ to: "hm1nd", body: "it is noon\n" });
  await hive.untilMessage((message) => message.from === "hm1nd" && message.body === "heard it is noon");
});

test("an idle CLI process ends after its warm time, and its session continues in the next", async () => {
  expect(await told("hm1nd", "one")).toBe("heard one");
  const cage = await hive.cage("hm1nd");
  await until(() => !cage.all().some((pid) => commandLine(pid).includes("/opt/hive/bin/claude")));
  expect(isRunning(cage.init)).toBe(true);
  expect(await told("hm1nd", "two")).toBe("heard two");
  const { events } = await hive.call("turn_events", { agent: "hm1nd", limit: 500 });
  const sessions = events.flatMap(({ event }) => (event.type === "session" ? [event.session_id] : []));
  expect(sessions.length).toBeGreaterThanOrEqual(2);
  expect(new Set(sessions).size).toBe(1);
});

test("a harness without a daemon for too long ends itself cleanly", async () => {
  const folder = mkdtempSync(join(tmpdir(), "away-"));
  mkdirSync(join(folder, "sockets"));
  const child = spawn(process.execPath, [HARNESS, "serve"], {
    env: cleanEnv({ HIVE_SOCKETS: join(folder, "sockets"), HIVE_AWAY_SECONDS: "0.1", HIVE_HOME: folder, HIVE_WORK: folder }),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(code).toBe(0);
  expect(said).toContain("the daemon did not return: the harness ends");
  rmSync(folder, { recursive: true, force: true });
});
