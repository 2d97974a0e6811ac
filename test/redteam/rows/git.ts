import { mkdtempSync } from "node:fs";
import { exchange, rawHttp } from "../inside/net.ts";
import { shell } from "../inside/run.ts";
import { cageRow, type CageRow } from "../row.ts";

/**
 * Repositories. The attacker may write to `web`, as the victim may, and to `mirror`. `secret` is the victim's alone. Each
 * attempt has a clone of its own.
 */

const RULES = "the rules of a push";
const GIT_SOCKET = "/run/hive/git.sock";

const fromCage = cageRow("agent", "git");

/** Runs a script in a fresh clone of the repository with one more commit. `git push` says why it refuses on one line. */
function inClone(script: string): Promise<string> {
  const folder = mkdtempSync("/tmp/clone-");
  return shell(
    `git clone -q hive:web ${folder} 2>&1 && cd ${folder} && git commit -q --allow-empty -m evil && { ${script} ; } >out 2>&1 || { grep -E 'rejected|ERR|fatal|error' out | head -1 >&2; exit 1; }; cat out`,
  );
}
const push = (id: string, attempt: string, refusal: RegExp, spec: string): CageRow =>
  fromCage(id, attempt, RULES, refusal, () => inClone(`git push -q --force origin ${spec}`));

const request = (path: string): Promise<string> =>
  rawHttp(GIT_SOCKET, `GET ${path} HTTP/1.1\r\nHost: git\r\nConnection: close\r\n\r\n`).then((words) => {
    if (words.includes("ERR ")) throw new Error(words);
    return words;
  });

export const gitRows: readonly CageRow[] = [
  push("base", "move a base", /main is a base/, "HEAD:refs/heads/main"),
  push("remove-base", "remove a base", /main is a base/, ":refs/heads/main"),
  push("beside-base", "hide a base behind a branch below it", /beside the base/, "HEAD:refs/heads/main/x"),
  push("other-topic", "move another agent's branch", /are the branches of victim/, "HEAD:refs/heads/victim/topic"),
  push("remove-topic", "remove another agent's branch", /are the branches of victim/, ":refs/heads/victim/topic"),
  push(
    "operator-topic",
    "push a branch in the operator's name",
    /are the branches of operator/,
    "HEAD:refs/heads/operator/topic",
  ),
  push("tag", "push a tag that marks a commit as approved", /tags cannot be pushed/, "HEAD:refs/tags/approved/1"),
  push("change-ref", "move the commit of a change", /only branches can be pushed/, "HEAD:refs/changes/1/1"),
  push("agents-ref", "push into the names that the daemon keeps", /only branches can be pushed/, "HEAD:refs/agents/x/topic"),
  push("upstream-ref", "move what the upstream has", /only branches can be pushed/, "HEAD:refs/upstream/main"),
  push("notes-ref", "push notes on commits of others", /only branches can be pushed/, "HEAD:refs/notes/commits"),
  push(
    "replace-ref",
    "replace a commit with another",
    /only branches can be pushed/,
    "HEAD:refs/replace/0000000000000000000000000000000000000001",
  ),
  ...(
    [
      ["dots", "refs/heads/../agents/x"],
      ["inner-dots", "refs/heads/mallory/../victim/topic"],
      ["option", "refs/heads/--upload-pack=evil"],
      ["lock", "refs/heads/x.lock"],
      ["head", "HEAD"],
      ["newline", "refs/heads/x\ny"],
      ["unseen", "refs/heads/x\u202Ey"],
    ] as const
  ).map(([id, ref]) => fromCage(`name-${id}`, `push to the ref ${JSON.stringify(ref)}`, RULES, /^ng/, () => rawPush(ref))),
  fromCage("other-repository", "clone a repository that its config does not name", "the config", /has no repository secret/, () =>
    shell("git clone -q hive:secret /tmp/secret"),
  ),
  fromCage("path-out", "reach another repository through the address", "the config", /ERR .*|404/, () =>
    request("/web/../secret/info/refs?service=git-upload-pack"),
  ),
  fromCage("encoded-path", "reach another repository through an encoded address", "the config", /ERR .*|404/, () =>
    request("/..%2fsecret/info/refs?service=git-upload-pack"),
  ),
  fromCage("files", "read the repository's files past git", "git's smart protocol only", /404 Not Found/, () =>
    request("/web/config"),
  ),
  fromCage("archive", "use another service of git", "git's smart protocol only", /403 Forbidden/, () =>
    request("/web/info/refs?service=git-upload-archive"),
  ),
  fromCage("hidden-ref", "fetch a ref that is not shown", "only branches are shown", /couldn't find remote ref/, () =>
    shell("git -C /work/web fetch -q hive:web refs/changes/1/1"),
  ),
  fromCage("objects", "write into the objects that clones borrow", "read-only mounts", /Read-only file system/, () =>
    shell("touch /run/hive/objects/web/evil"),
  ),
  fromCage("other-objects", "read the objects of another repository", "the config", /No such file/, () =>
    shell("ls /run/hive/objects/secret"),
  ),
  fromCage(
    "other-workspace",
    "find another agent's workspace",
    "a mount namespace with the agent's own folders",
    /only its own/,
    async () => {
      const found = await shell("ls /work");
      if (found === "mirror\nweb") throw new Error("only its own");
      return found;
    },
  ),
  fromCage("remote-helper", "make the daemon's git run a program", "names of repositories", /a repository's name is/, () =>
    request("/ext::sh%20-c%20evil/info/refs?service=git-upload-pack"),
  ),
  {
    ...fromCage("own-branch", "push its own branch", RULES, /^$/, () =>
      inClone("git push -q origin HEAD:refs/heads/topic-of-mallory && echo pushed"),
    ),
    contained: "its config lets it push its own branches, and only those have changed",
    async proof(world) {
      const { branches } = await world.hive.call("repo", { name: "web" });
      // The rows of `checks.ts` push a branch of their own.
      const names = branches.map(({ agent, branch }) => `${agent}/${branch}`).filter((name) => name !== "mallory/checked");
      names.sort();
      if (names.join(" ") !== "mallory/topic-of-mallory victim/topic") throw new Error(names.join(" "));
      const { repo } = await world.hive.call("repo", { name: "web" });
      if (repo.bases.length !== 1 || repo.bases[0]?.sha !== world.base) throw new Error("the base has moved");
      return "no other branch has changed, and the base has not moved";
    },
  },
];

/** A push without git, so that git does not refuse the name first. Rejects with the reason of the refused ref. */
async function rawPush(ref: string): Promise<string> {
  const line = `${"0".repeat(40)} ${"1".repeat(40)} ${ref}\0report-status`;
  const body = `${(Buffer.byteLength(line) + 4).toString(16).padStart(4, "0")}${line}0000`;
  const head = `POST /web/git-receive-pack HTTP/1.1\r\nHost: git\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  const answer = await exchange({ path: GIT_SOCKET }, head + body);
  // Without `unpack ok` the name was accepted, and only the missing pack was refused.
  const refused = /unpack ok[^]*?[0-9a-f]{4}ng (.*)/.exec(answer)?.[1];
  if (refused !== undefined) throw new Error(`ng ${refused}`);
  if (answer.includes("a command that is not served")) throw new Error("ng: no command");
  return answer;
}
