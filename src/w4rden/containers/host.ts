import { chownSync, existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { idMapsLack } from "../../os/id-map.ts";
import { LAUNCH_ENV } from "../../os/launch-env.ts";
import { run, type Finished } from "../../os/run.ts";
import { runNow } from "../../os/run-now.ts";
import { Refusal } from "../refusal.ts";
import { subordinateIds, uidOfConf, UIDS_PER_CONTAINER } from "./records.ts";
import type { OpenSource } from "./source.ts";

/** Milliseconds for a program of the host. A container's system boots in a second. */
const PROGRAM_MS = 120_000;
/** The user that the kernel shows for one that an id map leaves out. */
const NOBODY = 65_534;
/** Characters of what a failed program said. */
const WORDS_CHARS = 1000;

/** How a source is bound for a container. */
export interface SourceBind {
  mode: "ro" | "rw";
  /** Options of the id map, and its users: whom each user on disk is in the bind. Every other one is nobody. */
  map: { options: string; users: ReadonlyMap<number, number> };
}

/** The host on which containers run, as the helper uses it. A test gives another one. */
export interface ContainersHost {
  /** The folders of NixOS. */
  readonly confs: string;
  readonly profiles: string;
  readonly roots: string;
  /** The service manager's folder of settings that last until the host stops. */
  readonly units: string;
  /** Where containers have their binds, their pipes and their ends: a folder in memory. */
  readonly cages: string;
  /** The host's root folder, whatever the helper has mounted for itself. */
  readonly root: string;
  /** What this host lacks for the binds of containers, in words; undefined if nothing. */
  lacks(): Promise<string | undefined>;
  /** Gives a file or folder of the helper's to another user. */
  give(path: string, uid: number, gid: number): void;
  /** Runs a program in the host's mount namespace. */
  run(program: string, argv: readonly string[]): Promise<Finished>;
  /** The same as a command, for a program whose output is passed on. */
  command(program: string, argv: readonly string[]): [program: string, argv: string[]];
  /** Binds an open source on a mount point in the host's mount namespace, and checks what is there. */
  bind(source: OpenSource, target: string, options: SourceBind): void;
  /** Removes a bind, if there is one. */
  unbind(target: string): void;
  /** Whether uids of this range are used by another than a container of a hive. */
  isTaken(firstUid: number): boolean;
}

/** The first process of the host has the host's mount namespace. */
const NAMESPACE = ["--mount=/proc/1/ns/mnt", "--"];

/** A NixOS host. */
export function nixosHost(): ContainersHost {
  const confs = "/etc/nixos-containers";
  const inHost = (program: string, argv: readonly string[]): string[] => [...NAMESPACE, program, ...argv];
  return {
    confs,
    profiles: "/nix/var/nix/profiles/per-container",
    roots: "/var/lib/nixos-containers",
    units: "/run/systemd/system",
    cages: "/run/hive-cages",
    root: "/proc/1/root",
    lacks: idMapsLack,
    give: chownSync,
    command: (program, argv) => ["nsenter", inHost(program, argv)],
    run: (program, argv) => run("nsenter", inHost(program, argv), { env: LAUNCH_ENV, cwd: "/", timeoutMs: PROGRAM_MS }),
    bind({ fd, stat }, target, { mode, map }) {
      const options = ["nosuid", "nodev", ...(mode === "ro" ? ["ro"] : []), map.options].join(",");
      // `--no-canonicalize`: else it would look the path up again. 3 is the descriptor in the program.
      const mount = ["mount", "--no-canonicalize", "--bind", "-o", options, "/proc/self/fd/3", target];
      runNow("nsenter", [...NAMESPACE, ...mount], [fd]);
      const [ino, uid] = runNow("nsenter", [...NAMESPACE, "stat", "-c", "%i %u", target])
        .trim()
        .split(" ")
        .map(Number);
      if (ino !== stat.ino) throw new Error("another folder was bound");
      if (uid !== (map.users.get(stat.uid) ?? NOBODY)) throw new Refusal("its file system or this host's mount ignores id maps");
    },
    unbind(target) {
      try {
        runNow("nsenter", [...NAMESPACE, "umount", "--no-canonicalize", "--lazy", target]);
      } catch {
        // It was not mounted.
      }
    },
    isTaken(firstUid) {
      const isIn = (uid: number): boolean => uid >= firstUid && uid < firstUid + UIDS_PER_CONTAINER;
      // Containers that pick a range lock it by a file.
      if (existsSync(`/run/systemd/nspawn-uid/${firstUid}`)) return true;
      if (confTexts(confs).some((text) => isIn(uidOfConf(text) ?? -1))) return true;
      return ["/etc/subuid", "/etc/subgid"].some((file) =>
        subordinateIds(textOf(file)).some(
          ({ first, count }) => first < firstUid + UIDS_PER_CONTAINER && first + count > firstUid,
        ),
      );
    },
  };
}

function confTexts(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".conf"))
    .map((name) => textOf(join(folder, name)));
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** The output of a program that has to succeed. Throws a `Refusal` with its words. */
export function successOf(what: string, { code, stdout, stderr, missing }: Finished): string {
  if (code === 0) return stdout;
  const words = missing ? "it is not installed" : stderr.trim().slice(-WORDS_CHARS) || `exit ${code ?? "by a signal"}`;
  throw new Refusal(`${what}: ${words}`);
}
