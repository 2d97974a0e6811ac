import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { collect } from "../os/run-bytes.ts";
import { FRAME, frames } from "./frames.ts";
import { W4rdenProgram } from "./w4rden-client.ts";

let folder: string;
let server: Server;
let answer: (socket: Socket) => void;
const request = { verb: "export", folder: "/x", nonce: "0".repeat(32), what: "refs" } as const;
const BOUNDS = { maxBytes: 8 * 1024 ** 2, timeoutMs: 60_000 };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "w4rden-"));
  server = createServer({ allowHalfOpen: true }, (socket) => answer(socket));
  await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
const start = (): W4rdenProgram => new W4rdenProgram(request, join(folder, "s"));

test("it is collected as a child process is: all of its output, and its code", async () => {
  const out = Buffer.alloc(3 * 1024 ** 2, "o");
  answer = (socket) => {
    const ended = frames(FRAME.ended, Buffer.from('{"code":71}'));
    socket.end(Buffer.concat([frames(FRAME.stdout, out), frames(FRAME.stderr, Buffer.from("why")), ended]));
  };
  const ended = await collect(start(), BOUNDS);
  expect(ended).toMatchObject({ code: 71, stderr: "why", missing: false });
  expect(ended.stdout.equals(out)).toBe(true);
});

test.each([
  [
    "a refusal",
    (socket: Socket) => socket.end(frames(FRAME.ended, Buffer.from('{"error":"root does not allow it"}'))),
    "root does not allow it",
  ],
  ["a connection that ends early", (socket: Socket) => socket.end(), "hive-w4rden has ended the connection"],
  ["bytes that are no frame", (socket: Socket) => socket.end("hello world"), "hive-w4rden sent what it never sends"],
])("%s is an error", async (_, how, words) => {
  answer = how;
  const ended = await collect(start(), BOUNDS);
  expect(ended.missing).toBe(true);
  expect(ended.stderr).toContain(words);
});

test("it closes although the program that it was piped into has ended first", async () => {
  let end = (): void => {};
  answer = (socket) => {
    socket.write(frames(FRAME.stdout, Buffer.from("all that the other one reads")));
    end = () => socket.end(frames(FRAME.ended, Buffer.from('{"code":0}')));
  };
  const program = start();
  const other = new Writable({ write: (_chunk, _encoding, done) => done() });
  program.stdout.once("data", () => other.destroy());
  const unpiped = new Promise((resolve) => other.once("close", resolve));
  program.stdout.pipe(other);
  await unpiped;
  end();
  expect(await new Promise((resolve) => program.once("close", resolve))).toBe(0);
});

test("killing it ends the connection", async () => {
  const gone = new Promise<void>(
    (resolve) =>
      (answer = (socket) =>
        socket
          .resume()
          .on("close", () => resolve())
          .on("end", () => socket.end())),
  );
  const program = start();
  const closed = new Promise((resolve) => program.once("close", resolve));
  program.on("error", () => {}); // That it was killed.
  program.kill();
  await Promise.all([closed, gone]);
  expect(program.kill()).toBe(false);
});
