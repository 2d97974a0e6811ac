import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { connectLines } from "../../../src/rpc/client.ts";
import { MAX_LINE_BYTES } from "../../../src/wire/limits.ts";
import { filesIn } from "../inside/secret.ts";
import { line } from "../outside/line.ts";
import { addPerson } from "../outside/people.ts";
import { KEY, type Place } from "../outside/place.ts";
import { attemptAs, STRANGER, type Attempt } from "../outside/user.ts";
import type { OutsideRow } from "../row.ts";

/** Other users of the machine, and hostile lines on the sockets of the operator and of an agent. */

type SocketRow = OutsideRow<Place>;
const DENIED = /Permission denied/;
const CLOSED = "the state folder is closed to others (0750)";
/** Started by a plain user, every cage acts as that user on the host. */
const SHARED =
  process.getuid?.() === 0
    ? {}
    : { contained: "started by a plain user, all cages share its uid; the mount namespace separates them" };

const row = (id: string, attempt: string, barrier: string, run: SocketRow["run"], refusal = DENIED): SocketRow => ({
  from: "socket",
  id: `user-${id}`,
  attempt,
  barrier,
  refusal,
  run,
});

/** Opens folders of the hive to every user while something is tried: the barriers behind them count alone. */
async function opened(folders: readonly string[], run: () => Promise<string>): Promise<string> {
  const modes = folders.map((folder) => statSync(folder).mode & 0o7777);
  for (const folder of folders) chmodSync(folder, 0o755);
  try {
    return await run();
  } finally {
    for (const [n, folder] of folders.entries()) chmodSync(folder, modes[n] ?? 0o750);
  }
}
const run = (place: Place): string => join(place.hive.stateDir, "run");
const outer = (place: Place): string[] => [place.hive.stateDir, run(place)];

/** Every attempt on every path, as one user. The first that succeeds is the result; the last refusal is the row's. */
async function nowhere(uid: number, attempts: readonly (readonly [Attempt, string])[]): Promise<string> {
  let words = "nothing was tried";
  for (const [attempt, path] of attempts) {
    try {
      return `${attempt} ${path}: ${await attemptAs(uid, attempt, path)}`;
    } catch (error) {
      words = error instanceof Error ? error.message : String(error);
      if (!DENIED.test(words)) return `${attempt} ${path} failed otherwise: ${words}`;
    }
  }
  throw new Error(words);
}

const SOCKETS = ["mcp.sock", "model.sock", "egress.sock", "git.sock"];
const socketsOf = (place: Place, name: string): (readonly [Attempt, string])[] =>
  SOCKETS.map((socket) => ["connect", join(run(place), name === "hm1nd" ? "manager" : `agents/${name}`, socket)]);
/** The files of the daemon itself. */
const own = (place: Place): (readonly [Attempt, string])[] => {
  const files = readdirSync(place.hive.stateDir).filter((name) => /^hive\.db|^daemon\.lo|^ballast/.test(name));
  return files.flatMap((name) =>
    (["read", "write"] as const).map((attempt) => [attempt, join(place.hive.stateDir, name)] as const),
  );
};
/** The uid as which an agent's cage runs on the host. */
async function uidOf(place: Place, name: string): Promise<number> {
  const { init } = await place.hive.cage(name);
  return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${init}/status`, "utf8"))?.[1]);
}

const others: readonly SocketRow[] = [
  row("host", "connect to the operator's socket", CLOSED, (place) => nowhere(STRANGER, [["connect", place.hive.socket]])),
  row("agents", "connect to the sockets of agents and of the manager", CLOSED, (place) =>
    nowhere(
      STRANGER,
      ["ada", "hm1nd"].flatMap((name) => socketsOf(place, name)),
    ),
  ),
  row("state", "list and read the state folder", CLOSED, (place) =>
    nowhere(STRANGER, [
      ["list", place.hive.stateDir],
      ["read", join(place.hive.stateDir, "hive.db")],
      ["list", run(place)],
    ]),
  ),
  row(
    "host-opened",
    "connect to the operator's socket, with the folders above it opened",
    "host.sock is for its group alone (0660)",
    (place) => opened(outer(place), () => nowhere(STRANGER, [["connect", place.hive.socket]])),
  ),
  row(
    "agents-opened",
    "connect to agents' sockets, with the state folder opened",
    "the folders of sockets are for their agents' groups",
    (place) =>
      opened(outer(place), () =>
        nowhere(
          STRANGER,
          ["ada", "hm1nd"].flatMap((name) => socketsOf(place, name)),
        ),
      ),
  ),
  row(
    "sockets-opened",
    "connect to agents' sockets, with every folder above them opened",
    "each socket is for its agent's group (0660)",
    (place) =>
      opened([...outer(place), join(run(place), "agents"), join(run(place), "agents/ada"), join(run(place), "manager")], () =>
        nowhere(
          STRANGER,
          ["ada", "hm1nd"].flatMap((name) => socketsOf(place, name)),
        ),
      ),
  ),
  row(
    "proxy-opened",
    "connect to the trusted proxy's socket, with the folders above it opened",
    "the socket is for the proxy's user alone (0600)",
    async (place) => {
      const { hive, socket } = await place.proxied();
      return opened([hive.folder, hive.stateDir, join(hive.stateDir, "run")], () => nowhere(STRANGER, [["connect", socket]]));
    },
  ),
  row(
    "operator-opened",
    "connect to an operator's socket, with every folder above it opened",
    "an operator's socket is its user's alone (0600)",
    async (place) => {
      const { socket } = await addPerson(place, "otto", "viewer");
      return opened([...outer(place), dirname(socket)], () => nowhere(STRANGER, [["connect", socket]]));
    },
  ),
  row(
    "database-opened",
    "read and write the database and the log, with the state folder opened",
    "the daemon's files are its user's alone",
    (place) => opened([place.hive.stateDir], () => nowhere(STRANGER, own(place))),
  ),
  row(
    "folders-opened",
    "list the folders of agents, repositories and checks, with the state folder opened",
    "these folders are closed to others (0750)",
    (place) =>
      opened([place.hive.stateDir], () =>
        nowhere(
          STRANGER,
          ["agents", "repos", "run", "checks", "builds", "changes", "runtime", "scratch", "secrets"].map((name) => [
            "list",
            join(place.hive.stateDir, name),
          ]),
        ),
      ),
  ),
  row(
    "secrets-opened",
    "list the store of secrets and read one, with every folder above it opened",
    "a secret's file is the daemon's alone (0600)",
    async (place) => {
      const store = join(place.hive.stateDir, "secrets");
      await place.hive.call("secret_set", { name: "OF_A_USER", value: "a-value-that-no-other-user-may-read" });
      return opened([place.hive.stateDir, store], () => nowhere(STRANGER, [["read", join(store, "OF_A_USER")]]));
    },
  ),
  row("backup", "read a backup", "a backup is its user's alone (0700)", async (place) => {
    const to = join(place.hive.folder, "backup");
    // On a connection of its own: the end of a stream closes it.
    const client = await connectLines(place.hive.socket, { ordered: true });
    for await (const { backup } of client.stream("backup", { to })) if (backup) break;
    return nowhere(STRANGER, [["list", to], ...readdirSync(to).map((name) => ["read", join(to, name)] as const)]);
  }),
  row(
    "environment",
    "read the environment and the memory of the daemon, where the credential is",
    "the kernel's rules for processes",
    (place) =>
      nowhere(STRANGER, [
        ["read", `/proc/${place.hive.pid}/environ`],
        // Its maps have a mode that allows more than the kernel does.
        ["read", `/proc/${place.hive.pid}/mem`],
        ["list", `/proc/${place.hive.pid}/fd`],
      ]),
  ),
  row(
    "command-line",
    "find the credential in a command line of the hive",
    "credentials are in no command line",
    async () => {
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        let words = "";
        try {
          words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        } catch {
          // It has ended.
        }
        if (words.includes(KEY)) return `in the command line of ${words.slice(0, 40)}`;
      }
      throw new Error("the credential is in no command line");
    },
    /in no command line/,
  ),
  row(
    "credential",
    "find the credential in a file that others may read, with every folder opened",
    "the credential is in no file",
    async (place) => {
      const found = [...filesIn(place.hive.stateDir)].filter((file) => readFileSync(file).includes(KEY));
      if (found.length > 0) return found.join(" ");
      throw new Error("the credential is in no file");
    },
    /in no file/,
  ),
  {
    ...row(
      "agent-host",
      "connect to the operator's socket as an agent's user, with the folders above it opened",
      "host.sock is for its group alone (0660)",
      async (place) => {
        const uid = await uidOf(place, "ada");
        return opened(outer(place), () => nowhere(uid, [["connect", place.hive.socket], ...own(place)]));
      },
    ),
    ...SHARED,
  },
  {
    ...row(
      "agent-other",
      "connect to another agent's sockets as an agent's user, with the folders above them opened",
      "each agent has a group of its own",
      async (place) => {
        const uid = await uidOf(place, "ada");
        const eve = await place.hive.folderOf("eve");
        return opened([...outer(place), join(run(place), "agents"), join(place.hive.stateDir, "agents"), eve], () =>
          nowhere(uid, [
            ...["eve", "hm1nd"].flatMap((name) => socketsOf(place, name)),
            ...["state", "work", "claude"].flatMap(
              (name) =>
                [
                  ["list", join(eve, name)],
                  ["write", join(eve, name, "x")],
                ] as const,
            ),
          ]),
        );
      },
    ),
    ...SHARED,
  },
];

/** Lines, each with the words of its refusal. `I` stands for the number of the call, which host.sock does not have. */
const LINES: readonly (readonly [id: string, attempt: string, refusal: RegExp, parts: readonly (string | Buffer)[]])[] = [
  [
    "keys-twice",
    "name a key twice",
    /bad_request: the key .*appears twice/,
    ['{"cmd":"send","to":"eve","to":"ada","body":"x"I}\n'],
  ],
  [
    "nesting",
    "nest lists without end",
    /bad_request: nested deeper/,
    [`{"cmd":"send","to":"eve","body":${"[".repeat(100_000)}I}\n`],
  ],
  [
    "large",
    "write a line of 64 MiB without an end",
    /too_large/,
    Array.from({ length: 64 }, () => Buffer.alloc(1024 * 1024, "y")),
  ],
  [
    "over",
    "write a line one byte over the limit",
    /too_large/,
    [`{"cmd":"send","to":"eve","body":"${"x".repeat(MAX_LINE_BYTES)}"I}\n`],
  ],
  [
    "values",
    "write a line of very many values",
    /too_large: a request has at most/,
    [`{"cmd":"send","x":[${"0,".repeat(200_000)}0]I}\n`],
  ],
  ["nul", "write NUL bytes in place of a line", /bad_request/, ["\0\0\0\0\n"]],
  [
    "nul-name",
    "put NUL into a name",
    /bad_request|not_found: there is no recipient/,
    ['{"cmd":"send","to":"eve\\u0000","body":"x"I}\n'],
  ],
  ["prototype", "call what every object has", /bad_request: unknown cmd/, ['{"cmd":"__proto__"I}\n']],
  ["prototype-field", "set the prototype of a request", /bad_request/, ['{"cmd":"send","__proto__":{"to":"eve","body":"x"}I}\n']],
  [
    "encoding",
    "write bytes that are not UTF-8",
    /bad_request: a line is UTF-8/,
    [Buffer.from('{"cmd":"send","to":"eve","body":"'), Buffer.from([0xff, 0xfe]), '"I}\n'],
  ],
  ["surrogate", "send half a character", /bad_request/, ['{"cmd":"send","to":"eve","body":"a\\ud800b"I}\n']],
  ["type", "send a list in place of a text", /bad_request/, ['{"cmd":"send","to":["eve"],"body":{"x":1}I}\n']],
];
const sockets = [
  ["host", "the operator's socket", (place: Place): string => place.hive.socket, ""],
  ["agent", "an agent's socket", (place: Place): string => place.hive.agentSocket("ada"), ',"id":1'],
] as const;

const lines: readonly SocketRow[] = sockets.flatMap(([name, words, path, id]) =>
  LINES.map(([what, attempt, refusal, parts]): SocketRow => ({
    from: "socket",
    id: `line-${name}-${what}`,
    attempt: `${attempt}, on ${words}`,
    barrier: "the parser of lines",
    refusal,
    async run(place) {
      const end = await line(
        path(place),
        parts.map((part) => (typeof part === "string" ? part.replace(/I\}\n$/, `${id}}\n`) : part)),
      ).catch((error: unknown) => error);
      // A refusal counts only if the hive goes on.
      await place.checkWell();
      if (typeof end === "string") return end;
      throw end;
    },
  })),
);

/** Keeps the errors of connections that the hive cuts: the row asks on another one. */
const cuts: Error[] = [];
const noted = (error: Error): void => void cuts.push(error);

const crowds: readonly SocketRow[] = [
  {
    from: "socket",
    id: "line-agent-crowd",
    attempt: "take every connection of an agent's socket",
    barrier: "64 connections of an agent",
    refusal: /unavailable: more than 64 connections/,
    async run(place) {
      const taken = Array.from({ length: 80 }, () => connect(place.hive.agentSocket("eve")).on("error", noted));
      try {
        await place.checkWell();
        return await line(place.hive.agentSocket("eve"), ['{"cmd":"whoami","id":1}\n']);
      } finally {
        for (const socket of taken) socket.destroy();
      }
    },
  },
  {
    from: "socket",
    id: "line-half",
    attempt: "block the operator's socket with a line that never ends",
    barrier: "connections do not wait for each other",
    refusal: /the hive has answered others/,
    async run(place) {
      const silent = connect(place.hive.socket).on("error", noted);
      silent.write('{"cmd":"li');
      await place.checkWell();
      silent.destroy();
      throw new Error("the hive has answered others meanwhile");
    },
  },
];

export const socketRows: readonly SocketRow[] = [...others, ...lines, ...crowds];
