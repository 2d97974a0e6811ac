import { isAgentUid } from "./uids.ts";

/**
 * Uids and gids from here on belong to people, lower ones to the system. Debian, Fedora, Arch and NixOS use this limit.
 */
const FIRST_PERSON = 1000;
/** Uids of systemd's dynamic service users, then those of the user `nobody`. The last is the 16-bit "no such user". */
const [FIRST_DYNAMIC, LAST_NOBODY] = [61_184, 65_535];

/** Why no agent may act as this owner of a folder. Undefined if it may. */
export function whyForbidden({ uid, gid }: { uid: number; gid: number }): string | undefined {
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
