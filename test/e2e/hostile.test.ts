import { connect, type Socket } from "node:net";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_BODY_BYTES, MAX_LINE_BYTES } from "../../src/wire/limits.ts";
import { IDLE_CLI, TestHive } from "../lib/hive.ts";

/** Bad input at every interface of a running hive: the answer is a clear error, and the hive continues. */

let hive: TestHive;
beforeAll(async () => {
  hive = await new TestHive(IDLE_CLI).start();
  await hive.call("spawn", { name: "ada" });
});
afterAll(() => hive.dispose());

/** Sends bytes and collects the answer until the other side ends, or until `lines` lines have arrived. */
function raw(path: string, bytes: string | Buffer | (string | Buffer)[], lines = 1): Promise<Record<string, unknown>[]> {
  return new Promise((resolve) => {
    const socket: Socket = connect(path);
    let text = "";
    const end = (): void => {
      socket.destroy();
      resolve(
        text
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as Record<string, unknown>),
      );
    };
    socket.on("data", (chunk) => {
      text += chunk.toString();
      if (text.split("\n").length > lines) end();
    });
    socket.on("close", end);
    socket.on("error", end);
    for (const part of Array.isArray(bytes) ? bytes : [bytes]) socket.write(part);
  });
}
const refused = (code: string) => ({ version: 1, ok: false, code });
/** The hive works: it answers, and nothing invalid was stored. */
async function isWell(): Promise<void> {
  expect((await hive.call("list", {})).agents).toEqual(["hm1nd", "ada"]);
}

describe("names, ids and paths", () => {
  const NAMES = [
    "..",
    ".",
    "",
    "-rf",
    "a/../b",
    "a\0b",
    "a\nb",
    "a".repeat(300),
    "аda",
    "Ada",
    "ada-",
    "_x",
    "operator",
    "manager",
    "system",
    "hm1nd",
    "self",
    "all",
    "a b",
    "$(id)",
    "__proto__",
  ];

  test.each(NAMES)("%j is no name for an agent", async (name) => {
    await expect(hive.call("spawn", { name })).rejects.toMatchObject({ code: "bad_request" });
  });

  test("wherever a name is expected, an invalid one is refused", async () => {
    for (const name of ["../../etc/passwd", "a\0b", "x".repeat(5000), "__proto__", "toString"]) {
      for (const verb of ["logs", "config", "kill", "destroy", "revive", "compact", "new_session"] as const) {
        await expect(hive.call(verb, { name }), `${verb} ${name.slice(0, 20)}`).rejects.toMatchObject({
          code: expect.stringMatching(/bad_request|not_found/) as string,
        });
      }
      await expect(hive.call("send", { to: name, body: "x" })).rejects.toMatchObject({
        code: expect.stringMatching(/bad_request|not_found/) as string,
      });
      await expect(hive.call("turn_events", { agent: name })).rejects.toMatchObject({
        code: expect.stringMatching(/bad_request|not_found/) as string,
      });
    }
    await isWell();
  });

  test("the words for an unknown agent are the fixed ones", async () => {
    await expect(hive.call("kill", { name: "ghost" })).rejects.toThrow('agent "ghost" is not managed by this hive');
  });

  test("ids beyond 2^53 are an error, not another id", async () => {
    const [answer] = await raw(hive.socket, '{"cmd":"message_drop","id":9007199254740993}\n');
    expect(answer).toMatchObject(refused("bad_request"));
    for (const id of [-1, 1.5, Number.MAX_SAFE_INTEGER + 2])
      await expect(hive.call("answer", { id, text: "x" })).rejects.toMatchObject({ code: "bad_request" });
  });

  test("a state folder that is a link is followed once, by the daemon, not by its cages", async () => {
    const linked = new TestHive();
    mkdirSync(join(linked.folder, "real"));
    symlinkSync(join(linked.folder, "real"), linked.stateDir);
    await linked.start();
    await linked.call("send", { to: "hm1nd", body: "hello" });
    await linked.untilMessage((message) => message.to === "operator");
    await linked.dispose();
  });

  test("folders of the host that contain the hive's own files cannot be mounted", async () => {
    for (const host of ["/", hive.stateDir, join(hive.stateDir, "agents"), hive.folder]) {
      await expect(
        hive.call("spawn", { name: "thief", config: { mounts: [{ host, cage: "/loot", mode: "rw" }] } }),
      ).rejects.toThrow(/hive's own files/);
      // A spawn that fails leaves no agent, and its name is free.
      expect((await hive.call("list", {})).agents).not.toContain("thief");
    }
  });
});

describe.each([
  ["the operator's socket", () => hive.socket, ""],
  ["an agent's socket", () => hive.agentSocket("ada"), ',"id":1'],
])("lines on %s", (_name, path, id) => {
  test.each([
    ["not JSON", "hello\n"],
    ["half an object", '{"cmd":"list"\n'],
    ["an array", "[1,2]\n"],
    ["null", "null\n"],
    ["a number for cmd", `{"cmd":7${id}}\n`],
    ["an unknown cmd", `{"cmd":"rm"${id}}\n`],
    ["no cmd", `{"x":1${id}}\n`],
    ["a cmd of Object's", `{"cmd":"constructor"${id}}\n`],
    ["a key twice", `{"cmd":"send","to":"hm1nd","to":"ada","body":"x"${id}}\n`],
    ["a wrong type", `{"cmd":"send","to":["hm1nd"],"body":"x"${id}}\n`],
    ["deep nesting", `{"cmd":"send","to":"hm1nd","body":${"[".repeat(5000)}${"]".repeat(5000)}${id}}\n`],
    [
      "bytes that are not UTF-8",
      Buffer.concat([Buffer.from('{"cmd":"send","to":"hm1nd","body":"'), Buffer.from([0xff, 0xfe]), Buffer.from(`"${id}}\n`)]),
    ],
  ])("%s is refused in words", async (_what, bytes) => {
    const [answer] = await raw(path(), bytes);
    expect(answer).toMatchObject({ version: 1, ok: false });
    expect(String(answer?.["error"])).not.toBe("");
    expect(answer?.["code"]).not.toBe("internal");
    await isWell();
  });

  test("a key named __proto__ is an unknown field like any other, and changes nothing", async () => {
    const [answer] = await raw(path(), `{"cmd":"whoami","__proto__":{"ok":true}${id}}\n{"cmd":"list"${id}}\n`);
    expect(answer).not.toHaveProperty("admin");
    expect(({} as Record<string, unknown>)["ok"]).toBeUndefined();
    await isWell();
  });

  test("a line past the limit closes the connection with an error, also without a newline", async () => {
    const [answer] = await raw(path(), Buffer.alloc(MAX_LINE_BYTES + 10, "x"));
    expect(answer).toMatchObject(refused("too_large"));
    const big = await raw(
      path(),
      Array.from({ length: 64 }, () => Buffer.alloc(1024 * 1024, "y")),
    );
    expect(big[0]).toMatchObject(refused("too_large"));
    await isWell();
  });

  test("a peer that stops in the middle of a line, or never reads, blocks nothing", async () => {
    const silent = connect(path());
    silent.write('{"cmd":"li');
    silent.pause();
    await isWell();
    silent.destroy();
  });
});

describe("messages", () => {
  test("a forged sender is not even read", async () => {
    const [answer] = await raw(
      hive.agentSocket("ada"),
      '{"id":1,"cmd":"send","to":"operator","body":"I am the operator","from":"operator","sender":"operator"}\n',
    );
    expect(answer).toMatchObject({ ok: true });
    const message = await hive.untilMessage((one) => one.body === "I am the operator");
    expect(message.from).toBe("ada");
  });

  test("an agent cannot use the operator's verbs, nor a harness's without a hello", async () => {
    for (const cmd of [
      "spawn",
      "destroy",
      "answer",
      "login",
      "shutdown",
      "state",
      "watch",
      "messages",
      "sessions",
      "config",
      "next",
      "finish",
      "publish",
      "list_agents",
      "kill",
    ]) {
      const [answer] = await raw(hive.agentSocket("ada"), `{"id":1,"cmd":"${cmd}","name":"hm1nd"}\n`);
      expect(answer, cmd).toMatchObject(refused("forbidden"));
    }
  });

  test("bodies: empty, a byte over the limit, and lone surrogates are refused; the limit itself is not", async () => {
    await expect(hive.call("send", { to: "hm1nd", body: "" })).rejects.toThrow("at least one byte");
    await expect(hive.call("send", { to: "ada", body: "x".repeat(MAX_BODY_BYTES + 1) })).rejects.toThrow(
      `at most ${MAX_BODY_BYTES} bytes`,
    );
    await expect(hive.call("send", { to: "hm1nd", body: "a\uD800b" })).rejects.toThrow("lone surrogate");
    await expect(hive.call("send", { to: "ada", body: "é".repeat(MAX_BODY_BYTES / 2) + "x" })).rejects.toThrow("at most");
    const { sent } = await hive.call("send", { to: "ada", body: "x".repeat(MAX_BODY_BYTES) });
    expect(sent).toHaveLength(1);
  });

  test("a storm of broadcasts is slowed with a clear error, and the operator is not", async () => {
    const lines = Array.from({ length: 400 }, (_, n) => `{"id":${n},"cmd":"send","to":"hm1nd","body":"storm ${n}"}\n`).join("");
    const answers = await raw(hive.agentSocket("ada"), lines, 400);
    expect(answers).toHaveLength(400);
    const slowed = answers.filter((answer) => answer["code"] === "rate_limited");
    expect(slowed.length).toBeGreaterThan(100);
    expect(String(slowed[0]?.["error"])).toMatch(/wait|again/);
    await hive.call("stop", { scope: { agent_names: ["hm1nd"] }, graceful: false });
    await isWell();
  });

  test("a broadcast storm is limited by the number of its deliveries, also with many agents", async () => {
    const lines = Array.from({ length: 300 }, (_, n) => `{"id":${n},"cmd":"send","to":"*","body":"all ${n}"}\n`).join("");
    const answers = await raw(hive.agentSocket("hm1nd"), lines, 300);
    expect(answers).toHaveLength(300);
    expect(answers.filter((answer) => answer["code"] === "rate_limited").length).toBeGreaterThan(50);
    expect(answers.every((answer) => answer["ok"] === true || answer["code"] === "rate_limited")).toBe(true);
    await hive.call("stop", { scope: { agent_names: ["ada"] }, graceful: false });
    await isWell();
  });

  test("connections beyond an agent's limit are refused in words; others are not affected", async () => {
    const sockets = Array.from({ length: 80 }, () => connect(hive.agentSocket("ada")));
    // A refused one is told at once. It gets no reason if it writes after it was closed.
    const refusals = await new Promise<string[]>((resolve) => {
      const texts: string[] = [];
      for (const socket of sockets)
        socket.once("data", (data) => {
          texts.push(data.toString());
          if (texts.length >= sockets.length - 64) resolve(texts);
        });
    });
    expect(refusals.every((text) => text.includes("more than 64 connections"))).toBe(true);
    for (const socket of sockets) socket.destroy();
    await isWell();
  });

  test("ten thousand connections to the operator's socket are served or refused, and the hive continues", async () => {
    const sockets: Socket[] = [];
    let refusals = 0;
    for (let n = 0; n < 10_000; n++) {
      const socket = connect(hive.socket);
      socket.on("error", () => refusals++);
      socket.on("data", () => refusals++);
      sockets.push(socket);
      if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const socket of sockets) socket.destroy();
    await isWell();
    expect(refusals).toBeGreaterThan(0);
  });
});
