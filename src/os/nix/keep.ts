import { LAUNCH_ENV } from "../launch-env.ts";
import { run } from "../run.ts";
import { nixComplaint, NixError, type NixStore } from "./nix-sandbox.ts";

/** Milliseconds. Nothing is built: the path is in the store. */
const KEEP_MS = 60_000;

/**
 * Keeps a path of the store from the garbage collector as long as the symbolic link `link` names it. The daemon of Nix
 * follows such links. Idempotent; replaces what the link named before. Throws `NixError`.
 */
export async function keepPath(path: string, link: string, store: NixStore, home: string): Promise<void> {
  const env = {
    ...LAUNCH_ENV,
    // It asks for a home of ours, and writes nothing there.
    HOME: home,
    NIX_REMOTE: "daemon",
    NIX_STORE_DIR: store.folder,
    NIX_DAEMON_SOCKET_PATH: store.socket,
  };
  const ended = await run("nix-store", ["--realise", path, "--add-root", link], { env, cwd: "/", timeoutMs: KEEP_MS });
  if (ended.missing) throw new NixError("nix-store is not installed on this host, or not in a folder of programs");
  if (ended.code !== 0) throw new NixError(`${path} cannot be kept: ${nixComplaint(ended.stderr)}`);
}
