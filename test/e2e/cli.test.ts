import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { VERB_OUTPUT } from "../../src/cli/shapes.ts";
import { AgentView } from "../../src/wire/agent.ts";
import { StoredTurnEvent } from "../../src/wire/event.ts";
import { operations } from "../../src/wire/operations.ts";
import { cliInside } from "../lib/cli-inside.ts";
import { TestHive, cleanEnv } from "../lib/hive.ts";

/** The operator's terminal: each way to run the built program, and every verb inside this process. */

/** Verbs that print the output of the operation of the same name when they have no further options. */
const PLAIN = ["send", "show", "login", "logs"] as const;
const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");
interface Said {
  code: number | null;
  out: string;
  err: string;
}
function hivectl(env: Record<string, string>, argv: string[], input = ""): Promise<Said> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [HIVECTL, ...argv], { env: cleanEnv(env), stdio: ["pipe", "pipe", "pipe"] });
    const said: Said = { code: null, out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString()));
    child.on("close", (code) => resolve({ ...said, code }));
    child.stdin.end(input);
  });
}

describe("with a hive", () => {
  let hive: TestHive;
  const program = (...argv: string[]) => hivectl({ HIVE_STATE_DIR: hive.stateDir }, argv);
  const run = (...argv: string[]) => cliInside("--socket", hive.socket, ...argv);
  beforeAll(async () => {
    hive = await new TestHive()
      .play([
        {
          when: { text: "^evil" },
          steps: [
            {
              tools: [
                {
                  name: "send",
                  input: { to: "operator", body: "\u001B]52;c;ZXZpbA==\u0007\u001B[2J\u202Edetrevni\u001B[31mred" },
                },
              ],
            },
            { say: "done" },
          ],
        },
        {
          when: { text: "^ask" },
          steps: [
            { tools: [{ name: "ask_operator", input: { question: "which?", options: ["this", "that"] } }] },
            { say: "asked" },
          ],
        },
        { when: { from: "system" }, steps: [{ say: "noted" }] },
        { when: { text: "^mute" }, steps: [{ say: "to myself" }] },
        { when: { text: "^long" }, steps: [{ say: "and on ".repeat(300), chunk_ms: 300 }] },
        {
          when: { text: "." },
          steps: [{ tools: [{ name: "send", input: { to: "{{sender}}", body: "heard {{body}}" } }] }, { say: "done" }],
        },
      ])
      .start();
  });
  afterAll(() => hive.dispose());

  test("without a verb it shows the hive at a glance", async () => {
    const { code, out } = await program();
    expect(code).toBe(0);
    expect(out).toMatch(/hyperhive \d.*rehearsal/);
    expect(out).toMatch(/hm1nd +idle/);
  });

  test("send, inbox, tail and status, for people and as JSON", async () => {
    expect(await program("send", "@hm1nd", "hello", "there", "--wait")).toMatchObject({ code: 0, out: "heard hello there\n" });
    const sent = JSON.parse((await run("send", "@hm1nd", "again", "--json")).out) as { sent: { id: number; to: string }[] };
    expect(sent.sent).toMatchObject([{ to: "hm1nd" }]);
    await hive.untilMessage((message) => message.body === "heard again");
    expect((await run("inbox", "--unread")).out).toContain("heard again");
    // Reading the inbox has marked it as read.
    expect(JSON.parse((await run("inbox", "--unread", "--json")).out)).toMatchObject({ messages: [], unread: 0 });
    const lines = (await run("tail", "hm1nd", "--no-follow", "--json")).out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: { type: string } });
    expect(lines.map((line) => line.event.type)).toContain("turn_end");
    expect((await run("tail", "hm1nd", "--no-follow")).out).toMatch(
      /→ operator hello there[\s\S]*✉ send → operator: heard hello there/,
    );
    expect(JSON.parse((await run("status", "--json")).out)).toMatchObject({
      agents: [{ name: "hm1nd" }],
      agent_statuses: [{ name: "hm1nd" }],
    });
    expect((await run("messages", "hm1nd", "-n", "2")).out).toContain("heard again");
  });

  test("a text comes from stdin, and keeps its lines", async () => {
    const said = await hivectl({ HIVE_STATE_DIR: hive.stateDir }, ["send", "hm1nd", "-"], "one\ntwo\n");
    expect(said.code).toBe(0);
    await hive.untilMessage((message) => message.body === "heard one\ntwo" || message.body === "one\ntwo\n");
  });

  test("text of agents cannot steer the terminal", async () => {
    await run("send", "hm1nd", "evil");
    await hive.untilMessage((message) => message.to === "operator" && message.body?.includes("detrevni") === true);
    const { out } = await run("inbox", "--peek");
    expect(out).toMatch(/detrevni.*red/);
    expect(out).not.toMatch(/[\u001B\u0007\u202E]/);
  });

  test("agents are spawned, paused, stopped, destroyed and revived; failures within a scope are reported", async () => {
    const config = join(hive.folder, "agent.json");
    writeFileSync(config, JSON.stringify({ description: "from a file", egress: ["example.org"] }));
    expect(await run("spawn", "ada", "--config", config, "--model", "haiku")).toMatchObject({ code: 0 });
    expect((await run("config", "ada")).out).toContain('"example.org"');
    expect((await run("list")).out).toBe("hm1nd\nada\n");
    expect(await run("tail", "ada", "--no-follow")).toMatchObject({ code: 0, out: "ada has had no turn yet\n" });
    expect((await run("tail", "ada", "--no-follow", "--json")).out).toBe("");
    expect((await run("requests", "adda")).out).toBe("no request about adda; did you mean ada?\n");
    expect((await run("messages", "ada")).out).toBe("no message from or to ada\n");
    expect((await run("pause", "ada")).code).toBe(0);
    expect((await run("status")).out).toMatch(/ada +paused/);
    expect((await run("resume", "ada")).code).toBe(0);
    const partly = await run("stop", "ada", "ghost");
    expect(partly).toMatchObject({ code: 4 });
    expect(partly.out).toContain("ada stopped");
    // The failure of a single agent is a refusal, also with verbs that call once per agent.
    for (const verb of ["stop", "start", "update", "kill"])
      expect(await run(verb, "adda"), verb).toMatchObject({
        code: 1,
        out: "",
        err: 'hivectl: agent "adda" is not managed by this hive; did you mean ada?\n',
      });
    expect((await run("stop", "adda", "--json")).code).toBe(1);
    expect(partly.err).toContain('ghost: agent "ghost" is not managed by this hive');
    expect((await run("start", "ada")).code).toBe(0);
    for (const verb of ["restart", "kill", "start"]) {
      const printed: unknown = JSON.parse((await run(verb, "ada", "--json")).out);
      expect(operations.start.output.parse(printed), verb).toEqual(printed);
    }
    for (const verb of [
      ["model", "ada", "opus"],
      ["new-session", "ada"],
      ["logs", "ada"],
      ["cancel", "ada"],
      ["destroy", "ada", "--yes"],
      ["tombstones"],
      ["revive", "ada"],
      ["destroy", "ada", "--purge", "--yes"],
    ]) {
      const said = await run(...verb);
      expect(said.code, `${verb.join(" ")}: ${said.err}`).toBe(0);
    }
  });

  test("questions are listed and answered by number", async () => {
    await run("send", "hm1nd", "ask me");
    await hive.watch((event) => event.kind === "question" && event.question.state === "open");
    const { questions } = await hive.call("questions", {});
    expect((await run("questions")).out).toMatch(/which\?\n +1 +this\n +2 +that/);
    expect((await run("answer", String(questions[0]?.id), "--option", "2")).code).toBe(0);
    expect((await hive.call("questions", { all: true })).questions.at(-1)).toMatchObject({ state: "answered", answer: "that" });
  });

  test("a launch link, the sessions, the addresses", async () => {
    expect((await run("login")).out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/login#token=[\w-]{40,}\n$/);
    expect((await run("sessions")).code).toBe(0);
    expect((await run("urls")).out.trim()).toBe(hive.home);
    expect((await run("pending")).out).toContain("nothing waits");
  });

  test("refusals have a text and a code: 1 refused, 2 not understood", async () => {
    expect(await program("send", "ghost", "hi")).toMatchObject({
      code: 1,
      err: expect.stringContaining('no recipient "ghost"') as string,
    });
    const json = await run("kill", "ghost", "--json");
    expect(JSON.parse(json.out)).toEqual({ ok: false, error: 'agent "ghost" is not managed by this hive', code: "not_found" });
    expect(await program("frobnicate")).toMatchObject({
      code: 2,
      err: expect.stringContaining("no verb 'frobnicate'") as string,
    });
    expect((await run("send")).code).toBe(2);
    expect((await run("stop")).code).toBe(2);
    expect((await run("--help")).code).toBe(0);
    expect((await run("send", "--help")).out).toContain("hivectl send @hm1nd hello");
  });

  test("--json prints the documented shapes, and nothing else", async () => {
    await run("request-spawn", "bob", "--description", "waits");
    const { approvals } = await hive.call("approvals", { open: true });
    const request = String(approvals[0]?.id);
    const verbs = [
      ["tombstones"],
      ["logs", "hm1nd", "-n", "5"],
      ["config", "hm1nd"],
      ["send", "hm1nd", "hello"],
      ["inbox", "--peek"],
      ["messages"],
      ["questions", "--all"],
      ["compact", "hm1nd"],
      ["cancel", "hm1nd"],
      ["model", "hm1nd", "opus"],
      ["new-session", "hm1nd"],
      ["pending"],
      ["requests"],
      ["show", request],
      ["deny", request, "--note", "not today"],
      ["deploys", "hm1nd"],
      ["meta"],
      ["update", "hm1nd"],
      ["audit", "-n", "20"],
      ["check"],
      ["login"],
      ["sessions"],
      ["urls"],
    ];
    for (const [verb = "", ...rest] of verbs) {
      const documented = VERB_OUTPUT[verb];
      const plain = PLAIN.find((one) => one === verb);
      const operation = typeof documented === "string" ? documented : plain;
      const { output } = operations[operation ?? "list"];
      const said = await run(verb, ...rest, "--json");
      expect(said, verb).toMatchObject({ code: 0, err: "" });
      // Parsing drops fields that the shape lacks, so the comparison detects them.
      const printed: unknown = JSON.parse(said.out);
      expect(output.safeParse(printed), `${verb}: ${said.out}`).toMatchObject({ success: true, data: printed });
    }
    const views = z.object({ agents: z.array(AgentView) });
    for (const argv of [["status"], ["list", "--long"]]) {
      const { agents } = JSON.parse((await run(...argv, "--json")).out) as { agents: unknown[] };
      expect(agents).not.toHaveLength(0);
      expect(views.parse({ agents })).toEqual({ agents });
    }
    for (const verb of ["pause", "resume"]) {
      const printed: unknown = JSON.parse((await run(verb, "hm1nd", "--json")).out);
      expect(operations.start.output.parse(printed), verb).toEqual(printed);
    }
    for (const line of (await run("tail", "hm1nd", "--no-follow", "--json")).out.trim().split("\n")) {
      const printed: unknown = JSON.parse(line);
      expect(StoredTurnEvent.parse(printed)).toEqual(printed);
    }
  });

  test("send --wait ends when the turn ends without an answer, and when it is cancelled", async () => {
    const mute = await run("send", "hm1nd", "mute", "--wait");
    expect(mute).toMatchObject({ code: 5, out: "", err: expect.stringContaining("its turn ended without an answer") as string });
    const speaks = hive.watch((event) => event.kind === "delta" && event.agent === "hm1nd", { kinds: ["delta"] });
    const waiting = run("send", "hm1nd", "long story", "--wait", "--json");
    await speaks;
    await hive.call("cancel", { name: "hm1nd" });
    const { code, out } = await waiting;
    expect(code).toBe(5);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      code: "unanswered",
      state: "dropped",
      reason: expect.any(String) as string,
    });
  });

  test("shutdown stops the cages, then the daemon", async () => {
    const said = await program("shutdown");
    expect(said).toMatchObject({ code: 0, out: "the hive has stopped\n" });
    expect((await program("list")).code).toBe(3);
  });
});

test("without a daemon it says how to start one, and ends with 3", async () => {
  const said = await hivectl({ HIVE_STATE_DIR: "/nowhere/at/all" }, ["status"]);
  expect(said).toMatchObject({ code: 3, out: "" });
  expect(said.err).toContain("npm start");
});
