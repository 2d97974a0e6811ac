import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  chmodSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { killGroup } from "../os/run-bytes.ts";
import { sandboxedRun } from "../os/sandboxed-run.ts";
import { Paths } from "../lib/paths.ts";
import { MAX_FOLDER_ENTRIES, MAX_PICTURE_BYTES } from "../wire/file-limits.ts";
import { MAX_LISTING_BYTES } from "../wire/limits.ts";
import { AgentFiles, type Owner } from "./agent-files.ts";
import { MAX_HEAD_BYTES } from "./answers.ts";
import { Uploads } from "./uploads.ts";

const identity = { kind: "host-uid" as const, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const scout: Owner = { id: "a1", name: "scout", record: { identity } };
const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");

let top: string;
let state: string;
let files: AgentFiles;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "files-"));
  const paths = new Paths(top, join(top, "run"));
  state = paths.agent(scout.id).state;
  mkdirSync(state, { recursive: true });
  // Node runs the source of the reader as it is.
  const program = {
    reads: [
      { host: dirname(process.execPath), at: "/opt/node" },
      { host: join(import.meta.dirname, ".."), at: "/opt/src" },
    ],
    argv: ["/opt/node/node", "/opt/src/files/reader/main.ts"],
  };
  files = new AgentFiles({ sandboxedRun, paths, program });
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const put = (path: string, content: string | Buffer = ""): void => {
  mkdirSync(dirname(join(state, path)), { recursive: true });
  writeFileSync(join(state, path), content);
};
/** The bytes of a download. */
async function downloaded(path: string): Promise<Buffer> {
  const download = await files.download(scout, path, new AbortController().signal);
  try {
    const all: Buffer[] = [];
    for await (const piece of download.pieces()) all.push(piece);
    return Buffer.concat(all);
  } finally {
    download.close();
  }
}

test("a folder is listed in the order of its names, each as what it is, and nothing is opened or followed", async () => {
  put("b.txt", "hello");
  put("folder/x", "");
  symlinkSync("/etc/shadow", join(state, "a-link"));
  execFileSync("mkfifo", [join(state, "c-fifo")]);
  put("huge");
  truncateSync(join(state, "huge"), 7 * 1024 ** 4);
  const { entries, more } = await files.list(scout, "/state");
  expect(more).toBe(0);
  expect(entries.map(({ name, kind, bytes, target }) => ({ name, kind, bytes, target }))).toEqual([
    { name: "a-link", kind: "link", bytes: "/etc/shadow".length, target: "/etc/shadow" },
    { name: "b.txt", kind: "file", bytes: 5, target: undefined },
    { name: "c-fifo", kind: "fifo", bytes: 0, target: undefined },
    { name: "folder", kind: "folder", bytes: expect.any(Number) as number, target: undefined },
    { name: "huge", kind: "file", bytes: 7 * 1024 ** 4, target: undefined },
  ]);
  expect(entries.at(-1)?.on_disk).toBe(0);
});

test("the folders of an agent are those that it has", async () => {
  expect((await files.list(scout, "/")).entries.map(({ name }) => name)).toEqual(["state"]);
  mkdirSync(join(dirname(state), "work"));
  expect((await files.list(scout, "/")).entries.map(({ name }) => name)).toEqual(["state", "work"]);
});

test("an agent that was never started has no files", async () => {
  await expect(files.list({ ...scout, id: "a2" }, "/state")).rejects.toThrow("it has not been started");
});

test("a fifo, a device, a link and what is below a link are not read", async () => {
  execFileSync("mkfifo", [join(state, "fifo")]);
  symlinkSync("/etc/passwd", join(state, "link"));
  symlinkSync("/usr", join(state, "usr"));
  if (process.getuid?.() === 0) {
    // An agent cannot make one.
    execFileSync("mknod", [join(state, "device"), "c", "1", "3"]);
    await expect(files.read(scout, "/state/device")).rejects.toThrow("/state/device is a device");
    expect((await files.list(scout, "/state")).entries[0]).toMatchObject({ name: "device", kind: "device" });
  }
  await expect(files.read(scout, "/state/fifo")).rejects.toThrow("/state/fifo is a fifo");
  await expect(files.read(scout, "/state/link")).rejects.toThrow("/state/link is a link");
  await expect(files.read(scout, "/state/usr/bin/env")).rejects.toThrow("/state/usr is a link");
  await expect(files.list(scout, "/state/usr")).rejects.toThrow("/state/usr is a link");
  await expect(files.read(scout, "/state/none")).rejects.toMatchObject({ code: "not_found" });
  for (const path of ["/state/fifo", "/state/link", "/state/usr/bin"]) await expect(downloaded(path)).rejects.toThrow(" is a ");
});

test("the sandbox of the reader has no file of the host, so that even a link that is followed leads nowhere", async () => {
  put("x");
  await expect(files.list(scout, "/home")).rejects.toThrow("there is no /home");
  await expect(files.read(scout, "/etc/shadow")).rejects.toThrow("there is no /etc/shadow");
});

test("a text, a picture by its first bytes, and neither of them", async () => {
  put("a.txt", "grüße\n");
  put("b.txt", PNG);
  put("c.png", Buffer.from([1, 0, 2]));
  put("latin", Buffer.from([0xe9, 0x20]));
  put("big.png", Buffer.concat([PNG, Buffer.alloc(MAX_PICTURE_BYTES)]));
  put("sparse");
  truncateSync(join(state, "sparse"), 7 * 1024 ** 4);
  put("controls", "\u0001".repeat(3 * 1024 * 1024));
  expect(await files.read(scout, "/state/a.txt")).toMatchObject({ shows: "text", text: "grüße\n", bytes: 8 });
  expect(await files.read(scout, "/state/b.txt")).toMatchObject({ shows: "picture", picture: { type: "image/png" } });
  expect(await files.read(scout, "/state/c.png")).toMatchObject({ shows: "binary", bytes: 3 });
  expect(await files.read(scout, "/state/latin")).toMatchObject({ shows: "binary" });
  expect(await files.read(scout, "/state/big.png")).toMatchObject({ shows: "too_large" });
  expect(await files.read(scout, "/state/sparse")).toMatchObject({ shows: "too_large", bytes: 7 * 1024 ** 4 });
  // An answer of a socket could not carry it: each of its characters is six in JSON.
  expect(await files.read(scout, "/state/controls")).toMatchObject({ shows: "binary" });
});

test("of a folder with more names than are shown, the rest is counted", async () => {
  mkdirSync(join(state, "many"));
  for (let nth = 0; nth < MAX_FOLDER_ENTRIES + 5; nth++) writeFileSync(join(state, "many", `${nth}`), "");
  const { entries, more } = await files.list(scout, "/state/many");
  expect([entries.length, more]).toEqual([MAX_FOLDER_ENTRIES, 5]);
});

test("a name that is no UTF-8 is shown as such", async () => {
  writeFileSync(Buffer.concat([Buffer.from(`${state}/`), Buffer.from([0x61, 0xff])]), "");
  const [entry] = (await files.list(scout, "/state")).entries;
  expect(entry).toMatchObject({ name: "a\ufffd", not_utf8: true });
});

test("names are in the order of their bytes, and each fact is beside its name", async () => {
  put("é", "12");
  put("z", "1");
  put('a"b\\c', "123");
  writeFileSync(Buffer.concat([Buffer.from(`${state}/`), Buffer.from([0xef, 0xff])]), "1234");
  put("\u{1f600}", "12345");
  put("run.sh");
  chmodSync(join(state, "run.sh"), 0o755);
  symlinkSync("ziel-ü", join(state, "\u{1f601}"));
  const { entries } = await files.list(scout, "/state");
  const facts = entries.map(({ name, bytes, not_utf8, executable, target }) => ({ name, bytes, not_utf8, executable, target }));
  expect(facts).toEqual([
    { name: 'a"b\\c', bytes: 3 },
    { name: "run.sh", bytes: 0, executable: true },
    { name: "z", bytes: 1 },
    { name: "é", bytes: 2 },
    { name: "\ufffd\ufffd", bytes: 4, not_utf8: true },
    { name: "\u{1f600}", bytes: 5 },
    { name: "\u{1f601}", bytes: Buffer.byteLength("ziel-ü"), target: "ziel-ü" },
  ]);
});

test("of a folder whose names are longer than an answer may be, the rest is counted", async () => {
  const folder = join(state, "long");
  mkdirSync(folder);
  const long = (nth: number): string => `${nth}`.padStart(5, "0") + "\u0001".repeat(245);
  for (let nth = 0; nth < 3000; nth++) writeFileSync(join(folder, long(nth)), "");
  writeFileSync(join(folder, "z"), "");
  const { entries, more } = await files.list(scout, "/state/long");
  expect(entries.length + more).toBe(3001);
  expect(entries.at(-1)?.name).toBe(long(entries.length - 1));
  const bytes = Buffer.byteLength(JSON.stringify(entries));
  expect(bytes).toBeGreaterThan(MAX_LISTING_BYTES * 0.9);
  expect(bytes).toBeLessThanOrEqual(MAX_LISTING_BYTES);
});

test("an answer whose columns do not fit together is not taken", async () => {
  const answers = (columns: object): AgentFiles => {
    const said = {
      name: ["a"],
      kind: ["file"],
      bytes: [1],
      on_disk: [1],
      modified_ms: [0],
      not_utf8: [],
      executable: [],
      target: [],
    };
    const program = { reads: [], argv: ["/bin/sh", "-c", 'printf %s "$0"', JSON.stringify({ ...said, more: 0, ...columns })] };
    return new AgentFiles({ sandboxedRun, paths: new Paths(top, join(top, "run")), program });
  };
  expect((await answers({ executable: [0, 7], target: [[9, "x"]] }).list(scout, "/state")).entries).toEqual([
    { name: "a", kind: "file", bytes: 1, on_disk: 1, modified_at: "1970-01-01T00:00:00.000Z", executable: true },
  ]);
  for (const wrong of [
    { kind: [] },
    { kind: ["door"] },
    { bytes: [1, 2] },
    { bytes: [-1] },
    { on_disk: ["1"] },
    { modified_ms: [null] },
    { name: [1] },
    { not_utf8: [0.5] },
    { target: [["a", "b"]] },
    { name: "a" },
  ])
    await expect(answers(wrong).list(scout, "/state"), JSON.stringify(wrong)).rejects.toThrow();
});

test("a folder can be listed while it changes", async () => {
  mkdirSync(join(state, "busy"));
  let isOver = false;
  const change = async (): Promise<void> => {
    for (let nth = 0; !isOver; nth++) {
      writeFileSync(join(state, "busy", `${nth % 100}`), "");
      rmSync(join(state, "busy", `${(nth + 50) % 100}`), { force: true });
      if (nth % 200 === 0) await new Promise(setImmediate);
    }
  };
  const changing = change();
  for (let nth = 0; nth < 5; nth++)
    for (const { kind } of (await files.list(scout, "/state/busy")).entries) expect(kind).toBe("file");
  isOver = true;
  await changing;
});

test("a file is downloaded as it is, a folder as an archive of its files and folders alone", async () => {
  const bytes = Buffer.alloc(3 * 1024 * 1024, "ab");
  put("folder/deep/data", bytes);
  put(`folder/${"n".repeat(200)}/ü`, "long");
  put("folder/run.sh", "#!/bin/sh\n");
  chmodSync(join(state, "folder/run.sh"), 0o4755);
  symlinkSync("/etc/shadow", join(state, "folder/link"));
  execFileSync("mkfifo", [join(state, "folder/fifo")]);
  expect((await downloaded("/state/folder/deep/data")).equals(bytes)).toBe(true);
  const archive = await downloaded("/state/folder");
  const listed = execFileSync("tar", ["-tv"], { input: archive, encoding: "utf8", maxBuffer: 1 << 26 })
    .trimEnd()
    .split("\n");
  expect(listed.map((line) => [line.slice(0, 10), line.split(/ +/).at(-1)])).toEqual([
    ["drwxr-xr-x", "folder/"],
    ["drwxr-xr-x", "folder/deep/"],
    ["-rw-r--r--", "folder/deep/data"],
    ["drwxr-xr-x", `folder/${"n".repeat(200)}/`],
    ["-rw-r--r--", expect.stringMatching(/ü|\\303\\274/) as string],
    ["-rwxr-xr-x", "folder/run.sh"],
  ]);
  const { head, close } = await files.download(scout, "/state/folder", new AbortController().signal);
  close();
  expect(head).toEqual({
    what: "folder",
    left: 2,
    left_out: [
      { path: "fifo", kind: "fifo" },
      { path: "link", kind: "link" },
    ],
  });
});

test("more than a gigabyte is not downloaded, be it one sparse file or a folder", async () => {
  put("folder/a");
  put("folder/b");
  truncateSync(join(state, "folder/a"), 7 * 1024 ** 4);
  for (const path of ["/state/folder/a", "/state/folder"])
    await expect(downloaded(path)).rejects.toMatchObject({ code: "too_large" });
});

test("a download that is given up ends its reader", async () => {
  put("data", Buffer.alloc(8 * 1024 * 1024));
  const ended = new AbortController();
  const { pieces, close } = await files.download(scout, "/state/data", ended.signal);
  const take = async (): Promise<void> => {
    for await (const _ of pieces()) ended.abort();
  };
  await expect(take()).rejects.toThrow("cannot be read");
  close();
});

test("what is left out of an archive is named, also what the agent's own modes forbid, and long paths by their end", async () => {
  let deep = "folder";
  for (let n = 0; n < 8; n++) deep += `/${"\u0001".repeat(255)}`;
  put(`${deep}/file`);
  for (let n = 0; n < 60; n++) execFileSync("mkfifo", [join(state, deep, `fifo-${n}`)]);
  put("folder/secret");
  chmodSync(join(state, "folder/secret"), 0o000);
  const { head, pieces, close } = await files.download(scout, "/state/folder", new AbortController().signal);
  for await (const _ of pieces());
  close();
  expect(head).toMatchObject({
    left: 61,
    left_out: expect.arrayContaining([{ path: expect.stringMatching(/^….{300}$/s), kind: "fifo" }]),
  });
  expect(JSON.stringify(head).length).toBeLessThan(MAX_HEAD_BYTES);
});

test("a reader that says too much is ended, and its place is free again", async () => {
  const chatty = { reads: [], argv: ["/bin/sh", "-c", "exec head -c 3000000 /dev/zero"] };
  const others = new AgentFiles({ sandboxedRun, paths: new Paths(top, join(top, "run")), program: chatty });
  for (let n = 0; n < 6; n++)
    await expect(others.download(scout, "/state/x", new AbortController().signal)).rejects.toThrow("its answer is too long");
});

test("downloads that are given up keep no descriptor", async () => {
  put("data", Buffer.alloc(8 * 1024 * 1024));
  const open = (): number => readdirSync("/proc/self/fd").length;
  const before = open();
  for (let n = 0; n < 4; n++) {
    const { pieces, close } = await files.download(scout, "/state/data", new AbortController().signal);
    await pieces().next();
    close();
  }
  await expect.poll(open).toBeLessThanOrEqual(before + 1);
});

const uploads = (): Uploads => new Uploads({ files, now: () => Date.UTC(2026, 10, 30) });
const sentTo = async (uploaded: Uploads, file: string, content: Buffer, bytes = content.length): Promise<string> => {
  const id = await uploaded.start(scout, file, bytes, "operator");
  await uploaded.piece(id, content, "operator");
  return (await uploaded.finish(id, "operator")).path;
};

test("a file that is sent is a new file of the inbox, whatever its name was", async () => {
  for (const [file, kept] of [
    ["a.txt", "a.txt"],
    ["../../x", "x"],
    ["/etc/passwd", "passwd"],
    ["..", "file"],
    [".bashrc", "bashrc"],
    ["-rf\u202E *", "rf-"],
    ["", "file"],
    ["n".repeat(250), "n".repeat(80)],
  ] as const) {
    const path = await sentTo(uploads(), file, Buffer.from("hello"));
    expect(path).toMatch(new RegExp(`^/state/inbox/20261130-000000-[0-9a-f]{4}-${kept}$`));
    expect(readFileSync(join(top, "agents/a1", path), "utf8")).toBe("hello");
  }
});

test("a file that does not become whole is removed, and no operator adds to the upload of another", async () => {
  const open = uploads();
  await expect(sentTo(open, "short", Buffer.from("x"), 2)).rejects.toThrow("less came");
  await expect(sentTo(open, "long", Buffer.from("xxx"), 2)).rejects.toThrow("more bytes came");
  const id = await open.start(scout, "mine", 1, "operator");
  await expect(open.piece(id, Buffer.from("x"), "operator/bob")).rejects.toThrow("there is no such upload");
  open.stop();
  await expect(open.finish(id, "operator")).rejects.toThrow("there is no such upload");
  // The program removes the file when it ends: the next one waits for its folder.
  await sentTo(uploads(), "next", Buffer.from("x"));
  const left = (await files.list(scout, "/state/inbox")).entries.map(({ name }) => name.replace(/^.*-/, ""));
  expect(left.filter((name) => name !== "mine")).toEqual(["next"]);
});

test("an inbox that is a link is not followed", async () => {
  mkdirSync(join(state, "elsewhere"));
  symlinkSync("elsewhere", join(state, "inbox"));
  await expect(sentTo(uploads(), "x", Buffer.from("x"))).rejects.toThrow("/state/inbox is a link");
  expect((await files.list(scout, "/state/elsewhere")).entries).toEqual([]);
});

/** Readers that run until they are let go. */
function heldReaders(waitMs?: number): { held: AgentFiles; letGo(): void } {
  const children: ChildProcess[] = [];
  let isOver = false;
  const run = (): ChildProcess => {
    const child = spawn("tail", ["-f", "/dev/null"], { detached: true });
    children.push(child);
    if (isOver) killGroup(child);
    return child;
  };
  const held = new AgentFiles({
    sandboxedRun: run,
    paths: new Paths(top, join(top, "run")),
    program: { reads: [], argv: [] },
    ...(waitMs === undefined ? {} : { waitMs }),
  });
  return {
    held,
    letGo() {
      isOver = true;
      for (const child of children) killGroup(child);
    },
  };
}

test("calls that would wait behind too many others are refused with what to do", async () => {
  const { held, letGo } = heldReaders();
  // Four run, and sixteen wait.
  const asked = Array.from({ length: 20 }, () => held.list(scout, "/state").catch(String));
  await expect(held.list(scout, "/state")).rejects.toThrow("16 calls wait for the files of this agent");
  await expect(held.openWriter(scout, { folder: "/state", name: "a", bytes: 1 })).rejects.toThrow("16 calls wait");
  letGo();
  for (const words of await Promise.all(asked)) expect(words).toContain("cannot be read");
});

test("a call waits for a reader for a time, and leaves the line after it", async () => {
  const { held, letGo } = heldReaders(1);
  const running = Array.from({ length: 4 }, () => held.list(scout, "/state").catch(String));
  for (let times = 0; times < 20; times++)
    await expect(held.list(scout, "/state")).rejects.toThrow("are being read by others for longer than 0.001 s: try again");
  letGo();
  await Promise.all(running);
});
