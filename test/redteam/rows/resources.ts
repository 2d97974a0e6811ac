import { spawn } from "node:child_process";
import { connect } from "node:net";
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { ask, type Answer } from "../inside/mcp.ts";
import { askModel, bodyWith } from "../inside/model.ts";
import { python, shell } from "../inside/run.ts";
import { cageRow, type CageRow } from "../row.ts";

/**
 * Using up what others need, in a cage with small limits (`flood` in world.ts). With each attempt the world sends to another
 * agent and waits for its turn.
 */

const CGROUP = "the cage's limits";
const MIB = 1024 * 1024;

/** After this time an attempt that is not read any more is held back. Milliseconds. */
const HELD_MS = 10_000;

const flood = cageRow("flood", "flood");
const row = (...args: Parameters<typeof flood>): CageRow => ({ ...flood(...args), alone: true });
const limited = (...args: Parameters<typeof row>): CageRow => ({ ...row(...args), needs: "limits" });

/** Connections that are opened at once: more than any socket of a cage takes. */
const CROWD = 200;

/** Opens many connections to a socket. Rejects once it has closed so many that only `most` are left. */
function crowd(path: string, most: number): Promise<string> {
  return new Promise((_, reject) => {
    const sockets = Array.from({ length: CROWD }, () => connect(path));
    let left = CROWD;
    let words = "";
    for (const socket of sockets) {
      socket.on("error", () => {}); // `close` counts it.
      socket.on("data", (chunk: Buffer) => (words ||= chunk.toString().trim().split("\n").at(-1) ?? ""));
      socket.on("close", () => {
        if (--left !== most) return;
        for (const one of sockets) one.destroy();
        reject(new Error(`${most} of ${CROWD} connections stay: ${words}`));
      });
    }
  });
}

/** Sends bytes to the socket of operations. Resolves with what comes back before it is closed. */
async function toSocket(write: (socket: ReturnType<typeof connect>) => void): Promise<string> {
  const socket = connect("/run/hive/mcp.sock");
  let text = "";
  socket.on("error", () => {}); // `close` follows.
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, "connect");
  write(socket);
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}

/** Calls an operation many times. Rejects with the first refusal. */
async function storm(times: number, one: (n: number) => object): Promise<string> {
  const answers = await ask(...Array.from({ length: times }, (_, n) => one(n)));
  const refused = answers.filter(({ ok }: Answer) => ok !== true);
  if (refused.length === 0) return `${times} calls were answered`;
  throw new Error(`${refused.length} of ${times} refused: ${JSON.stringify(refused[0]?.["error"])}`);
}

export const resourceRows: readonly CageRow[] = [
  limited("processes", "start processes without end", CGROUP, /EAGAIN/, () =>
    python(`
import signal
children = []
try:
    for n in range(1000):
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
        children.append(child)
finally:
    for child in children: os.kill(child, signal.SIGKILL)
return f'{len(children)} processes run'`),
  ),
  limited("memory", "take memory without end", CGROUP, /SIGKILL/, () =>
    python(`
open('/proc/self/oom_score_adj', 'w').write('1000')
taken = []
for n in range(64): taken.append(bytearray(64 * 1024 * 1024))
return 'it has four gigabytes'`),
  ),
  ...(["/tmp", "/dev/shm"] as const).map((folder) =>
    row(`files-in-memory${folder.replaceAll("/", "-")}`, `fill ${folder}`, "a size for files in memory", /ENOSPC/, async () => {
      const piece = Buffer.alloc(16 * MIB, 1);
      const files: string[] = [];
      try {
        for (let n = 0; n < 128; n++) {
          files.push(`${folder}/fill-${n}`);
          writeFileSync(`${folder}/fill-${n}`, piece);
        }
        return "it takes two gigabytes";
      } finally {
        for (const file of files) unlinkSync(file);
      }
    }),
  ),
  row("connections", "open connections to the hive without end", "64 connections", /of 200 connections stay/, () =>
    crowd("/run/hive/mcp.sock", 64),
  ),
  ...(
    [
      ["model", 64],
      ["egress", 64],
      ["git", 16],
    ] as const
  ).map(([name, most]) =>
    row(
      `connections-${name}`,
      `open connections to ${name}.sock without end`,
      "a bound of connections",
      /of 200 connections stay/,
      () => crowd(`/run/hive/${name}.sock`, most),
    ),
  ),
  row("long-line", "send a line without end", "2 MiB a line", /too_large/, async () => {
    const words = await toSocket((socket) => {
      const piece = Buffer.alloc(MIB, 0x61);
      for (let n = 0; n < 16; n++) socket.write(piece);
    });
    throw new Error(words);
  }),
  row("values", "send a line with very many values", "50,000 values a line", /values/, async () => {
    const [answer] = await ask({ cmd: "send", to: "operator", body: Array.from({ length: 100_000 }, () => 1) });
    throw new Error(JSON.stringify(answer));
  }),
  row("nesting", "send a line that is nested without end", "64 levels", /deeper/, async () => {
    const words = await toSocket((socket) => {
      socket.write(`{"id":1,"cmd":"whoami","x":${"[".repeat(5_000)}${"]".repeat(5_000)}}\n`);
      socket.end();
    });
    throw new Error(words);
  }),
  row(
    "answers",
    "ask without end and read no answer",
    "16 MiB of unread answers, and a tenth of the daemon's thread",
    /was (?:closed|held back) after/,
    async () => {
      const socket = connect("/run/hive/mcp.sock");
      let gone = false;
      socket.on("error", () => {}); // `close` follows.
      socket.on("close", () => (gone = true));
      socket.pause();
      const lines = '{"id":1,"cmd":"whoami"}\n'.repeat(1_000);
      let asked = 0;
      const more = (): void => {
        for (; asked < 400_000 && !gone; asked += 1_000) if (!socket.write(lines)) return void socket.once("drain", more);
      };
      socket.once("connect", more);
      const held = new Promise<void>((release) => setTimeout(release, HELD_MS));
      await Promise.race([new Promise<void>((resolve) => socket.once("close", resolve)), held]);
      if (asked >= 400_000) return `${asked} questions were taken`;
      const words = gone ? "closed" : "held back";
      socket.destroy();
      throw new Error(`the connection was ${words} after ${asked} questions`);
    },
  ),
  row("messages", "send messages without end", "50 messages a second", /too many messages/, () =>
    storm(1_000, (n) => ({ cmd: "send", to: "operator", body: `flood ${n}` })),
  ),
  row("long-message", "send a message that is too long", "256 KiB a message", /a message is at most/, () =>
    storm(1, () => ({ cmd: "send", to: "operator", body: "x".repeat(257 * 1024) })),
  ),
  row("own-inbox", "fill its own inbox", "the rate of its messages", /too many messages/, () =>
    storm(1_000, (n) => ({ cmd: "wake", from: "flood", body: `flood ${n}` })),
  ),
  row("questions", "ask the operator without end", "50 open questions", /questions/, () =>
    storm(100, (n) => ({ cmd: "ask_operator", question: `flood ${n}` })),
  ),
  row(
    "model-body",
    "send a body without end to the model",
    "32 MiB a request",
    /413|the connection was closed|EPIPE|ECONNRESET/,
    () => askModel(bodyWith({ system: "x".repeat(33 * MIB) })),
  ),
  {
    ...row("status", "change its status without end", "the page gets one state at a time", /^$/, () =>
      storm(5_000, (n) => ({ cmd: "set_status", text: `flood ${n}` })),
    ),
    contained: "nothing is kept but the last one",
  },
  {
    ...row("log", "write to its log past the harness", "the log's pipe is the daemon's", /EACCES/, async () => {
      const piece = `${"flood ".repeat(10_000)}\n`;
      let written = 0;
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("harness")) continue;
        for (; written < 16 * MIB; written += piece.length) writeFileSync(`/proc/${pid}/fd/2`, piece);
      }
      return `${written} bytes were written`;
    }),
    contained: "the daemon keeps the newest lines",
    async proof(world) {
      const bytes = await world.logBytes("flood");
      // Half a mebibyte of room for the lines that are in flight.
      if (bytes > 2.5 * MIB) throw new Error(`${bytes} bytes are kept`);
      return `${bytes} bytes are kept`;
    },
  },
  {
    ...row("processor", "use the processor without end", CGROUP, /^$/, async () => {
      await shell("for n in 1 2 3 4 5 6 7 8; do timeout 3 sh -c 'while :; do :; done' & done; wait");
      return "eight programs ran for three seconds";
    }),
    contained: "others take their turns meanwhile",
    proof: (world) => world.othersWords(),
  },
  {
    ...row("tool-output", "print without end from a tool", "256 KiB an event", /^$/, async () => "a later turn does"),
    contained: "the event is cut",
    async proof(world) {
      const chars = await world.shout("flood");
      if (chars > 256 * 1024) throw new Error(`an event has ${chars} characters`);
      return `the event has ${chars} characters`;
    },
  },
  {
    ...row("disk", "fill the disk with files and empty files", "disk_mib", /^$/, async () => {
      // The look at what a tool prints comes before: a stopped agent prints nothing.
      const fill = "head -c 70000000 /dev/zero > /state/fill; cd /state && seq 1000 | xargs touch; sleep 600";
      const script = `until [ -e /state/now ]; do sleep 0.1; done; ${fill}`;
      spawn("sh", ["-c", script], { detached: true, stdio: "ignore" }).unref();
      return "it begins once the attempts have ended";
    }),
    contained: "the agent is stopped",
    async proof(world) {
      await world.put("flood", "now");
      const { state_reason: why = "" } = await world.hive.untilAgent("flood", ({ state_reason }) =>
        /disk limit/.test(state_reason ?? ""),
      );
      return why;
    },
  },
];
