import { mkdirSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { runNow } from "../os/run-now.ts";
import { OWN_PLACE, SHARED_PLACE } from "./place.ts";
import { Refusal } from "./refusal.ts";
import type { OpenFolder } from "./open-folder.ts";

/** Folders that are bound at once. More than the mounts of all agents that run on one host. */
const MAX_BINDS = 1_024;

/** A folder of the host that is bound where it can be found. */
export interface Bound {
  path: string;
  release(): void;
}

export interface BindOptions {
  mode: "ro" | "rw";
  /** Also appears in the daemon's namespace. Else only the helper and its sandboxes see it. */
  forDaemon: boolean;
  /** Options of an id map, and the user that the folder belongs to in it. */
  map?: { options: string; uid: number } | undefined;
}

/** Binds folders by descriptor, without set-user-ID programs and devices. */
export class Binds {
  readonly #live = new Set<string>();
  #last = 0;

  bind({ fd, stat }: OpenFolder, { mode, forDaemon, map }: BindOptions): Bound {
    if (this.#live.size >= MAX_BINDS) throw new Refusal(`${MAX_BINDS} folders are bound already: stop agents with mounts`);
    const path = join(forDaemon ? SHARED_PLACE : OWN_PLACE, String((this.#last += 1)));
    mkdirSync(path);
    this.#live.add(path);
    try {
      const options = ["nosuid", "nodev", ...(mode === "ro" ? ["ro"] : []), ...(map ? [map.options] : [])].join(",");
      // `--no-canonicalize`: else it would look the path up again. 3 is the descriptor in the program.
      runNow("mount", ["--no-canonicalize", "--bind", "-o", options, "/proc/self/fd/3", path], [fd]);
      const found = statSync(path);
      if (found.dev !== stat.dev || found.ino !== stat.ino) throw new Error("another folder was bound");
      if (map && found.uid !== map.uid) throw new Refusal("its file system or this host's mount ignores id maps");
    } catch (error) {
      this.#release(path);
      throw error;
    }
    return { path, release: () => this.#release(path) };
  }

  #release(path: string): void {
    if (!this.#live.has(path)) return;
    try {
      runNow("umount", ["--no-canonicalize", "--lazy", path]);
    } catch {
      // It was not mounted.
    }
    rmdirSync(path);
    this.#live.delete(path);
  }
}
