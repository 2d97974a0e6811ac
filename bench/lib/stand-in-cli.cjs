#!/opt/hive/bin/node
/**
 * A substitute for the CLI inside a real cage, which times tool calls from the CLI's side. The real harness starts it,
 * and it speaks the CLI's side of the stream (control requests, events around each call). On a message `measure {to,
 * calls, slices}` it alternates between `send` through the harness's MCP server and the same `send` written directly to
 * mcp.sock, and writes the times in nanoseconds to /state/tool-calls.json.
 */
const { writeFileSync } = require("node:fs");
const { connect } = require("node:net");
const { randomUUID } = require("node:crypto");

const BODY = "x".repeat(200);
/** Time for the harness to finish its work after a call (events, their commit) before the next one. Milliseconds. */
const REST_MS = 4;
const now = () => Number(process.hrtime.bigint());
const rest = () => new Promise((resolve) => setTimeout(resolve, REST_MS));

/** Calls `each` with every line. */
function lines(readable, each) {
  let kept = "";
  readable.setEncoding("utf8").on("data", (chunk) => {
    const parts = (kept + chunk).split("\n");
    kept = parts.pop();
    for (const part of parts) if (part !== "") each(JSON.parse(part));
  });
}

const say = (line) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const session = randomUUID();
const usage = { input_tokens: 1, output_tokens: 1, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
const answers = new Map();
let count = 0;

function control(message) {
  const id = `bench-${++count}`;
  const answer = new Promise((resolve) => answers.set(id, resolve));
  say({ type: "control_request", request_id: id, request: { subtype: "mcp_message", server_name: "hive", message } });
  return answer;
}

async function throughMcp(to) {
  const id = `toolu_${++count}`;
  const input = { to, body: BODY };
  const use = { type: "tool_use", id, name: "mcp__hive__send", input };
  say({
    type: "assistant",
    message: { id: `msg_${count}`, type: "message", role: "assistant", model: "bench", content: [use], usage },
    parent_tool_use_id: null,
    session_id: session,
    uuid: randomUUID(),
  });
  const start = now();
  const params = { name: "send", arguments: input, _meta: { "claudecode/toolUseId": id } };
  const answer = await control({ jsonrpc: "2.0", id: count, method: "tools/call", params });
  const took = now() - start;
  const { content, isError } = answer.response.mcp_response.result;
  if (isError) throw new Error(content[0].text);
  say({
    type: "user",
    message: { role: "user", content: [{ type: "tool_result", tool_use_id: id, content }] },
    parent_tool_use_id: null,
    session_id: session,
    uuid: randomUUID(),
  });
  return took;
}

/** The same request written to the agent's own socket. */
async function openBare() {
  const socket = connect("/run/hive/mcp.sock");
  let hear = () => {};
  lines(socket, (line) => hear(line));
  await new Promise((resolve) => socket.once("connect", resolve));
  return async (to) => {
    const start = now();
    const answer = new Promise((resolve) => (hear = resolve));
    socket.write(`${JSON.stringify({ cmd: "send", id: ++count, to, body: BODY, client_id: randomUUID() })}\n`);
    const { ok, error } = await answer;
    const took = now() - start;
    if (!ok) throw new Error(error);
    return took;
  };
}

async function measure({ to, calls, slices }) {
  const clientInfo = { name: "bench", version: "1" };
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  await control({ jsonrpc: "2.0", id: 0, method: "initialize", params });
  // A notification has no answer, but the stream confirms it.
  await control({ jsonrpc: "2.0", method: "notifications/initialized" });
  const bare = await openBare();
  const seen = { mcp: [], bare: [] };
  // The first round does not count.
  for (let slice = 0; slice <= slices; slice++) {
    const times = { mcp: [], bare: [] };
    for (let nth = 0; nth < calls; nth++) {
      times.mcp.push(await throughMcp(to));
      await rest();
      times.bare.push(await bare(to));
      await rest();
    }
    if (slice > 0) for (const kind of ["mcp", "bare"]) seen[kind].push(times[kind]);
  }
  writeFileSync("/state/tool-calls.json", JSON.stringify(seen));
}

async function turn(text, uuid) {
  say({
    type: "system",
    subtype: "init",
    session_id: session,
    model: "bench",
    cwd: "/state",
    tools: [],
    mcp_servers: [{ name: "hive", status: "connected" }],
  });
  let failure;
  try {
    await measure(JSON.parse(/measure (\{.*\})/.exec(text)[1]));
  } catch (error) {
    failure = String(error);
  }
  say({
    type: "result",
    subtype: "success",
    is_error: failure !== undefined,
    result: failure ?? "measured",
    session_id: session,
    user_message_uuid: uuid,
    usage,
    modelUsage: {},
    total_cost_usd: 0,
    duration_ms: 0,
    duration_api_ms: 0,
    num_turns: 1,
    permission_denials: [],
    uuid: randomUUID(),
  });
}

lines(process.stdin, (line) => {
  if (line.type === "control_response") {
    answers.get(line.response.request_id)?.(line.response);
    answers.delete(line.response.request_id);
  } else if (line.type === "control_request") {
    // What the harness asks for at a start: its initialisation, and the tool servers.
    const response = { commands: [], mcpServers: [{ name: "hive", status: "connected" }] };
    say({ type: "control_response", response: { subtype: "success", request_id: line.request_id, response } });
  } else if (line.type === "user") {
    void turn(typeof line.message.content === "string" ? line.message.content : line.message.content[0].text, line.uuid);
  }
});
process.stdin.on("end", () => process.exit(0));
