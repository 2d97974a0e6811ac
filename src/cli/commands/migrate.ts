import { InvalidArgumentError, type Command } from "commander";
import { hivectl } from "../../lib/hivectl.ts";
import type { MigrationRow, MigrationView } from "../../wire/migration.ts";
import { agentName } from "../arguments.ts";
import { asksFirst, confirm, type Deciding } from "../deciding.ts";
import { EXIT, Failure, UsageError } from "../exit.ts";
import { clean, plural } from "../print.ts";
import { Progress } from "../progress.ts";
import { act, type Printer } from "../shell.ts";
import { table } from "../table.ts";
import { reflow } from "../wrap.ts";
import { sizeText } from "../../wire/size-text.ts";

const COLOURS = { ready: undefined, built: "green", moved: "green", blocked: "red" } as const;

/** The verb that prepares the move of agents into containers of a NixOS host. */
export function migrateCommand(program: Command): void {
  act<Deciding & { build?: boolean; undo?: boolean; reviewed?: Reviewed[] }>(
    asksFirst(
      program
        .command("migrate")
        .argument("[names...]", "only these agents", agentNames)
        .description("what stands against running agents in NixOS systems of their own; the exit code is 1 when something does")
        .option("--build", "build their systems, one after the other, while they run")
        .option("--reviewed <agent@commit>", "you have read the Nix code that this agent runs; can be repeated", reviewedOne)
        .option("--undo", "remove the systems that were built"),
    ),
    async (shell, [names = []]: [string[]?], { build, undo, reviewed, yes }) => {
      if (build === true && undo === true) throw new UsageError("say --build or --undo, not both");
      if (undo === true && reviewed) throw new UsageError("say --reviewed or --undo, not both");
      const what = build === true ? "build" : undo === true ? "undo" : "check";
      if (what === "undo") await confirm(shell, { yes }, "remove the systems that were built for the move");
      shell.waitsFor(`what is built stays, and ${hivectl("migrate --build")} goes on from there`);
      const progress = new Progress(shell.isJson);
      try {
        const input = { what, ...(names.length === 0 ? {} : { agents: names }), ...(reviewed ? { reviewed } : {}) } as const;
        for await (const { progress: far, migration } of shell.client.stream("migrate", input)) {
          if (far) progress.tell(far.agent, clean(far.words));
          if (!migration) continue;
          progress.end();
          return showMigration(shell, migration);
        }
      } finally {
        progress.end();
      }
    },
  );
}

/** Prints it. What stands against a move is a failure, for scripts too. */
function showMigration(shell: Printer, migration: MigrationView): void {
  const { problems, agents } = migration;
  const blocked = agents.filter(({ state }) => state === "blocked").length;
  if (problems.length === 0 && blocked === 0) return shell.show({ migration }, (view) => asText(view.migration, shell));
  shell.say(asText(migration, shell));
  const against = problems.length > 0 ? "this host is not ready yet" : `${plural(blocked, "agent")} cannot move yet`;
  throw new Failure(EXIT.refused, "failed", against, { migration });
}

type Reviewed = { agent: string; commit: string };

function reviewedOne(given: string, before: Reviewed[] = []): Reviewed[] {
  const [, agent, commit] = /^@?([^@]+)@([0-9a-f]{12,40})$/.exec(given) ?? [];
  if (agent === undefined || commit === undefined)
    throw new InvalidArgumentError("it is an agent and the commit that it runs, as `migrate` names them.");
  return [...before, { agent, commit }];
}

function agentNames(name: string, before: string[] | undefined): string[] {
  return [...(before ?? []), agentName(name)];
}

function asText(view: MigrationView, shell: Printer): string {
  const { paint, width } = shell;
  const listed = (words: readonly string[], indent: string): string[] =>
    words.map((one) => reflow(`${indent}${clean(one)}`, width, indent.length + 2));
  return [
    ...listed(view.problems, "✗ ").map((line) => paint("red", line)),
    ...listed(view.warnings, "! ").map((line) => paint("amber", line)),
    table(
      view.agents,
      [
        { title: "AGENT", value: (one) => one.name, colour: () => "bold" },
        { title: "STATE", value: (one) => one.state, colour: (one) => COLOURS[one.state] },
        { title: "GENERATION", value: (one) => String(one.generation), spare: 2 },
        { title: "DISK", value: size, spare: 1 },
        { title: "WORKSPACES", value: (one) => one.repos.join(", "), isWide: true },
      ],
      width,
      paint,
    ),
    ...view.agents.flatMap(({ name, problems }) =>
      listed(
        problems.map((one) => `${name}: ${one}`),
        "  ",
      ),
    ),
    reflow(next(view), width, 0),
  ].join("\n");
}

const size = ({ bytes }: MigrationRow): string => (bytes === undefined ? "" : sizeText(bytes));

/** What to do now. */
function next({ driver, problems, agents }: MigrationView): string {
  if (problems.length > 0) return `Nothing was changed. Fix what stands against it on this host, then try again.`;
  const has = (state: MigrationRow["state"]): boolean => agents.some((one) => one.state === state);
  if (has("ready"))
    return `${hivectl("migrate --build")} builds the systems of the agents that are ready. They keep running, and nothing else changes.`;
  if (has("blocked")) return "Fix what stands against the agents that are blocked: by a request, like every change of a config.";
  if (driver === "nixos-container")
    return `The agents have moved. Back: ${hivectl("stop --all")}, driver = "bwrap", nixos-rebuild switch, ${hivectl("start --what-ran")}.`;
  return `Their systems are built. Set services.hive-c0re.driver = "nixos-container" and run nixos-rebuild switch: each agent goes on as soon as its system has booted, and a turn that runs is repeated.`;
}
