import type { Barrier } from "../barrier.ts";

/** API doors, budgets, and the files of agents that operators look at. */
export const doorBarriers: readonly Barrier[] = [
  {
    name: "doors-rules",
    what: "the rules of a door",
    file: "src/gateway/doors/call.ts",
    from: "if (!api.allow.some((text) => isAllowed(text, method, segments)))",
    to: "if (false)",
    opens: ["doors-other-path", "doors-unlisted-path", "doors-method"],
    holds: ["doors-dot-segments", "doors-of-another", "doors-echo-plain"],
  },
  {
    name: "doors-echo",
    what: "the search of each answer for the secret",
    file: "src/gateway/doors/doors.ts",
    from: "await pipeline(body, new EchoFilter(secret.hidden, secret.place), outgoing);",
    to: "await pipeline(body, outgoing);",
    opens: ["doors-echo-plain", "doors-echo-base64", "doors-echo-compressed", "doors-echo-pieces"],
    holds: ["doors-echo-header", "doors-unlisted-path"],
  },
  {
    name: "doors-framed",
    what: "that each body of a call is framed",
    file: "src/gateway/doors/call.ts",
    from: '...(hasBody(headers) && passed["content-length"] === undefined ? { "transfer-encoding": "chunked" } : {}),',
    to: "",
    opens: ["doors-smuggle"],
    holds: ["doors-listed", "doors-body"],
  },
  {
    name: "budgets-requests",
    what: "that the gateway asks the budgets before each request",
    file: "src/policy/budgets.ts",
    from: 'if (stop) throw new HiveError("rate_limited", stopWords(stop));',
    to: "",
    opens: ["budgets-over"],
    holds: ["identity-manager-as-operator"],
  },
  {
    name: "agentfiles-links",
    what: "that the reader follows no link in place of a file",
    file: "src/files/reader/beneath.ts",
    from: "refuseOther(look(folder, name), path);\n    const file = openSync(inFolder(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);",
    to: "const file = openSync(inFolder(folder, name), O_RDONLY | O_NONBLOCK);",
    opens: ["agentfiles-link-reader", "cp-changing"],
    holds: ["agentfiles-fifo", "agentfiles-path"],
  },
];
