import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { APP, StaticFiles } from "./static.ts";

test("a browser without a cookie gets the manifest and every icon, and no page or script of the app", () => {
  const folder = mkdtempSync(join(tmpdir(), "hive-static-"));
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
