import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { containerConf, type ContainerConf } from "./conf.ts";

const CONF: ContainerConf = {
  system: `/nix/store/${"b".repeat(32)}-nixos-system-h-tester-26.11`,
  hostname: "h-tester",
  firstUid: 0x10_0000,
  binds: [
    { source: "/run/hive-cages/h0/binds/0", target: "/state", mode: "rw" },
    { source: "/run/hive-cages/h0/binds/1", target: "/config", mode: "ro" },
  ],
  memoryBytes: 1024 ** 3,
};

/** The variables, as a shell and the start script of NixOS get them: the flags are split at spaces, and expanded. */
function variables(text: string): Record<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), "conf-"));
  try {
    // The service manager reads the file; what it takes for a value without quotes is the rest of the line.
    const pairs = text
      .split("\n")
      .filter((line) => /^[A-Z_]+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const);
    return Object.fromEntries(
      pairs.map(([name, value]) => {
        const words = execFileSync("/bin/sh", ["-c", 'for word in $VALUE; do printf "%s\\n" "$word"; done'], {
          env: { VALUE: value },
          cwd: folder,
          encoding: "utf8",
        });
        return [name, words.split("\n").slice(0, -1)];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the configuration is the same for the same facts", () => {
  expect(containerConf(CONF)).toBe(containerConf({ ...CONF, binds: [...CONF.binds] }));
});

test("a container has a network of its own without addresses, users of its own and no start by itself", () => {
  const found = variables(containerConf(CONF));
  expect(found).toMatchObject({
    AUTO_START: ["0"],
    PRIVATE_NETWORK: ["1"],
    PRIVATE_USERS: ["1048576"],
    SYSTEM_PATH: [CONF.system],
  });
  // Anything else, such as an address or a bridge, would make a network device or more.
  expect(Object.keys(found).sort()).toEqual([
    "AUTO_START",
    "EXTRA_NSPAWN_FLAGS",
    "PRIVATE_NETWORK",
    "PRIVATE_USERS",
    "SYSTEM_PATH",
  ]);
});

test.each([
  "--settings=no",
  "--private-users-ownership=map",
  "--no-new-privileges=yes",
  "--link-journal=no",
  "--hostname=h-tester",
  "--inaccessible=/nix/var/nix/daemon-socket",
  "--inaccessible=/nix/var/nix/db",
  "--tmpfs=/nix/var/nix/profiles:mode=755,size=65536",
  "--tmpfs=/nix/var/nix/gcroots:mode=755,size=65536",
  "--tmpfs=/tmp:mode=1777,size=536870912",
  "--tmpfs=/dev/shm:mode=1777,size=268435456",
  "--system-call-filter=~@keyring",
  "--bind=/run/hive-cages/h0/binds/0:/state",
  "--bind-ro=/run/hive-cages/h0/binds/1:/config",
])("systemd-nspawn gets %s", (flag) => {
  expect(variables(containerConf(CONF))["EXTRA_NSPAWN_FLAGS"]).toContain(flag);
});

test("no value can add a line, a flag or an expansion: it arrives as it is, or there is no configuration", () => {
  const odd = fc.array(
    fc.constantFrom("/", "a", " ", "\n", "$HOME", "`", "*", "\\", "'", '"', ";", "#", "~", "é", ":", "--bind=/"),
    {
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(
      odd.map((parts) => parts.join("")),
      fc.constantFrom("system", "hostname", "source", "target"),
      (value, field) => {
        const binds = CONF.binds.map((bind) => ({
          ...bind,
          ...(field === "source" || field === "target" ? { [field]: value } : {}),
        }));
        let text: string;
        try {
          text = containerConf({ ...CONF, ...(field === "system" || field === "hostname" ? { [field]: value } : {}), binds });
        } catch (error) {
          expect(String(error)).toContain("not a word of a container's configuration");
          return;
        }
        expect(value).toMatch(/^[A-Za-z0-9@%~+=,:._/-]*$/);
        expect(text.split("\n")).toHaveLength(containerConf(CONF).split("\n").length);
        expect(text.split(" ")).toHaveLength(containerConf(CONF).split(" ").length);
      },
    ),
  );
});
