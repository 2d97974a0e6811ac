import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { descendants } from "../../src/os/process-tree.ts";
import { connectLines, type LineClient } from "../../src/rpc/client.ts";
import { IDLE_CLI, TestHive, cleanEnv, until } from "../lib/hive.ts";

/** A full disk. The state folder is on a small file system of the test's own, in its own mount namespace. */

/** The runtime (Node and the idle CLI) is copied onto it, so it cannot be tiny. Only the free space matters. */
const SIZE = 288 * 1024 * 1024;
const MIB = 1024 * 1024;

let folder: string;
let outer: ReturnType<typeof spawn>;
let seen: string;
let client: LineClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "disk-"));
  const state = join(folder, "s");
  mkdirSync(state);
  const daemon = join(import.meta.dirname, "../../dist/hive-c0re.js");
  const argv = [
    "--dev-bind",
    "/",
    "/",
    "--size",
    String(SIZE),
    "--tmpfs",
    state,
    "--die-with-parent",
    process.execPath,
    daemon,
    "serve",
    "--foreground",
  ];
  outer = spawn("bwrap", argv, {
    env: cleanEnv({ HIVE_STATE_DIR: state, HOME: folder, HIVE_PORT: "0", HIVE_REHEARSAL: "1", ...IDLE_CLI }),
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  outer.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  outer.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  outer.once("exit", () => (output += "ENDED"));
  await until(() => output.includes("/login#token=") || output.includes("ENDED"));
  if (output.includes("ENDED")) throw new Error(output);
  // The daemon's own view of the file system, from outside.
  seen = `/proc/${descendants(outer.pid ?? 0)[0]}/root${state}`;
  client = await connectLines(join(seen, "run", "host.sock"), { ordered: true });
});
afterAll(async () => {
  const ended = once(outer, "exit");
  await client.call("shutdown", {}).catch(() => outer.kill("SIGKILL"));
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

test("a full disk refuses sends with a reason, reads and stop still work, and everything works again when there is room", async () => {
  await client.call("send", { to: "hm1nd", body: "before" });
  const filler = join(seen, "filler");
  const { bavail, bsize } = statfsSync(seen);
  // Everything but one MiB.
  writeFileSync(filler, Buffer.alloc(bavail * bsize - MIB, 1));

  // Within moments the daemon notices, releases its ballast, and reports the problem.
  await untilDiskIs(true);
  await expect(client.call("send", { to: "hm1nd", body: "too much" })).rejects.toMatchObject({
    code: "disk_full",
    message: expect.stringContaining("the disk is nearly full") as string,
  });
  await expect(client.call("spawn", { name: "ada" })).rejects.toMatchObject({ code: "disk_full" });
  const { state } = await client.call("state", {});
  expect(state.hive.banners.map((banner) => banner.text).join()).toContain("disk is nearly full");
  expect((await client.call("messages", {})).messages.map((message) => message.body)).toContain("before");
  expect((await client.call("stop", { scope: { all: true } })).results).toEqual([{ name: "hm1nd", ok: true }]);

  truncateSync(filler, 0);
  await untilDiskIs(false);
  expect((await client.call("start", { scope: { agent_names: ["hm1nd"] } })).results).toEqual([{ name: "hm1nd", ok: true }]);
  const { sent } = await client.call("send", { to: "hm1nd", body: "after" });
  const reader = await connectLines(join(seen, "run", "host.sock"), { ordered: true });
  for await (const { event } of reader.stream("watch", { after: 0, kinds: ["message"] })) {
    if (event?.kind === "message" && event.message.id === sent[0]?.id && event.message.state === "done") break;
  }
  // What was refused was not stored, not even partly.
  const { messages } = await client.call("messages", { limit: 500 });
  expect(messages.filter((message) => message.body === "too much")).toEqual([]);
});

/** Waits until the hive reports that the disk is full, or no longer full. */
async function untilDiskIs(full: boolean): Promise<void> {
  // A stream ends with its connection, so it gets one of its own.
  const reader = await connectLines(join(seen, "run", "host.sock"), { ordered: true });
  for await (const { event } of reader.stream("watch", { kinds: ["hive"] })) {
    if (event?.kind === "hive" && event.hive.banners.some((banner) => banner.text.includes("disk is nearly full")) === full)
      return;
  }
}

test("an agent that exceeds its disk limit is stopped with the reason, and can be started once there is room", async () => {
  const hive = await new TestHive({ ...IDLE_CLI, HIVE_DISK_CHECK_SECONDS: "0.1" }).start();
  try {
    await hive.call("spawn", { name: "ada", config: { limits: { disk_mib: 16 } } });
    const fill = "head -c 20000000 /dev/zero > /state/big; tail -f /dev/null";
    writeFileSync(join(await hive.folderOf("ada"), "state", "fill.sh"), fill);
    const { sent } = await hive.call("send", { to: "ada", body: "run /state/fill.sh" });
    const stopped = await hive.untilAgent("ada", (agent) => agent.failed);
    expect(stopped.state_reason).toMatch(/^over its disk limit \(\d\d of 16 MiB\): free room in /);
    expect(stopped.running).toBe(false);
    // Its message returns to the queue uncounted, and the manager is notified.
    await hive.untilMessage((message) => message.id === sent[0]?.id && message.state === "queued" && message.failures === 0);
    await hive.untilMessage(
      (message) => message.from === "system" && /"event":"killed".*over its disk limit/.test(message.body ?? ""),
    );
    await hive.call("message_drop", { id: sent[0]?.id ?? 0 });
    rmSync(join(await hive.folderOf("ada"), "state", "big"));
    await hive.call("start", { scope: { agent_names: ["ada"] } });
    const { sent: next } = await hive.call("send", { to: "ada", body: "how are you?" });
    await hive.untilMessage((message) => message.id === next[0]?.id && message.state === "done");
  } finally {
    await hive.dispose();
  }
});
