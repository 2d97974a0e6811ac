import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import type { McpServerConfig, Options } from "@anthropic-ai/claude-agent-sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TurnEvent } from "../../../wire/event.ts";
import { AgentConfig } from "../../../wire/config.ts";
import { Claude } from "./claude.ts";
import { claudeOptions } from "./options.ts";

/** Starts the real CLI, without a cage. Its requests to a model are counted and refused. */

const CLI = join(
  dirname(
    createRequire(import.meta.url).resolve(`@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}/package.json`),
  ),
  "claude",
);

let home: string;
let model: Server;
let requests: number;
/** The body of the last request. */
let asked: string;
let events: TurnEvent[];
let claude: Claude;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "claude-"));
  requests = 0;
  events = [];
  mkdirSync(join(home, "work"));
  asked = "";
  model = createServer((request, answer) => {
    requests++;
    void text(request).then((body) => {
      asked = body;
      answer.writeHead(404).end();
    });
  });
  await new Promise<void>((resolve) => model.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await claude.end();
  model.close();
  chmodSync(home, 0o700);
  rmSync(home, { recursive: true, force: true });
});

function make({
  sessionId,
  cli = CLI,
  servers = {},
  config = {},
  ...more
}: {
  sessionId?: string;
  cli?: string;
  servers?: Record<string, McpServerConfig>;
  config?: object;
} & Partial<Options> = {}): Claude {
  claude = new Claude(
    {
      sessionFolder: join(home, ".claude"),
      options: (named, resumed) => ({
        ...claudeOptions({
          config: AgentConfig.parse(config),
          model: named,
          systemPrompt: "",
          credentialKind: "api-key",
          sessionId: resumed,
          claude: cli,
          home,
          workDir: join(home, "work"),
          projectsDir: join(home, "projects"),
          path: "/usr/local/bin:/usr/bin:/bin",
          modelUrl: `http://127.0.0.1:${(model.address() as AddressInfo).port}`,
          egressUrl: "http://127.0.0.1:9",
          granted: {},
        }),
        ...more,
      }),
      servers: () => servers,
      sink: { emit: (event) => void events.push(event), delta: () => {}, session: () => {}, compacting: () => {} },
      log: () => {},
      warmMs: 60_000,
    },
    { model: "sonnet", sessionId },
  );
  return claude;
}

test("a start sends nothing to a model and leaves a process for the first prompt", async () => {
  expect(await make().start()).toEqual({ servers: {} });
  expect(claude.pid).toBeGreaterThan(0);
  expect(requests).toBe(0);
});

test("a start reports the tool servers that do not connect with the reason, and succeeds", async () => {
  const started = await make({
    servers: {
      missing: { type: "stdio", command: "/nowhere/at/all" },
      dies: { type: "stdio", command: "false" },
    },
  }).start();
  expect(started).toEqual({ servers: { missing: expect.stringContaining("ENOENT"), dies: expect.any(String) } });
});

test("servers start even if their arguments exceed a command line", async () => {
  const args = Array.from({ length: 64 }, () => "x".repeat(4096));
  const many = Object.fromEntries(
    Array.from({ length: 10 }, (_, n) => [`s${n}`, { type: "stdio" as const, command: "false", args }]),
  );
  const started = await make({ servers: many }).start();
  expect(Object.keys("servers" in started ? started.servers : {})).toHaveLength(10);
});

test.each<[string, Parameters<typeof make>[0], object]>([
  ["arguments that are too long", { tools: ["x".repeat(200_000)] }, { kind: "config", reason: expect.stringContaining("E2BIG") }],
  ["no program", { cli: "/nowhere/claude" }, { kind: "machine", reason: "Claude Code cannot be started (ENOENT)" }],
  ["a program that ends", { cli: "/bin/false" }, { kind: "machine" }],
  [
    "a start that the SDK refuses",
    { fallbackModel: "sonnet" },
    { kind: "machine", reason: expect.stringContaining("Fallback model cannot be the same as the main model") },
  ],
  ["no folder to work in", { cwd: "/nowhere" }, { kind: "machine" }],
])("a start that fails gives the reason: %s", async (_, options, failure) => {
  expect(await make(options).start()).toMatchObject(failure);
});

test("a lost session is replaced at the start, with a note", async () => {
  expect(await make({ sessionId: "11111111-2222-4333-8444-555555555555" }).start()).toEqual({ servers: {} });
  const note = { type: "note", level: "warn", text: expect.stringContaining("the next message begins a new one") };
  expect(events).toContainEqual(note);
});

/** Writes files below a folder. */
function write(folder: string, files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

test.each([false, true])(
  "the model gets the approved instructions of a repository, and none of its clone: %s",
  async (project) => {
    const skill = (words: string): string => `---\nname: "build"\ndescription: "${words}"\n---\nRun make.\n`;
    write(join(home, "work"), {
      "CLAUDE.md": "clone-memory",
      "AGENTS.md": "clone-agents",
      ".claude/CLAUDE.md": "clone-memory-too",
      ".claude/skills/own/SKILL.md": skill("clone-skill"),
      ".claude/commands/own.md": "clone-command",
      ".claude/settings.json": JSON.stringify({
        hooks: { SessionStart: [{ hooks: [{ type: "command", command: "touch ran" }] }] },
      }),
    });
    write(join(home, "projects", "web"), {
      ".claude-plugin/plugin.json": '{"name":"web"}',
      "CLAUDE.md": "approved-memory",
      ".claude/CLAUDE.md": "approved-too",
      "skills/build/SKILL.md": skill("approved-skill"),
      "commands/ship/release.md": '---\ndescription: "approved-command"\n---\nRelease it.\n',
    });
    await make({ config: { repos: [{ name: "web", project }, { name: "docs" }] } }).prompt("hello");
    expect(requests).toBeGreaterThan(0);
    const wanted = ["approved-memory", "approved-too", "web:build", "approved-skill", "web:ship:release", "approved-command"];
    expect(wanted.filter((one) => asked.includes(one))).toEqual(project ? wanted : []);
    expect(asked).not.toContain("clone-");
    // Of the CLI's own skills the model is told nothing.
    expect(asked).not.toContain("update-config");
    expect(existsSync(join(home, "work", "ran"))).toBe(false);
  },
);
