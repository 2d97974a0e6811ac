import type { IncomingMessage, ServerResponse } from "node:http";
import { band, FLUSH, pkt } from "../../../src/work/transport/pkt-line.ts";
import type { HostileSsh } from "../outside/hostile-ssh.ts";
import type { HostileUpstream } from "../outside/hostile-upstream.ts";
import type { Place } from "../outside/place.ts";
import { allRefused } from "../outside/requests.ts";
import { outsideRow, type OutsideRow } from "../row.ts";

/** A git server that the operator's repository follows, and that has been taken over. */

const OBJECTS = "git's check of what a host sends";
const BOUNDS = "the bounds of what a host sends";

/** A row from where the upstream stands. */
const row = (
  id: string,
  attempt: string,
  barrier: string,
  refusal: RegExp,
  run: (upstream: HostileUpstream) => Promise<string>,
): OutsideRow<Place> =>
  outsideRow<Place>("upstream", "upstream")(id, attempt, barrier, refusal, async (place) => run(await place.upstream()));

/** A row from where a host behind ssh stands. */
const ssh = (
  id: string,
  attempt: string,
  barrier: string,
  refusal: RegExp,
  run: (host: HostileSsh) => Promise<string>,
): OutsideRow<Place> =>
  outsideRow<Place>("upstream", "upstream")(`ssh-${id}`, attempt, barrier, refusal, async (place) => run(await place.ssh()));

/** What git serves of a repository, and its type. */
const LIST = { "content-type": "application/x-git-upload-pack-advertisement" };
const PACK = { "content-type": "application/x-git-upload-pack-result" };

/** Answers a request for the list of refs, and leaves the others to git. */
const list =
  (answer: (outgoing: ServerResponse) => void) =>
  (incoming: IncomingMessage, outgoing: ServerResponse): boolean => {
    if (incoming.method !== "GET") return false;
    outgoing.writeHead(200, LIST);
    answer(outgoing);
    return true;
  };

/** A list of refs with one more. */
const listed = (sha: string, ref: string): Buffer =>
  Buffer.concat([
    pkt(`${sha} HEAD\0side-band-64k ofs-delta symref=HEAD:refs/heads/main\n`),
    pkt(`${sha} refs/heads/main\n`),
    pkt(`${sha} ${ref}\n`),
    FLUSH,
  ]);

/** Refs outside of branches and tags: those that the hive keeps, and names that git or a file system reads otherwise. */
const ODD_REFS = [
  "refs/heads/../changes/1/head",
  "refs/heads/x.lock",
  "refs/heads/a..b",
  "refs/heads/-x",
  "refs/heads/\u202Ex",
  "refs/tags/../heads/x",
  "refs/tags/a..b",
  "refs/tags/-x",
  "refs/changes/1/head",
  "refs/agents/ada/x",
  "refs/upstream/heads/main",
  "refs/replace/1111111111111111111111111111111111111111",
];

/** The refs of a repository that has nothing but its base. */
const OWN_REFS = "refs/heads/main refs/upstream/main";

/** Control and format characters. */
const UNSEEN = /[\p{Cc}\p{Cf}]/u;

/** Sends lines until the other side closes. */
function endless(outgoing: ServerResponse, sha: string): void {
  const piece = Buffer.concat(Array.from({ length: 1000 }, (_, at) => pkt(`${sha} refs/pull/${at}/head\n`)));
  const more = (): void => {
    while (!outgoing.destroyed) if (!outgoing.write(piece)) return void outgoing.once("drain", more);
  };
  more();
}

export const upstreamRows: readonly OutsideRow<Place>[] = [
  row(
    "private",
    "lead the hive to its own machine by an address",
    "the check of every address",
    /has a private address/,
    (upstream) => upstream.add({ private: false }),
  ),
  row(
    "certificate",
    "get the token of a host without its certificate",
    "the check of the certificate",
    /is not trusted/,
    (upstream) =>
      upstream.answering(
        () => false,
        async () => {
          const end = await upstream.add({ trusts: false }).catch((error: unknown) => error as Error);
          if (upstream.server.seen.length > 0) return "a request arrived";
          if (typeof end === "string") return end;
          throw end;
        },
      ),
  ),
  row(
    "redirect",
    "lead the hive and its token to another host",
    "redirects are not followed",
    /which the hive does not follow/,
    (upstream) => {
      const { other } = upstream;
      const to = (incoming: IncomingMessage, outgoing: ServerResponse): boolean => {
        outgoing.writeHead(307, { location: `https://127.0.0.1:${other.port}${incoming.url}` }).end();
        return true;
      };
      const later = (incoming: IncomingMessage, outgoing: ServerResponse): boolean =>
        incoming.method === "POST" && to(incoming, outgoing);
      return allRefused(
        /which the hive does not follow/,
        [to, later].map((answer) => async () => {
          const end = await upstream.answering(answer, () => upstream.add()).catch((error: unknown) => error as Error);
          if (other.seen.length > 0) return "a request arrived at the other host";
          if (typeof end === "string") return end;
          throw end;
        }),
      );
    },
  ),
  row("objects", "send files that a checkout would take as git's own", OBJECTS, /git refuses the objects/, (upstream) =>
    allRefused(
      /git refuses the objects/,
      [
        { mode: "100644", name: ".git", text: "gitdir: /etc" },
        { mode: "100644", name: ".GIT", text: "gitdir: /etc" },
        { mode: "120000", name: ".gitmodules", text: "/etc/passwd" },
        { mode: "100644", name: ".gitmodules", text: '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=evil\n' },
      ].map((entry) => () => upstream.serving(entry, () => upstream.add())),
    ),
  ),
  row("count", "announce four billion objects", BOUNDS, /has more than 1000000 objects/, (upstream) => {
    const head = Buffer.from("PACK\0\0\0\u0002\xee\0\0\0", "latin1");
    return upstream.answering(
      (incoming, outgoing) => {
        if (incoming.method !== "POST") return false;
        outgoing.writeHead(200, PACK).end(Buffer.concat([pkt("NAK\n"), band(1, head), FLUSH]));
        return true;
      },
      () => upstream.add(),
    );
  }),
  row("endless", "list refs without end", BOUNDS, /lists more than 16 MiB of refs/, (upstream) =>
    upstream.answering(
      list((outgoing) => endless(outgoing, upstream.server.tip() ?? "")),
      () => upstream.add(),
    ),
  ),
  {
    ...row("refs", "list refs that the hive keeps, and odd names", "branches and tags by their rules", /^$/, async (upstream) => {
      const sha = upstream.server.tip() ?? "";
      for (const ref of ODD_REFS)
        await upstream
          .answering(
            list((outgoing) => outgoing.end(listed(sha, ref))),
            () => upstream.add(),
          )
          .then((added) => {
            if (added !== OWN_REFS) throw new Error(`${ref}: ${added}`);
          });
      return "the repositories have their base and nothing else";
    }),
    contained: "the repository has the branches of its bases and nothing else",
  },
  row(
    "words",
    "steer the operator's terminal through the refusal of a host",
    "unseen characters are taken out",
    /refuses: no/,
    async (upstream) => {
      const steering = "ERR no \x1b]52;c;ZXZpbA==\x07\x1b[2J\u202Eevil\r\nsecond line";
      const end = await upstream
        .answering(
          list((outgoing) => outgoing.end(Buffer.concat([pkt(steering), FLUSH]))),
          () => upstream.add(),
        )
        .catch((error: unknown) => error as Error);
      if (typeof end === "string" || UNSEEN.test(end.message)) return `it said: ${JSON.stringify(end)}`;
      throw end;
    },
  ),
  ssh(
    "host-key",
    "take the place of a host behind ssh with a key of its own, for a log-in",
    "the host key that the operator has confirmed",
    /and you have confirmed SHA256:/,
    (host) => host.inPlaceOfHost(),
  ),
  ssh("endless", "list more refs over ssh than the hive can hold", BOUNDS, /lists more than 16 MiB of refs/, (host) => {
    const sha = host.server.tip() ?? "";
    return host.answering(`yes '003e${sha} refs/pull/1/head' | head -c ${40 * 1024 ** 2}`);
  }),
  ssh(
    "words",
    "steer the operator's terminal through the error output of a host behind ssh",
    "unseen characters are taken out",
    /lists no refs \(no/,
    async (host) => {
      const end = await host
        .answering("printf 'no \\033]52;c;ZXZpbA==\\007\\033[2J\\342\\200\\256evil\\r\\nsecond line' >&2; exit 1")
        .catch((error: unknown) => error as Error);
      if (typeof end === "string" || UNSEEN.test(end.message)) return `it said: ${JSON.stringify(end)}`;
      throw end;
    },
  ),
];
