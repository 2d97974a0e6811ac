import { isAgentUid } from "../platforms/uids.ts";
import { LAUNCH_ENV } from "../os/launch-env.ts";
import { idMapsLack, type Ids } from "../os/id-map.ts";
import { run } from "../os/run.ts";

/**
 * Uids and gids from here on belong to people, lower ones to the system. Debian, Fedora, Arch and NixOS use this limit.
 */
const FIRST_PERSON = 1000;
/** Uids of systemd's dynamic service users, then those of the user `nobody`. The last is the 16-bit "no such user". */
const [FIRST_DYNAMIC, LAST_NOBODY] = [61_184, 65_535];

/**
 * Why no agent may, or can on this host, act as this owner of a folder. Undefined if it may. The host is checked first,
 * because without id maps another owner would not help. `lack` is what the host lacks for them.
 */
export async function whyNotAs(owner: Ids, lack: () => Promise<string | undefined> = idMapsLack): Promise<string | undefined> {
  return (await lack()) ?? whyForbidden(owner);
}

function whyForbidden({ uid, gid }: Ids): string | undefined {
  const kinds = [
    ["uid", uid, "user"],
    ["gid", gid, "group"],
  ] as const;
  for (const [what, id, noun] of kinds) {
    if (id === 0) return `it belongs to the ${noun} root, and no agent may act as that. Give it to a ${noun} of a person (chown)`;
    if (id < FIRST_PERSON || (id >= FIRST_DYNAMIC && id <= LAST_NOBODY))
      return `it belongs to ${what} ${id}, a ${noun} of the system, and no agent may act as that. Give it to a ${noun} of a person (chown)`;
    if (isAgentUid(id)) return `it belongs to ${what} ${id}, an agent's, and no agent may act as another`;
  }
  return undefined;
}

/** The name of a user of this host. Undefined if the uid has none. */
export async function nameOf(uid: number): Promise<string | undefined> {
  const { code, stdout } = await run("id", ["-nu", String(uid)], { env: LAUNCH_ENV });
  return code === 0 ? stdout.trim() : undefined;
}
