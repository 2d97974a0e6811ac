import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What the kernel says about a process. */
export interface Privileges {
  /** The host's uid: real, effective and saved are the same. */
  uid: number;
  /** Effective capabilities, by name. */
  capabilities: string;
  noNewPrivs: string;
  /** The lines of its uid_map. */
  map: string[][];
}

/** Names of capabilities by their bits, those that the table names. */
const NAMES: Record<number, string> = {
  0: "chown",
  1: "dac_override",
  2: "dac_read_search",
  3: "fowner",
  4: "fsetid",
  5: "kill",
  6: "setgid",
  7: "setuid",
  8: "setpcap",
  18: "sys_chroot",
  19: "sys_ptrace",
  21: "sys_admin",
  24: "sys_resource",
  31: "setfcap",
};
/** More capabilities than these make "all". */
const MANY = 30;

/** Reads the rights of a process from /proc. Throws if its uids differ. */
export function privileges(pid: number): Privileges {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.+)$`, "m").exec(status)?.[1] ?? "";
  const uids = new Set(field("Uid").split(/\s+/));
  if (uids.size !== 1) throw new Error(`process ${pid} has several uids: ${[...uids].join(", ")}`);
  const set = BigInt(`0x${field("CapEff")}`);
  const bits = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (set >> BigInt(bit)) & 1n);
  return {
    uid: Number([...uids][0]),
    capabilities:
      bits.length === 0 ? "none" : bits.length > MANY ? "all" : bits.map((bit) => NAMES[bit] ?? `bit ${bit}`).join(", "),
    noNewPrivs: field("NoNewPrivs") === "1" ? "yes" : "no",
    map: readFileSync(`/proc/${pid}/uid_map`, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.trim().split(/\s+/)),
  };
}

/** Processes that a process has started. */
export function children(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

/** The documented table of processes: the rights by the name of the process. */
export function rightsTable(page: string): Map<string, Record<"user" | "capabilities" | "noNewPrivs" | "namespace", string>> {
  const section = /## Which process runs as whom\n(.*?)\n## /s.exec(page)?.[1] ?? "";
  const rows = section
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| process") && !line.startsWith("| ---"));
  return new Map(
    rows.map((row) => {
      const [, process = "", user = "", capabilities = "", noNewPrivs = "", namespace = ""] = row
        .split("|")
        .map((cell) => cell.trim());
      return [process, { user: user.replaceAll("`", ""), capabilities, noNewPrivs, namespace }];
    }),
  );
}

/** Root's only record of a hive. */
export function ownRecord(etc: string): { hive_id: string } {
  const [name = ""] = readdirSync(join(etc, "hives"));
  return JSON.parse(readFileSync(join(etc, "hives", name), "utf8")) as { hive_id: string };
}
