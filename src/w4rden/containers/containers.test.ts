import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { containersContract } from "../../../test/lib/containers-contract.ts";
import { standInHost } from "../../../test/lib/nixos-host-stand-in.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

containersContract("containers of a stand-in for a NixOS host", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "containers-")));
  folders.push(folder);
  const host = standInHost(folder);
  const system = (letter: string): string => `/nix/store/${letter.repeat(32)}-system`;
  for (const letter of ["b", "0"]) mkdirSync(join(folder, system(letter)));
  writeFileSync(join(folder, system("b"), "boots"), "");
  for (const made of ["hive", "etc"]) mkdirSync(join(folder, made));
  return {
    host,
    state: { path: "/hive", here: join(folder, "hive") },
    etc: join(folder, "etc"),
    system: system("b"),
    broken: system("0"),
  };
});
