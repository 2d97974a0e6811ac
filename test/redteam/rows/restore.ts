import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { restore } from "../../../src/backup/restore.ts";
import { connectLines } from "../../../src/rpc/client.ts";
import type { Place } from "../outside/place.ts";
import type { OutsideRow } from "../row.ts";

/** Backups of hostile state, backups that were changed, and agents that are gone. */

type RestoreRow = OutsideRow<Place>;
const row = (id: string, attempt: string, barrier: string, refusal: RegExp, run: RestoreRow["run"]): RestoreRow => ({
  from: "socket",
  id,
  attempt,
  barrier,
  refusal,
  run,
});

/** A file of the operator that a backup must not contain. */
const PRIVATE = "a private file of the operator";

/** What a hostile agent leaves in its state, and a backup of it. */
interface Taken {
  backup: string;
  /** The agent's state below a restored state folder. */
  state: string;
  /** Exists if a name was taken as an option. */
  trace: string;
}

const once = <T>(make: (place: Place) => Promise<T>): ((place: Place) => Promise<T>) => {
  const made = new WeakMap<Place, Promise<T>>();
  return (place) => {
    const known = made.get(place) ?? make(place);
    made.set(place, known);
    return known;
  };
};

const taken = once(async (place): Promise<Taken> => {
  const { hive } = place;
  const secret = join(hive.folder, "private.txt");
  writeFileSync(secret, PRIVATE);
  const agent = await hive.folderOf("ada");
  const state = join(agent, "state");
  const trace = join(hive.folder, "trace");
  symlinkSync(secret, join(state, "a-link"));
  symlinkSync("/etc", join(state, "etc"));
  for (const name of [
    `--checkpoint=1`,
    `--checkpoint-action=exec=touch ${trace.replaceAll("/", "\\057")}`,
    "-rf",
    "new\nline",
    "\u202Egpj",
    "a".repeat(255),
    "*",
    "$(id)",
  ])
    writeFileSync(join(state, name), "x");
  execFileSync("mkfifo", [join(state, "a-pipe")]);
  const backup = join(hive.folder, "of-hostile-state");
  const client = await connectLines(hive.socket, { ordered: true });
  for await (const { backup: end } of client.stream("backup", { to: backup })) if (end) break;
  return { backup, state: join("agents", agent.slice(agent.lastIndexOf("/") + 1), "state"), trace };
});

/** Restores a copy of the backup after a change. Returns the restored state folder; it is gone at the end of `look`. */
async function restored(
  place: Place,
  change: (backup: string, top: string) => void,
  look: (state: string, top: string, about: Taken) => string,
): Promise<string> {
  const about = await taken(place);
  const top = mkdtempSync(join(tmpdir(), "restore-"));
  try {
    const backup = join(top, "backup");
    cpSync(about.backup, backup, { recursive: true });
    change(backup, top);
    const state = join(top, "deep", "state");
    mkdirSync(join(top, "deep"));
    await restore({ backup, state, mayPutAside: () => Promise.resolve(), tell() {} });
    return look(state, top, about);
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
}

interface Manifest {
  agents: { id: string }[];
  parts: { file: string; bytes: number; sha256: string }[];
}
/** Changes the manifest of a backup, which then describes its parts as they are. */
function rewrite(backup: string, change: (manifest: Manifest) => void = () => {}): void {
  const file = join(backup, "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
  for (const part of manifest.parts) {
    const bytes = readFileSync(join(backup, part.file));
    part.bytes = bytes.length;
    part.sha256 = createHash("sha256").update(bytes).digest("hex");
  }
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

const backups: readonly RestoreRow[] = [
  row(
    "restore-link",
    "have a backup follow a link to a file of the operator",
    "links are stored as links",
    /a link is still a link/,
    (place) =>
      restored(
        place,
        () => {},
        (state, _, { backup, state: own }) => {
          if (readdirSync(backup).some((name) => readFileSync(join(backup, name)).includes(PRIVATE)))
            return "the file is in the backup";
          const isLink = ["a-link", "etc"].every((name) => lstatSync(join(state, own, name)).isSymbolicLink());
          if (!isLink) return "a link has become a file";
          throw new Error("a link is still a link");
        },
      ),
  ),
  row(
    "restore-names",
    "have a name of a file taken as an option of a program",
    "names are passed as data",
    /every name is restored/,
    (place) =>
      restored(
        place,
        () => {},
        (state, _, { trace, state: own }) => {
          if (existsSync(trace)) return "a program was run";
          const names = readdirSync(join(state, own));
          const missing = ["-rf", "new\nline", "\u202Egpj", "*", "$(id)", "a-pipe"].filter((name) => !names.includes(name));
          return missing.length > 0
            ? `not restored: ${missing.join(" ")}`
            : thrown("every name is restored, and no program was run");
        },
      ),
  ),
  row(
    "restore-changed",
    "restore a backup of which a byte was changed",
    "the digests of the manifest",
    /is not what was written/,
    (place) =>
      restored(
        place,
        (backup) => appendFileSync(join(backup, "agents.tar"), "x"),
        () => "it is restored",
      ),
  ),
  row(
    "restore-outside",
    "write outside of the state folder by names and links of an archive",
    "nothing is unpacked outside of the folder",
    /could not unpack|nothing outside/,
    (place) =>
      restored(
        place,
        (backup, top) => {
          const evil = join(top, "evil");
          mkdirSync(join(evil, "agents"), { recursive: true });
          symlinkSync(join(top, "hit-by-link"), join(evil, "agents", "link"));
          mkdirSync(join(top, "hit-by-link"));
          writeFileSync(join(evil, "x"), "x");
          const tar = join(backup, "agents.tar");
          execFileSync("tar", ["-cPf", tar, "-C", evil, "agents/link", "--transform=s,^x$,../../../hit-by-name,", "x"]);
          execFileSync("tar", ["-rPf", tar, "-C", evil, "--transform=s,^x$,agents/link/hit,", "x"]);
          execFileSync("tar", ["-rPf", tar, "-C", evil, `--transform=s,^x$,${top}/hit-absolute,`, "x"]);
          rewrite(backup);
        },
        (_, top) => outside(top),
      ),
  ),
  row(
    "restore-id",
    "make a folder outside of the state folder by the id of an agent",
    "the schema of the manifest",
    /does not fit: .*not an agent's id/,
    (place) =>
      restored(
        place,
        (backup) =>
          rewrite(backup, (manifest) => {
            for (const agent of manifest.agents) agent.id = "../../../hit-by-id";
          }),
        (_, top) => outside(top),
      ),
  ),
  row("restore-part", "restore a file from outside of the backup", "the schema of the manifest", /does not fit/, (place) =>
    restored(
      place,
      (backup, top) => {
        rewrite(backup, (manifest) => {
          for (const part of manifest.parts) if (part.file === "agents.tar") part.file = "../outside.tar";
        });
        renameSync(join(backup, "agents.tar"), join(top, "outside.tar"));
      },
      () => "it is restored",
    ),
  ),
  row(
    "restore-database",
    "restore something else as the database",
    "the check of the database",
    /database|file is not/,
    (place) =>
      restored(
        place,
        (backup) => {
          writeFileSync(join(backup, "hive.db"), "not a database".repeat(1_000));
          rewrite(backup);
        },
        () => "it is restored",
      ),
  ),
  row(
    "restore-running",
    "restore over a hive that runs",
    "the lock of the state folder",
    /another hive-c0re runs/,
    async (place) => {
      const { backup } = await taken(place);
      await restore({ backup, state: place.hive.stateDir, mayPutAside: () => Promise.resolve(), tell() {} });
      return "it is restored";
    },
  ),
];

const thrown = (words: string): never => {
  throw new Error(words);
};
function outside(top: string): string {
  const hits = ["hit-by-name", "hit-by-id", "hit-absolute", "deep/hit-by-name", "deep/hit-by-id"].filter((name) =>
    existsSync(join(top, name)),
  );
  if (existsSync(join(top, "hit-by-link")) && readdirSync(join(top, "hit-by-link")).length > 0) hits.push("hit-by-link");
  return hits.length > 0 ? hits.join(" ") : thrown("nothing outside was written");
}

const NAME = "mole";
const MAIL = "for the first of its name alone";

/** An agent that was destroyed and purged, and another one with its name. */
const successor = once(async (place) => {
  const { hive } = place;
  await hive.call("spawn", { name: NAME });
  await hive.untilAgent(NAME, (agent) => agent.state === "idle");
  const folder = await hive.folderOf(NAME);
  await hive.call("stop", { scope: { agent_names: [NAME] }, graceful: false });
  await hive.call("send", { to: NAME, body: MAIL });
  const held = connect(hive.agentSocket(NAME));
  const client = await connectLines(hive.agentSocket(NAME));
  const asked = await client.call("ask_operator", { question: "who am I?" });
  client.close();
  writeFileSync(join(folder, "state", "notes.md"), "of the first");
  const isClosed = new Promise<string>((resolve) => {
    held.on("error", (error) => resolve(error.message));
    held.on("close", () => resolve("closed"));
  });
  await hive.call("destroy", { name: NAME, purge: true });
  const end = await Promise.race([isClosed, stillOpen(place)]);
  await hive.call("spawn", { name: NAME });
  await hive.untilAgent(NAME, (agent) => agent.state === "idle" && !agent.destroyed);
  return { folder, end, question: asked };
});
/** A call after which the connection would still be open. */
const stillOpen = async (place: Place): Promise<string> => {
  await place.hive.call("list", {});
  return "still open";
};

const lives: readonly RestoreRow[] = [
  row(
    "purge-folder",
    "leave files to a later agent of the same name",
    "a purge removes the folder; ids are never used again",
    /nothing is left/,
    async (place) => {
      const { folder } = await successor(place);
      const own = await place.hive.folderOf(NAME);
      if (existsSync(folder) || own === folder) return folder;
      const files = readdirSync(join(own, "state"));
      return files.includes("notes.md") ? "the notes are there" : thrown("nothing is left");
    },
  ),
  row(
    "purge-mail",
    "get the mail of an earlier agent of the same name",
    "mail is for an id",
    /the mail is not there|no turn is running/,
    async (place) => {
      await successor(place);
      const { messages } = await place.hive.call("messages", { agent: NAME, waiting: true });
      if (messages.some(({ body }) => body === MAIL)) return "it waits for the new one";
      const client = await connectLines(place.hive.agentSocket(NAME));
      try {
        const got = JSON.stringify(await client.call("recv", {}));
        return got.includes(MAIL) ? "the new one has it" : thrown("the mail is not there");
      } finally {
        client.close();
      }
    },
  ),
  row(
    "purge-connection",
    "act as a later agent over a connection to the socket of an earlier one",
    "a destroyed agent's connections end",
    /closed/,
    async (place) => {
      const { end } = await successor(place);
      return end === "closed" ? thrown("closed") : end;
    },
  ),
  row(
    "purge-question",
    "get the answer to a question of an earlier agent of the same name",
    "a question is of an id",
    /not_found|closed|is not open|no question|destroyed/,
    async (place) => {
      await successor(place);
      const { questions } = await place.hive.call("questions", {});
      const open = questions.find(({ agent, question }) => agent === NAME && question.includes("who am I?"));
      if (!open) throw new Error("the question is closed");
      await place.hive.call("answer", { id: open.id, text: "an answer for the first" });
      const { messages } = await place.hive.call("messages", { limit: 100 });
      return messages.some(({ body, to }) => to === NAME && body?.includes("an answer for the first"))
        ? "the new one has it"
        : thrown("no question");
    },
  ),
  row(
    "revive-name",
    "take the name of a destroyed agent whose state is kept",
    "a tombstone keeps the name",
    /was destroyed and its state is kept/,
    async (place) => {
      await successor(place);
      await place.hive.call("destroy", { name: NAME });
      try {
        await place.hive.call("spawn", { name: NAME });
        return "it is spawned";
      } finally {
        await place.hive.call("destroy", { name: NAME, purge: true });
      }
    },
  ),
];

export const restoreRows: readonly RestoreRow[] = [...backups, ...lives];
