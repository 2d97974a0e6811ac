import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectLines } from "../../src/rpc/client.ts";
import { idMapsLack } from "../../src/os/id-map.ts";
import { isAgentUid, uidRange } from "../../src/platforms/uids.ts";
import { children, ownRecord, privileges, rightsTable } from "../lib/rights.ts";
import { hostUnit } from "../lib/nix.ts";
import { TestHive, commandLine, isRunning, until } from "../lib/hive.ts";

/** The daemon as a user of its own, as `npm start` starts it for root. */

const ROOT = join(import.meta.dirname, "../..");
const isRoot = process.getuid?.() === 0;
/** Changes a file of the owner that no other user may read, and makes one. Prints whose they are in the cage. */
const WRITE = "echo two >> /shared/notes && mkdir /shared/made && stat -c %u /shared/notes /shared/made | xargs";
const USER = `hive-t${process.pid}`;
let hive: TestHive;
const helper = (): string[] => [join(ROOT, "dist/hive-w4rden"), "start", "--user", USER, "--etc", join(hive.folder, "etc"), "--"];
/** The same, with the privileges of the service of NixOS. */
const service = (): string[] => {
  const unit = hostUnit();
  const bounding = String(unit.serviceConfig["CapabilityBoundingSet"]).toLowerCase().replaceAll("cap_", "+").replaceAll(" ", ",");
  const noNewPrivs = unit.serviceConfig["NoNewPrivileges"] === true ? ["--no-new-privs"] : [];
  return ["setpriv", ...noNewPrivs, "--bounding-set", `-all,${bounding}`, "--", ...helper()];
};
/** The daemon's process: the helper's only child. */
const daemon = (): number => children(hive.pid)[0] ?? 0;

beforeAll(() => {
  hive = new TestHive().play([
    {
      agents: ["hm1nd"],
      when: { from: "operator", text: "^read" },
      steps: [
        { tools: [{ name: "Bash", input: { command: "cat /notes/hello", description: "read" } }], capture: { said: "(.+)" } },
        { tools: [{ name: "send", input: { to: "operator", body: "read {{said}}" } }] },
        { say: "done" },
      ],
    },
    {
      agents: ["hm1nd"],
      when: { from: "operator", text: "^write" },
      steps: [
        { tools: [{ name: "Bash", input: { command: WRITE, description: "write" } }], capture: { said: "(.+)" } },
        { tools: [{ name: "send", input: { to: "operator", body: "wrote {{said}}" } }] },
        { say: "done" },
      ],
    },
    { when: { text: "." }, steps: [{ tools: [{ name: "send", input: { to: "operator", body: "hello" } }] }, { say: "done" }] },
  ]);
  // The daemon's user has to reach the state folder.
  chmodSync(hive.folder, 0o755);
});
afterAll(async () => {
  await hive.stop({ atOnce: true });
  rmSync(hive.folder, { recursive: true, force: true });
  if (isRoot) execFileSync("userdel", [USER]);
});

test("root starts the daemon as a user of its own, and each process has the documented rights", async () => {
  if (!isRoot) {
    await expect(hive.start({ by: helper() })).rejects.toThrow(/unshare|only root can start it/);
    return;
  }
  await hive.start({ by: helper() });
  expect(hive.output).not.toContain("note:");
  const own = (what: string): number => Number(execFileSync("id", [what, USER], { encoding: "utf8" }));
  expect(own("-u")).toBeGreaterThan(0);
  expect(statSync(hive.stateDir)).toMatchObject({ uid: own("-u"), gid: own("-g") });

  // A cage, and a turn in it.
  const { sent } = await hive.call("send", { to: "hm1nd", body: "hello" });
  await hive.untilMessage((message) => message.from === "hm1nd" && message.in_reply_to === sent[0]?.id);
  const cage = await hive.cage("hm1nd");

  const { hive_id } = ownRecord(join(hive.folder, "etc"));
  const { first, count } = uidRange(hive_id);
  const names = new Map([
    [0, "root"],
    [own("-u"), "hyperhive"],
  ]);
  const seen = (pid: number) => {
    const { uid, capabilities, noNewPrivs, map } = privileges(pid);
    const isOwn =
      map.length === 2 && map[0]?.join(" ") === `0 ${own("-u")} 1` && map[1]?.join(" ") === `${first} ${first} ${count}`;
    return {
      user: names.get(uid) ?? (uid >= first && uid < first + count ? "the agent's" : `uid ${uid}`),
      capabilities,
      noNewPrivs,
      namespace: map[0]?.join(" ") === "0 0 4294967295" ? "the host's" : isOwn ? "the daemon's" : `a cage's (${map.length} uid)`,
    };
  };
  const launcher = children(daemon()).find((pid) => commandLine(pid).includes("hive-launch")) ?? 0;
  const bwrap = children(launcher).find((pid) => commandLine(pid).startsWith("bwrap")) ?? 0;
  const table = rightsTable(readFileSync(join(ROOT, "docs/security.md"), "utf8"));
  expect(seen(hive.pid)).toEqual(table.get("`hive-w4rden`"));
  expect(seen(daemon())).toEqual(table.get("`hive-c0re`, the daemon"));
  expect(seen(launcher)).toEqual(table.get("the launcher of a cage"));
  expect(seen(bwrap)).toEqual(table.get("bubblewrap around a cage"));
  for (const pid of cage.all().filter((one) => one !== cage.init))
    expect(seen(pid)).toEqual(table.get("a cage: harness, CLI, tools"));

  // Limits are those of groups that were delegated to the daemon's user.
  const group = (pid: number): string => readFileSync(`/proc/${pid}/cgroup`, "utf8");
  expect(group(daemon())).toMatch(/\/hyperhive-[0-9a-f]{8}\/daemon$/m);
  expect(group(cage.init)).toMatch(/\/hyperhive-([0-9a-f]{8})\/hive-\1-/m);
});

test("the files of an agent are read and written as the agent, by a daemon that is not root", async () => {
  if (!isRoot) return;
  const { upload } = await hive.call("upload_start", { name: "hm1nd", file: "a.txt", bytes: 5 });
  await hive.call("upload_piece", { upload, piece: Buffer.from("hello").toString("base64") });
  const { path } = await hive.call("upload_finish", { upload });
  expect((await hive.call("file_read", { name: "hm1nd", path })).file.text).toBe("hello");
  expect(isAgentUid(statSync(join(await hive.folderOf("hm1nd"), path)).uid)).toBe(true);
  const { entries } = await hive.call("file_list", { name: "hm1nd", path: "/state/inbox" });
  expect(entries).toMatchObject([{ kind: "file", bytes: 5 }]);
});

test("the next daemon takes over the cage of one that was killed, and the helper ends as its daemon did", async () => {
  if (!isRoot) return;
  const { init } = await hive.cage("hm1nd");
  const helperProcess = hive.process;
  process.kill(daemon(), "SIGKILL");
  await until(() => helperProcess.signalCode !== null || helperProcess.exitCode !== null);
  expect(helperProcess.signalCode).toBe("SIGKILL");

  // From here on as the service of NixOS, whose rights are enough for all that follows.
  await hive.start({ by: service() });
  await hive.untilAgent("hm1nd", (agent) => agent.state === "idle");
  expect((await hive.cage("hm1nd")).init).toBe(init);
  // It is of another user namespace than this daemon, and can be killed all the same.
  await hive.call("kill", { name: "hm1nd" });
  await until(() => !isRunning(init));
  await hive.call("start", { scope: { agent_names: ["hm1nd"] } });
  await hive.untilAgent("hm1nd", (agent) => agent.state === "idle" && agent.running);
  const { uid, capabilities, noNewPrivs } = privileges(hive.pid);
  const documented = rightsTable(readFileSync(join(ROOT, "docs/security.md"), "utf8")).get("`hive-w4rden` as a service of NixOS");
  expect(documented).toMatchObject({ user: uid === 0 ? "root" : `uid ${uid}`, capabilities, noNewPrivs });
  expect(readdirSync(join(hive.folder, "etc/hives"))).toHaveLength(1);
});

/** A folder of a person, which no other user can enter. */
const PERSON = { uid: 4242, gid: 4343 };
function closed(name: string): string {
  const folder = join(hive.folder, "closed", name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
const give = (): string =>
  execFileSync("chown", ["-R", `${PERSON.uid}:${PERSON.gid}`, join(hive.folder, "closed")], { encoding: "utf8" });

test("an agent has a folder that root lists, and the daemon cannot enter; another one is refused", async () => {
  if (!isRoot) return;
  const host = closed("notes");
  writeFileSync(join(host, "hello"), "from the host\n");
  give();
  chmodSync(join(hive.folder, "closed"), 0o700);
  const propose = () =>
    hive.call("propose", {
      agent: "hm1nd",
      files: [
        {
          path: "agent.json",
          mode: "100644",
          base64: Buffer.from(JSON.stringify({ mounts: [{ host, cage: "/notes", mode: "ro" }] })).toString("base64"),
        },
      ],
    });
  const list = join(hive.folder, "etc/mounts");
  expect((await propose()).refused).toContain(`root does not allow ${host} to be mounted: add a line with it`);
  writeFileSync(list, `# what agents may have\n${join(hive.folder, "closed")}\n`);
  const { request } = await propose();
  const { approval } = await hive.call("show", { id: request });
  await hive.call("approve", { id: request });
  await hive.untilAgent("hm1nd", (agent) => agent.deployed_sha === approval.sha?.slice(0, 12) && agent.deploying === undefined);
  await hive.call("send", { to: "hm1nd", body: "read" });
  await hive.untilMessage(({ from, body }) => from === "hm1nd" && body === "read from the host");
  // The cage keeps its mount; the helper and the daemon have none left.
  for (const pid of [hive.pid, daemon()]) expect(readFileSync(`/proc/${pid}/mountinfo`, "utf8")).not.toContain(host);
});

test("an agent writes as the owner in a folder that root lists, through an id map; or it is refused with what this host lacks", async () => {
  if (!isRoot) return;
  const host = closed("shared");
  writeFileSync(join(host, "notes"), "one\n", { mode: 0o600 });
  give();
  chmodSync(join(hive.folder, "closed"), 0o700);
  const base64 = Buffer.from(JSON.stringify({ mounts: [{ host, cage: "/shared", mode: "rw" }] })).toString("base64");
  writeFileSync(join(hive.folder, "etc/mounts"), `${join(hive.folder, "closed")}\n`);
  const { request, refused } = await hive.call("propose", {
    agent: "hm1nd",
    files: [{ path: "agent.json", mode: "100644", base64 }],
  });
  const lacks = await idMapsLack();
  if (lacks !== undefined) {
    expect(refused).toContain(lacks);
    return;
  }
  expect(refused).toBeUndefined();
  const { approval } = await hive.call("show", { id: request });
  const owner = `uid ${PERSON.uid}, gid ${PERSON.gid}`;
  expect(approval.risks.map(({ text }) => text).join("\n")).toContain(`through an id map: files it makes belong to ${owner}`);
  await hive.call("approve", { id: request });
  await hive.untilAgent("hm1nd", (agent) => agent.deployed_sha === approval.sha?.slice(0, 12) && agent.deploying === undefined);
  await hive.call("send", { to: "hm1nd", body: "write" });
  await hive.untilMessage(({ from, body }) => from === "hm1nd" && body === "wrote 1000 1000");
  for (const name of ["notes", "made"]) expect(statSync(join(host, name)), name).toMatchObject(PERSON);
  // With another owner than the approved one it is not bound: the agent does not start.
  chownSync(host, PERSON.uid + 1, PERSON.gid);
  await expect(hive.call("restart", { name: "hm1nd" })).rejects.toThrow(
    `the folder belongs to uid ${PERSON.uid + 1}, gid ${PERSON.gid}, and the approved mount is of ${owner}: give it back`,
  );
  chownSync(host, PERSON.uid, PERSON.gid);
  await hive.call("start", { scope: { agent_names: ["hm1nd"] } });
  await hive.untilAgent("hm1nd", ({ state }) => state === "idle");
});

test("an exported repository of a person is read as that person, and written on hive branches", async () => {
  if (!isRoot) return;
  const folder = closed("web");
  const git = (...argv: string[]): string =>
    execFileSync("git", ["-c", "safe.directory=*", "-c", "user.name=p", "-c", "user.email=p@hive.invalid", ...argv], {
      cwd: folder,
      encoding: "utf8",
    });
  git("init", "-q", "-b", "main");
  git("commit", "-q", "--allow-empty", "-m", "one");
  give();
  const add = async (nonce: string): Promise<string> => {
    const client = await connectLines(hive.socket, { ordered: true });
    for await (const { repo } of client.stream("repo_add", { name: "web", folder: join(folder, ".git"), nonce }))
      if (repo) return repo.name;
    return "";
  };
  const nonce = "0123456789abcdef0123456789abcdef";
  await expect(add(nonce)).rejects.toThrow(/is not exported to the hive/);
  writeFileSync(join(folder, ".git/hive-export"), `${nonce}\n`);
  await expect(add(nonce.replace("0", "1"))).rejects.toThrow(/is not exported to the hive/);
  expect(await add(nonce)).toBe("web");
  expect((await hive.call("repo", { name: "web" })).repo.bases.map(({ name }) => name)).toEqual(["main"]);

  await hive.call("repo_set", { name: "web", push: "after-merge" });
  await hive.call("repo_push", { name: "web", base: "main" });
  expect(git("rev-parse", "hive/main")).toBe(git("rev-parse", "main"));
  expect(statSync(join(folder, ".git/refs/heads/hive/main"))).toMatchObject(PERSON);
});

test("a hive that ran as root is moved once, after --dry-run has said so", async () => {
  if (!isRoot) return;
  await hive.stop({ atOnce: true });
  // As the daemon of an earlier version left it: everything but agents' folders is root's.
  const old = join(hive.folder, "old");
  const state = join(hive.folder, "new");
  await hive.start({ env: { HIVE_STATE_DIR: state } });
  await hive.stop({ atOnce: true });
  renameSync(state, old);
  const inode = statSync(join(old, "hive.db")).ino;

  const env = { ...hive.env, HIVE_STATE_DIR: state };
  const by = [...helper().slice(0, -1), "--old", old];
  const [program = "", ...argv] = by;
  const dry = execFileSync(program, [...argv, "--dry-run"], { env, encoding: "utf8" });
  expect(dry).toMatch(
    new RegExp(`^would move ${old} to ${state}\nwould give \\d+ files and folders of root in it to ${USER}; \\d+ of agents keep`),
  );
  expect(existsSync(state)).toBe(false);

  Object.assign(hive.env, { HIVE_STATE_DIR: state, HIVE_RUN_DIR: join(state, "run") });
  await hive.start({ by: [...by, "--"] });
  expect(hive.output).toContain(`hive-w4rden: move ${old} to ${state}\n`);
  expect(existsSync(old)).toBe(false);
  expect(statSync(join(state, "hive.db"))).toMatchObject({ ino: inode, uid: statSync(state).uid });
  await hive.untilAgent("hm1nd", (agent) => agent.state === "idle");
  expect(isAgentUid(statSync(join(await hive.folderOf("hm1nd"), "state")).uid)).toBe(true);
});
