import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { deflateSync } from "node:zlib";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GitServer } from "../../../test/lib/git-server.ts";
import { SshServer } from "../../../test/lib/ssh-server.ts";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import { openTestWork } from "../../../test/lib/work.ts";
import { copyHistory } from "../git/import.ts";
import { band, FLUSH, pkt } from "../transport/pkt-line.ts";
import { MAX_ADVERTISED_BYTES } from "./server.ts";
import type { NewRemote } from "./remotes.ts";

/** Hosts that answer with hostile bytes, over both protocols. */

const TOKEN = "ghp_a-token-of-the-operator-8f2a";

/** What a host answers in place of git. Undefined: what git does. */
interface Lies {
  /** In place of the list of refs; it goes on with `forever` again and again. */
  list?: Buffer;
  forever?: Buffer;
  /** In place of the pack, after the list that git gives. The host says nothing more and does not end. */
  pack?: Buffer;
}

interface Host {
  git: GitServer;
  remote: NewRemote & { token?: string; key?: string };
  lie(lies: Lies): void;
  /** Resolves once the host has sent its pack. */
  sent(): Promise<void>;
}

async function httpsHost(): Promise<Host> {
  const git = await new GitServer({ token: TOKEN }).start();
  let sent = Promise.withResolvers<void>();
  return {
    git,
    remote: { address: git.address, ca: git.ca, private: true, token: TOKEN },
    sent: () => sent.promise,
    lie({ list, forever, pack }) {
      sent = Promise.withResolvers<void>();
      git.instead = (incoming, outgoing) => {
        const isPost = incoming.method === "POST";
        if (isPost ? pack === undefined : list === undefined) return false;
        const type = isPost ? "result" : "advertisement";
        outgoing.writeHead(200, { "content-type": `application/x-git-upload-pack-${type}` });
        outgoing.write(isPost ? pack : list, () => isPost && sent.resolve());
        const more = (): void => {
          while (!outgoing.destroyed && outgoing.write(forever));
          if (!outgoing.destroyed) outgoing.once("drain", more);
        };
        if (!isPost && forever) more();
        else if (!isPost) outgoing.end();
        return true;
      };
    },
  };
}

async function sshHost(): Promise<Host> {
  const git = await new SshServer().start();
  const mark = join(git.folder, "sent");
  return {
    git,
    remote: { address: git.address, private: true, key: git.key.private, hostKey: git.hostKey },
    sent: () => expect.poll(() => execFileSync("ls", [git.folder]).includes("sent"), { timeout: 30_000 }).toBe(true),
    lie({ list, forever, pack }) {
      const at = (name: string, bytes: Buffer): string => {
        writeFileSync(join(git.folder, name), bytes);
        return join(git.folder, name);
      };
      const real = execFileSync("git", ["upload-pack", "--advertise-refs", git.bare]);
      const lines = [`cat ${at("list", list ?? real)}`];
      if (forever) lines.push(`while cat ${at("forever", forever)}; do :; done`);
      // The first conversation asks for the list alone.
      if (pack) lines.push(`read -r wants && cat ${at("pack", pack)} && touch ${mark}`);
      if (pack) lines.push("exec tail --pid=$PPID -f /dev/null");
      git.answerWith(lines.join("\n"));
    },
  };
}

/** A pack with one object of this many zeros, which says that it has `said`. */
function bomb(bytes: number, said = bytes): Buffer {
  const head = Buffer.from("PACK\0\0\0\u0002\0\0\0\u0001", "latin1");
  // The type is a blob; the size has four bits in the first byte and seven in each other one.
  const size: number[] = [0x30 | (said & 15)];
  for (let rest = Math.floor(said / 16); rest > 0; rest = Math.floor(rest / 128)) {
    size[size.length - 1] = (size.at(-1) ?? 0) | 0x80;
    size.push(rest % 128);
  }
  const body = Buffer.concat([head, Buffer.from(size), deflateSync(Buffer.alloc(bytes), { level: 9 })]);
  return Buffer.concat([body, createHash("sha1").update(body).digest()]);
}

const MIB = 1024 * 1024;
/** In lines of the side-band, as a server sends it. */
function inBands(pack: Buffer): Buffer {
  const lines = [pkt("NAK\n")];
  for (let at = 0; at < pack.length; at += 60_000) lines.push(band(1, pack.subarray(at, at + 60_000)));
  return Buffer.concat([...lines, FLUSH]);
}

describe.each([
  ["https", httpsHost],
  ["ssh", sshHost],
] as const)("over %s", (_protocol, open) => {
  let system: TestSystem;
  let host: Host;
  let first: string;
  beforeEach(async () => {
    host = await open();
    first = host.git.commit("a.txt", "one\n");
    system = await openTestSystem({
      net: { resolve: async () => ["127.0.0.1"], isPublic: (address) => !address.startsWith("127.") },
    });
    await system.work.start();
  });
  afterEach(async () => {
    await system.work.pushes.idle();
    // It is the host's fault, and not a defect.
    expect(system.unexpected).toEqual([]);
    await system.close();
    await host.git.stop();
  });
  const add = (signal?: AbortSignal) =>
    system.work.upstreams.addRemote("web", host.remote, {}, signal === undefined ? {} : { signal });
  const nothingIsLeft = (): void => {
    expect(system.work.repositories.find("web")).toBeUndefined();
    expect(system.work.context.credentials.of("web")).toBeUndefined();
  };

  test("a list of refs without end is given up at its limit", async () => {
    const ref = (n: number): Buffer => pkt(`${first} refs/heads/b${n}\n`);
    const many = Buffer.concat(Array.from({ length: 2_000 }, (_, n) => ref(n)));
    host.lie({ list: pkt(`${first} refs/heads/main\0side-band-64k\n`), forever: many });
    await expect(add()).rejects.toThrow(`lists more than ${MAX_ADVERTISED_BYTES / MIB} MiB of refs`);
    nothingIsLeft();
  });

  test("more branches than the hive keeps are refused", async () => {
    const refs = Array.from({ length: 10_001 }, (_, n) => pkt(`${first} refs/heads/b${n}\n`));
    host.lie({ list: Buffer.concat([pkt(`${first} HEAD\0side-band-64k\n`), ...refs, FLUSH]) });
    await expect(add()).rejects.toThrow("has more than 10000 branches and tags");
    nothingIsLeft();
  });

  test("a host that stops in the middle of a pack is given up with its caller, and leaves nothing", async () => {
    host.lie({ pack: inBands(bomb(MIB)).subarray(0, 300) });
    const caller = new AbortController();
    const added = add(caller.signal);
    await host.sent();
    caller.abort(new Error("given up"));
    await expect(added).rejects.toThrow("given up");
    nothingIsLeft();
  });

  test("a small pack that becomes a thousand times as large is unpacked in the sandbox alone, and not kept", async () => {
    host.lie({ pack: inBands(bomb(200 * MIB)) });
    await expect(add()).rejects.toThrow("is not whole");
    nothingIsLeft();
  });

  test("a pack with an object that says it is larger than any memory is refused", async () => {
    host.lie({ pack: inBands(bomb(1_000, 64 * 1024 * MIB)) });
    await expect(add()).rejects.toThrow("git refuses the objects");
    nothingIsLeft();
  });

  test("a base that is moved back stops its queue, and nothing is pushed over it", async () => {
    await add();
    const { upstreams, repositories } = system.work;
    const second = host.git.commit("b.txt", "two\n");
    await upstreams.fetch("web");
    host.git.git("update-ref", "refs/heads/main", first);
    expect(await upstreams.fetch("web")).toMatchObject({ diverged: ["main"], moved: [] });
    expect([repositories.tip("web", "main"), host.git.tip()]).toEqual([second, first]);
  });

  test("what a host says is one bounded line without control characters", async () => {
    const words = `ERR \u001B[31mred\u001B[0m\r\n${"long ".repeat(5_000)}`;
    host.lie({ list: Buffer.concat([pkt(words), FLUSH]) });
    const said = await add().then(() => "added", String);
    expect(said).toMatch(/refuses: {0,2}\[31mred/);
    expect(said).not.toMatch(/\p{Cc}/u);
    expect(said.length).toBeLessThan(1_000);
    nothingIsLeft();
  });

  test("a host that says the credential back brings it into no error", async () => {
    host.lie({ list: Buffer.concat([pkt(`ERR no access with ${TOKEN}, or at all`), FLUSH]) });
    await expect(add()).rejects.toThrow(
      host.remote.token === undefined ? "no access with" : "refuses: no access with [credential], or at all",
    );
    host.lie({ pack: Buffer.concat([pkt("NAK\n"), band(3, Buffer.from(`bad ${TOKEN}\n`))]) });
    await expect(add()).rejects.toThrow(host.remote.token === undefined ? "gave up: bad" : "gave up: bad [credential]");
    nothingIsLeft();
  });
});

test("a copy that is given up before it begins is not begun", async () => {
  const system = await openTestSystem();
  await system.work.start();
  await system.work.repositories.create("web", {});
  const ended = Promise.withResolvers<void>();
  const pack = new PassThrough();
  const end = (): void => ended.reject(new Error("the transfer was ended"));
  const source = {
    where: "the host",
    list: () => Promise.reject(new Error("not asked")),
    send: () => ({ pack, ended: ended.promise, end }),
  };
  const signal = AbortSignal.abort(new Error("the caller has gone"));
  const ends = { wants: ["a".repeat(40)], haves: [] };
  await expect(copyHistory(system.work.context.git, "web", source, ends, { signal })).rejects.toThrow(
    "copying the host was given up",
  );
  await system.close();
});

test("the reason of a refused push does not have the token", async () => {
  const host = await httpsHost();
  host.git.commit("a.txt", "one\n");
  host.git.hook("pre-receive", `echo 'no push with ${TOKEN}' >&2; exit 1`);
  const work = await openTestWork({ settings: { push: "after-merge" }, remote: host.remote });
  await work.queue.start();
  const id = await work.queued(work.commit(work.tip(), { "b.txt": "two\n" }));
  await work.queue.idle();
  expect(work.row(id)).toMatchObject({
    state: "push_failed",
    reason: expect.stringContaining("no push with [credential]") as string,
  });
  expect(JSON.stringify([work.row(id), work.notices])).not.toContain(TOKEN);
  await work.close();
  await host.git.stop();
});
