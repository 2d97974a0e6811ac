import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { agentWith, openWorkGit, type WorkGit } from "../../../test/lib/work-git.ts";
import { paced } from "./pace.ts";
import { FLUSH, pkt } from "./pkt-line.ts";
import { NONE } from "./push-request.ts";

/** Clients that send or read slowly, or never end. */

const PACE = { idleMs: 300, graceMs: 300, rate: 1024 };
let work: WorkGit;
let main: string;
const open: ClientRequest[] = [];

beforeAll(async () => {
  const agents = ["a", "b", "c", "d", "scout"].map((name) => agentWith(name, { web: "write" }));
  work = await openWorkGit(agents, PACE);
  await work.repositories.create("web", {});
  main = await work.seed("web", "main", { "README.md": "hello\n" });
});
afterEach(() => {
  vi.useRealTimers();
  for (const one of open.splice(0)) one.destroy();
});
afterAll(() => work.close());

const head = (ref: string, to: string): Buffer => Buffer.concat([pkt(`${NONE} ${to} refs/heads/${ref}\0report-status`), FLUSH]);
const EMPTY_PACK = Buffer.from("5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex");

/** Begins a push and does not end it. Resolves with the answer. */
function push(agent: string, body: Buffer, path = "git-receive-pack"): Promise<[number | undefined, string]> {
  return new Promise((resolve, reject) => {
    const sent = request(`${work.url(agent, "web")}/${path}`, { method: "POST" }, (response: IncomingMessage) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.once("end", () => resolve([response.statusCode, text]));
    });
    sent.once("error", reject);
    sent.write(body);
    open.push(sent);
  });
}

test("a push that stops in its pack is answered, and its slot is free", async () => {
  const stopped = Buffer.concat([head("slow", "1".repeat(40)), EMPTY_PACK.subarray(0, 12)]);
  // As many as run at once.
  const slow = ["a", "b", "c", "d"].map((agent) => push(agent, stopped));
  const whole = Buffer.concat([head("fast", main), EMPTY_PACK]);
  const fast = await fetch(`${work.url("scout", "web")}/git-receive-pack`, { method: "POST", body: new Uint8Array(whole) });
  expect(await fast.text()).toContain("ok refs/heads/fast");
  for (const [status, text] of await Promise.all(slow)) {
    expect(status).toBe(200);
    expect(text).toMatch(/unpack the request arrived too slowly: .*\n[^]*ng refs\/heads\/slow the request arrived too slowly/);
  }
  expect(work.store.repositories.branches("web").map(({ branch }) => branch)).toEqual(["fast"]);
  expect(work.unexpected).toEqual([]);
});

test.each(["git-receive-pack", "git-upload-pack"])("a request that stops in its commands is answered (%s)", async (path) => {
  const [status, text] = await push("a", Buffer.from("00"), path);
  expect([status, text]).toEqual([path === "git-upload-pack" ? 200 : 403, expect.stringContaining("too slowly")]);
});

test("a body may be slower for a while, and as long as it has the rate", async () => {
  vi.useFakeTimers();
  async function* body(bytes: number, everyMs: number): AsyncGenerator<Buffer, void, undefined> {
    for (let n = 0; n < 100; n++) {
      await new Promise((tick) => setTimeout(tick, everyMs));
      yield Buffer.alloc(bytes);
    }
  }
  const read = async (bytes: number, everyMs: number): Promise<number | string> => {
    let chunks = 0;
    try {
      for await (const _ of paced(body(bytes, everyMs), { idleMs: 60_000, graceMs: 60_000, rate: 1024 })) chunks++;
    } catch (error) {
      return `${chunks}: ${(error as Error).message}`;
    }
    return chunks;
  };
  const all = [read(1024, 1_000), read(1, 600), read(1, 10_000), read(1_000_000, 59_000), read(1_000_000, 61_000)];
  await vi.advanceTimersByTimeAsync(100 * 61_000);
  expect(await Promise.all(all)).toEqual([
    100,
    100,
    expect.stringMatching(/^6: .*too slowly/),
    100,
    expect.stringMatching(/^0: /),
  ]);
});
