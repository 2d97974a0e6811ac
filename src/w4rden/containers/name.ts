import { createHash } from "node:crypto";

/** `nixos-container` refuses longer names: they become names of network interfaces. */
const MAX_NAME_CHARS = 11;
/** Lower case, because the name is also a host's; without letters that are taken for others. */
const LETTERS = "0123456789abcdfghijklmnpqrsvwxyz";

/**
 * The name of an agent's container: the same for the whole life of the agent, different for each agent and hive. Of two
 * agents the probability of the same name is 2^-50, and the helper's record refuses the second.
 */
export function containerName(hiveId: string, agent: string): string {
  const digest = createHash("sha256").update(`${hiveId}/${agent}`).digest();
  return `h${[...digest.subarray(0, MAX_NAME_CHARS - 1)].map((byte) => LETTERS[byte % LETTERS.length]).join("")}`;
}
