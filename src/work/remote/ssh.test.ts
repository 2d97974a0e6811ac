import { existsSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SshServer } from "../../../test/lib/ssh-server.ts";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";
import { parseAddress, type SshParts } from "../../wire/remote.ts";
import type { RepoSettings } from "../../wire/work.ts";
import { readAdvertised } from "./advertisement.ts";
import { quoted, sshServer } from "./ssh.ts";

let server: SshServer;
beforeEach(async () => {
  server = await new SshServer().start();
});
afterEach(() => server.stop());

const NET = { resolve: async () => ["127.0.0.1"], isPublic: (address: string) => !address.startsWith("127.") };

describe("a repository behind OpenSSH", () => {
  let system: TestSystem;
  beforeEach(async () => {
    system = await openTestSystem({ net: NET });
    await system.work.start();
  });
  afterEach(async () => {
    await system.work.pushes.idle();
    expect(system.unexpected).toEqual([]);
    await system.close();
  });

  const add = (
    settings: Partial<RepoSettings> = {},
    remote: Partial<Parameters<TestSystem["work"]["upstreams"]["addRemote"]>[1]> = {},
  ) =>
    system.work.upstreams.addRemote(
      "web",
      { address: server.address, private: true, key: server.key.private, hostKey: server.hostKey, ...remote },
      settings,
    );
  const view = () => system.work.repositories.view(system.work.repositories.get("web"));
  const fetch = () => system.work.upstreams.fetch("web");

  test("its host key is shown first; then branches come, follow forward, and a push arrives", async () => {
    const first = server.commit("a.txt", "one\n");
    server.git("tag", "-a", "-m", "v1", "v1.0", first);
    const { operator } = system;
    const shown = await system.callAs(operator, "repo_host_key", { address: server.address, private: true });
    expect(shown).toEqual({ key: server.hostKey });
    await add();
    const { repositories } = system.work;
    expect([...repositories.tips("web")]).toEqual([["main", first]]);
    expect([...repositories.tags("web").keys()]).toEqual(["v1.0"]);
    expect(view().remote).toMatchObject({
      credential: "key",
      public_key: server.key.public.split(" ").slice(0, 2).join(" "),
      host_key: server.hostKey,
      private_address: "127.0.0.1",
    });
    const second = server.commit("b.txt", "two\n");
    expect(await fetch()).toEqual({ moved: [{ base: "main", from: first, to: second }], diverged: [], gone: [] });
    expect(await fetch()).toEqual({ moved: [], diverged: [], gone: [] });
  });

  test("another host key stops everything until the operator trusts it", async () => {
    server.commit("a.txt", "one\n");
    await add();
    const before = server.hostKey;
    server.changeHostKey();
    const { operator } = system;
    const words = `shows the host key ${server.hostKey.fingerprint} (ssh-ed25519), and you have confirmed ${before.fingerprint}`;
    await expect(fetch()).rejects.toThrow(words);
    expect(view().remote?.failed).toContain("repo trust web");
    const asked = await system.callAs(operator, "repo_host_key", { name: "web" });
    expect(asked).toEqual({ key: server.hostKey, known: before });
    await system.callAs(operator, "repo_trust", { name: "web", host_key: asked.key });
    expect(await fetch()).toMatchObject({ diverged: [] });
    expect(view().remote).toMatchObject({ host_key: server.hostKey });
    const [row] = system.system.store.ledger.audited({ kind: "repo_trusted", before: Number.MAX_SAFE_INTEGER, limit: 9 });
    expect(JSON.parse(row?.detail ?? "{}")).toEqual({
      repo: "web",
      host_key: server.hostKey.fingerprint,
      before: before.fingerprint,
    });
    // Also one of another type.
    server.changeHostKey("-t", "ecdsa");
    await expect(fetch()).rejects.toThrow(`shows the host key ${server.hostKey.fingerprint} (ecdsa-sha2-nistp256)`);
  });

  test("a host whose key was not confirmed gets no log-in", async () => {
    server.commit("a.txt", "one\n");
    const other = { type: "ssh-ed25519" as const, fingerprint: `SHA256:${"A".repeat(43)}` };
    await expect(add({}, { hostKey: other })).rejects.toThrow("you have confirmed SHA256:AAA");
    await expect(add({}, { hostKey: undefined })).rejects.toThrow("needs the key of its host: --host-key");
    expect(system.work.repositories.find("web")).toBeUndefined();
  });

  test("a key that the host does not know, no key, and keys that cannot be used say what to do", async () => {
    server.commit("a.txt", "one\n");
    const other = server.pair("other");
    await expect(add({}, { key: other.private })).rejects.toThrow(`refuses the key for the user ${server.user}`);
    await expect(add({}, { key: undefined })).rejects.toThrow("asks for a key");
    await expect(add({}, { key: server.pair("locked", "-N", "a passphrase").private })).rejects.toThrow("has a passphrase");
    await expect(add({}, { key: server.pair("rsa", "-t", "rsa", "-b", "2048").private })).rejects.toThrow("ssh-rsa is not used");
    await expect(add({}, { key: undefined, token: "t" })).rejects.toThrow("takes no token");
    await expect(add({}, { address: "https://127.0.0.1/o/r", hostKey: undefined })).rejects.toThrow("takes no key");
    expect(existsSync(system.paths.credentials) ? readdirSync(system.paths.credentials) : []).toEqual([]);
    await add();
    server.authorize(other.public);
    await expect(fetch()).rejects.toThrow("refuses the key");
    await system.callAs(system.operator, "repo_login", { name: "web", key: other.private });
    expect(await fetch()).toMatchObject({ moved: [] });
  });

  test("the hive's own key is made once, and stays until the host knows it", async () => {
    server.commit("a.txt", "one\n");
    const input = { name: "web", address: server.address };
    const { public_key: key } = await system.callAs(system.operator, "repo_new_key", input);
    expect(key).toMatch(/^ssh-ed25519 \S+ hive-web$/);
    const adding = add({}, { key: undefined, isOwnKey: true });
    const another = { name: "web", address: "ssh://git@another.example/team/web.git" };
    // It would replace the key that is shown to the host at this moment.
    await expect(system.callAs(system.operator, "repo_new_key", another)).rejects.toThrow("web is being added");
    await expect(adding).rejects.toThrow("refuses the key");
    expect(await system.callAs(system.operator, "repo_new_key", input)).toEqual({ public_key: key });
    server.authorize(key);
    await add({}, { key: undefined, isOwnKey: true });
    expect(view().remote).toMatchObject({ credential: "key", public_key: key });
    expect(statSync(`${system.paths.credentials}/web.json`).mode & 0o777).toBe(0o600);
  });

  test("the key is in one file of the daemon's user, and in no process, view, database or backup", async () => {
    server.commit("a.txt", "one\n");
    const { secret: line } = server.key;
    // Searched while the hive pushes.
    const words = join(server.folder, "words");
    writeFileSync(words, line);
    server.hook(
      "pre-receive",
      `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | grep -aFc -f ${words} > ${server.folder}/found; exit 0`,
    );
    await add({ push: "after-merge" });
    const { repositories, pushes } = system.work;
    const tip = repositories.tip("web", "main") ?? "";
    const { git } = await import("../../os/git/git.ts");
    const own = ["-c", "user.name=t", "-c", "user.email=t@hive.invalid"];
    const made = await git(repositories.folder("web"), [...own, "commit-tree", `${tip}^{tree}`, "-p", tip, "-m", "ours"]);
    const sha = made.toString().trim();
    await repositories.moveBase("web", "main", sha, tip);
    await pushes.idle();
    expect(server.tip()).toBe(sha);
    expect(readFileSync(join(server.folder, "found"), "utf8")).toBe("0\n");
    expect(JSON.stringify(view())).not.toContain(line);
    const backup = join(system.paths.state, "..", "backup");
    await system.backups.take(backup, new AbortController().signal, () => {});
    const inside = (folder: string): string[] =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((file) => readFileSync(file).includes(line));
    expect(inside(backup)).toEqual([]);
    expect(inside(system.paths.state)).toEqual([join(system.paths.credentials, "web.json")]);
  });

  test("a private address is refused unless the operator allows it", async () => {
    server.commit("a.txt", "one\n");
    await expect(add({}, { private: false })).rejects.toThrow("has a private address: add the repository with --private");
    await expect(system.callAs(system.operator, "repo_host_key", { address: server.address, private: false })).rejects.toThrow(
      "has a private address",
    );
    expect(server.connections).toBe(0);
  });

  test("a host that says nothing is given up with its caller, and one that is no ssh server is named", async () => {
    server.commit("a.txt", "one\n");
    await add();
    const asked = Promise.withResolvers<void>();
    server.insteadOfSsh = () => (asked.resolve(), true);
    const caller = new AbortController();
    const fetched = system.work.upstreams.fetch("web", { signal: caller.signal });
    await asked.promise;
    caller.abort(new Error("given up"));
    await expect(fetched).rejects.toThrow("given up");
    server.insteadOfSsh = (socket) => (socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"), true);
    await expect(fetch()).rejects.toThrow(/the connection to ssh:.* broke|closed the connection/);
  });

  test("a repository that is not there is named with what the host says", async () => {
    await expect(add({}, { address: server.addressOf("/nowhere/web.git") })).rejects.toThrow(
      /lists no refs \(.*'\/nowhere\/web\.git' does not appear to be a git repository/,
    );
  });
});

test("a path is one word for the shell of the server, whatever it has", async () => {
  const first = server.commit("a.txt", "one\n");
  const path = join(server.folder, 'it\'s $(touch x) `y`; "z"!.git');
  renameSync(server.bare, path);
  const open = sshServer({
    address: "the server",
    parts: { ...(parseAddress(server.address) as SshParts), path },
    pinned: "127.0.0.1",
    net: NET,
    hostKey: server.hostKey,
    privateKey: server.key.private,
    changed: () => new Error("changed") as never,
  });
  const conversation = await open.open("git-upload-pack", new AbortController().signal);
  conversation.close();
  expect(readAdvertised("the server", conversation.advertised).refs.get("refs/heads/main")).toBe(first);
  expect(quoted("a'b!")).toBe("'a'\\''b'\\!''");
});

describe("with merges that are pushed", () => {
  let work: TestWork;
  let first: string;
  beforeEach(async () => {
    first = server.commit("a.txt", "one\n");
    work = await openTestWork({
      settings: { push: "after-merge" },
      remote: { address: server.address, private: true, key: server.key.private, hostKey: server.hostKey },
    });
    await work.queue.start();
  });
  afterEach(() => work.close());

  test("a merge is on the host, whole, before the hive says that it is merged", async () => {
    const theirs = server.commit("c.txt", "theirs\n");
    const id = await work.queued(work.commit(first, { "b.txt": "two\n" }));
    await work.queue.idle();
    expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: server.tip(), candidate_base: theirs });
    expect(server.git("fsck", "--strict", "--full")).toBe("");
    expect(work.unexpected).toEqual([]);
  });

  test("what the host refuses ends as a failed push with its words", async () => {
    server.hook("pre-receive", "echo 'main is protected' >&2; exit 1");
    const id = await work.queued(work.commit(first, { "b.txt": "two\n" }));
    await work.queue.idle();
    expect(work.row(id)).toMatchObject({
      state: "push_failed",
      reason: expect.stringMatching(/pre-receive hook declined \(.*main is protected/) as string,
    });
    expect([work.tip(), server.tip()]).toEqual([first, first]);
  });

  test("a connection that breaks during a push leaves nothing unknown", async () => {
    const mark = join(server.folder, "broken");
    const toSshd = "p=$PPID; until grep -q ^sshd /proc/$p/comm; do p=$(sed -n 's/^PPid:[^0-9]*//p' /proc/$p/status); done";
    server.hook("pre-receive", `[ -e ${mark} ] && exit 0; touch ${mark}; ${toSshd}; kill -9 $p; exit 1`);
    const id = await work.queued(work.commit(first, { "b.txt": "two\n" }));
    await expect.poll(() => existsSync(mark)).toBe(true);
    await work.queue.idle();
    work.queue.kickAll("web");
    await expect.poll(() => work.row(id).state, { timeout: 20_000 }).toBe("merged");
    expect(work.row(id).merged_sha).toBe(server.tip());
    expect(server.git("rev-list", "--count", "main")).toBe("3");
  });

  test("a host with another key keeps the change in its queue, with what to do", async () => {
    server.changeHostKey();
    const id = await work.queued(work.commit(first, { "b.txt": "two\n" }));
    await expect.poll(() => work.row(id).reason ?? work.repositories.get("web").holds["main"]?.reason).toMatch(/repo trust web/);
    expect([work.row(id).state, server.tip()]).toEqual(["queued", first]);
    await work.upstreams.trust("web", server.hostKey, "operator");
    await work.queue.resume("web", "main", "operator");
    work.queue.kickAll("web");
    await work.queue.idle();
    expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: server.tip() });
  });
});
