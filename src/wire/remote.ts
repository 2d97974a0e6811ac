import { z } from "zod";

/** Addresses of repositories on other hosts. */

/** Characters of an address. */
const MAX_ADDRESS_CHARS = 512;
/** Characters of a token, several times the longest of the known forges. */
const MAX_TOKEN_CHARS = 4_096;
/** Characters of certificates of an authority in PEM: some tens of them. */
const MAX_CA_CHARS = 64 * 1024;

/** The parts of an address. */
export interface RemoteParts {
  protocol: "https";
  /** The name with which the credential is sent. */
  user: string | undefined;
  host: string;
  port: number;
  /** Begins with a slash. */
  path: string;
}

/** True if a text is meant as an address of another host, not as a folder. */
export const isAddress = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^[^/\s]+@[^/\s]+:/.test(text);

/** The port of https. */
const HTTPS_PORT = 443;
const PATH = /^(?:\/[A-Za-z0-9._~+@-]+)+\/?$/;
const USER = /^[A-Za-z0-9._-]{1,64}$/;

/** The parts of an address, or what is wrong with it. The words never repeat the address: it may have a credential. */
export function parseAddress(text: string): RemoteParts | string {
  // The parser of addresses drops line ends and tabs: what is shown would not be what is asked for.
  if (!/^[\x21-\x7e]+$/.test(text)) return "an address has no spaces and no control characters";
  if (/^http:/i.test(text)) return "http sends the credential in the clear: use https";
  if (/^(?:ssh:|git\+ssh:|[^/\s]+@[^/\s]+:)/i.test(text)) return "ssh is not supported: use the https address of the repository";
  if (!/^https:\/\//i.test(text)) return "an address begins with https://";
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
