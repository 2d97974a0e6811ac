import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { LATEST_PROTOCOL_VERSION, type JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, expect, test } from "vitest";
import type { AgentConfig } from "../../wire/config.ts";
import { HiveError } from "../../wire/error.ts";
import { HIVE_TOOLS } from "../../wire/hive-tools.ts";
import { mcpServers } from "./in-process.ts";
import { ToolServer } from "./tool-server.ts";
import type { ToolHost } from "./tool.ts";
import { hiveTools, type ToolAnswer } from "./tools.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The hive's server as an agent's CLI gets it, connected to the library's client. */
async function hiveClient(
  call: (name: string, input: unknown) => Promise<unknown>,
  repos: { name: string }[] = [],
): Promise<Client> {
  const host = { call, messageFrom: () => undefined, leased: () => {} } as unknown as ToolHost;
  const servers = mcpServers("agent", { extraMcpServers: {}, repos } as unknown as AgentConfig, host, undefined as never);
  const server = servers["hive"];
  if (server?.type !== "sdk") throw new Error("the hive's tools are in this process");
  const [mine, theirs] = InMemoryTransport.createLinkedPair();
  await server.instance.connect(theirs);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(mine);
  ends.push(() => client.close());
  return client;
}

/** A raw connection to a server: messages in and messages out. */
async function wire(call: (name: string) => Promise<ToolAnswer>): Promise<{
  send(message: object): void;
  received: JSONRPCMessage[];
  turn(): Promise<void>;
}> {
  const [mine, theirs] = InMemoryTransport.createLinkedPair();
  await new ToolServer("hive", { tools: [], call }).connect(theirs);
  const received: JSONRPCMessage[] = [];
  mine.onmessage = (message) => void received.push(message);
  await mine.start();
  return {
    received,
    send: (message) => void mine.send({ jsonrpc: "2.0", ...message } as JSONRPCMessage),
    turn: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

test("the names of the hive's tools are known outside the harness", () => {
  expect(hiveTools.map(({ name }) => name).toSorted()).toEqual(HIVE_TOOLS.toSorted());
});

test("the library's client sees the hive's tools as always loaded, and gets their answers", async () => {
  const asked: unknown[] = [];
  const client = await hiveClient(async (name, input) => {
    asked.push([name, input]);
    if ((input as { to: string }).to === "nobody") throw new HiveError("not_found", "there is no agent nobody");
    return { sent: [{ id: 7, to: "bob", state: "queued" }], refused: [] };
  });
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name)).toContain("send");
  expect(tools.map((tool) => tool.name)).not.toContain("request_spawn");
  const send = tools.find((tool) => tool.name === "send");
  expect(send?._meta).toEqual({ "anthropic/alwaysLoad": true });
  expect(send?.inputSchema).toMatchObject({ type: "object", required: ["to", "body"] });
  expect(send?.inputSchema.properties?.["to"]).toMatchObject({ type: "string" });

  const sent = await client.callTool({ name: "send", arguments: { to: "bob", body: "hello" } });
  expect(sent).toMatchObject({ content: [{ type: "text", text: "sent to bob (message 7)" }] });
  expect(asked).toMatchObject([["send", { to: "bob", body: "hello" }]]);
  const refusals = [
    [{ name: "send", arguments: { to: "nobody", body: "hello" } }, "there is no agent nobody"],
    [{ name: "send", arguments: { to: 3 } }, "to: it has to be a text, not a number"],
    [{ name: "send" }, "to: it is missing (a text)"],
    [{ name: "request_spawn", arguments: {} }, "there is no tool request_spawn"],
  ] as const;
  for (const [call, words] of refusals)
    expect(await client.callTool(call)).toEqual({ content: [{ type: "text", text: words }], isError: true });
  await client.ping();
});

test("tools on changes are offered to an agent with a repository, and to no other", async () => {
  const names = async (client: Client): Promise<string[]> => (await client.listTools()).tools.map(({ name }) => name);
  expect(await names(await hiveClient(async () => ({})))).not.toContain("propose_change");
  const proposed = { id: 4, repo: "web", branch: "topic", base: "main", round: 1, state: "proposed", sha: "c".repeat(40) };
  const client = await hiveClient(async () => ({ change: proposed }), [{ name: "web" }]);
  expect(await names(client)).toEqual(
    expect.arrayContaining(["propose_change", "list_changes", "withdraw_change", "review_change"]),
  );
  const answer = await client.callTool({ name: "propose_change", arguments: { repo: "web", branch: "topic", title: "Fix it" } });
  expect(JSON.stringify(answer)).toContain("of topic is proposed for main of web");
});

test("unknown methods are refused, a defect in a tool is reported, and malformed messages are ignored", async () => {
  const { send, received, turn } = await wire(async () => {
    throw new Error("broken");
  });
  send({ id: 1, method: "resources/list" });
  send({ id: "two", method: "tools/call", params: { arguments: {} } });
  send({ id: 3, method: "tools/call", params: { name: "send" } });
  send({ id: 4, result: {} });
  send({ method: "notifications/initialized" });
  send({ id: 5, method: "initialize", params: { protocolVersion: "1999-01-01" } });
  send({ id: 6, method: "initialize", params: { protocolVersion: "2024-11-05" } });
  await turn();
  expect(received).toContainEqual({
    jsonrpc: "2.0",
    id: 1,
    error: { code: -32601, message: "there is no method resources/list" },
  });
  expect(received).toContainEqual(expect.objectContaining({ id: "two", error: expect.objectContaining({ code: -32602 }) }));
  expect(received).toContainEqual({ jsonrpc: "2.0", id: 3, error: { code: -32603, message: "broken" } });
  const versions = received.flatMap((one) => ("result" in one ? [one.result["protocolVersion"]] : []));
  expect(versions).toEqual([LATEST_PROTOCOL_VERSION, "2024-11-05"]);
  expect(received).toHaveLength(5);
});

test("a cancelled call gets no answer", async () => {
  let answer: (with_: ToolAnswer) => void = () => {};
  const { send, received, turn } = await wire(() => new Promise((resolve) => (answer = resolve)));
  send({ id: 1, method: "tools/call", params: { name: "recv" } });
  send({ method: "notifications/cancelled", params: { requestId: 1 } });
  answer({ content: [] });
  await turn();
  expect(received).toEqual([]);
});
