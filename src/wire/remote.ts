import { z } from "zod";
export { isAddress, isSsh } from "./address-kinds.ts";

/** Addresses of repositories on other hosts. */

/** Characters of an address. */
const MAX_ADDRESS_CHARS = 512;
/** Characters of a token, several times the longest of the known forges. */
const MAX_TOKEN_CHARS = 4_096;
/** Characters of certificates of an authority in PEM: some tens of them. */
const MAX_CA_CHARS = 64 * 1024;

/** Characters of a private key: several times the longest of the types that are taken. */
const MAX_KEY_CHARS = 16 * 1024;

interface Place {
  host: string;
  port: number;
}

/** The parts of an https address. */
export interface HttpsParts extends Place {
  protocol: "https";
  /** The name with which the credential is sent. */
  user: string | undefined;
  /** Begins with a slash. */
  path: string;
}

/** The parts of an ssh address. */
export interface SshParts extends Place {
  protocol: "ssh";
  user: string;
  /** As git gives it to the server: absolute, in the home of the user, or of another with `~name`. */
  path: string;
}

export type RemoteParts = HttpsParts | SshParts;

const HTTPS_PORT = 443;
const SSH_PORT = 22;
const PATH = /^(?:\/[A-Za-z0-9._~+@-]+)+\/?$/;
const USER = /^[A-Za-z0-9._-]{1,64}$/;
/** A name or an IPv4 address, or an IPv6 address in brackets. */
const SSH_HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])$/;
const SSH_USER = "the user of an ssh address has letters, digits and . _ - only, as in git@host:owner/repository.git";
const SSH_PATH = "the path of an address has letters, digits and . _ ~ + @ - only, as in git@host:owner/repository.git";

/** The parts of an address, or what is wrong with it. The words never repeat the address: it may have a credential. */
export function parseAddress(text: string): RemoteParts | string {
  // The parser of addresses drops line ends and tabs: what is shown would not be what is asked for.
  if (!/^[\x21-\x7e]+$/.test(text)) return "an address has no spaces and no control characters";
  if (/^http:/i.test(text)) return "http sends the credential in the clear: use https";
  if (/^ssh:\/\//i.test(text)) return parseSshUrl(text);
  const [, user, host, path] = /^([^/@]+)@(\[[^\]/]*\]|[^/:[\]]+):(?!\/\/)(.*)$/.exec(text) ?? [];
  if (user !== undefined && host !== undefined && path !== undefined) return sshParts({ user, host, port: SSH_PORT, path });
  if (!/^https:\/\//i.test(text)) return "an address begins with https:// or ssh://, or is git@host:owner/repository.git";
  if (!URL.canParse(text)) return "it is not an address: https://host/owner/repository.git";
  const { username, password, hostname, port, pathname, search, hash } = new URL(text);
  if (password !== "") return "leave the credential out of the address: --token-stdin takes it";
  if (username !== "" && !USER.test(username)) return "the user of an address has letters, digits and . _ - only";
  if (search !== "" || hash !== "") return "an address has no ? and no #";
  // The parser also resolves dots and backslashes: the path has to be the one that is written.
  if (!PATH.test(pathname) || text.slice(text.indexOf("/", "https://".length)) !== pathname)
    return "the path of an address has letters, digits and . _ ~ + @ - only, as in /owner/repository.git";
  return {
    protocol: "https",
    user: username === "" ? undefined : username,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? HTTPS_PORT : Number(port),
    path: pathname.replace(/\/$/, ""),
  };
}

function parseSshUrl(text: string): SshParts | string {
  const [, user, host = "", port, path = ""] =
    /^ssh:\/\/(?:([^/@]*)@)?(\[[^\]/]*\]|[^/:@[\]]+)(?::(\d{1,5}))?(\/.*)$/i.exec(text) ?? [];
  if (host === "") return "it is not an address: ssh://git@host/owner/repository.git";
  if (user === undefined) return "an ssh address names its user: ssh://git@host/owner/repository.git";
  if (user.includes(":")) return "leave the credential out of the address: --key-stdin takes a private key";
  // As git has it: /~name is the home of a user.
  return sshParts({ user, host, port: port === undefined ? SSH_PORT : Number(port), path: path.replace(/^\/~/, "~") });
}

function sshParts({ user, host, port, path }: Omit<SshParts, "protocol">): SshParts | string {
  if (!USER.test(user)) return SSH_USER;
  if (!SSH_HOST.test(host)) return "the host of an ssh address is a name or an address";
  if (port < 1 || port > 65_535) return "the port of an address is between 1 and 65535";
  if (!PATH.test(path.startsWith("/") ? path : `/${path}`) || /(?:^|\/)\.\.?(?:\/|$)/.test(path)) return SSH_PATH;
  // A path that begins with a dash could be an option of what runs there.
  if (path.startsWith("-")) return SSH_PATH;
  return {
    protocol: "ssh",
    user,
    host: host.replace(/^\[|\]$/g, "").toLowerCase(),
    port,
    path: path.replace(/\/$/, ""),
  };
}

/** The address of a repository on another host. It never contains a credential. */
export const RemoteAddress = z
  .string()
  .max(MAX_ADDRESS_CHARS)
  .superRefine((text, context) => {
    const parsed = parseAddress(text);
    if (typeof parsed === "string") context.addIssue({ code: "custom", message: parsed });
  });

/** A token or a password, without the line end of the file that it comes from. */
export const RemoteToken = z
  .string()
  .min(1)
  .max(MAX_TOKEN_CHARS)
  .regex(/^[\x21-\x7e]+$/, "a token is one line of printable ASCII without spaces");

/** Certificates of the authority that a host's certificate comes from, in PEM. */
export const RemoteAuthority = z
  .string()
  .max(MAX_CA_CHARS)
  .regex(/^-----BEGIN CERTIFICATE-----/m, "certificates are in PEM, and begin with -----BEGIN CERTIFICATE-----");

/** A private key of ssh without a passphrase, in the format of OpenSSH or in PEM. */
export const RemoteKey = z
  .string()
  .max(MAX_KEY_CHARS)
  .regex(
    /^-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n[\x20-\x7e\r\n]+$/,
    "a private key begins with -----BEGIN OPENSSH PRIVATE KEY-----",
  );

/** A host key of ssh, as its owner publishes it. */
export const HostKey = z.object({
  type: z.enum(["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"]),
  fingerprint: z
    .string()
    .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, "a fingerprint is SHA256: and 43 characters, as ssh-keygen -l prints it"),
});
export type HostKey = z.infer<typeof HostKey>;
