import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBus } from "../../test/lib/bus.ts";
import { Paths } from "../lib/paths.ts";
import type { Happening } from "../messages/announcements.ts";
import type { AgentRecord } from "../store/agents.ts";
import { AgentConfig } from "../wire/config.ts";
import { unknownAgent } from "../wire/error.ts";
import { Agent } from "./agent.ts";
import { AgentCommands } from "./commands.ts";

let folder: string;
let paths: Paths;
let ada: Agent;
let manager: Agent;
let commands: AgentCommands;
/** The calls to the other parts, in order. */
let log: string[];
let announced: Happening[];
let stored: Partial<AgentRecord>[];
let hasMail: boolean;

const agentOf = (name: string, role: "agent" | "manager"): Agent =>
  new Agent({ id: `id-${name}`, name, role, generation: 1, desired: "running", paused: false } as never, {
    config: AgentConfig.parse({}),
    instructions: "",
    warnings: [],
    unreadable: undefined,
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "commands-"));
  paths = new Paths(folder, join(folder, "run"));
  ada = agentOf("ada", "agent");
  manager = agentOf("hm1nd", "manager");
  log = [];
  announced = [];
  stored = [];
  hasMail = false;
  mkdirSync(paths.agent(ada.id).state, { recursive: true });
  const note =
    (what: string) =>
    ({ name }: Agent): void =>
      void log.push(`${what} ${name}`);
  const noteLater = (what: string) => async (agent: Agent) => note(what)(agent);
  const find = (name: string): Agent => {
    const agent = [ada, manager].find((one) => one.name === name);
    if (!agent) throw unknownAgent(name);
    return agent;
  };
  const bus = openBus();
  bus.on("changed", (what) => void log.push(`changed ${what === "hive" ? what : what.name}`));
  commands = new AgentCommands({
    agents: {
      all: () => [],
      byName: find,
      byNameEvenDestroyed: find,
      dropDraft: note("drop"),
      freeName: (name) => void log.push(`free ${name}`),
    },
    agentStore: { update: async (_, patch) => void stored.push(patch) },
    removeTree: async (path) => rmSync(path, { recursive: true }),
    cages: {
      start: noteLater("start"),
      stop: noteLater("stop"),
      remove: noteLater("remove"),
      startInBackground: note("start in background"),
      clearCrashes: note("clear crashes"),
      onMail: note("wake"),
    },
    harnesses: {
      serve: note("serve"),
      clearParks: note("unpark"),
      unpark: note("unpark"),
      unparkFrom: note("unpark"),
      sessionIsNew: note("new session of"),
    },
    broker: { hasMail: () => hasMail },
    announcements: { announce: async (happening) => void announced.push(happening) },
    bus,
    paths,
    now: () => 0,
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("destroying keeps the folder and the name, purging removes them, and both remove the cage and the sockets", async () => {
  await commands.destroy("ada", { purge: false, note: " done ", by: "operator" });
  expect(log).toEqual(["stop ada", "unpark ada", "remove ada", "changed ada"]);
  expect(existsSync(paths.agent(ada.id).root)).toBe(true);
  expect(ada.destroyed).toBe(true);

  log = [];
  await commands.destroy("ada", { purge: true, by: "operator" });
  expect(log).toEqual(["stop ada", "unpark ada", "remove ada", "free ada", "changed ada"]);
  expect(existsSync(paths.agent(ada.id).root)).toBe(false);
  // The record keeps the time of the first destruction.
  expect(stored).toMatchObject([{ desired: "stopped", destroyedAt: expect.any(String) }, { purgedAt: expect.any(String) }]);
  expect(announced).toMatchObject([
    { event: "destroyed", purged: false, reason: "done" },
    { event: "destroyed", purged: true },
  ]);
});

test("the manager cannot be destroyed, and the refusal stops nothing", async () => {
  await expect(commands.destroy("hm1nd", { purge: true, by: "operator" })).rejects.toThrow("hm1nd cannot be destroyed");
  expect(log).toEqual([]);
});

test("discarding a draft keeps only its record", async () => {
  await commands.discardDraft(ada);
  expect(log).toEqual(["remove ada", "drop ada"]);
  expect(existsSync(paths.agent(ada.id).root)).toBe(false);
  expect(stored).toMatchObject([{ desired: "stopped", purgedAt: expect.any(String) }]);
});

test("resuming ends a park and wakes an agent with mail, and pausing twice is announced once", async () => {
  hasMail = true;
  await commands.setPaused(ada, true, "operator");
  await commands.setPaused(ada, true, "operator");
  expect(log).toEqual(["serve ada", "changed ada", "serve ada", "changed ada"]);
  log = [];
  await commands.setPaused(ada, false, "operator");
  expect(log).toEqual(["unpark ada", "serve ada", "changed ada", "wake ada"]);
  expect(announced.map(({ event }) => event)).toEqual(["paused", "resumed"]);
});

test("a status is collapsed into one line", async () => {
  await commands.setStatus(ada, "  reading\n the\tpapers ");
  expect(ada.record.statusText).toBe("reading the papers");
});
