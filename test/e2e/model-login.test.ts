import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildBreakable } from "../lib/breakable.ts";
import { cliAtTerminal, cliInside, cliInsideWith } from "../lib/cli-inside.ts";
import { TestHive } from "../lib/hive.ts";
import { LoginStandIn } from "../lib/login-stand-in.ts";
import { ModelServer } from "../lib/model-server.ts";
import type { Said } from "../lib/stub-host.ts";

/**
 * The log-in to the model with the real CLI in a real cage. Only the provider is a stand-in: the daemon's proxy leads to
 * it, and the CLI in the cage trusts its certificate. The model's API is another stand-in, which keeps the credential of
 * each request.
 */

const CODE = "Zc0de-1_x#state-9";
const TOKEN = `sk-ant-oat01-${"A1b2-C3_d".repeat(10)}-AA`;
const rules = (from: string) => [
  { when: { text: "." }, steps: [{ tools: [{ name: "send", input: { to: "operator", body: from } }] }, { say: "done" }] },
];

let breakable: Awaited<ReturnType<typeof buildBreakable>>;
let provider: LoginStandIn;
let api: ModelServer;
let hive: TestHive;
beforeAll(async () => {
  breakable = await buildBreakable();
  provider = await new LoginStandIn({ code: CODE.split("#")[0] ?? "", token: TOKEN }).start();
  api = await new ModelServer(rules("from the model")).start();
  hive = new TestHive({ HIVE_REHEARSAL: "0", HIVE_UPSTREAM_URL: api.url }).play(rules("from the rehearsal"));
  spawnSync("mkdir", ["-p", hive.stateDir]);
  writeFileSync(join(hive.stateDir, "web-stand-in.json"), JSON.stringify({ port: provider.port, trust: provider.trust }));
  await hive.start({ dist: breakable.dist });
});
afterAll(async () => {
  await hive.dispose();
  await Promise.all([provider.stop(), api.stop()]);
  breakable.remove();
});

const own = (): string[] => ["--socket", hive.socket, "login", "--model"];
const atTerminal = (answer: string): Promise<Said> => cliAtTerminal({ "the code that the page shows": answer }, ...own());
const state = async () => (await hive.call("state", { messages: 0 })).state.hive;
/** Asks the manager, and returns who answered. */
async function whoAnswers(): Promise<string> {
  const { sent } = await hive.call("send", { to: "hm1nd", body: "who?" });
  const asked = sent[0]?.id ?? 0;
  return (await hive.untilMessage((message) => message.id > asked && message.from === "hm1nd")).body ?? "";
}
/** Nothing of the log-in's cage is left. */
function expectGone(): void {
  expect(existsSync(join(hive.stateDir, "login"))).toBe(false);
  expect(existsSync(join(hive.stateDir, "run", "login"))).toBe(false);
  const processes = spawnSync("ps", ["-eo", "args"], { encoding: "utf8" }).stdout.split("\n");
  expect(processes.filter((line) => line.includes("claude setup-token") && line.includes(hive.folder))).toEqual([]);
}

test("without a credential it rehearses", async () => {
  expect(await state()).toMatchObject({ mode: "rehearsal", credential: { source: "none" } });
  expect(await whoAnswers()).toBe("from the rehearsal");
});

test("a log-in reaches the preset claude-login and nothing else; a second one is refused; a daemon that died leaves no cage", async () => {
  const { out } = await cliInside(...own(), "--json");
  expect(JSON.parse(out)).toMatchObject({
    url: expect.stringMatching(/^https:\/\/claude\.ai\/oauth\/authorize\?\S+$/) as string,
  });
  const answer = (authority: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(join(hive.stateDir, "run", "login", "egress.sock"));
      socket.once("error", reject);
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
      socket.once("data", (data: Buffer) => {
        resolve(data.toString().split("\r\n")[0] ?? "");
        socket.destroy();
      });
    });
  expect(await answer("platform.claude.com:443")).toContain("200");
  expect(await answer("api.anthropic.com:443")).toContain("200");
  for (const other of ["platform.claude.com:80", "claude.ai:443", "example.org:443", "127.0.0.1:443"])
    expect(await answer(other)).toContain("403");
  expect(readdirSync(join(hive.stateDir, "run", "login")).sort()).toEqual(["egress.sock", "login.sock"]);

  expect((await cliInside(...own())).err).toContain("a log-in to the model runs already (operator, since ");
  expect((await cliInside(...own(), "--code", "half-of-it")).err).toContain("this is not the whole code");

  await hive.crash();
  await hive.start({ dist: breakable.dist });
  expectGone();
});

test("a code that the provider refuses says so, keeps nothing and removes the cage", async () => {
  const said = await atTerminal("wr0ng#code");
  expect(said.code).toBe(1);
  expect(said.out).toContain("https://claude.ai/oauth/authorize?");
  expect(said.err).toContain("the log-in failed: That code wasn't accepted.");
  expectGone();
  expect(await state()).toMatchObject({ mode: "rehearsal" });
});

test("address, code, token: the next model request carries it, and only the daemon has it", async () => {
  expect(JSON.parse((await cliInside(...own(), "--json")).out)).toHaveProperty("url");
  const ended = await cliInsideWith(`${CODE}\n`, ...own(), "--code", "-", "--json");
  expect(JSON.parse(ended.out)).toMatchObject({ source: "login", by: "operator" });
  expectGone();
  const [exchange] = provider.seen.filter(({ body }) => body.includes("Zc0de-1_x"));
  expect(exchange).toMatchObject({ host: "platform.claude.com", method: "POST", path: "/v1/oauth/token" });
  expect(provider.seen.at(-1)).toMatchObject({ path: "/api/oauth/profile", headers: { authorization: `Bearer ${TOKEN}` } });

  expect(await state()).toMatchObject({ mode: "live", credential: { source: "login", by: "operator" } });
  expect(await whoAnswers()).toBe("from the model");
  const last = api.seen.at(-1);
  expect(last?.headers.authorization).toBe(`Bearer ${TOKEN}`);
  expect(last?.headers["x-api-key"]).toBeUndefined();
  expect(last?.headers["anthropic-beta"]).toContain("oauth-2025-04-20");

  const file = join(hive.stateDir, "model-login.json");
  expect([statSync(file).mode & 0o777, readFileSync(file, "utf8").includes(TOKEN)]).toEqual([0o600, true]);
  const holders = spawnSync("grep", ["-rlaF", TOKEN, hive.folder], { encoding: "utf8" }).stdout.trim().split("\n");
  expect(holders).toEqual([file]);
  for (const pid of (await hive.cage("hm1nd")).all())
    for (const name of ["environ", "cmdline"]) expect(readFileSync(`/proc/${pid}/${name}`, "utf8")).not.toContain(TOKEN);
  expect(hive.output).not.toContain(TOKEN);

  const { entries } = await hive.call("audit", { limit: 50 });
  const about = entries.filter(({ kind }) => kind.startsWith("model_log")).map(({ actor, kind }) => `${actor} ${kind}`);
  expect(about).toEqual(["operator model_login", "operator model_login_failed"]);
});

test("the next daemon has the log-in, and a log-out brings the rehearsal back", async () => {
  await hive.stop();
  await hive.start({ dist: breakable.dist });
  expect(await state()).toMatchObject({ mode: "live", credential: { source: "login", by: "operator" } });
  const said = await cliInside("--socket", hive.socket, "logout", "--model");
  expect([said.code, existsSync(join(hive.stateDir, "model-login.json"))]).toEqual([0, false]);
  expect(await state()).toMatchObject({ mode: "rehearsal", credential: { source: "none" } });
  expect(await whoAnswers()).toBe("from the rehearsal");
});
