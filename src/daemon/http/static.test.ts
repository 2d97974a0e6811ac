import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { APP, StaticFiles } from "./static.ts";

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hive-static-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("a browser without a cookie gets the manifest and every icon, and no page or script of the app", () => {
  const folder = newFolder();
  cpSync("ui/public", folder, { recursive: true });
  cpSync("ui/login.html", join(folder, "login.html"));
  cpSync("ui/index.html", join(folder, "index.html"));
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "assets/main.js"), "start()");
  const files = new StaticFiles(folder);
  const manifest = JSON.parse(readFileSync("ui/public/manifest.webmanifest", "utf8")) as { icons: { src: string }[] };
  const fetched = ["/login.html", "/manifest.webmanifest", "/favicon.svg", ...manifest.icons.map(({ src }) => src)];
  expect(fetched.filter((path) => !files.publicPaths.has(path))).toEqual([]);
  expect([...files.publicPaths].filter((path) => path === APP || path.startsWith("/assets/"))).toEqual([]);
});

test("the compressed form of a file is what the build stored beside it, and is no file of its own", async () => {
  const folder = newFolder();
  for (const name of ["a.js", "a.js.gz", "b.js"]) writeFileSync(join(folder, name), name);
  const files = new StaticFiles(folder);
  expect(["/a.js", "/a.js.gz", "/b.js"].filter((path) => files.has(path))).toEqual(["/a.js", "/b.js"]);
  const app = new Hono().get("*", (c) => files.send(c, c.req.path));
  const sent = async (path: string, headers: Record<string, string>): Promise<[string, string | null]> => {
    const response = await app.request(path, { headers });
    return [await response.text(), response.headers.get("content-encoding")];
  };
  const accepting = { "Accept-Encoding": "br, gzip" };
  expect(await sent("/a.js", accepting)).toEqual(["a.js.gz", "gzip"]);
  expect(await sent("/a.js", {})).toEqual(["a.js", null]);
  expect(await sent("/b.js", accepting)).toEqual(["b.js", null]);
});
