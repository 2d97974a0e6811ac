import type { HttpBindings } from "@hono/node-server";
import type { MiddlewareHandler } from "hono";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { hivectl } from "../../lib/hivectl.ts";
import { GIT_PATH } from "./git.ts";
import { isIn, listOf } from "../../lib/trusted-proxy.ts";
import { HiveError } from "../../wire/error.ts";
import { OPERATOR, OperatorName } from "../../wire/names.ts";
import type { Operator } from "../operator.ts";
import type { Operators } from "../operators.ts";

/** A reverse proxy that logs its users in and names them in a header. */
export interface TrustedProxy {
  /** The header's name. */
  header: string;
  /** True if the proxy is at the other end of a connection. */
  isPeer(socket: Socket): boolean;
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address.split("%")[0] ?? ""));

/**
 * Whether a connection comes from one of these machines. An address that this machine has itself by now is not trusted:
 * every user of it could connect from there.
 */
export function peerWithin(addresses: readonly string[], own: () => string[] = ownAddresses): (socket: Socket) => boolean {
  const trusted = listOf(addresses);
  const known = new WeakMap<Socket, boolean>();
  return (socket) => {
    const { remoteAddress = "" } = socket;
    const isPeer = known.get(socket) ?? (isIn(trusted, remoteAddress) && !isIn(listOf(own()), remoteAddress));
    known.set(socket, isPeer);
    return isPeer;
  };
}

/** Throws if a trusted address is one of this machine's own. */
export function checkPeers(addresses: readonly string[], own: string[] = ownAddresses()): void {
  const mine = addresses.find((address) => isIn(listOf(own), address));
  if (mine !== undefined)
    throw new Error(
      `HIVE_TRUSTED_PROXY: ${mine} is an address of this machine, and every user of it can connect from there: name the proxy's Unix user, as in unix:caddy`,
    );
}

type Env = { Bindings: HttpBindings; Variables: { proxied?: Operator } };

/**
 * Takes the operator of a request from the trusted proxy's header. A request of the proxy without a valid one is
 * refused. The header of any other peer has no effect.
 */
export function proxyGuard(proxy: TrustedProxy, operators: Pick<Operators, "find">): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { incoming } = c.env;
    // Git has a token, which the proxy does not add, and its route serves no browser.
    if (!proxy.isPeer(incoming.socket) || c.req.path.startsWith(`${GIT_PATH}/`)) return next();
    try {
      c.set("proxied", operatorIn(incoming, proxy.header, operators));
    } catch (error) {
      if (!(error instanceof HiveError) || c.req.path.startsWith("/api/")) throw error;
      return c.text(`${error.message}\n`, error.code === "unauthorized" ? 401 : 403);
    }
    const isRead = c.req.method === "GET" || c.req.method === "HEAD";
    const fromPage = c.req.header("sec-fetch-site") !== undefined || c.req.header("origin") !== undefined;
    // The proxy's credential is the browser's cookie or certificate, which a browser that names no origin may send for
    // another site.
    if (!isRead && !fromPage)
      throw new HiveError("forbidden", "through the proxy, a request that is no GET has Origin or Sec-Fetch-Site: add Origin");
    return next();
  };
}

/** The operator that the header names. Throws `unauthorized` without one, and `forbidden` with an odd or unknown one. */
function operatorIn(incoming: IncomingMessage, header: string, operators: Pick<Operators, "find">): Operator {
  const values = incoming.headersDistinct[header.toLowerCase()] ?? [];
  if (values.length === 0)
    throw new HiveError(
      "unauthorized",
      `the trusted proxy has sent no ${header}: it has to log its users in, and to name them there`,
    );
  if (values.length > 1)
    throw new HiveError(
      "forbidden",
      `the trusted proxy has sent ${values.length} headers ${header}: it has to replace what its users send`,
    );
  const name = OperatorName.safeParse(values[0]);
  if (values[0] === OPERATOR)
    throw new HiveError(
      "forbidden",
      `"${OPERATOR}" is the admin of host.sock, and of no proxy: let the proxy name an operator of ${hivectl("operator list")}`,
    );
  if (!name.success)
    throw new HiveError("forbidden", `${header} names no operator: ${name.error.issues[0]?.message ?? "it is not valid"}`);
  const operator = operators.find(name.data);
  if (!operator)
    throw new HiveError(
      "forbidden",
      `${name.data} is no operator of this hive: an admin adds it with ${hivectl(`operator add ${name.data} --role …`)}`,
    );
  return operator;
}
