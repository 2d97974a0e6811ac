import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { unpackTar } from "./untar.ts";

let top: string;
let into: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "untar-"));
  into = join(top, "into");
  mkdirSync(into);
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

/** An archive of what a shell script makes in a folder `x`, by the host's tar. */
function archive(script: string, ...options: string[]): Buffer {
  const from = join(top, "from");
  mkdirSync(join(from, "x"), { recursive: true });
  execFileSync("/bin/sh", ["-ec", script], { cwd: join(from, "x") });
  return execFileSync("tar", ["-c", "--format=ustar", ...options, "x"], { cwd: from, maxBuffer: 1 << 28 });
}
async function* inPieces(bytes: Buffer, size = 777): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const unpack = (bytes: Buffer, size?: number) => unpackTar(inPieces(bytes, size), into);

test("files and folders are unpacked, whatever pieces they come in", async () => {
  const made = archive("mkdir -p a/b; printf hello > a/b/c; head -c 100000 /dev/zero > zeros; printf x > run; chmod 755 run");
  for (const size of [1000, 512, 1 << 20]) {
    expect(await unpack(made, size)).toEqual({ files: 3, bytes: 100_006 });
    expect(readFileSync(join(into, "a/b/c"), "utf8")).toBe("hello");
    expect(lstatSync(join(into, "zeros")).size).toBe(100_000);
    expect(lstatSync(join(into, "run")).mode & 0o100).toBe(0o100);
    rmSync(into, { recursive: true });
    mkdirSync(into);
  }
});

test.each([
  ["a link", "ln -s /etc a", []],
  ["a hard link", "printf x > a; ln a b", []],
  ["a fifo", "mkfifo a", []],
  ["a set-uid bit", "printf x > a; chmod 4755 a", []],
  ["a set-gid bit of a folder", "mkdir a; chmod 2755 a", []],
  ["a path that leads out of it", "printf x > a", ["--transform=s,x/a,x/../../a,"]],
  ["an absolute path", "printf x > a", ["-P", "--transform=s,x/a,/x/a,"]],
  ["the same path twice", "printf x > a; printf x > b", ["--transform=s,x/b,x/a,"]],
])("an archive with %s is refused, and nothing is made outside of the folder", async (_, script, options) => {
  await expect(unpack(archive(script, ...options))).rejects.toThrow("the archive is refused");
  expect(readdirSync(top).sort()).toEqual(["from", "into"]);
  expect(readdirSync(into).every((name) => lstatSync(join(into, name)).isFile())).toBe(true);
});

test("a device in an archive is refused", async () => {
  const made = archive("printf x > a");
  const at = made.indexOf("x/a\0");
  // A character device, with the checksum that fits.
  made.write("3", at + 156, "latin1");
  const sum = Number.parseInt(made.toString("latin1", at + 148, at + 154), 8) + 3;
  made.write(sum.toString(8).padStart(6, "0"), at + 148, "latin1");
  await expect(unpack(made)).rejects.toThrow("neither a file nor a folder");
});

test("an archive that ends early, or is none, is refused", async () => {
  const made = archive("head -c 5000 /dev/zero > a");
  await expect(unpack(made.subarray(0, 2000))).rejects.toThrow("ends too early");
  await expect(unpack(Buffer.alloc(2048, "x"))).rejects.toThrow("the archive is refused");
});

test("a link that is there already is not followed", async () => {
  const made = archive("printf new > a");
  writeFileSync(join(top, "victim"), "old");
  execFileSync("ln", ["-s", "../victim", join(into, "a")]);
  await expect(unpack(made)).rejects.toThrow("is there twice");
  expect(readFileSync(join(top, "victim"), "utf8")).toBe("old");
});
