import { hivectl } from "../../lib/hivectl.ts";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { HiveWork } from "../../work/open.ts";
import { operatorActor } from "../../wire/roles.ts";
import { RepoName } from "../../wire/work.ts";
import type { RepoTokens } from "../repo-tokens.ts";

/** Where the operator's git is served. */
export const GIT_PATH = "/git";

export interface OperatorGit {
  tokens: Pick<RepoTokens, "holder">;
  /** Throws if the operator of a name may not use git any more. */
  permit(operator: string): void;
  /** True if the operator's approvals need a passkey, which git cannot ask for. */
  needsPasskey(operator: string): boolean;
  work: Pick<HiveWork, "repositories" | "transport">;
}

/**
 * The operator's git over HTTP. It takes the token of a repository and nothing else: a browser's cookie has no power
 * here, and what a page can send is refused.
 */
export function gitRoute({ tokens, permit, needsPasskey, work }: OperatorGit) {
  return async (c: Context<{ Bindings: HttpBindings }>): Promise<Response> => {
    const sentByPage =
      c.req.header("origin") !== undefined || [...c.req.raw.headers.keys()].some((name) => name.startsWith("sec-fetch-"));
    if (sentByPage) return c.text("git is not served to pages\n", 403);
    const path = c.req.path.slice(GIT_PATH.length);
    const repo = RepoName.safeParse(/^\/([^/]+?)(?:\.git)?\//.exec(path)?.[1]).data;
    const token = passwordOf(c.req.header("authorization"));
    const holder = repo === undefined || token === undefined ? undefined : tokens.holder(repo, token);
    if (repo === undefined || holder === undefined) {
      const headers = { "WWW-Authenticate": 'Basic realm="hyperhive", charset="UTF-8"', "Cache-Control": "no-store" };
      return c.text(`this address takes a token: ${hivectl("repo remote <repository> --add")} sets up a clone\n`, 401, headers);
    }
    if (!work.repositories.find(repo)) return c.text(`there is no repository ${repo}\n`, 404);
    permit(holder);
    const caller = await work.transport.operatorCaller(repo, operatorActor(holder), !needsPasskey(holder));
    const { search } = new URL(c.req.url);
    await work.transport.endpoint.serve(path + search, c.env.incoming, c.env.outgoing, caller);
    return RESPONSE_ALREADY_SENT;
  };
}

/** The password of a Basic authorization; the user name does not matter. */
function passwordOf(header: string | undefined): string | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]{1,512})$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, "base64").toString("latin1");
  const colon = pair.indexOf(":");
  return colon < 0 ? undefined : pair.slice(colon + 1);
}
