import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { Context } from "hono";
import type { StateSnapshot } from "../../wire/event.ts";
import { pageWithState } from "./start-page.ts";

/** One file of the interface, ready to be sent. */
interface Asset {
  type: string;
  etag: string;
  plain: Uint8Array<ArrayBuffer>;
  gzip: Uint8Array<ArrayBuffer> | undefined;
  immutable: boolean;
}

/** The file of the app's page, which is served at every address of the app. */
export const APP = "/index.html";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
};
/** What the build adds to the name of a file for its compressed form: no start has to compress it. */
const GZIP = ".gz";

/** `<link>` elements that a browser fetches by itself: the icons and the manifest. */
const BROWSER_LINK = /<link\b[^>]*\brel="(?:icon|apple-touch-icon|manifest)"[^>]*>/g;

/**
 * The built interface, read into memory once (it is small). A request is a look-up in a map, so no path can be
 * traversed. `publicPaths` are served without a session: the login page with its files, the manifest and the icons.
 * Browsers fetch the last two without cookies, and they contain nothing about the hive.
 */
export class StaticFiles {
  readonly #assets = new Map<string, Asset>();
  readonly publicPaths: ReadonlySet<string>;
  readonly #app: string;

  constructor(folder: string) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name.endsWith(GZIP)) continue;
      const file = join(entry.parentPath, entry.name);
      this.#assets.set(file.slice(folder.length).replaceAll("\\", "/"), load(file));
    }
    this.#app = Buffer.from(this.#assets.get(APP)?.plain ?? []).toString("utf8");
    this.publicPaths = this.#reachableFrom(["/login.html", ...linksOf(this.#app)]);
  }

  has(path: string): boolean {
    return this.#assets.has(path);
  }

  /** Sends a file, compressed if the browser accepts it, or `304` if the browser has it. */
  send(c: Context, path: string): Response {
    const asset = this.#assets.get(path);
    if (!asset) return c.text("not found\n", 404);
    const headers: Record<string, string> = {
      "Content-Type": asset.type,
      ETag: asset.etag,
      "Cache-Control": asset.immutable ? "public, max-age=31536000, immutable" : "no-cache",
      Vary: "Accept-Encoding",
    };
    if (c.req.header("if-none-match") === asset.etag) return c.body(null, 304, headers);
    if (asset.gzip && /\bgzip\b/.test(c.req.header("accept-encoding") ?? "")) {
      return c.body(asset.gzip, 200, { ...headers, "Content-Encoding": "gzip" });
    }
    return c.body(asset.plain, 200, headers);
  }

  /** Sends the app's page with its state. It is not cached, because the state is private and soon outdated. */
  sendApp(c: Context, state: StateSnapshot): Response {
    const headers = { "Content-Type": TYPES[".html"] ?? "", "Cache-Control": "no-store" };
    return c.body(pageWithState(this.#app, state), 200, headers);
  }

  /** These files, the files that they name, and so on. */
  #reachableFrom(paths: readonly string[]): Set<string> {
    const reached = new Set<string>();
    const open = [...paths];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      const asset = this.#assets.get(path);
      if (!asset || reached.has(path)) continue;
      reached.add(path);
      const text = Buffer.from(asset.plain).toString("utf8");
      for (const other of this.#assets.keys()) {
        const name = other.slice(other.lastIndexOf("/") + 1);
        if (other !== APP && text.includes(name)) open.push(other);
      }
    }
    return reached;
  }
}

function linksOf(page: string): string[] {
  return [...page.matchAll(BROWSER_LINK)].flatMap(([link]) => /\bhref="([^"]+)"/.exec(link)?.[1] ?? []);
}

function load(file: string): Asset {
  const plain = new Uint8Array(readFileSync(file));
  const extension = extname(file);
  return {
    type: TYPES[extension] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`,
    plain,
    gzip: existsSync(file + GZIP) ? new Uint8Array(readFileSync(file + GZIP)) : undefined,
    // The build puts a content hash into these names.
    immutable: file.includes("/assets/"),
  };
}
