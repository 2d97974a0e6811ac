import { mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import { isAbsolute, join, normalize } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FRAME, FrameReader, frames } from "../../src/rpc/frames.ts";
import { W4rdenEnded, W4rdenRequest, type ContainerStartRequest } from "../../src/wire/w4rden.ts";
import { containerConf } from "../../src/w4rden/containers/conf.ts";
import type { VerbContext } from "../../src/w4rden/context.ts";
import { Refusal } from "../../src/w4rden/refusal.ts";
import { openSocket } from "../../src/w4rden/socket.ts";
import { PATIENCE_MS, RUNS } from "./runs.ts";

/** What root's helper reads from the daemon, with generated input. `npm run fuzz` runs many more cases. */

const path = fc
  .array(fc.constantFrom("/", "..", ".", "a", "etc", "\u0000", "\n", "é", " ", "-rf", "~", "proc", "self", "root"), {
    maxLength: 12,
  })
  .map((parts) => `/${parts.join("")}`);
const text = fc.oneof(path, fc.string({ maxLength: 50 }), fc.constant("0123456789abcdef0123456789abcdef"));
/** Paths in a container, of which many are its system's or not words of a shell. */
const cagePath = fc
  .array(fc.constantFrom("/", "..", ".", "a", "etc", "nix", "run", "hive", "-cage", " ", ":", "$x", "\\", "%", "é", "state"), {
    maxLength: 6,
  })
  .map((parts) => `/${parts.join("")}`);
const id = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, 1, 1000, -1, 2 ** 31, 2 ** 53, "0", null));
const ids = fc.record({ uid: id, gid: id }, { requiredKeys: [] });
/** Requests of which about half of the fields are right. */
const request = fc.record(
  {
    verb: fc.constantFrom(
      "mount",
      "export",
      "deliver",
      "give_socket",
      "give_proxy_socket",
      "container_start",
      "container_kill",
      "container_destroy",
      "container_logs",
      "unmount",
      "exec",
      "__proto__",
      1,
      null,
    ),
    folder: text,
    nonce: text,
    mode: fc.constantFrom("ro", "rw", "rwx", true),
    map: fc.oneof(fc.record({ owner: ids, agent: id }, { requiredKeys: [] }), fc.anything()),
    what: fc.constantFrom("check", "refs", "pack", "push", []),
    repo: text,
    branch: text,
    sha: fc.oneof(text, fc.constant("0123456789abcdef0123456789abcdef01234567")),
    clean: fc.oneof(fc.boolean(), fc.string()),
    operator: text,
    uid: id,
    agent: text,
    extra: fc.anything(),
  },
  { requiredKeys: ["verb"] },
);

/** The right value, in nine of ten cases. */
function mostly(right: unknown, other: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: other });
}
/** Starts of containers of which most fields are right. */
const start = fc.record({
  verb: fc.constant("container_start"),
  agent: mostly("a0123456789ab", text),
  hostname: mostly("h-alpha", text),
  uid: mostly(0x7000_0001, id),
  system: mostly(`/nix/store/${"b".repeat(32)}-system`, text),
  binds: fc.array(
    fc.record({
      folder: mostly("/hive/agents/a0/state", path),
      cage: fc.oneof(cagePath, fc.constant("/run/hive")),
      mode: fc.constantFrom("ro", "rw"),
    }),
    { maxLength: 3 },
  ),
  log: mostly("/hive/cage.log", path),
  memory_bytes: mostly(2 ** 30, id),
  cpu_percent: mostly(100, id),
  pids: mostly(100, id),
});

describe("a request", () => {
  test(
    "to start a container that passes is words of a command, and no part of the container's system",
    () => {
      let passed = 0;
      fc.assert(
        fc.property(start, (value) => {
          const parsed = W4rdenRequest.safeParse(value);
          if (!parsed.success || parsed.data.verb !== "container_start") return;
          passed++;
          expectContainer(parsed.data);
        }),
        { numRuns: RUNS },
      );
      expect(passed).toBeGreaterThan(0);
    },
    PATIENCE_MS,
  );

  test(
    "that passes has one verb, a path that leads nowhere else, and no id of root",
    () => {
      fc.assert(
        fc.property(request, (value) => {
          const parsed = W4rdenRequest.safeParse(value);
          if (!parsed.success) return;
          const { data } = parsed;
          expect("extra" in data).toBe(false);
          if (data.verb === "give_socket") {
            expect(data.operator).toMatch(/^[a-z][a-z0-9-]*$/);
            expect(data.uid > 0 && data.uid < 2 ** 31).toBe(true);
            return;
          }
          if (data.verb === "give_proxy_socket") return expect(data).toEqual({ verb: "give_proxy_socket" });
          if (data.verb === "container_start") return expectContainer(data);
          if (data.verb === "container_kill" || data.verb === "container_destroy" || data.verb === "container_logs")
            return expect(data.agent).toMatch(/^[a-z0-9]{1,32}$/);
          expect(isAbsolute(data.folder) && normalize(data.folder) === data.folder && !/[\0-\x1f]/.test(data.folder)).toBe(true);
          expect(data.folder.split("/").slice(1)).not.toContain("..");
          expect(data.folder).not.toBe("/");
          if (data.verb === "mount" && data.map)
            for (const one of [data.map.agent, data.map.owner.uid, data.map.owner.gid])
              expect(one > 0 && one < 2 ** 31).toBe(true);
          if (data.verb !== "mount") expect(data.nonce).toMatch(/^[0-9a-f]{32}$/);
          if (data.verb === "deliver") expect(`${data.repo} ${data.branch}`).not.toMatch(/\.\.|(?:^|[ /])-|\s\/|[\0-\x1f]/);
        }),
        { numRuns: RUNS },
      );
    },
    PATIENCE_MS,
  );
});

/** Nothing of a request becomes more than one word of a command, or leads to a part of the container's system. */
function expectContainer(data: ContainerStartRequest): void {
  expect(data.agent).toMatch(/^[a-z0-9]{1,32}$/);
  expect(data.hostname).toMatch(/^[a-z][a-z0-9-]*$/);
  expect(data.system).toMatch(/^\/nix\/store\/[0-9a-z]{32}-[^/\s:$]+$/);
  expect(data.uid > 0 && data.uid < 2 ** 31).toBe(true);
  for (const { folder, cage } of data.binds) {
    for (const one of [folder, cage]) expect(isAbsolute(one) && normalize(one) === one && one !== "/").toBe(true);
    expect(cage).toMatch(/^[A-Za-z0-9._/-]+$/);
    expect(cage).not.toMatch(/^\/(?:nix|proc|sys|dev|etc|usr|bin|lib|lib64)(?:\/|$)/);
    if (/^\/run(?:\/|$)/.test(cage)) expect(cage).toMatch(/^\/run\/hive(?:-cage)?(?:\/|$)/);
  }
  expect(() =>
    containerConf({
      system: data.system,
      hostname: data.hostname,
      firstUid: 0x10_0000,
      binds: data.binds.map(({ cage, mode }) => ({ source: "/run/hive-cages/h0/binds/0", target: cage, mode })),
      memoryBytes: data.memory_bytes,
    }),
  ).not.toThrow();
}

describe("frames", () => {
  test(
    "arrive as they were sent, in pieces of any size",
    () => {
      const frame = fc.record({ type: fc.constantFrom(...Object.values(FRAME)), bytes: fc.uint8Array({ maxLength: 300 }) });
      fc.assert(
        fc.property(
          fc.array(frame, { maxLength: 6 }),
          fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
          (sent, sizes) => {
            let rest = Buffer.concat(sent.map(({ type, bytes }) => frames(type, Buffer.from(bytes))));
            const reader = new FrameReader();
            const got: { type: number; bytes: number[] }[] = [];
            for (let turn = 0; rest.length > 0; turn++) {
              const size = sizes[turn % sizes.length] ?? 1;
              for (const { type, bytes } of reader.read(rest.subarray(0, size))) got.push({ type, bytes: [...bytes] });
              rest = rest.subarray(size);
            }
            expect(got).toEqual(sent.map(({ type, bytes }) => ({ type, bytes: [...bytes] })));
          },
        ),
        { numRuns: RUNS },
      );
    },
    PATIENCE_MS,
  );
});

describe("the socket", () => {
  let folder: string;
  let server: Server;
  const defects: unknown[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "w4rden-"));
    const account = { name: "self", uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const context: VerbContext = {
      account,
      range: { first: 0x7000_0000, count: 16_384 },
      state: join(folder, "state"),
      run: join(folder, "run"),
      proxy: undefined,
      // Nothing is listed here.
      etc: join(folder, "etc"),
      programs: [],
      binds: {
        bind() {
          throw new Refusal("nothing is bound here");
        },
      } as unknown as VerbContext["binds"],
    };
    server = await openSocket(context, (error) => defects.push(error), join(folder, "s"));
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Sends bytes and resolves with the words of the refusal. */
  async function refusal(bytes: Buffer | string, { half = true } = {}): Promise<string> {
    const socket = connect({ path: join(folder, "s"), allowHalfOpen: true });
    const reader = new FrameReader();
    let ended: W4rdenEnded = {};
    socket.on("data", (chunk: Buffer) => {
      for (const { type, bytes: content } of reader.read(chunk))
        if (type === FRAME.ended) ended = W4rdenEnded.parse(JSON.parse(content.toString()));
    });
    socket.on("end", () => socket.destroy());
    // The helper ends a connection before it has read everything.
    socket.on("error", () => {});
    socket.write(bytes);
    if (half) socket.end();
    await once(socket, "close");
    return ended.error ?? "";
  }

  test(
    "refuses every generated request, and has no defect",
    async () => {
      const line = fc.oneof(
        request.map((value) => `${JSON.stringify(value)}\n`),
        fc.string({ maxLength: 200 }).map((value) => `${value}\n`),
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        fc.json({ maxDepth: 8 }).map((value) => `${value}\n`),
      );
      await fc.assert(
        fc.asyncProperty(line, async (bytes) => {
          expect(await refusal(bytes)).not.toBe("");
        }),
        { numRuns: RUNS },
      );
      expect(defects).toEqual([]);
    },
    PATIENCE_MS,
  );

  test("says why it refuses", async () => {
    expect(await refusal("{}\n")).toMatch(/the request is refused: verb/);
    expect(await refusal('{"verb":"unmount","path":"/"}\n')).toMatch(/the request is refused: verb/);
    expect(await refusal("not json\n")).toBe("the request is not JSON");
    expect(await refusal("{")).toBe("the request has no end");
    expect(await refusal(Buffer.alloc(66_000, 0x61), { half: false })).toBe("the request is longer than 65536 bytes");
    const mount = { verb: "mount", folder: "/srv", mode: "ro" };
    expect(await refusal(`${JSON.stringify({ ...mount, folder: "/srv/../etc" })}\n`)).toMatch(
      /an absolute path in its shortest form/,
    );
    expect(await refusal(`${JSON.stringify({ ...mount, uid: 0 })}\n`)).toMatch(/the request is refused/);
    const kill = { verb: "container_kill", agent: "a1" };
    expect(await refusal(`${JSON.stringify(kill)}\n`)).toBe("the cages of this hive are no containers of the host");
    expect(await refusal(`${JSON.stringify({ ...kill, agent: "../a" })}\n`)).toMatch(/the request is refused: agent/);
    expect(await refusal(`${JSON.stringify(mount)}\n`)).toMatch(/root does not allow \/srv to be mounted/);
  });
});
