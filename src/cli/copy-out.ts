import { lstat, mkdir, open, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Output } from "../wire/operations.ts";
import { EXIT, Failure } from "./exit.ts";
import { clean, plural } from "./print.ts";
import type { Shell } from "./shell.ts";
import { unpackTar } from "./untar.ts";

type Part = Output<"file_download">;

/**
 * Copies a file or folder of an agent to a path here that does not exist, or into a folder. What cannot be copied whole is
 * removed again. Fails as `partial` if the agent's folder has links or other things that are not copied.
 */
export async function copyOut(
  shell: Shell,
  { agent: name, path }: { agent: string; path: string },
  local: string,
): Promise<void> {
  const target = await targetOf(local, basename(path === "" ? "/state" : path));
  const parts = shell.client.stream("file_download", { name, path: path === "" ? "/state" : path })[Symbol.asyncIterator]();
  const { value: head } = (await parts.next()) as IteratorResult<Part, undefined>;
  if (head?.what === undefined) throw new Error("the hive sent no file");
  // What has taken its place since is not ours to write to, nor to remove.
  const file = head.what === "file" ? await open(target, "wx").catch((error: unknown) => whyNot(target, error)) : undefined;
  if (file === undefined) await mkdir(target).catch((error: unknown) => whyNot(target, error));
  let copied;
  try {
    copied = file === undefined ? await unpackTar(bytesOf(parts), target) : await saved(bytesOf(parts), file);
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
  const facts = { to: target, files: copied.files, bytes: copied.bytes, left: head.left ?? 0, left_out: head.left_out ?? [] };
  const words = `${plural(copied.files, "file")} copied to ${clean(target)}`;
  if (facts.left === 0) return shell.show(facts, () => words);
  shell.say(words);
  const named = facts.left_out.map((one) => `\n  ${clean(one.path)}: ${one.kind}`).join("");
  throw new Failure(EXIT.partial, "partial", `${facts.left} left out, because only files and folders are copied:${named}`, facts);
}

/** Where to write: the path itself, or its place in a folder that exists. Throws if that is taken. */
async function targetOf(local: string, name: string): Promise<string> {
  const isFolder = (await statOf(local))?.isDirectory() === true;
  const target = isFolder ? join(local, name) : local;
  if ((await statOf(target)) !== undefined) throw taken(target);
  return target;
}

const taken = (target: string): Failure =>
  new Failure(EXIT.refused, "conflict", `${target} exists already: name another path, or remove it`);

function whyNot(target: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EEXIST") throw taken(target);
  if (code === "ENOENT" || code === "ENOTDIR")
    throw new Failure(EXIT.refused, "bad_request", `there is no folder ${clean(dirname(target))}: make it first (mkdir -p)`);
  throw error;
}

async function statOf(path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The bytes after the first part. Throws if the hive did not send all of them. */
async function* bytesOf(parts: AsyncIterator<Part>): AsyncGenerator<Buffer, void> {
  for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
    const { piece, done } = next.value;
    if (done === true) return;
    if (piece !== undefined) yield Buffer.from(piece, "base64");
  }
  throw new Failure(EXIT.refused, "unavailable", "the hive has not sent everything: try again");
}

async function saved(bytes: AsyncIterable<Buffer>, file: FileHandle): Promise<{ files: number; bytes: number }> {
  const stream = file.createWriteStream();
  await pipeline(Readable.from(bytes), stream);
  return { files: 1, bytes: stream.bytesWritten };
}
