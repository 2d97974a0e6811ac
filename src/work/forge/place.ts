import { HiveError } from "../../wire/error.ts";
import type { RemoteParts } from "../../wire/remote.ts";
import type { PullView } from "../../wire/work.ts";
import { hostHeader } from "../remote/tls.ts";

export type Forge = PullView["forge"];

/** Where a repository is on a forge: its API and its pages. */
export interface ForgePlace {
  forge: Forge;
  /** The only host that is asked. */
  host: string;
  port: number;
  /** True if the host is the one that is fetched from: its private address and its authority hold for the API as well. */
  isUpstream: boolean;
  owner: string;
  name: string;
  /** The path of the repository in the API, without a slash at its end. */
  api: string;
  /** The address of a pull request's page. */
  page(number: number): string;
}

/** github.com has its API on a host of its own. The last one serves ssh on the port of https. */
const GITHUB = ["github.com", "www.github.com", "ssh.github.com"];
const GITHUB_API = "api.github.com";
const HTTPS_PORT = 443;

/**
 * Where the repository of an address is on a forge. The API is spoken over https, whatever the address is for: its port
 * counts only if it is one of https. Throws if the path has no owner and name.
 */
export function forgePlace(
  { protocol, host, port, path }: { protocol: string } & Pick<RemoteParts, "host" | "port" | "path">,
  forge: Forge,
): ForgePlace {
  const segments = path
    .replace(/\.git$/, "")
    .split("/")
    .filter(Boolean);
  const name = segments.pop();
  const owner = segments.pop();
  if (owner === undefined || name === undefined)
    throw new HiveError(
      "bad_request",
      `the address of a repository on a forge ends with its owner and name, as in /owner/repository.git`,
    );
  const web = protocol === "https" ? port : HTTPS_PORT;
  const isPublic = forge === "github" && GITHUB.includes(host.toLowerCase());
  // A forge may be served below a path.
  const below = isPublic ? "" : segments.map((one) => `/${one}`).join("");
  const version = isPublic ? "" : forge === "github" ? "/api/v3" : "/api/v1";
  const site = `https://${isPublic ? "github.com" : hostHeader({ host, port: web })}${below}`;
  return {
    forge,
    host: isPublic ? GITHUB_API : host,
    port: isPublic ? HTTPS_PORT : web,
    isUpstream: !isPublic,
    owner,
    name,
    api: `${below}${version}/repos/${owner}/${name}`,
    page: (number) => `${site}/${owner}/${name}/${forge === "github" ? "pull" : "pulls"}/${number}`,
  };
}
