import { execFileSync, spawn } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cliInside } from "../lib/cli-inside.ts";
import { cleanEnv, TestHive } from "../lib/hive.ts";

/** Files of agents in a real hive: as operators see them, while the agent runs and while it is stopped. */

const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");
let hive: TestHive;

beforeAll(async () => {
  hive = await new TestHive()
    .play([
      {
        when: { text: "^make$" },
        steps: [
          {
            tools: [
              {
                name: "Bash",
                input: {
                  command:
                    "mkdir -p /state/out/deep && echo hello > /state/out/deep/a.txt && ln -s /etc/shadow /state/out/link && mkfifo /state/out/fifo && umask 077 && echo secret > /state/out/own",
                },
              },
            ],
          },
          { tools: [{ name: "send", input: { to: "operator", body: "made" } }] },
          { say: "done" },
        ],
      },
      {
        when: { text: "^look" },
        steps: [{ tools: [{ name: "send", input: { to: "operator", body: "I see {{pictures}} pictures" } }] }, { say: "done" }],
      },
      { when: { text: "." }, steps: [{ say: "ok" }] },
    ])
    .start({ manager: false });
  await hive.call("spawn", { name: "scout" });
  await hive.call("send", { to: "scout", body: "make" });
  await hive.untilMessage(({ from, body }) => from === "scout" && body === "made");
});
afterAll(() => hive.dispose());

/** Runs the terminal's program. */
async function hivectl(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const env = cleanEnv({ HIVE_STATE_DIR: hive.stateDir });
  const child = spawn(process.execPath, [HIVECTL, ...argv], { env, cwd: hive.folder, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, err };
}

/** The same inside this process, for what does not depend on its folder. */
const inside = (...argv: string[]) => cliInside("--socket", hive.socket, ...argv);

test("the files that an agent has made are listed, read and copied in the terminal", async () => {
  const listed = await inside("files", "scout", "/state/out");
  expect(listed.out).toMatch(/deep\/.*\n.*fifo +fifo.*\n.*link → \/etc\/shadow +link.*\n.*own/);
  expect(await hivectl("file", "scout", "out/deep/a.txt")).toMatchObject({ code: 0, out: "hello\n" });
  expect((await inside("file", "scout", "out/own")).out).toBe("secret\n");
  expect(await inside("file", "scout", "out/link")).toMatchObject({ code: 1, out: "" });

  const copied = await hivectl("cp", "scout:out", "copy");
  expect([copied.code, copied.out]).toEqual([4, "2 files copied to copy\n"]);
  expect(copied.err).toContain("link: link");
  expect(readFileSync(join(hive.folder, "copy/deep/a.txt"), "utf8")).toBe("hello\n");
  expect(() => lstatSync(join(hive.folder, "copy/link"))).toThrow("ENOENT");
  // Nothing is overwritten.
  expect(await hivectl("cp", "scout:out", "copy/deep")).toMatchObject({ code: 4 });
  expect(await hivectl("cp", "scout:out/own", "copy/own")).toMatchObject({ code: 1 });
  const missing = { code: 1, err: expect.stringContaining("there is no folder nowhere: make it first") as string };
  for (const what of ["out", "out/own"]) expect(await hivectl("cp", `scout:${what}`, "nowhere/copy")).toMatchObject(missing);
  const audit = await hive.call("audit", {});
  expect(audit.entries.map(({ kind, agent }) => [kind, agent])).toContainEqual(["file_downloaded", "scout"]);
});

test("a page reads and saves them: never as a page, and only from its own origin", async () => {
  const browser = await hive.browser();
  const answer = await browser(`/api/download/scout?path=${encodeURIComponent("/state/out/deep/a.txt")}`);
  expect(await answer.text()).toBe("hello\n");
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "application/octet-stream",
    "content-disposition": `attachment; filename="a.txt"; filename*=UTF-8''a.txt`,
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "content-length": "6",
  });
  const archive = await browser("/api/download/scout?path=/state/out");
  const names = execFileSync("tar", ["-t"], { input: Buffer.from(await archive.arrayBuffer()), encoding: "utf8" });
  expect(names).toBe("out/\nout/deep/\nout/deep/a.txt\nout/own\n");
  expect((await browser("/api/download/scout?path=/state/out/link")).status).toBe(409);
  expect((await browser("/api/download/scout?path=/etc/shadow")).status).toBe(400);
  expect((await browser("/api/download/scout?path=/state/../x")).status).toBe(400);
  expect((await browser("/api/download/scout?path=/state/none")).status).toBe(404);
  const foreign = await browser("/api/download/scout?path=/state/out", { headers: { "Sec-Fetch-Site": "cross-site" } });
  expect(foreign.status).toBe(403);
});

test("they are there while the agent is stopped, and a link in the place of its folder leads nowhere", async () => {
  await hive.call("stop", { scope: { agent_names: ["scout"] }, graceful: false });
  const { entries } = await hive.call("file_list", { name: "scout", path: "/state/out" });
  expect(entries.map(({ name }) => name)).toEqual(["deep", "fifo", "link", "own"]);
  // As the agent could have left it.
  const state = join(await hive.folderOf("scout"), "state");
  symlinkSync("/", join(state, "root"));
  await expect(hive.call("file_list", { name: "scout", path: "/state/root/etc" })).rejects.toThrow("is a link");
  mkdirSync(join(state, "open"));
  writeFileSync(join(state, "open", "x"), "");
  expect((await hive.call("file_list", { name: "scout", path: "/state/open" })).entries).toHaveLength(1);
});

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

test("a message with files names them, and the model sees the pictures", async () => {
  await hive.call("start", { scope: { agent_names: ["scout"] } });
  writeFileSync(join(hive.folder, "-shot $(x).png"), PNG);
  writeFileSync(join(hive.folder, "data.csv"), "a,b\n");
  const said = await hivectl("send", "scout", "--file", "-shot $(x).png", "--file", "data.csv", "look at it", "--wait");
  expect(said).toMatchObject({ code: 0, out: "I see 1 pictures\n" });
  const { messages } = await hive.call("messages", { agent: "scout", limit: 50 });
  const body = messages.find((message) => message.body?.startsWith("look at it"))?.body ?? "";
  const [, picture = "", table = ""] =
    /^look at it\n\n\[file\] (\/state\/inbox\/[0-9-]+-[0-9a-f]{4}-shot-x-\.png)\n\[file\] (\S+data\.csv)$/.exec(body) ?? [];
  // The agent owns what it was sent.
  const folder = await hive.folderOf("scout");
  const sent = lstatSync(join(folder, picture));
  expect([sent.uid, sent.isFile(), sent.size]).toEqual([lstatSync(join(folder, "state")).uid, true, PNG.length]);
  expect(await inside("file", "scout", table)).toMatchObject({ out: "a,b\n" });
});

test("a file is copied into the inbox of an agent, also while it is stopped, under a name that the hive makes", async () => {
  await hive.call("stop", { scope: { agent_names: ["scout"] }, graceful: false });
  const big = Buffer.alloc(3 * 1024 * 1024, "0123456789abcdef!");
  writeFileSync(join(hive.folder, "big"), big);
  const copied = await hivectl("cp", "big", "scout:");
  const path = /^scout has it as (\/state\/inbox\/\S+-big)\n$/.exec(copied.out)?.[1] ?? "";
  expect(readFileSync(join(await hive.folderOf("scout"), path)).equals(big)).toBe(true);
  expect(await hivectl("cp", "big", "scout:/state/x")).toMatchObject({ code: 2 });
  const { upload } = await hive.call("upload_start", { name: "scout", file: "../../x", bytes: 1 });
  await hive.call("upload_piece", { upload, piece: Buffer.from("x").toString("base64") });
  expect((await hive.call("upload_finish", { upload })).path).toMatch(/^\/state\/inbox\/[0-9-]+-[0-9a-f]{4}-x$/);
  const { entries } = await hive.call("audit", {});
  expect(entries.filter(({ kind, agent }) => kind === "file_sent" && agent === "scout")).toHaveLength(4);
});
