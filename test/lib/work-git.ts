import { spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Agent } from "../../src/agents/agent.ts";
import { openBridge } from "../../src/harness/bridge.ts";
import { sandboxedRun } from "../../src/os/sandboxed-run.ts";
import { GitWorker } from "../../src/work/git/worker.ts";
import { Repositories } from "../../src/work/repositories.ts";
import { openTransport } from "../../src/work/transport/open.ts";
import type { Pace } from "../../src/work/transport/pace.ts";
import type { WorkContext } from "../../src/work/work-context.ts";
import { Declared } from "../../src/work/declared.ts";
import { openStoreIn } from "./store.ts";

/** The git of a user without any configuration. */
export const GIT_USER = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  LC_ALL: "C",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "scout",
  GIT_AUTHOR_EMAIL: "scout@hive.invalid",
  GIT_COMMITTER_NAME: "scout",
  GIT_COMMITTER_EMAIL: "scout@hive.invalid",
};

export interface GitEnd {
  code: number | null;
  out: string;
  err: string;
}

/** Runs a program as a user does, in a folder. */
export function runIn(cwd: string, program: string, argv: string[], env: Record<string, string> = {}): Promise<GitEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd, env: { ...GIT_USER, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const end: GitEnd = { code: null, out: "", err: "" };
    child.stdout.on("data", (chunk) => (end.out += String(chunk)));
    child.stderr.on("data", (chunk) => (end.err += String(chunk)));
    child.once("error", reject);
    child.once("close", (code) => resolve({ ...end, code }));
  });
}

/** An agent as far as git needs it. */
export function agentWith(name: string, repos: Record<string, "read" | "write">): Agent {
  return {
    id: `a-${name}`,
    name,
    role: "agent",
    destroyed: false,
    config: {
      limits: { disk_mib: 1024 },
      repos: Object.entries(repos).map(([repo, access]) => ({ name: repo, access })),
    },
  } as unknown as Agent;
}

/** Repositories with real git in the real sandbox, and the socket of each agent behind a port. */
export async function openWorkGit(agents: Agent[], pace?: Pace) {
  const top = mkdtempSync(join(tmpdir(), "transport-"));
  const folder = (name: string): string => {
    mkdirSync(join(top, name), { recursive: true, mode: 0o700 });
    return join(top, name);
  };
  const store = openStoreIn(top);
  const owner =
    process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const scratch = folder("scratch");
  const git = new GitWorker({ sandboxedRun, owner, repos: folder("repos"), scratch });
  const unexpected: unknown[] = [];
  const breakAt = new Map<string, () => void>();
  const context = {
    store,
    git,
    feed: { publish() {} },
    agents: {
      all: () => agents,
      allWithDestroyed: () => agents,
      everyone: () => agents,
      byId: (id: string) => agents.find((one) => one.id === id),
    },
    paths: { repoScratch: scratch },
    failpoint: async (name: string) => breakAt.get(name)?.(),
    disk: { checkAfter: () => false, low: false },
    declared: new Declared(undefined),
    onUnexpected: (error: unknown) => void unexpected.push(error),
    now: Date.now,
  } as unknown as WorkContext;
  const repositories = new Repositories(context);
  const transport = openTransport(context, repositories, pace);
  const closes: (() => unknown)[] = [];
  const ports = new Map<string, number>();
  for (const agent of agents) {
    const path = join(top, `${agent.name}.sock`);
    const listener = await transport.agentGit.listen(agent, path);
    const bridge = await openBridge(path);
    ports.set(agent.name, bridge.port);
    closes.push(
      () => bridge.close(),
      () => listener.close(),
    );
  }
  return {
    top,
    context,
    store,
    git,
    repositories,
    transport,
    unexpected,
    /** Breaks a named point between two steps. */
    breakAt,
    folder,
    /** The address of a repository as an agent's cage has it. */
    url: (agent: string, repo: string) => `http://127.0.0.1:${ports.get(agent) ?? 0}/${repo}`,
    /** A commit with these files on a base. */
    async seed(repo: string, base: string, files: Record<string, string>): Promise<string> {
      const sha = await git.withScratch(repo, {}, async (one) => {
        const lines: string[] = [];
        for (const [path, text] of Object.entries(files)) {
          const blob = (await one.git(["hash-object", "-w", "--stdin"], { input: text })).toString().trim();
          lines.push(`100644 blob ${blob}\t${path}\n`);
        }
        const tree = (await one.git(["mktree"], { input: lines.join("") })).toString().trim();
        const { PATH: _path, HOME: _home, ...who } = GIT_USER;
        const commit = (await one.git(["commit-tree", tree, "-m", "seed"], { env: who })).toString().trim();
        await one.keepObjects();
        return commit;
      });
      await repositories.moveBase(repo, base, sha, undefined);
      return sha;
    },
    async close(): Promise<void> {
      for (const end of closes) await end();
      store.close();
      rmSync(top, { recursive: true, force: true });
    },
  };
}

export type WorkGit = Awaited<ReturnType<typeof openWorkGit>>;
