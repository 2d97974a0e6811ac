import { hivectl } from "../../lib/hivectl.ts";
import { InvalidArgumentError, type Command } from "commander";
import type { EgressRow, UsageFigures, UsageRow } from "../../wire/history-operations.ts";
import { PRESET_NAMES, presetWith } from "../../wire/egress-presets.ts";
import { callWords, missingEntry, reasonOf, withEgress } from "../../wire/egress.ts";
import { MAX_USAGE_DAYS } from "../../wire/limits.ts";
import { agentName, wholeNumber } from "../arguments.ts";
import { Failure, EXIT } from "../exit.ts";
import { olderWords } from "../older.ts";
import { age, clean, plural } from "../print.ts";
import { act, type Shell } from "../shell.ts";
import { table, type Column } from "../table.ts";
import { FIGURE_COLUMNS } from "../usage-columns.ts";
import { sizeText } from "../../wire/size-text.ts";

function day(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)))
    throw new InvalidArgumentError("it is a day such as 2030-01-31.");
  return text;
}

function days(text: string): number {
  const value = wholeNumber(text);
  if (value > MAX_USAGE_DAYS) throw new InvalidArgumentError(`it is at most ${MAX_USAGE_DAYS}; --before shows older days.`);
  return value;
}

type Line = Pick<UsageRow, "day" | "agent" | "model"> & UsageFigures;

function usageTable(rows: readonly UsageRow[], total: UsageFigures, isForAll: boolean, shell: Shell): string {
  const lines: Line[] = [...rows, { day: "all days", agent: "", model: "", ...total }];
  const columns: Column<Line>[] = [
    { title: "DAY", value: (one) => one.day, colour: (one) => (one.agent === "" ? "bold" : undefined) },
    ...(isForAll ? [{ title: "AGENT", value: (one: Line) => one.agent }] : []),
    { title: "MODEL", value: (one) => one.model, isWide: true },
    ...FIGURE_COLUMNS,
  ];
  return table(lines, columns, shell.width, shell.paint);
}

/** Verbs for the gateway's records. */
export function recordCommands(program: Command): void {
  act<{ limit: number; before?: string }>(
    program
      .command("cost")
      .argument("[agent]", "only this agent", agentName)
      .description("tokens and cost by day, agent, model and credential, newest first")
      .option("-n, --limit <days>", "how many days with usage", days, 14)
      .option("-b, --before <day>", "older than this day", day),
    async (shell, [agent]: [string?], { limit, before }) =>
      shell.show(await shell.client.call("usage", { agent, limit, before }), ({ rows, total, more }) => {
        if (rows.length === 0) return before === undefined ? "no model was used yet" : `no model was used before ${before}`;
        const lines = usageTable(rows, total, agent === undefined, shell);
        const older = `older days: ${hivectl(`cost ${agent === undefined ? "" : `${agent} `}--before ${rows.at(-1)?.day ?? ""}`)}`;
        const notes = [
          ...(total.unpriced > 0
            ? [`${plural(total.unpriced, "request")} went to a model without a price: no sum contains them`]
            : []),
          ...(more ? [older] : []),
        ];
        return [lines, ...notes.map((words) => shell.paint("dim", words))].join("\n");
      }),
  );

  act<{ limit: number; before?: number; propose?: string }>(
    program
      .command("egress")
      .argument("<agent>", "whose connections", agentName)
      .description("connections of an agent, newest first, and why one was denied")
      .option("-n, --limit <count>", "how many", wholeNumber, 50)
      .option("-b, --before <id>", "older than this one", wholeNumber)
      .option(
        "-p, --propose <host>",
        `ask for a config change that adds host, host:port, or the hosts of ${PRESET_NAMES.join(", ")} to its egress list`,
      ),
    async (shell, [agent]: [string], { limit, before, propose }) => {
      if (propose !== undefined) return proposeHost(shell, agent, propose);
      shell.show(await shell.client.call("egress", { agent, limit, before }), ({ connections, more }) => {
        if (connections.length === 0) return `${agent} has made no connection`;
        const columns: Column<EgressRow>[] = [
          { title: "ID", value: (one) => String(one.id), colour: () => "dim", spare: 2 },
          { title: "AGE", value: (one) => age(one.at, shell.now) },
          {
            title: "HOST",
            value: (one) => (one.call ? clean(callWords(one.call)) : `${one.host}:${one.port}`),
            isWide: true,
          },
          {
            title: "RESULT",
            value: (one) =>
              one.verdict === "allowed"
                ? "allowed"
                : `denied: ${reasonOf(one.verdict)}${one.listed === true ? "; listed by now" : ""}`,
            colour: (one) => (one.verdict === "allowed" ? "green" : "red"),
          },
          { title: "IN", value: (one) => (one.bytes_in === 0 ? "" : sizeText(one.bytes_in)), spare: 1 },
          { title: "OUT", value: (one) => (one.bytes_out === 0 ? "" : sizeText(one.bytes_out)), spare: 1 },
        ];
        const missing = connections.map(missingEntry).find((entry) => entry !== undefined);
        const ask = (what: string): string => hivectl(`egress ${agent} --propose ${what}`);
        const preset = missing === undefined ? undefined : presetWith(missing);
        const all = preset === undefined ? "" : `; for all hosts of ${preset}: ${ask(preset)}`;
        const hint = missing === undefined ? "" : `\n${shell.paint("dim", `to ask for it: ${ask(missing)}${all}`)}`;
        return `${table(connections, columns, shell.width, shell.paint)}${hint}${olderWords(shell, more, connections.at(-1)?.id)}`;
      });
    },
  );
}

/** Requests the deployed config with one more entry in `egress`. */
async function proposeHost(shell: Shell, agent: string, host: string): Promise<void> {
  const { files } = await shell.client.call("config", { name: agent });
  const proposed = files.map(({ path, mode, text, base64 }) => ({
    path,
    mode,
    base64: path === "agent.json" ? encoded(added(text, host)) : (base64 ?? encoded(text)),
  }));
  const description = `allow egress to ${host}`;
  const output = await shell.client.call("propose", { agent, files: proposed, description });
  const { request: id, refused } = output;
  if (refused !== undefined) throw new Failure(EXIT.refused, "failed", `#${id} is refused: ${clean(refused)}`, output);
  shell.show(
    output,
    ({ request }) => `#${request} waits for approval: ${hivectl(`show ${request}`)}, ${hivectl(`approve ${request}`)}`,
  );
}

const encoded = (text: string): string => Buffer.from(text).toString("base64");

function added(agentJson: string, host: string): string {
  try {
    return withEgress(agentJson, host);
  } catch (error) {
    throw new Failure(EXIT.refused, "failed", clean(error instanceof Error ? error.message : String(error)));
  }
}
