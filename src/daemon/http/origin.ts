import type { MiddlewareHandler } from "hono";

/** The addresses at which a listener may be called. */
export interface Origins {
  /** `host:port` values that a Host header may carry. */
  hosts: ReadonlySet<string>;
  /** Origins that a cross-origin check accepts. */
  origins: ReadonlySet<string>;
  /**
   * The address at which pages are served. There is only one, because cookies belong to a host, whatever its other
   * names are.
   */
  canonical: URL;
}

/**
 * The addresses of a loopback listener on `port`, and of the public URL if there is one. `127.0.0.1` is canonical,
 * because `localhost` may resolve to another address family, where another program listens.
 */
export function originsFor(port: number, publicUrl: URL | undefined): Origins {
  const own = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
  const hosts = new Set(own);
  const origins = new Set(own.map((host) => `http://${host}`));
  if (publicUrl) {
    hosts.add(publicUrl.host);
    origins.add(publicUrl.origin);
  }
  return { hosts, origins, canonical: publicUrl ?? new URL(`http://127.0.0.1:${port}`) };
}

/** The public address alone, for a listener that only the proxy reaches. */
export function publicOrigins(publicUrl: URL): Origins {
  return { hosts: new Set([publicUrl.host]), origins: new Set([publicUrl.origin]), canonical: publicUrl };
}

/** Refuses requests with an unknown Host (DNS rebinding). */
export function hostGuard({ hosts }: Pick<Origins, "hosts">): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header("host") ?? "";
    return hosts.has(host) ? next() : c.text(`this hive is not served as ${JSON.stringify(host.slice(0, 120))}\n`, 421);
  };
}

/**
 * Refuses requests other than plain navigation that a browser marks as made by another origin. `same-site` is foreign
 * too, because other ports of this machine share its cookies. The Host is checked before, by `hostGuard`.
 */
export function originGuard(origins: Origins): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header("host") ?? "";
    const path = c.req.path;
    const isRead = c.req.method === "GET" || c.req.method === "HEAD";
    const isPage = isRead && !path.startsWith("/api/") && path !== "/metrics";
    if (!isPage && !isOurs(c.req.header("sec-fetch-site"), c.req.header("origin"), origins)) {
      return c.text("this request comes from another origin\n", 403);
    }
    if (isPage && isLoopbackAlias(host, origins) && path !== "/healthz") {
      const url = new URL(c.req.url);
      return c.redirect(`${origins.canonical.origin}${url.pathname}${url.search}`, 307);
    }
    return next();
  };
}

/**
 * True for `localhost` and `[::1]`, which are redirected to the canonical address. The public host and 127.0.0.1 are
 * served as they are.
 */
function isLoopbackAlias(host: string, origins: Origins): boolean {
  return host !== origins.canonical.host && !host.startsWith("127.0.0.1:");
}

function isOurs(site: string | undefined, origin: string | undefined, origins: Origins): boolean {
  if (site !== undefined) {
    if (site !== "same-origin") return false;
    return origin === undefined || origins.origins.has(origin);
  }
  if (origin !== undefined) return origins.origins.has(origin);
  // Every browser sends one of the two on a request that scripts can make. A program that sends neither has the cookie
  // itself,
  // so it is not a confused deputy.
  return true;
}
