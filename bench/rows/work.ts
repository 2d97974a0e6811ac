import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { openBridge } from "../../src/harness/bridge.ts";
import { collect } from "../../src/os/run-bytes.ts";
import { sandboxedRun } from "../../src/os/sandboxed-run.ts";
import { connectLines } from "../../src/rpc/client.ts";
import { launch, logIn } from "../../test/lib/browser.ts";
import { TestHive } from "../../test/lib/hive.ts";
import { GIT_USER, runIn } from "../../test/lib/work-git.ts";
import { gitHttp } from "../lib/git-http.ts";
import { commitFiles, git, makeRepository } from "../lib/git-repo.ts";
import type { Figure, Row } from "../lib/row.ts";
import { interleave, median, ratio } from "../lib/stats.ts";
import { ask, openLines, type Lines } from "../lib/wire.ts";

const REPO = "web";
/** The agent that pushes and proposes. Its cage is stopped, and the bench takes its place. */
const AGENT = "scout";
/** MiB of one checkout, and checkouts in the history: a repository of 1 GiB. */
const CHECKOUT_MIB = 128;
const COMMITS = 8;
const QUICK_COMMITS = 2;
/** Pushes and merges in one slice. */
const CALLS = 3;
/** Files of the changes that are opened. */
const [FEW, MANY] = [50, 5000];
/** What git does for a peer is on stable storage when it ends, as it is in the hive. */
const DURABLE = ["-c", "core.fsync=all"];
/** Between two looks at a workspace that is being made. Milliseconds. */
const LOOK_MS = 50;

/** Agents on one repository: workspaces, pushes, merges and the page of a change, against what git takes for the same. */
export const work: Row = {
  name: "work",
  async run({ quick }) {
    const folder = mkdtempSync(join(tmpdir(), "bench-work-"));
    const hive = new TestHive({ HIVE_LOG_LEVEL: "error" });
    const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true }), () => hive.dispose()];
    try {
      const source = join(folder, "source.git");
      const commits = quick ? QUICK_COMMITS : COMMITS;
      await makeRepository(source, { commits, checkoutMib: CHECKOUT_MIB });
      await git(folder, "clone", "-q", "--bare", "--local", source, "peer.git");
      const peer = join(folder, "peer.git");
      for (const [key, value] of PEER_SETTINGS) await git(peer, "config", key, value);
      await hive.start();
      await add(hive, source);
      const bench = { hive, folder, source, peer, tip: await git(source, "rev-parse", "main") };

      const size = `${(commits * CHECKOUT_MIB) / 1024} GiB`;
      const figures = await workspaces(bench, quick ? 2 : 9, size);
      await hive.call("spawn", { name: AGENT, config: { repos: [{ name: REPO }] } });
      await hive.call("stop", { scope: { all: true }, graceful: false });
      await git(folder, "clone", "-q", "--shared", "--no-checkout", source, "own");
      const bridge = await openBridge(join(hive.agentSocket(AGENT), "..", "git.sock"));
      closers.push(() => bridge.close());
      const http = await gitHttp(folder);
      closers.push(() => http.stop());
      const lines = await openLines({ path: hive.agentSocket(AGENT) });
      closers.push(() => lines.close());
      const agent: Agent = { own: join(folder, "own"), url: `http://127.0.0.1:${bridge.port}/${REPO}`, lines };
      figures.push(await pushes(bench, agent, `${http.url}/peer.git`, quick ? 2 : 6));
      figures.push(await merges(bench, agent, quick ? 2 : 6));
      figures.push(await pages(bench, agent, quick ? 3 : 9));
      return figures;
    } finally {
      for (const close of closers.reverse()) await close();
    }
  },
};

/** A push to the peer is checked and stored as one to the hive is. */
const PEER_SETTINGS = [
  ["http.receivepack", "true"],
  ["receive.fsckObjects", "true"],
  ["core.fsync", "all"],
  ["gc.auto", "0"],
  ["receive.autogc", "false"],
] as const;

interface Bench {
  hive: TestHive;
  folder: string;
  source: string;
  peer: string;
  /** The base as it was added. */
  tip: string;
}

interface Agent {
  /** The clone that it pushes from. */
  own: string;
  /** The repository as its cage has it. */
  url: string;
  lines: Lines;
}

/** Adds the repository as the operator does: from a folder that is exported to the hive. */
async function add(hive: TestHive, folder: string): Promise<void> {
  const nonce = randomBytes(16).toString("hex");
  writeFileSync(join(folder, "hive-export"), nonce);
  const client = await connectLines(hive.socket, { ordered: true });
  try {
    for await (const { repo } of client.stream("repo_add", { name: REPO, folder, nonce })) if (repo) return;
    throw new Error("the hive did not add the repository");
  } finally {
    client.close();
  }
}

const timed = async (step: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await step();
  return performance.now() - began;
};

/** The workspaces of further agents, in time and on disk. The first agent has no agent to share objects with, so it does not count. */
async function workspaces({ hive, folder, source }: Bench, slices: number, size: string): Promise<Figure[]> {
  const disk: number[] = [];
  let nth = 0;
  const seen = await interleave(
    {
      ours: async () => {
        const name = `w${nth++}`;
        await hive.call("spawn", { name, config: { repos: [{ name: REPO }] } });
        const root = join(await hive.folderOf(name), "work");
        const ready = join(root, ".hive", `${REPO}.setup`);
        while (!isThere(ready)) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        await hive.call("kill", { name });
        disk.push((await kib(root)) / ((await kib(join(root, REPO))) - (await kib(join(root, REPO, ".git")))));
        // The folder is the first thing of a clone. The mark is the last.
        const [from, to] = [statSync(join(root, REPO), { bigint: true }), statSync(ready, { bigint: true })];
        return [Number(to.mtimeNs - from.birthtimeNs) / 1e6];
      },
      // Every clone stays until the end. A file system without a journal looks at each recently deleted file for every
      // new one: a checkout that follows a removal takes up to five times its processor time there.
      theirs: async () => [await timed(() => git(folder, "clone", "-q", "--shared", source, `clone-${nth++}`))],
    },
    slices,
  );
  const detail = `${ms(seen.ours)} / ${ms(seen.theirs)} (p50), a checkout of ${CHECKOUT_MIB} MiB`;
  return [
    {
      what: `a workspace of a repository of ${size} is ready, against \`git clone --shared\` with its checkout`,
      value: ratio(seen.ours, seen.theirs),
      unit: "×",
      reach: { most: 1.5 },
      detail,
    },
    {
      what: "disk of a further agent, against its checkout",
      value: Math.max(...disk.slice(1)),
      unit: "×",
      reach: { most: 1.05 },
      detail: `the largest of ${disk.length - 1}, in blocks on disk`,
    },
  ];
}

const ms = (slices: number[][]): string => `${Math.round(median(slices.flat()))} ms`;
const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
const kib = async (path: string): Promise<number> => Number.parseInt((await runIn("/", "du", ["-sk", path])).out, 10);

/** Each call with a number of its own, as many as a slice has. */
async function each(next: () => Promise<number>): Promise<number[]> {
  const took: number[] = [];
  for (let call = 0; call < CALLS; call++) took.push(await next());
  return took;
}

const oneFile = (nth: number) => [[`new/f${nth}`, Buffer.from(`line ${nth}\n`)]] as const;

/** A commit of one small file on a branch that exists. */
async function pushes({ tip }: Bench, { own, url }: Agent, peerUrl: string, slices: number): Promise<Figure> {
  let nth = 0;
  const heads: Record<string, string> = {};
  const push = (to: string, branch: string) => () =>
    each(async () => {
      const from = heads[branch] ?? tip;
      const at = { branch: branch.replace("/", "-"), from, message: "small" };
      const sha = await commitFiles(own, at, oneFile(++nth));
      heads[branch] = sha;
      return timed(() => git(own, "push", "-q", to, `${sha}:refs/heads/${branch}`));
    });
  const seen = await interleave({ ours: push(url, `${AGENT}/small`), theirs: push(peerUrl, "theirs/small") }, slices);
  return {
    what: "push of a small commit, against the same to a bare repository over `git http-backend`",
    value: ratio(seen.ours, seen.theirs),
    unit: "×",
    reach: { most: 3 },
    detail: `${ms(seen.ours)} / ${ms(seen.theirs)} (p50)`,
  };
}

/** Pushes a branch and proposes it. */
async function propose(agent: Agent, branch: string, sha: string): Promise<number> {
  await git(agent.own, "push", "-q", agent.url, `${sha}:refs/heads/${AGENT}/${branch}`);
  const answer = await ask(agent.lines, { cmd: "propose_change", id: 1, repo: REPO, branch, title: branch });
  return (answer["change"] as { id: number }).id;
}

/** From the approval until the base has moved and the change is merged. */
async function merges({ hive, folder, peer, tip }: Bench, agent: Agent, slices: number): Promise<Figure> {
  const { own } = agent;
  const cage = join(folder, "cage");
  mkdirSync(cage);
  let nth = 0;
  const commit = (branch: string) => commitFiles(own, { branch, from: tip, message: branch }, oneFile(++nth));
  const seen = await interleave(
    {
      ours: () =>
        each(async () => {
          const branch = `merge-${nth}`;
          const sha = await commit(branch);
          const id = await propose(agent, branch, sha);
          const { seq } = (await hive.call("state", { messages: 0 })).state;
          const merged = hive.watch(
            ({ kind, ...event }) =>
              kind === "change" && "change" in event && event.change.id === id && event.change.state === "merged",
            { after: seq, kinds: ["change"] },
          );
          return timed(async () => {
            await hive.call("change_approve", { change: id, sha });
            await merged;
          });
        }),
      theirs: () =>
        each(async () => {
          const sha = await commit(`theirs-${nth}`);
          await git(own, "push", "-q", peer, `+${sha}:refs/heads/merged`);
          return timed(async () => {
            const before = await git(peer, "rev-parse", "main");
            const tree = await git(peer, ...DURABLE, "merge-tree", "--write-tree", before, sha);
            const made = await git(peer, ...DURABLE, "commit-tree", tree, "-p", before, "-p", sha, "-m", "Merge");
            await git(peer, ...DURABLE, "update-ref", "refs/heads/main", made, before);
            await throwAwayCage(cage);
          });
        }),
    },
    slices,
  );
  return {
    what: "approved → merged without a check, against `merge-tree`, `commit-tree`, `update-ref` and one throw-away cage",
    value: ratio(seen.ours, seen.theirs),
    unit: "×",
    reach: { most: 3 },
    detail: `${ms(seen.ours)} / ${ms(seen.theirs)} (p50)`,
  };
}

/** The sandbox in which the hive runs git, with nothing to do. */
async function throwAwayCage(folder: string): Promise<void> {
  const { uid, gid } = statSync(folder);
  const limits = { memoryBytes: 1024 ** 3, cpuSeconds: 60 };
  const env = { PATH: GIT_USER.PATH };
  const child = sandboxedRun({ folder, owner: { uid, gid }, script: "true", args: [], env, ...limits });
  const { code, stderr } = await collect(child, { maxBytes: 1024, timeoutMs: 60_000 });
  if (code !== 0) throw new Error(`the cage ended with ${code}: ${stderr}`);
}

/** From the navigation to the page of a change until lines of its diff are painted. */
async function pages({ hive, tip }: Bench, agent: Agent, slices: number): Promise<Figure> {
  const change = async (files: number): Promise<number> => {
    const content = Array.from({ length: files }, (_, n) => [`many/d${n % 64}/f${n}`, Buffer.from(`a line ${n}\n`)] as const);
    const branch = `files-${files}`;
    return propose(agent, branch, await commitFiles(agent.own, { branch, from: tip, message: branch }, content));
  };
  const [few, many] = [await change(FEW), await change(MANY)];
  const browser = await launch();
  try {
    const { page } = await logIn(browser, hive);
    await page.addInitScript(() => {
      const look = (): void => {
        if (document.querySelector(".files [data-place]") === null) requestAnimationFrame(look);
        else requestAnimationFrame(() => console.log("open", performance.now()));
      };
      requestAnimationFrame(look);
    });
    const open = (id: number) => () => each(() => opened(page, `${hive.home}/change/${id}`));
    const seen = await interleave({ many: open(many), few: open(few) }, slices);
    return {
      what: `the page of a change of ${MANY} files opens, against one of ${FEW}`,
      value: ratio(seen.many, seen.few),
      unit: "×",
      reach: { most: 2 },
      detail: `${ms(seen.many)} / ${ms(seen.few)} (p50)`,
    };
  } finally {
    await browser.close();
  }
}

async function opened(page: Page, url: string): Promise<number> {
  const said = page.waitForEvent("console", (line) => line.text().startsWith("open "));
  await page.goto(url, { waitUntil: "commit" });
  return Number((await said).text().split(" ")[1]);
}
