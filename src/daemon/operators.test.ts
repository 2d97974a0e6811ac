import { once } from "node:events";
import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { connectLines } from "../rpc/client.ts";
import type { OperatorRow } from "../store/operators.ts";
import { operationsOf } from "../wire/operations.ts";
import { includes, LEAST_ROLE, ROLES, type OperatorOperation, type Role } from "../wire/roles.ts";
import { webApp, type WebDeps } from "./http/app.ts";
import { surfaceOf } from "./http/serve.ts";
import { originsFor } from "./http/origin.ts";
import { Operators } from "./operators.ts";

const ME = userInfo().username;
const HOME = "http://127.0.0.1:7000";

let system: TestSystem;
let app: ReturnType<typeof webApp>;
beforeEach(async () => {
  system = await openTestSystem();
  const deps: Partial<WebDeps> = {
    ...surfaceOf(system.system),
    origins: originsFor(7000, undefined),
    files: { publicPaths: new Set(), has: () => false } as never,
    onUnexpected: (error) => expect.unreachable(String(error)),
  };
  app = webApp(deps as WebDeps);
});
afterEach(async () => {
  for (const { name } of system.operators.list().slice(1)) await system.operators.remove(name, "operator");
  await system.close();
});

const add = (name: string, role: Role) => system.operators.add({ name, role, user: ME }, "operator");
const socketOf = (name: string): string => system.paths.operatorSocket(name);

/** The first line that a socket answers. */
async function lineFrom(path: string, request: object): Promise<Record<string, unknown>> {
  const socket = connect(path);
  socket.write(`${JSON.stringify(request)}\n`);
  const [line] = (await once(createInterface(socket), "line")) as [string];
  socket.destroy();
  return JSON.parse(line) as Record<string, unknown>;
}

/** A browser that is logged in with a link that the operator's own socket gave out. */
async function browserOf(name: string): Promise<(path: string, body?: object) => Promise<Response>> {
  const client = await connectLines(socketOf(name), { ordered: true });
  const token = (await client.call("login", {})).url.split("#token=")[1];
  client.close();
  const headers = { "Content-Type": "application/json", Host: "127.0.0.1:7000" };
  const init = { method: "POST", headers, body: JSON.stringify({ token }) };
  const cookie = (await app.request(`${HOME}/api/login`, init)).headers.get("set-cookie")?.split(";")[0] ?? "";
  return async (path, body) =>
    app.request(
      HOME + path,
      body === undefined
        ? { headers: { ...headers, Cookie: cookie } }
        : { method: "POST", headers: { ...headers, Cookie: cookie }, body: JSON.stringify(body) },
    );
}

const above = (role: Role): OperatorOperation[] =>
  (Object.keys(LEAST_ROLE) as OperatorOperation[]).filter((name) => !includes(role, LEAST_ROLE[name]));

test("a socket refuses what its operator's role does not include, before it looks at the input", async () => {
  for (const role of ROLES) {
    await add(`a-${role}`, role);
    for (const cmd of above(role))
      expect(await lineFrom(socketOf(`a-${role}`), { cmd, name: 7, id: "x", change: [] }), cmd).toMatchObject({
        ok: false,
        code: "forbidden",
      });
  }
  // The rest is served: with this input it is answered, or refused for what it says.
  for (const cmd of operationsOf("operator").filter((name) => LEAST_ROLE[name as OperatorOperation] === "viewer"))
    expect(await lineFrom(socketOf("a-viewer"), { cmd }), cmd).not.toMatchObject({ code: "forbidden" });
});

test("a page refuses it, too, on every route that acts, and says who is logged in", async () => {
  for (const role of ROLES) {
    await add(`a-${role}`, role);
    const ask = await browserOf(`a-${role}`);
    for (const name of above(role)) expect((await ask(`/api/${name}`, { id: "x" })).status, name).toBe(403);
    const { state } = (await (await ask("/api/state")).json()) as { state: { you: object } };
    expect(state.you).toEqual({ name: `a-${role}`, role });
  }
  const viewer = await browserOf("a-viewer");
  expect((await viewer("/op-send", {})).status).toBe(403);
  expect((await viewer("/meta-update", {})).status).toBe(403);
  expect((await viewer("/api/list", {})).status).toBe(200);
});

test("what an operator does carries its name, and agents know every operator as one", async () => {
  await add("bob", "operator");
  const bob = await connectLines(socketOf("bob"), { ordered: true });
  await system.firstStart();
  await bob.call("spawn", { name: "ada" });
  const { request } = await bob.call("request_spawn", { name: "ben" });
  const { approval } = await bob.call("deny", { id: request, note: "not now" });
  expect(approval).toMatchObject({ requested_by: "operator/bob", resolved_by: "operator/bob" });
  await bob.call("set_paused", { name: "ada", paused: true });
  const { sent } = await bob.call("send", { to: "ada", body: "hello" });
  const { message } = await bob.call("message", { id: sent[0]?.id ?? 0 });
  expect(message).toMatchObject({ from: "operator", operator: "bob" });
  await bob.call("message_drop", { id: message.id });
  const asked = await system.questions.ask(system.swarm.byName("ada").id, { question: "why?" });
  expect((await bob.call("answer", { id: asked.id, text: "because" })).question.closed_by).toBe("operator/bob");
  await bob.call("stop_all", {});
  expect((await bob.call("state", {})).state.hive.all_stopped?.by).toBe("operator/bob");
  const ask = await browserOf("bob");
  expect((await ask("/api/start_what_ran", {})).status).toBe(200);
  const [session] = (await bob.call("sessions", {})).sessions;
  expect(session?.operator).toBe("bob");
  await bob.call("session_revoke", { id: session?.id ?? 0 });
  const { entries } = await bob.call("audit", { limit: 100 });
  bob.close();
  const kinds = entries.filter(({ actor }) => actor === "operator/bob").map(({ kind }) => kind);
  expect([...new Set(kinds)].sort()).toEqual([
    "approved",
    "denied",
    "deployed",
    "launch_link",
    "message_dropped",
    "paused",
    "question_answered",
    "requested",
    "session_ended",
    "session_started",
    "spawned",
    "started",
    "started_what_ran",
    "stopped",
    "stopped_all",
  ]);
  expect(entries.filter(({ actor }) => actor === "operator").map(({ kind }) => kind)).toEqual(["operator_added"]);
});

test("what leaves no other line is recorded with who did it", async () => {
  await add("bob", "admin");
  await system.firstStart();
  const bob = await connectLines(socketOf("bob"), { ordered: true });
  await bob.call("repo_create", { name: "web" });
  await bob.call("repo_token", { name: "web" });
  await bob.call("repo_set", { name: "web", merge: "squash" });
  await bob.call("queue_pause", { name: "web" });
  await bob.call("model", { name: "hm1nd", model: "opus" });
  await bob.call("new_session", { name: "hm1nd" });
  await expect(bob.call("compact", { name: "hm1nd" })).rejects.toThrow();
  const { entries } = await bob.call("audit", { limit: 6 });
  bob.close();
  // Newest first. A call that was refused did nothing.
  expect(entries.map(({ actor, kind, detail }) => [actor, kind, detail?.["model"] ?? detail?.["repo"]])).toEqual([
    ["operator/bob", "session_renewed", undefined],
    ["operator/bob", "model_set", "opus"],
    ["operator/bob", "queue_paused", "web"],
    ["operator/bob", "repo_set", "web"],
    ["operator/bob", "token_issued", "web"],
    ["operator/bob", "repo_added", "web"],
  ]);
});

test("only an admin's approval gives an agent a folder of the host", async () => {
  await add("bob", "operator");
  await add("eve", "admin");
  await system.firstStart();
  system.context.mounts.tryAll = async (_, mounts) => mounts.map((mount) => ({ mount, problem: undefined }));
  const [bob, eve] = await Promise.all(["bob", "eve"].map((name) => connectLines(socketOf(name), { ordered: true })));
  const mounts = [{ host: "/usr/share", cage: "/corpus", mode: "ro" as const }];
  const refusal = "would get the folder /usr/share of the host: that takes the role admin";
  await expect(bob?.call("spawn", { name: "ada", config: { mounts } })).rejects.toThrow(refusal);
  await bob?.call("spawn", { name: "ada" });
  const propose = async (config: object): Promise<number> => {
    const base64 = Buffer.from(JSON.stringify(config)).toString("base64");
    const asked = await bob?.call("propose", { agent: "ada", files: [{ path: "agent.json", mode: "100644", base64 }] });
    return asked?.request ?? 0;
  };
  const first = system.swarm.byName("ada").record.deployedRequest ?? 0;
  const id = await propose({ mounts });
  await expect(bob?.call("approve", { id })).rejects.toThrow(refusal);
  await eve?.call("approve", { id });
  expect((await system.deploys.finished(id)).state).toBe("deployed");
  // What runs already may stay, and go.
  const next = await propose({ mounts, model: "opus" });
  await bob?.call("approve", { id: next });
  await system.deploys.finished(next);
  await system.through((await bob?.call("rollback", { agent: "ada", id: first }))?.request ?? 0);
  await expect(bob?.call("rollback", { agent: "ada", id })).rejects.toThrow(refusal);
  for (const one of [bob, eve]) one?.close();
});

test("a lower role counts at once, for open connections and pages", async () => {
  await add("bob", "operator");
  const bob = await connectLines(socketOf("bob"), { ordered: true });
  const ask = await browserOf("bob");
  expect((await ask("/api/stop_all", {})).status).toBe(409);
  await system.operators.set("bob", "viewer", "operator");
  await bob.closed;
  expect(await lineFrom(socketOf("bob"), { cmd: "stop_all" })).toMatchObject({ code: "forbidden" });
  expect((await ask("/api/stop_all", {})).status).toBe(403);
  // A higher one needs no new connection.
  const again = await connectLines(socketOf("bob"), { ordered: true });
  await system.operators.set("bob", "operator", "operator");
  await expect(again.call("stop_all", {})).rejects.toMatchObject({ code: "conflict" });
  again.close();
});

test("the end of an operator is the end of its socket, sessions, links and tokens, and of lines that wait", async () => {
  await add("bob", "admin");
  await add("eve", "admin");
  const [bob, eve] = [await browserOf("bob"), await browserOf("eve")];
  const { token } = system.sessions.mint("bob");
  const git = system.repoTokens.issue("web", "bob").token;
  const gone = system.operators.find("bob");
  const client = await connectLines(socketOf("bob"), { ordered: true });
  await system.operators.remove("bob", "eve");
  await client.closed;
  expect((await bob("/api/list", {})).status).toBe(401);
  expect((await eve("/api/list", {})).status).toBe(200);
  await expect(system.sessions.enter(token, "x")).rejects.toThrow("was used or is too old");
  expect(system.repoTokens.holder("web", git)).toBeUndefined();
  expect(statSync(socketOf("bob"), { throwIfNoEntry: false })).toBeUndefined();
  // Another one of the name is another operator, also for what was begun before.
  await add("bob", "admin");
  expect(() => gone && system.operators.permit(gone, "list")).toThrow("bob is no operator of this hive any more");
});

test("a log-in that races with the end of its operator gives nothing, to another one of the name either", async () => {
  for (const order of ["log-in first", "removal first"]) {
    await add("bob", "admin");
    const { token } = system.sessions.mint("bob");
    const enter = (): Promise<string> => system.sessions.enter(token, "x");
    const remove = (): Promise<void> => system.operators.remove("bob", "operator");
    const both = order === "log-in first" ? [enter(), remove()] : [remove(), enter()];
    const ended = await Promise.allSettled(both);
    const secret = ended.flatMap((one) => (one.status === "fulfilled" && typeof one.value === "string" ? [one.value] : []))[0];
    await add("bob", "admin");
    expect(system.sessions.check(secret), order).toBeUndefined();
    expect(
      system.store.sessions.live().filter(({ operator }) => operator === "bob"),
      order,
    ).toEqual([]);
    await system.operators.remove("bob", "operator");
  }
});

test("an operator ends its own sessions, and an admin those of others", async () => {
  await add("bob", "operator");
  await add("vera", "viewer");
  const [bob] = [await browserOf("bob"), await browserOf("vera")];
  const id = (operator: string): number => system.sessions.list().find((one) => one.operator === operator)?.id ?? 0;
  expect((await bob("/api/session_revoke", { id: id("vera") })).status).toBe(403);
  await system.operators.set("bob", "admin", "operator");
  expect((await bob("/api/session_revoke", { id: id("vera") })).status).toBe(200);
  expect((await bob("/api/session_revoke", { id: id("bob") })).status).toBe(200);
  expect(system.sessions.list()).toEqual([]);
});

test("operators and their roles outlive the daemon; the one of host.sock is always an admin", async () => {
  await add("bob", "viewer");
  for (const act of [() => system.operators.set("operator", "viewer", "bob"), () => system.operators.remove("operator", "bob")])
    await expect(act()).rejects.toThrow("there is always an admin");
  await expect(add("bob", "admin")).rejects.toThrow("there is an operator bob already");
  await expect(system.operators.set("ghost", "viewer", "operator")).rejects.toThrow("there is no operator ghost");
  expect(system.operators.list()).toMatchObject([
    { name: "operator", role: "admin", socket: system.paths.hostSocket },
    { name: "bob", role: "viewer", user: ME, socket: socketOf("bob") },
  ]);
  expect(statSync(socketOf("bob"))).toMatchObject({ uid: process.getuid?.(), mode: expect.any(Number) });
  expect(statSync(socketOf("bob")).mode & 0o777).toBe(0o600);
  expect(system.store.operators.all()).toMatchObject([{ name: "bob", role: "viewer", user: ME }]);
});

/** Operators of a daemon with this uid, on a host with these users. Nothing is opened. */
function operatorsOf(uid: number, users: Record<string, number>, rows: OperatorRow[] = []) {
  const folder = mkdtempSync(join(tmpdir(), "operators-"));
  const opened: string[] = [];
  const warned: object[] = [];
  const run = join(folder, "run");
  mkdirSync(join(run, "operators"), { recursive: true, mode: 0o711 });
  const operators = new Operators({
    store: {
      operators: { all: () => rows, add: (row: OperatorRow) => void rows.push(row), remove() {} },
      passkeys: { of: () => [], isRequired: () => false, removeOf() {} },
      sessions: { revokeOf() {} },
      ledger: { audit() {} },
      nextSeq: () => 1,
      write: async (act: () => unknown) => act(),
    } as never,
    paths: {
      run,
      hostSocket: join(run, "host.sock"),
      operatorSocket: (name) => join(run, "operators", `${name}.sock`),
      operatorLink: (of) => join(run, "operators", `${of}.sock`),
    },
    sockets: {
      openOperator: async (operator, _path, user) => void opened.push(`${operator.name} for ${user.uid}`),
      closeOperator: async () => {},
      cutOperator() {},
    },
    holdings: [],
    changed() {},
    log: { warn: (details) => void warned.push(details) },
    findUser: async (name) => {
      const found = users[name];
      return found === undefined ? undefined : { name, uid: found, gids: [found] };
    },
    uid,
    mayGiveTo: (user) => uid === 0 || user.uid === uid,
    now: () => 0,
  });
  return { operators, opened, warned, folder, run, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}

test("a Unix user that does not exist, or whom the daemon cannot give a socket, is an error that says what to do", async () => {
  const plain = operatorsOf(4000, { me: 4000, bob: 4001 });
  const tryAdd = (name: string, user?: string) => plain.operators.add({ name, role: "viewer", user }, "operator");
  await expect(tryAdd("ghost")).rejects.toThrow("this host has no user ghost: create it, or name another one with");
  await expect(tryAdd("bob")).rejects.toThrow(
    "can give a socket to no other user, and so not to bob: root has to start the hive",
  );
  expect(plain.opened).toEqual([]);
  plain.dispose();
});

test("started by root, others reach their sockets and nothing else in the folder; a closed way is an error", async () => {
  const root = operatorsOf(0, { bob: 4001 });
  // The way to the temporary folder is open, the folder itself is its maker's.
  await expect(root.operators.add({ name: "bob", role: "viewer" }, "operator")).rejects.toThrow(
    `bob cannot enter ${root.folder}, so it would not reach`,
  );
  expect(root.opened).toEqual([]);
  expect(statSync(root.run).mode & 0o777).toBe(0o711);
  root.dispose();
});

test("a user whose operator has another name has a link to its socket, until the last one is removed", async () => {
  const { operators, run, dispose } = operatorsOf(4000, { me: 4000 });
  const link = (): string | undefined => {
    const path = join(run, "operators", "4000.sock");
    return lstatSync(path, { throwIfNoEntry: false }) ? readlinkSync(path) : undefined;
  };
  await operators.add({ name: "office", role: "viewer", user: "me" }, "operator");
  await operators.add({ name: "night", role: "viewer", user: "me" }, "operator");
  expect(link()).toBe("office.sock");
  await operators.remove("office", "operator");
  expect(link()).toBe("night.sock");
  await operators.remove("night", "operator");
  expect(link()).toBeUndefined();
  await operators.add({ name: "late", role: "viewer", user: "me" }, "operator");
  rmSync(join(run, "operators", "4000.sock"));
  await operators.start();
  expect(link()).toBe("late.sock");
  dispose();
});

test("a socket is not given to a user who has taken over the name, and the other sockets are served", async () => {
  const row = { role: "viewer" as const, added_at: 0 };
  const rows = [
    { ...row, name: "bob", user: "bob", uid: 4001 },
    { ...row, name: "eve", user: "eve", uid: 4002 },
    { ...row, name: "me", user: "me", uid: 4000 },
  ];
  const { operators, opened, warned, dispose } = operatorsOf(4000, { bob: 4009, me: 4000 }, rows);
  await operators.start();
  expect(opened).toEqual(["me for 4000"]);
  expect(operators.list().map(({ problem }) => problem)).toEqual([
    undefined,
    "the user bob has the uid 4009 now, not 4001: remove the operator and add it again",
    "the user eve does not exist any more: remove the operator and add it again",
    undefined,
  ]);
  expect(warned).toHaveLength(2);
  dispose();
});
