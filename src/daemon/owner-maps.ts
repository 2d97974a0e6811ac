import { whyForbidden } from "../platforms/owners.ts";
import { LAUNCH_ENV } from "../os/launch-env.ts";
import { idMapsLack, type Ids } from "../os/id-map.ts";
import { run } from "../os/run.ts";

/**
 * Why no agent may, or can on this host, act as this owner of a folder. Undefined if it may. The host is checked first,
 * because without id maps another owner would not help. `lack` is what the host lacks for them.
 */
export async function whyNotAs(owner: Ids, lack: () => Promise<string | undefined> = idMapsLack): Promise<string | undefined> {
  return (await lack()) ?? whyForbidden(owner);
}

/** The name of a user of this host. Undefined if the uid has none. */
export async function nameOf(uid: number): Promise<string | undefined> {
  const { code, stdout } = await run("id", ["-nu", String(uid)], { env: LAUNCH_ENV });
  return code === 0 ? stdout.trim() : undefined;
}
