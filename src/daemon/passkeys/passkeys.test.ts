import { userInfo } from "node:os";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Authenticator, passkeyHeader, type Odd } from "../../../test/lib/authenticator.ts";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import { connectLines } from "../../rpc/client.ts";
import { MAX_PASSKEYS, MAX_PASSKEY_HEADER_CHARS, type PasskeyView } from "../../wire/passkeys.ts";
import { ROLES } from "../../wire/roles.ts";
import { PASSKEY_HEADER, mayTakePasskey } from "../../wire/second-step.ts";
import { operationsOf } from "../../wire/operations.ts";
import { webApp, type WebDeps } from "../http/app.ts";
import { surfaceOf } from "../http/serve.ts";
import { originsFor } from "../http/origin.ts";
import { CHALLENGE_MS, digestOf } from "./challenges.ts";

const HOME = "http://localhost:7000";
const ME = userInfo().username;

let now: number;
let system: TestSystem;
let app: ReturnType<typeof webApp>;
/** One hive for all tests: each begins without passkeys, and asks for agents of its own. */
beforeAll(async () => {
  now = Date.parse("2026-01-31T12:00:00Z");
  system = await openTestSystem({ now: () => now });
  const deps: Partial<WebDeps> = {
    ...surfaceOf(system.system),
    origins: originsFor(7000, new URL(HOME)),
    files: { publicPaths: new Set(), has: () => false } as never,
    onUnexpected: (error) => expect.unreachable(String(error)),
  };
  app = webApp(deps as WebDeps);
  for (const role of ROLES) await system.operators.add({ name: `a-${role}`, role, user: ME }, "operator");
});
afterAll(async () => {
  for (const role of ROLES) await system.operators.remove(`a-${role}`, "operator");
  await system.close();
});
beforeEach(async () => {
  system.urls.home = HOME;
  const names = system.operators.list().map(({ name }) => name);
  await system.store.write(() => names.forEach((name) => system.store.passkeys.removeOf(name)));
});

interface Page {
  /** Calls an operation. Resolves with the answer, or with the words of the refusal. */
  (
    name: string,
    input?: object,
    headers?: Record<string, string>,
  ): Promise<{ ok: boolean; error?: string; code?: string } & Record<string, unknown>>;
}

/** A page on which an operator has logged in. */
async function pageOf(name: string): Promise<Page> {
  const secret = await system.sessions.enter(system.sessions.mint(name).token, "a browser");
  const Cookie = `hive_${system.id}=${secret}`;
  return async (operation, input = {}, headers = {}) => {
    const answer = await app.request(`${HOME}/api/${operation}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Host: "localhost:7000", Cookie, ...headers },
      body: JSON.stringify(input),
    });
    return (await answer.json()) as Awaited<ReturnType<Page>>;
  };
}

const optionsOf = (answer: Record<string, unknown>): object => answer["options"] as object;

/** Adds a passkey on a page. Resolves with it and its authenticator. */
async function added(page: Page, name = "laptop", odd: Odd = {}) {
  const authenticator = new Authenticator(HOME);
  const passkey = authenticator.make(optionsOf(await page("passkey_start")), odd);
  const answer = await page("passkey_add", { name, passkey });
  return { authenticator, answer, passkey: answer["passkey"] as PasskeyView, made: passkey };
}

/** The header of a passkey's answer to a challenge for this call. */
async function confirmed(page: Page, by: Authenticator, operation: string, input: object, odd: Odd = {}) {
  const challenge = await page("passkey_challenge", { operation, input });
  expect(challenge.error).toBeUndefined();
  return passkeyHeader(by.use(optionsOf(challenge), odd));
}

/** An operator whose approvals need a passkey: its page and its authenticator. */
async function guarded(name = "a-operator") {
  const page = await pageOf(name);
  const { authenticator, passkey } = await added(page);
  const required = { required: true };
  expect(
    await page("passkey_require", required, await confirmed(page, authenticator, "passkey_require", required)),
  ).toMatchObject({ ok: true });
  return { page, authenticator, passkey };
}

let agents = 0;
/** A request that waits, for a new agent. */
const asked = async (): Promise<{ id: number; digest: string }> => {
  const { request } = await system.callAs(system.operator, "request_spawn", { name: `agent-${++agents}` });
  const { approval } = await system.callAs(system.operator, "show", { id: request });
  return { id: request, digest: approval.digest ?? "" };
};
const stateOf = async (id: number): Promise<string> => (await system.callAs(system.operator, "show", { id })).approval.state;

test("approvals need a fresh answer of the passkey, and the audit trail has who, which passkey and what", async () => {
  const { page, authenticator, passkey } = await guarded();
  expect(((await page("state"))["state"] as { you: object }).you).toEqual({
    name: "a-operator",
    role: "operator",
    passkey: true,
  });
  const input = await asked();
  expect(await page("approve", input)).toMatchObject({
    code: "forbidden",
    error: expect.stringContaining("takes its passkey") as string,
  });
  expect(await stateOf(input.id)).toBe("pending");
  expect(await page("approve", input, await confirmed(page, authenticator, "approve", input))).toMatchObject({ ok: true });
  expect((await system.deploys.finished(input.id)).state).toBe("deployed");

  const { entries } = await system.callAs(system.operator, "audit", { limit: 100 });
  const lines = entries.filter(({ kind }) => kind.startsWith("passkey_")).map(({ actor, kind, detail }) => [actor, kind, detail]);
  const { id, name } = passkey;
  expect(lines).toEqual([
    ["operator/a-operator", "passkey_used", { passkey: id, name, operation: "approve", id: input.id }],
    ["operator/a-operator", "passkey_required", { operator: "a-operator" }],
    ["operator/a-operator", "passkey_used", { passkey: id, name, operation: "passkey_require" }],
    ["operator/a-operator", "passkey_added", { operator: "a-operator", passkey: id, name, host: "localhost" }],
  ]);
});

describe("an answer", () => {
  test("works once", async () => {
    const { page, authenticator } = await guarded();
    const input = await asked();
    const header = await confirmed(page, authenticator, "approve", input);
    expect(await page("approve", input, header)).toMatchObject({ ok: true });
    expect(await page("approve", input, header)).toMatchObject({
      error: expect.stringContaining("was used, is too old") as string,
    });
  });

  test("is for one request, one operation and one input", async () => {
    const { page, authenticator } = await guarded();
    const [one, other] = [await asked(), await asked()];
    const refused = { error: expect.stringContaining("for another call or log-in") as string };
    expect(await page("approve", other, await confirmed(page, authenticator, "approve", one))).toMatchObject(refused);
    expect(await page("approve", { ...one, note: "x" }, await confirmed(page, authenticator, "approve", one))).toMatchObject(
      refused,
    );
    expect(await page("deploy_force", { id: one.id }, await confirmed(page, authenticator, "approve", one))).toMatchObject(
      refused,
    );
    // Refused once, it is used up for the call for which it was, too.
    const header = await confirmed(page, authenticator, "approve", one);
    await page("approve", other, header);
    expect(await page("approve", one, header)).toMatchObject(refused);
    expect([await stateOf(one.id), await stateOf(other.id)]).toEqual(["pending", "pending"]);
  });

  test("is for one log-in, and for two minutes", async () => {
    const { page, authenticator } = await guarded();
    const input = await asked();
    const refused = { error: expect.stringContaining("for another call or log-in") as string };
    const other = await pageOf("a-operator");
    expect(await other("approve", input, await confirmed(page, authenticator, "approve", input))).toMatchObject(refused);
    const header = await confirmed(page, authenticator, "approve", input);
    now += CHALLENGE_MS + 1;
    expect(await page("approve", input, header)).toMatchObject(refused);
    expect(await stateOf(input.id)).toBe("pending");
  });

  test("of another operator's passkey is none", async () => {
    const { page } = await guarded();
    const admin = await pageOf("a-admin");
    const { authenticator: foreign } = await added(admin);
    const input = await asked();
    expect(await page("approve", input, await confirmed(page, foreign, "approve", input))).toMatchObject({
      error: "this is no passkey of a-operator",
    });
    // Nor is a challenge of the other's page.
    const theirs = await confirmed(admin, foreign, "approve", input);
    expect(await page("approve", input, theirs)).toMatchObject({ code: "forbidden" });
    expect(await stateOf(input.id)).toBe("pending");
  });

  test.each<[string, Odd, string]>([
    ["another origin", { origin: "http://localhost:9000" }, "response origin"],
    ["another host", { rp: "evil.example" }, "RP ID"],
    ["no finger or PIN", { isUnverified: true }, "User verification"],
    ["the making of a passkey", { type: "webauthn.create" }, "response type"],
    ["a challenge of its own", { challenge: "AAAA" }, "was used, is too old"],
  ])("with %s is refused", async (_, odd, words) => {
    const { page, authenticator } = await guarded();
    const input = await asked();
    const answer = await page("approve", input, await confirmed(page, authenticator, "approve", input, odd));
    expect(answer).toMatchObject({ code: "forbidden", error: expect.stringContaining(words) as string });
    expect(await stateOf(input.id)).toBe("pending");
  });

  test("with another signature is refused", async () => {
    const { page, authenticator } = await guarded();
    const input = await asked();
    const imposter = new Authenticator(HOME);
    imposter.id.set(authenticator.id);
    expect(await page("approve", input, await confirmed(page, imposter, "approve", input, { counter: 1000 }))).toMatchObject({
      code: "forbidden",
      error: "the passkey's signature is wrong: try again",
    });
    expect(await stateOf(input.id)).toBe("pending");
  });

  test("that counts back is a copy's, and an authenticator that does not count is served", async () => {
    const { page, authenticator } = await guarded();
    const input = await asked();
    await page(
      "rollback",
      { agent: "none", id: 1 },
      await confirmed(page, authenticator, "rollback", { agent: "none", id: 1 }, { counter: 9 }),
    );
    for (const counter of [9, 3, 0])
      expect(await page("approve", input, await confirmed(page, authenticator, "approve", input, { counter }))).toMatchObject({
        error: expect.stringContaining("counter") as string,
      });
    const other = await pageOf("a-admin");
    const { authenticator: still } = await added(other);
    const required = { required: true };
    for (let n = 0; n < 2; n++)
      expect(
        await other("passkey_require", required, await confirmed(other, still, "passkey_require", required, { counter: 0 })),
      ).toMatchObject({ ok: true });
  });

  test.each([
    ["not base64url", "a b", "base64url"],
    ["no JSON", "AAAA", "not JSON"],
    ["too long", "A".repeat(MAX_PASSKEY_HEADER_CHARS + 1), "at most"],
    ["a key twice", Buffer.from('{"id":"a","id":"b"}').toString("base64url"), "appears twice"],
    ["an odd shape", Buffer.from('{"id":1}').toString("base64url"), "id"],
  ])("that is %s is refused in words", async (_, value, words) => {
    const { page } = await guarded();
    const input = await asked();
    expect(await page("approve", input, { [PASSKEY_HEADER]: value })).toMatchObject({
      ok: false,
      error: expect.stringContaining(words) as string,
    });
  });
});

test("every operation of the table is refused without the passkey: on the page, and over the operator's socket", async () => {
  const { page } = await guarded("a-admin");
  const names = operationsOf("operator").filter(mayTakePasskey);
  // An operation that leaves the table has to leave this list, too.
  expect([...names].sort()).toEqual(Object.keys(INPUTS).sort());
  const client = await connectLines(system.paths.operatorSocket("a-admin"), { ordered: true });
  for (const name of names) {
    const input = INPUTS[name];
    const words = ["repo_add", "migrate"].includes(name) ? "is not served over HTTP" : "takes its passkey";
    expect(await page(name, input), name).toMatchObject({ error: expect.stringContaining(words) as string });
    await expect(client.call(name, input as never), name).rejects.toThrow("takes its passkey");
  }
  // What takes none goes on, a repository too that is decided as every new one.
  expect(await page("repo_create", { name: "plain", base: "trunk" })).toMatchObject({ ok: true });
  expect(await page("list")).toMatchObject({ ok: true });
  const input = await asked();
  expect((await client.call("deny", { id: input.id })).approval.state).toBe("denied");
  client.close();
});

/** A well-formed input of each operation that takes a passkey. */
const INPUTS: Record<string, object> = {
  approve: { id: 1 },
  spawn: { name: "eve" },
  revive: { name: "eve" },
  rollback: { agent: "hm1nd", id: 1 },
  deploy_force: { id: 1 },
  meta_update: { inputs: ["hyperhive"] },
  change_approve: { change: 1, sha: "0".repeat(40), digest: "0".repeat(64) },
  repo_set: { name: "web", merge: "squash" },
  repo_create: { name: "app", policy: "checks", check: "true" },
  repo_add: { name: "app", folder: "/srv/app/.git", nonce: "0".repeat(32), protected: [] },
  repo_add_remote: { name: "app", address: "https://git.test/o/app.git", push: "after-merge" },
  repo_login: { name: "web", token: "t" },
  repo_trust: { name: "web", host_key: { type: "ssh-ed25519", fingerprint: `SHA256:${"A".repeat(43)}` } },
  repo_reconcile: { name: "web", base: "main", by: "merge" },
  repo_include: { name: "web", path: ".env", content: "eA==", executable: false },
  budget_set: { scope: "hive", limits: { turns_per_hour: 5 } },
  budget_answer: { scope: "agent", agent: "hm1nd", answer: "raise" },
  secret_set: { name: "GH", value: "a value" },
  migrate: { what: "build", reviewed: [{ agent: "hm1nd", commit: "0".repeat(12) }] },
  operator_add: { name: "eve", role: "admin" },
  operator_set: { name: "a-viewer", role: "admin" },
  passkey_add: { name: "x", passkey: new Authenticator(HOME).make({ challenge: "AAAA", rp: { id: "localhost" } }) },
  passkey_remove: { id: 1 },
  passkey_require: { required: false },
};

describe("a passkey", () => {
  test("is added for the operator of the page, for one challenge and by what can verify its user", async () => {
    const page = await pageOf("a-operator");
    const start = optionsOf(await page("passkey_start"));
    const authenticator = new Authenticator(HOME);
    const refused = async (odd: Odd, from: Page = page): Promise<string> =>
      (await from("passkey_add", { name: "x", passkey: authenticator.make(optionsOf(await page("passkey_start")), odd) }))
        .error ?? "";
    expect(await refused({ origin: "https://evil.example" })).toContain("response origin");
    expect(await refused({ rp: "evil.example" })).toContain("RP ID");
    expect(await refused({ isUnverified: true })).toContain("User");
    expect(await refused({ challenge: "AAAA" })).toContain("was used, is too old");
    expect(await refused({}, await pageOf("a-admin"))).toContain("for another call or log-in");
    expect(await page("passkey_add", { name: "x", passkey: authenticator.make(start) })).toMatchObject({ ok: true });
    expect((await page("passkey_add", { name: "y", passkey: authenticator.make(start) })).error).toContain("was used");
    // Nor is it known twice, for whichever operator.
    const again = authenticator.make(optionsOf(await page("passkey_start")));
    expect((await page("passkey_add", { name: "y", passkey: again })).error).toContain("is known already");
    expect((await added(page, "x")).answer.error).toContain("choose another name");
    expect(await page("passkeys")).toMatchObject({
      passkeys: [{ name: "x", host: "localhost" }],
      required: false,
      place: { origin: HOME },
    });
  });

  test("has a name, and there are ten at most", async () => {
    const page = await pageOf("a-operator");
    for (const name of ["", "  ", "x".repeat(65), "a\u0007b", "a\u202eb"])
      expect((await added(page, name)).answer.ok, name).toBe(false);
    for (let n = 0; n < MAX_PASSKEYS; n++) expect((await added(page, `key ${n}`)).answer.ok).toBe(true);
    expect((await page("passkey_start")).error).toContain(`${MAX_PASSKEYS} passkeys, which is the most`);
  });

  test("is removed by its operator alone, and the last that works stays while it is needed", async () => {
    const { page, authenticator, passkey } = await guarded();
    const other = await pageOf("a-admin");
    expect((await other("passkey_remove", { id: passkey.id })).error).toBe(`you have no passkey ${passkey.id}`);
    const remove = { id: passkey.id };
    expect(
      (await page("passkey_remove", remove, await confirmed(page, authenticator, "passkey_remove", remove))).error,
    ).toContain("the last one");
    const off = { required: false };
    expect(await page("passkey_require", off, await confirmed(page, authenticator, "passkey_require", off))).toMatchObject({
      ok: true,
    });
    expect(await page("passkey_remove", remove)).toMatchObject({ ok: true });
    expect(await page("passkeys")).toMatchObject({ passkeys: [] });
  });

  test("once one is needed, another is added only with it", async () => {
    const { page, authenticator } = await guarded();
    expect((await added(page, "thief's")).answer.error).toContain("takes its passkey");
    const spare = new Authenticator(HOME);
    const input = { name: "spare", passkey: spare.make(optionsOf(await page("passkey_start"))) };
    expect(await page("passkey_add", input, await confirmed(page, authenticator, "passkey_add", input))).toMatchObject({
      ok: true,
    });
    const request = await asked();
    expect(await page("approve", request, await confirmed(page, spare, "approve", request))).toMatchObject({ ok: true });
  });

  test("is used in a browser: a socket can begin nothing", async () => {
    const client = await connectLines(system.paths.operatorSocket("a-operator"), { ordered: true });
    await expect(client.call("passkey_start", {})).rejects.toThrow("a passkey is used in a browser");
    await expect(client.call("passkey_challenge", { operation: "approve", input: { id: 1 } })).rejects.toThrow("in a browser");
    expect(await client.call("passkeys", {})).toMatchObject({ passkeys: [], required: false });
    client.close();
  });

  test("is nothing to a viewer, who approves nothing", async () => {
    const page = await pageOf("a-viewer");
    for (const [name, input] of Object.entries({
      passkey_start: {},
      passkey_add: {},
      passkey_remove: { id: 1 },
      passkey_require: { required: true },
    }))
      expect(await page(name, input), name).toMatchObject({ code: "forbidden" });
  });

  test("goes with its operator", async () => {
    await guarded();
    await system.operators.remove("a-operator", "operator");
    await system.operators.add({ name: "a-operator", role: "operator", user: ME }, "operator");
    expect(system.operators.list().find(({ name }) => name === "a-operator")).toMatchObject({
      passkeys: 0,
      passkey_required: false,
    });
  });
});

describe("a lost passkey", () => {
  test("is made needless by the admin of host.sock, and by no one else", async () => {
    await guarded();
    const name = "a-operator";
    const client = await connectLines(system.paths.operatorSocket("a-admin"), { ordered: true });
    await expect(client.call("operator_passkey_off", { name })).rejects.toThrow("only the admin of host.sock");
    client.close();
    const page = await pageOf("operator");
    expect((await page("operator_passkey_off", { name })).error).toContain("only the admin of host.sock");
    expect(system.operators.list().find((one) => one.name === name)).toMatchObject({ passkeys: 1, passkey_required: true });
    expect(await system.callAs(system.operator, "operator_passkey_off", { name })).toMatchObject({
      operator: { name, passkey_required: false },
    });
    const { entries } = await system.callAs(system.operator, "audit", { limit: 1 });
    expect(entries).toMatchObject([{ actor: "operator", kind: "passkey_not_required", detail: { operator: name } }]);
    expect((await (await pageOf(name))("approve", await asked())).ok).toBe(true);
  });

  test("of the operator of host.sock, too, whose approvals there need it", async () => {
    await guarded("operator");
    const input = await asked();
    await expect(system.callAs(system.operator, "approve", input)).rejects.toThrow("takes its passkey");
    await system.callAs(system.operator, "operator_passkey_off", { name: "operator" });
    expect((await system.callAs(system.operator, "approve", input)).approval.state).not.toBe("pending");
  });
});

describe("the address of the hive", () => {
  test.each([
    ["http://127.0.0.1:7000", "start it with HIVE_PUBLIC_URL=http://localhost:7000"],
    ["http://[::1]:7000", "browsers make passkeys for names"],
    ["https://192.0.2.7", "browsers make passkeys for names"],
    ["http://hive.example", "over https only"],
  ])("%s has no passkeys, and says what to do", async (home, words) => {
    system.urls.home = home;
    const page = await pageOf("a-operator");
    expect(await page("passkeys")).toMatchObject({ place: { why: expect.stringContaining(words) as string } });
    expect((await page("passkey_start")).error).toContain(words);
  });

  test("is part of a passkey: at another one it is not asked for", async () => {
    const { page } = await guarded();
    system.urls.home = "https://hive.example";
    const answer = await page("passkey_challenge", { operation: "approve", input: { id: 1 } });
    expect(answer.error).toContain("a-operator has no passkey for hive.example");
  });
});

test("the digest of a call does not depend on the order of keys, and differs with each value", () => {
  const digest = digestOf("approve", { id: 1, sha: "a", list: [{ x: 1, y: 2 }] });
  expect(digestOf("approve", { list: [{ y: 2, x: 1 }], sha: "a", id: 1 })).toBe(digest);
  for (const other of [
    { id: 2, sha: "a", list: [{ x: 1, y: 2 }] },
    { id: 1, sha: "a", list: [{ x: 1 }] },
    { id: 1, sha: "a" },
  ])
    expect(digestOf("approve", other)).not.toBe(digest);
  expect(digestOf("deny", { id: 1, sha: "a", list: [{ x: 1, y: 2 }] })).not.toBe(digest);
});
