import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { NixStore } from "../../src/os/nix/nix-sandbox.ts";
import { until } from "./hive.ts";

/** The real daemon of Nix with a store of the test, in a folder that the caller removes. It builds without users of its own. */
export async function startNixDaemon(folder: string): Promise<{ store: NixStore; stop(): Promise<void> }> {
  const at = (name: string): string => join(folder, name);
  for (const name of ["daemon", "store", "var", "log"]) mkdirSync(at(name));
  const store = { folder: at("store"), socket: at("daemon/socket") };
  const daemon = spawn("nix-daemon", [], {
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      // Otherwise it may take itself for its own daemon.
      NIX_REMOTE: "local",
      NIX_STORE_DIR: store.folder,
      NIX_STATE_DIR: at("var"),
      NIX_LOG_DIR: at("log"),
      NIX_DAEMON_SOCKET_PATH: store.socket,
      NIX_CONFIG: "build-users-group =\nsandbox = false\nsubstituters =\nexperimental-features = nix-command flakes",
    },
    stdio: "ignore",
  });
  await until(() => existsSync(store.socket));
  return {
    store,
    async stop() {
      daemon.kill();
      await new Promise((resolve) => daemon.once("close", resolve));
    },
  };
}
