import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { statusRow, type AgentView } from "../../wire/agent.ts";
import type { Output } from "../../wire/operations.ts";
import { age, clean, dollars, duration, table, type Colour } from "../print.ts";
import { EXIT, withShell, type CommonOptions, type Shell } from "../shell.ts";

const COLOURS: Record<AgentView["state"], Colour | undefined> = {
  failed: "red",
  offline: "dim",
  needs_login: "amber",
  paused: "dim",
  rate_limited: "amber",
  compacting: "mauve",
  thinking: "mauve",
  idle: "green",
};

const stateOf = (agent: AgentView): string => (agent.state === "idle" && agent.asleep ? "asleep" : agent.state);

function agentTable(agents: AgentView[], shell: Shell): string {
  return table(
    agents,
    [
      { title: "NAME", value: (agent) => agent.name, colour: () => "bold" },
      { title: "STATE", value: stateOf, colour: (agent) => COLOURS[agent.state] },
      { title: "SINCE", value: (agent) => age(agent.state_since, shell.now) },
      { title: "MODEL", value: (agent) => agent.model ?? "" },
      { title: "UNREAD", value: (agent) => (agent.unread > 0 ? String(agent.unread) : ""), colour: () => "amber" },
      {
        title: "LAST TURN",
        value: (agent) =>
          agent.last_turn ? `${duration(agent.last_turn.duration_ms)}${agent.last_turn.ok ? "" : " failed"}` : "",
      },
      { title: "TODAY", value: (agent) => dollars(agent.cost_today_usd) },
      { title: "STATUS", value: (agent) => agent.state_reason ?? agent.status_text ?? "", isWide: true },
    ],
    shell.width,
    shell.paint,
  );
}

/** Prints the hive at a glance: who lives here and what waits. */
export async function showStatus(shell: Shell): Promise<void> {
  const { state } = await shell.client.call("state", { messages: 0 });
  const agents = state.agents.filter((agent) => !agent.destroyed);
  shell.show({ hive: state.hive, agents, questions: state.questions, agent_statuses: agents.map(statusRow) }, () => {
    const { hive, questions } = state;
    const waits = [
      questions.length > 0 ? `${questions.length} open questions` : "",
      hive.operator_unread > 0 ? `${hive.operator_unread} unread messages` : "",
    ].filter((part) => part !== "");
    const lines = [
      `hyperhive ${hive.version} · ${hive.mode}${hive.mode === "live" ? ` (${hive.upstream})` : ""} · up ${age(hive.started_at, shell.now)} · ${dollars(hive.cost_today_usd)} today`,
    ];
    lines.push(
      ...hive.banners
        .filter((banner) => banner.level !== "info")
        .map((banner) => shell.paint(banner.level === "error" ? "red" : "amber", banner.text)),
    );
    lines.push("", agentTable(agents, shell));
    if (waits.length > 0) lines.push("", `${shell.paint("amber", "waits for you:")} ${waits.join(", ")}`);
    return lines.join("\n");
  });
}

/** Says per agent what became of it; some that failed make the exit code 4. */
function perAgent({ results }: { results: Output<"start">["results"] }, done: string, shell: Shell): void {
  shell.show({ results }, () =>
    results
      .map((one) => (one.ok ? `${one.name} ${done}` : shell.paint("red", `${one.name}: ${clean(one.error ?? "refused")}`)))
      .join("\n"),
  );
  if (results.some((one) => !one.ok)) shell.partial();
}

const scopeOf = (names: string[], isAll: boolean | undefined) =>
  isAll === true ? { all: true as const } : { agent_names: names };

/** Verbs about agents as such. */
export function agentCommands(program: Command): void {
  program
    .command("status")
    .description("the hive at a glance")
    .action((_, command: Command) => withShell(command.optsWithGlobals(), showStatus));

  program
    .command("list")
    .description("names of the agents, one per line")
    .action((_, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("list", {}), ({ agents }) => agents.join("\n")),
      ),
    );

  program
    .command("spawn <name>")
    .description("create an agent and start it")
    .option("-d, --description <text>", "what it is for")
    .option("-m, --model <model>", "its model")
    .option("-c, --config <file>", "an agent.json to begin with")
    .option("-i, --instructions <file>", "its INSTRUCTIONS.md")
    .addHelpText("after", '\nExample:\n  hivectl spawn scout --description "looks things up" --model haiku')
    .action(
      (
        name: string,
        options: { description?: string; model?: string; config?: string; instructions?: string } & CommonOptions,
        command: Command,
      ) =>
        withShell(command.optsWithGlobals(), async (shell) => {
          const config: Record<string, unknown> = options.config === undefined ? {} : readJson(options.config);
          if (options.model !== undefined) config["model"] = options.model;
          const output = await shell.client.call("spawn", {
            name,
            ...(options.description === undefined ? {} : { description: options.description }),
            ...(Object.keys(config).length > 0 ? { config } : {}),
            ...(options.instructions === undefined ? {} : { instructions: readFileSync(options.instructions, "utf8") }),
          });
          shell.show(output, ({ agent }) => `${agent.name} lives · ${agent.url}`);
        }),
    );

  for (const [verb, done, words] of [
    ["start", "started", "start agents"],
    ["stop", "stopped", "stop agents; a running turn may finish (30 s)"],
  ] as const) {
    program
      .command(`${verb} [names...]`)
      .description(words)
      .option("--all", "every agent")
      .action((names: string[], options: { all?: boolean }, command: Command) => {
        if (names.length === 0 && options.all !== true)
          command.error("error: name the agents, or say --all", { exitCode: EXIT.usage });
        return withShell(command.optsWithGlobals(), async (shell) => {
          perAgent(await shell.client.call(verb, { scope: scopeOf(names, options.all) }), done, shell);
        });
      });
  }

  const simple = (verb: string, words: string, run: (shell: Shell, name: string) => Promise<string>): void => {
    program
      .command(`${verb} <name>`)
      .description(words)
      .action((name: string, _, command: Command) =>
        withShell(command.optsWithGlobals(), async (shell) => {
          const said = await run(shell, name);
          shell.show({}, () => said);
        }),
      );
  };
  simple("kill", "stop an agent at once; a message in its turn is delivered again", async ({ client }, name) => {
    await client.call("kill", { name });
    return `${name} killed`;
  });
  simple("restart", "stop and start an agent", async ({ client }, name) => {
    await client.call("restart", { name });
    return `${name} restarted`;
  });
  simple("pause", "let an agent's messages queue", async ({ client }, name) => {
    await client.call("set_paused", { name, paused: true });
    return `${name} paused`;
  });
  simple("resume", "deliver an agent's messages again", async ({ client }, name) => {
    await client.call("set_paused", { name, paused: false });
    return `${name} goes on`;
  });
  simple("revive", "bring a destroyed agent back with its state", async ({ client }, name) => {
    await client.call("revive", { name });
    return `${name} lives again`;
  });

  program
    .command("destroy <name>")
    .description("remove an agent; its state and history are kept")
    .option("--purge", "also remove its notes, session and config, for good")
    .action((name: string, options: { purge?: boolean }, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) => {
        const purge = options.purge === true;
        await shell.client.call("destroy", { name, purge });
        shell.show({}, () =>
          purge ? `${name} is gone for good` : `${name} destroyed; \`hivectl revive ${name}\` brings it back`,
        );
      }),
    );

  program
    .command("tombstones")
    .description("destroyed agents whose state is kept")
    .action((_, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("tombstones", {}), ({ agents }) =>
          agents.length === 0
            ? "none"
            : table(
                agents,
                [
                  { title: "NAME", value: (one) => one.name },
                  { title: "DESTROYED", value: (one) => `${age(one.destroyed_at, shell.now)} ago` },
                  { title: "SIZE", value: (one) => `${(one.bytes / 1024 ** 2).toFixed(1)} MiB` },
                ],
                shell.width,
                shell.paint,
              ),
        ),
      ),
    );

  program
    .command("logs <name>")
    .description("what an agent's cage has written")
    .option("-n, --lines <count>", "how many lines", Number, 200)
    .action((name: string, options: { lines: number }, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("logs", { name, lines: options.lines }), ({ lines }) => lines.map(clean).join("\n")),
      ),
    );

  program
    .command("config <name>")
    .description("the deployed config of an agent")
    .action((name: string, _, command: Command) =>
      withShell(command.optsWithGlobals(), async (shell) =>
        shell.show(await shell.client.call("config", { name }), ({ files }) =>
          files.map((file) => `${shell.paint("dim", `── ${file.path} ──`)}\n${clean(file.text).trimEnd()}`).join("\n"),
        ),
      ),
    );
}

function readJson(file: string): Record<string, unknown> {
  const value: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${file} holds no JSON object`);
  return value as Record<string, unknown>;
}
