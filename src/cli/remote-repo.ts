import { readFileSync } from "node:fs";
import { hivectl } from "../lib/hivectl.ts";
import type { Input } from "../wire/operations.ts";
import { isSsh, type HostKey } from "../wire/remote.ts";
import type { RepoSettings, RepoView } from "../wire/work.ts";
import { addedBy } from "./added-repo.ts";
import { confirm } from "./deciding.ts";
import { EXIT, Failure, UsageError } from "./exit.ts";
import { readSecret, readSecrets } from "./secret-input.ts";
import type { Shell } from "./shell.ts";

/** An address with what it takes. */
interface NewRemote {
  name: string;
  address: string;
  tokenStdin: true | undefined;
  forgeTokenStdin: true | undefined;
  private: true | undefined;
  /** A file. */
  ca: string | undefined;
  keyStdin: true | undefined;
  newKey: true | undefined;
  /** A fingerprint. */
  hostKey: string | undefined;
  yes: true | undefined;
}

/** Adds a repository from another host, with its progress. */
export async function addRemote(
  shell: Shell,
  { name, address, tokenStdin, forgeTokenStdin, private: isPrivate, ca, ...ssh }: NewRemote,
  settings: Partial<RepoSettings>,
): Promise<RepoView> {
  const authority = ca === undefined ? undefined : readAuthority(ca);
  if (forgeTokenStdin === true && ssh.keyStdin === true)
    throw new UsageError(
      `--key-stdin takes all of standard input: give the token for pull requests later, with ${hivectl(`repo login ${name} --forge-token-stdin`)}`,
    );
  const tokens = await readSecrets([
    ...(tokenStdin === true ? ["the token: "] : []),
    ...(forgeTokenStdin === true ? ["the token for pull requests: "] : []),
  ]);
  const token = tokenStdin === true ? tokens[0] : undefined;
  const forgeToken = forgeTokenStdin === true ? tokens.at(-1) : undefined;
  const place = { name, address, private: isPrivate === true };
  const input = {
    ...place,
    token,
    forge_token: forgeToken,
    ca: authority,
    ...(isSsh(address) ? await overSsh(shell, place, ssh) : {}),
    ...settings,
  };
  return addedBy(shell, name, shell.client.stream("repo_add_remote", input));
}

/** What an ssh address takes: the key of the host, confirmed by the operator, and the key to log in with. */
async function overSsh(
  shell: Shell,
  { name, ...place }: { name: string; address: string; private: boolean },
  { keyStdin, newKey, hostKey, yes }: Pick<NewRemote, "keyStdin" | "newKey" | "hostKey" | "yes">,
): Promise<Partial<Input<"repo_add_remote">>> {
  if (keyStdin === true && newKey === true) throw new UsageError("use one of --key-stdin and --new-key");
  const key = keyStdin === true ? await readKey() : undefined;
  const { key: shown } = await shell.client.call("repo_host_key", { ...place, fingerprint: hostKey });
  await confirmHostKey(shell, shown, { hostKey, yes });
  if (newKey !== true) return { host_key: shown, key };
  const { public_key: publicKey } = await shell.client.call("repo_new_key", { name, address: place.address });
  const rest =
    "the host has to know it, with the right to read, and to write if you push; if it does not yet, add it there and repeat this command";
  process.stderr.write(`the deploy key for ${name}:\n${publicKey}\n${rest}\n`);
  return { host_key: shown, own_key: true };
}

/** Reads a private key from standard input. */
export async function readKey(): Promise<string> {
  // A key has several lines, so it cannot be typed unseen.
  if (process.stdin.isTTY) throw new UsageError("--key-stdin reads a file: hivectl … --key-stdin < ~/.ssh/deploy-key");
  return readSecret("");
}

/** Lets the operator confirm the host key that a host shows: by its fingerprint, by --yes, or at the terminal. */
export async function confirmHostKey(
  shell: Shell,
  { type, fingerprint }: HostKey,
  { hostKey, yes }: Pick<NewRemote, "hostKey" | "yes">,
): Promise<void> {
  if (hostKey !== undefined && hostKey !== fingerprint)
    throw new Failure(EXIT.refused, "conflict", `the host shows ${fingerprint} (${type}), not ${hostKey}: nothing is changed`);
  if (hostKey !== undefined) return;
  process.stderr.write(`the host shows the key ${fingerprint} (${type}); compare it with what its owner publishes\n`);
  await confirm(shell, { yes: yes === true }, "trust this host key", "--host-key with the fingerprint, or --yes");
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Failure(
      EXIT.refused,
      "bad_request",
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`,
    );
  }
}
