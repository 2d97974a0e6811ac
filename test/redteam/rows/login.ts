import { spawn } from "node:child_process";
import { lstatSync, readdirSync, writeFileSync } from "node:fs";
import { connect as connectTls } from "node:tls";
import { connect } from "node:net";
import { join } from "node:path";
import { rawHttp, reach, throughProxy } from "../inside/net.ts";
import { python } from "../inside/run.ts";
import { secretIn } from "../inside/secret.ts";
import type { LoginPlace } from "../login-place.ts";
import { cageRow, type CageRow, type LoginBait } from "../row.ts";

/**
 * The cage in which the CLI logs in to the model, as a CLI that has been taken over sees it. It has a proxy to the hosts
 * of the preset `claude-login`, a terminal that the daemon reads, and nothing else.
 */

const NETWORK = "a network namespace with a loopback of its own";
const MOUNTS = "a mount namespace with nothing of the hive";
const PRESET = "the preset claude-login";
const ADDRESSES = "the proxy's check of every address";
const SOCKETS = "a folder of sockets of its own";
const REMOVED = "the cage and its files are removed";
const UNLISTED = /is not on this agent's egress list/;

/** How long a second terminal waits to be closed. Milliseconds. */
const ANSWER_MS = 3_000;
/** Processes of a log-in: several times what it has. A host has more. */
const MAX_PROCESSES = 30;

type LoginRow = CageRow<LoginPlace, LoginBait>;
const fromCage = cageRow<LoginPlace, LoginBait>("login", "login");

const tunnel = (to: string): Promise<string> => throughProxy([`CONNECT ${to} HTTP/1.1`, `Host: ${to}`, "Connection: close"]);

/** Asks the proxy for each of these. Rejects with the last refusal if all were refused in these words. */
async function eachRefused(hosts: readonly string[], refused: RegExp): Promise<string> {
  let words = "nothing was tried";
  for (const host of hosts) {
    words = await tunnel(host).catch((error: unknown) => (error as Error).message);
    if (!refused.test(words)) return `${host}: ${words}`;
  }
  throw new Error(words);
}

/** Names another host inside of a tunnel to one that is listed. Rejects with the alert of the proxy. */
function otherServerName(): Promise<string> {
  const proxy = new URL(process.env["HTTPS_PROXY"] ?? "");
  return new Promise((resolve, reject) => {
    const socket = connect(Number(proxy.port), proxy.hostname, () =>
      socket.write("CONNECT platform.claude.com:443 HTTP/1.1\r\nHost: platform.claude.com:443\r\n\r\n"),
    );
    socket.once("error", reject);
    socket.once("data", () => {
      const tls = connectTls({ socket, servername: "evil.example", rejectUnauthorized: false }, () => resolve("it was accepted"));
      tls.once("error", reject);
    });
  });
}

/** Connects as a second terminal. Rejects if the daemon closes the connection. */
function secondTerminal(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect("/run/hive/login.sock");
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed")));
    socket.setTimeout(ANSWER_MS, () => resolve("the daemon keeps a second terminal"));
  });
}

/** Paths of the host that must not exist here. */
const HOST: readonly [id: string, what: string, path: (bait: LoginBait) => string][] = [
  ["token-file", "the file with the token of an earlier log-in", ({ stateDir }) => join(stateDir, "model-login.json")],
  ["secrets-file", "the hive's store of secrets", ({ stateDir }) => join(stateDir, "secrets", "STORED")],
  ["database", "the hive's database", ({ stateDir }) => join(stateDir, "hive.db")],
  ["log", "the daemon's log", ({ stateDir }) => join(stateDir, "daemon.log")],
  ["host-socket", "the operator's socket", ({ stateDir }) => join(stateDir, "run", "host.sock")],
  ["manager-socket", "the manager's socket", ({ stateDir }) => join(stateDir, "run", "manager", "mcp.sock")],
  ["agent-socket", "an agent's socket", ({ stateDir }) => join(stateDir, "run", "agents", "victim", "mcp.sock")],
  ["agent-state", "the files of an agent", ({ stateDir, victim }) => join(stateDir, "agents", victim.id, "state")],
  ["agent-process", "an agent's process in /proc", ({ victim }) => `/proc/${victim.pid}/environ`],
  ["host-file", "a file of the operator", ({ hostFile }) => hostFile],
];

/** Addresses of other sites that a CLI could show to the operator. */
const OTHER_ADDRESSES = [
  "https://evil.example/oauth/authorize?1",
  "https://claude.ai.evil.example/oauth/authorize?2",
  "https://evil.example/claude.ai/oauth/authorize?3",
  "https://claude.ai@evil.example/oauth/authorize?4",
  "https://evil-claude.ai/oauth/authorize?5",
];

export const loginRows: readonly LoginRow[] = [
  {
    ...fromCage("listed", "connect to what the flow needs", PRESET, /^$/, async () => {
      await tunnel("platform.claude.com:443");
      return tunnel("api.anthropic.com:443");
    }),
    contained: "the flow needs these two hosts",
  },
  fromCage("unlisted", "connect to other hosts, also of the provider", PRESET, UNLISTED, () =>
    eachRefused(["claude.ai:443", "public.redteam.test:443", "evil.example:443", "x.platform.claude.com:443"], UNLISTED),
  ),
  fromCage(
    "unlisted-port",
    "connect to other ports of the provider",
    PRESET,
    /port 22 of .* is not on this agent's egress list/,
    () => eachRefused(["platform.claude.com:80", "api.anthropic.com:8443", "platform.claude.com:22"], UNLISTED),
  ),
  fromCage("clear", "carry something out in the clear", PRESET, UNLISTED, () =>
    throughProxy(["GET http://platform.claude.com/?secret HTTP/1.1", "Host: platform.claude.com", "Connection: close"]),
  ),
  fromCage(
    "server-name",
    "name another host inside of TLS",
    "the check of the TLS server name",
    /UNRECOGNIZED_NAME/,
    otherServerName,
  ),
  fromCage("proxy-loopback", "reach the machine through the proxy", ADDRESSES, /is a private address/, ({ host }) =>
    eachRefused([`127.0.0.1:${host.port}`, "[::1]:443", "169.254.169.254:443"], /is a private address/),
  ),
  fromCage("door", "call a door", "a proxy without doors", /names a whole http:\/\/ address/, () =>
    rawHttp("/run/hive/egress.sock", "GET /items/items/1 HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n"),
  ),
  ...[
    ["loopback", "a listener on the host's loopback", "127.0.0.1"],
    ["host-address", "a listener on the host's own address", undefined],
    ["internet", "an address of the Internet", "192.0.2.1"],
  ].map(([id = "", what = "", address]): LoginRow => ({
    ...fromCage(id, `connect to ${what}`, NETWORK, /ECONNREFUSED|ENETUNREACH|EHOSTUNREACH/, ({ host }) =>
      reach({ host: address ?? host.address, port: host.port }),
    ),
    proof({ host }) {
      if (host.reached.length > 0) throw new Error(host.reached.join(", "));
      return "nothing arrived at a listener of the host";
    },
  })),
  fromCage("dashboard", "connect to the dashboard", NETWORK, /ECONNREFUSED/, ({ dashboardPort }) =>
    reach({ host: "127.0.0.1", port: dashboardPort }),
  ),
  fromCage("abstract", "connect to an abstract socket of the host", NETWORK, /ECONNREFUSED/, ({ abstractName }) =>
    reach({ path: `\0${abstractName}` }),
  ),
  fromCage(
    "sockets",
    "find more sockets of the hive than the proxy and its terminal",
    SOCKETS,
    /egress\.sock login\.sock/,
    () => {
      const found = readdirSync("/run/hive").sort().join(" ");
      if (found === "egress.sock login.sock") throw new Error(found);
      return found;
    },
  ),
  fromCage("operations", "call the hive's operations", SOCKETS, /ENOENT/, () => reach({ path: "/run/hive/mcp.sock" })),
  fromCage("model", "ask the model with the credential of the hive", SOCKETS, /ENOENT/, () =>
    reach({ path: "/run/hive/model.sock" }),
  ),
  fromCage("git", "read repositories", SOCKETS, /ENOENT/, () => reach({ path: "/run/hive/git.sock" })),
  ...HOST.map(([id, what, path]): LoginRow => ({
    ...fromCage(id, `find ${what}`, MOUNTS, /ENOENT/, (bait) => {
      lstatSync(path(bait));
      return path(bait);
    }),
    proof(_, bait) {
      // A path that is nowhere would prove nothing.
      lstatSync(path(bait));
      return "it is there";
    },
  })),
  fromCage("processes", "see a process of the host", "a /proc of its own", /only processes of this cage/, () => {
    const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;
    if (all < MAX_PROCESSES) throw new Error(`only processes of this cage: ${all}`);
    return `${all} processes`;
  }),
  fromCage("userns", "create a user namespace", "the system-call filter", /EPERM/, () => python("call(272, 97, 0x10000000)")),
  fromCage("sockets-other", "open a socket of a virtual machine", "the system-call filter", /EAFNOSUPPORT/, () =>
    python("socket.socket(40, socket.SOCK_STREAM)"),
  ),
  fromCage("write-cli", "change the CLI that agents run", "read-only mounts", /EROFS/, () => {
    writeFileSync("/opt/hive/bin/claude", "evil");
    return "it was written";
  }),
  {
    ...fromCage(
      "token",
      "find the token of an earlier log-in, and a secret, in a file, an environment or the memory of a process",
      "only the daemon has them",
      /nothing in/,
      async (bait) => {
        const found = await Promise.all(
          (["secretBackwards", "doorSecretBackwards"] as const).map((which) =>
            secretIn(bait, which).catch((error: unknown) => error as Error),
          ),
        );
        const reached = found.find((one) => typeof one === "string");
        if (reached !== undefined) return reached;
        throw found[0] as Error;
      },
    ),
    alone: true,
    proof(place) {
      place.checkToken();
      return "the daemon has it";
    },
  },
  {
    ...fromCage("address", "show the operator an address of another site", "the list of the provider's sites", /^$/, () => {
      for (const one of OTHER_ADDRESSES) process.stdout.write(`\x1b]8;;${one}\x07open this\x1b]8;;\x07\r\n`);
      return `${OTHER_ADDRESSES.length} addresses were printed`;
    }),
    contained: "the operator is shown an address of the provider",
    proof({ shown }) {
      const url = new URL(shown);
      if (url.hostname !== "claude.ai" || url.search !== "?the-real-one") throw new Error(`the operator was shown ${shown}`);
      return shown;
    },
  },
  fromCage(
    "terminal",
    "speak to the daemon as a second terminal",
    "one connection to the terminal",
    /the connection was closed/,
    secondTerminal,
  ),
  {
    ...fromCage("token-unasked", "have the daemon keep a token without a code", "a token is taken after the code", /^$/, () => {
      process.stdout.write(`sk-ant-oat01-${"evil".repeat(12)}\r\n`);
      return "a token was printed";
    }),
    contained: "the daemon keeps the token that it had",
    proof(place) {
      place.checkToken();
      return "it is kept";
    },
  },
  {
    ...fromCage(
      "user",
      "be an agent, or another user of the host",
      "a uid that no agent has",
      /^$/,
      () => `uid ${process.getuid?.()}`,
    ),
    contained: "it is a user that owns nothing",
    async proof(place) {
      const { uids } = place;
      // As a plain user starts the hive, all cages are that user; namespaces separate them.
      const own = process.getuid?.() === 0 ? await place.loginUid() : process.getuid?.();
      if (uids.length === 0 || uids.some((uid) => uid !== own)) throw new Error(`it was ${uids.join(", ") || "no process"}`);
      return `uid ${own}`;
    },
  },
  {
    ...fromCage("outlive", "leave a process that outlives the log-in", "a pid namespace of its own", /^$/, ({ token }) => {
      spawn("/bin/sh", ["-c", `trap '' TERM HUP; while :; do sleep 1; done # ${token}`], {
        detached: true,
        stdio: "ignore",
      }).unref();
      return "it runs";
    }),
    contained: "it ends with the cage",
    proof(place, { token }) {
      const left = place.processesWith(token);
      if (left.length > 0) throw new Error(`${left.length} processes are left`);
      return "it has ended";
    },
  },
  {
    ...fromCage("plant", "leave something for the next log-in", REMOVED, /^$/, () => {
      for (const folder of ["/state", "/home/agent/.claude", "/work"]) writeFileSync(join(folder, "planted"), "evil");
      return "three files were written";
    }),
    contained: "nothing of it is left",
    proof(place) {
      place.checkGone();
      return "its files are gone";
    },
  },
];
