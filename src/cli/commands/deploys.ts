import { hivectl } from "../../lib/hivectl.ts";
import type { Command } from "commander";
import type { AuditRow } from "../../wire/approval.ts";
import { agentName, scoped, wholeNumber } from "../arguments.ts";
import { decides, type Deciding } from "../deciding.ts";
import { EXIT, Failure } from "../exit.ts";
import { olderWords } from "../older.ts";
import { resultsOf, scopeOf, showResults, type Result, type ScopeOptions } from "../per-agent.ts";
import { age, clean, oneLine, visible } from "../print.ts";
import { act, nothingAbout, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { reflow } from "../wrap.ts";

/** Verbs for deployed configs and their audit trail. */
export function deployCommands(program: Command): void {
  act<Deciding>(
    decides(
      program
        .command("rollback")
        .argument("<agent>", "whose config", agentName)
        .argument("<id>", "the deploy to go back to", wholeNumber)
        .description("go back to an earlier deploy; it is a deploy with an id of its own"),
    ),
    async (shell, [agent, id]: [string, number], { wait, note }) => {
      const output = await shell.client.call("rollback", { agent, id, note });
      const { showRequest } = await import("../follow.ts");
      await showRequest(shell, output, `#${output.request} takes ${agent} back to deploy ${id}`, wait);
    },
  );

  act<ScopeOptions & Deciding>(
    decides(scoped(program, "rebuild", "deploy what is locked once more, with the current hyperhive")),
    async (shell, [names = []]: [string[]?], options) => {
      const { wait, note } = options;
      const results = await resultsOf(shell, names, options, (name) => shell.client.call("rebuild", { name, note }));
      if (wait !== true) return showResults(shell, results, `is rebuilt: ${hivectl("requests")} follows it`);
      await showResults(shell, await settled(shell, results), "is rebuilt", names);
    },
  );

  act<ScopeOptions & Deciding>(
    decides(scoped(program, "update", "rebuild those whose hyperhive or config is stale, one at a time, between turns")),
    async (shell, [names = []]: [string[]?], options) => {
      const input = { scope: scopeOf(names, options), note: options.note, wait: options.wait === true };
      const results = await queued(shell, () => shell.client.call("update", input), options);
      await showResults(shell, results, options.wait === true ? "is up to date" : "is up to date, or will be", names);
    },
  );

  act(
    program
      .command("force")
      .argument("<id>", "the request", wholeNumber)
      .description("deploy without waiting: the running turn is stopped and its message returns to the queue"),
    async (shell, [id]: [number]) => shell.show(await shell.client.call("deploy_force", { id }), () => `#${id} does not wait`),
  );

  act<{ limit: number; before?: number }>(
    program
      .command("deploys")
      .argument("<agent>", "whose", agentName)
      .description("how an agent's requests ended, newest first; what to roll back to")
      .option("-n, --limit <count>", "how many", wholeNumber, 30)
      .option("-b, --before <id>", "older than this one", wholeNumber),
    async (shell, [agent]: [string], { limit, before }) =>
      shell.show(await shell.client.call("deploys", { agent, limit, before }), ({ deploys, more }) =>
        deploys.length === 0
          ? "nothing was deployed yet"
          : `${table(
              deploys,
              [
                { title: "", value: (one) => (one.runs ? "●" : ""), colour: () => "green" },
                { title: "ID", value: (one) => String(one.id), colour: () => "bold" },
                {
                  title: "STATE",
                  value: (one) => one.state,
                  colour: (one) => ({ deployed: "green", failed: "red" } as const)[one.state as "failed"] ?? "dim",
                },
                { title: "COMMIT", value: (one) => one.sha?.slice(0, 12) ?? "" },
                { title: "AGE", value: (one) => age(one.at, shell.now) },
                { title: "ORIGIN", value: (one) => one.origin, spare: 2 },
                { title: "BY", value: (one) => one.by, spare: 3 },
                { title: "WHAT", value: (one) => one.error ?? one.description ?? "", isWide: true },
              ],
              shell.width,
              shell.paint,
            )}${olderWords(shell, more, deploys.at(-1)?.id)}`,
      ),
  );

  act(program.command("meta").description("what the deploy ledger locks"), async (shell) =>
    shell.show(await shell.client.call("meta", {}), ({ head, inputs }) => {
      const rows = table(
        inputs,
        [
          { title: "INPUT", value: (one) => one.name, colour: () => "bold" },
          { title: "REV", value: (one) => one.rev?.slice(0, 12) ?? "" },
          { title: "AGE", value: (one) => age(one.modified_at, shell.now) },
          { title: "REBUILDS", value: (one) => one.rebuilds.join(", "), isWide: true },
        ],
        shell.width,
        shell.paint,
      );
      return `${shell.paint("dim", `meta ${head?.slice(0, 12) ?? "(no deploy yet)"}`)}\n${inputs.length === 0 ? "nothing is locked" : rows}`;
    }),
  );

  act<Deciding>(
    decides(
      program
        .command("meta-update")
        .argument("<inputs...>", "names as `hivectl meta` lists them")
        .description("update locked inputs, and rebuild the agents that depend on them"),
    ),
    async (shell, [inputs]: [string[]], options) => {
      const input = { inputs, note: options.note, wait: options.wait === true };
      const results = await queued(shell, () => shell.client.call("meta_update", input), options);
      await showResults(shell, results, "is rebuilt");
    },
  );

  act<{ limit: number; before?: number; request?: number; kind?: string }>(
    program
      .command("audit")
      .argument("[agent]", "only what is about this agent", agentName)
      .description("who did what, newest first")
      .option("-r, --request <id>", "only what belongs to this request", wholeNumber)
      .option("-k, --kind <kind>", "only this kind")
      .option("-n, --limit <count>", "how many", wholeNumber, 50)
      .option("-b, --before <seq>", "older than this entry", wholeNumber),
    async (shell, [agent]: [string?], { limit, before, request, kind }) => {
      const output = await shell.client.call("audit", { agent, limit, before, request, kind });
      const nothing = output.entries.length > 0 ? "" : await nothingAbout(shell, "nothing of the kind is written down", agent);
      shell.show(output, ({ entries, more }) =>
        entries.length === 0
          ? nothing
          : [
              table(
                entries,
                [
                  { title: "SEQ", value: (one) => String(one.seq), colour: () => "dim", spare: 4 },
                  { title: "AT", value: (one) => instant(one.at), colour: () => "dim" },
                  { title: "ACTOR", value: (one) => one.actor, spare: 1 },
                  { title: "KIND", value: (one) => one.kind, colour: () => "bold" },
                  { title: "AGENT", value: (one) => one.agent ?? "" },
                  { title: "REQUEST", value: (one) => (one.request === undefined ? "" : `#${one.request}`), spare: 2 },
                  { title: "COMMIT", value: (one) => one.sha?.slice(0, 12) ?? "", spare: 3 },
                  { title: "DETAIL", value: detail, isWide: true },
                ],
                shell.width,
                shell.paint,
              ),
              ...unseenLines(entries, shell),
            ].join("\n") + olderWords(shell, more, entries.at(-1)?.seq),
      );
    },
  );

  act(
    program
      .command("check")
      .description("check the invariants of deploys and changes on the running hive; the exit code is 1 when one does not hold")
      .option("--all", "compare all merges with what was shown, not only the newest 200"),
    async (shell, _, { all = false }: { all?: boolean }) => {
      const output = await shell.client.call("check", { all });
      const text = ({ holds, findings }: typeof output): string => {
        const lines = findings.map((one) => {
          const mark = one.ok ? shell.paint("green", "✓") : shell.paint("red", "✗");
          const problems = one.problems.map((problem) => `\n     ${shell.paint("red", clean(problem))}`).join("");
          const what = `${mark} ${one.invariant}  ${clean(one.what)} ${shell.paint("dim", `(${one.checked} checked)`)}`;
          return reflow(`${what}${problems}`, shell.width, 5);
        });
        return [
          ...lines,
          holds ? shell.paint("green", "all invariants hold") : shell.paint("red", "an invariant does not hold"),
        ].join("\n");
      };
      if (output.holds) return shell.show(output, text);
      shell.say(text(output));
      const broken = output.findings.filter((one) => !one.ok).map((one) => one.invariant);
      throw new Failure(EXIT.refused, "failed", `does not hold: invariant ${broken.join(", ")}`, output);
    },
  );
}

/** Waits for the requests to finish and reports the result for each agent. */
async function settled(shell: Shell, results: readonly Result[]): Promise<Result[]> {
  const { endWords, followRequests } = await import("../follow.ts");
  const requests = results.flatMap((one) => one.request ?? []);
  const ended = new Map((await followRequests(shell, requests)).map((one) => [one.id, one]));
  return results.map((one) => {
    const request = ended.get(one.request ?? 0);
    return !request || request.state === "deployed" ? one : { ...one, ok: false, error: endWords(request) };
  });
}

/** Asks for rebuilds, which the daemon carries out one after the other. With --wait, prints their steps. */
async function queued(shell: Shell, call: () => Promise<{ results: Result[] }>, { wait }: Deciding): Promise<Result[]> {
  if (wait !== true) return (await call()).results;
  shell.waitsFor(`the rebuilds continue; ${hivectl("requests")} shows their state`);
  const { tellingSteps } = await import("../follow.ts");
  return (await tellingSteps(shell, (one) => one.origin === "update", call)).results;
}

/** Local time with aligned columns: `11-25 15:29:47`. */
function instant(at: string): string {
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${two(date.getMonth() + 1)}-${two(date.getDate())} ${date.toLocaleTimeString("en-GB", { hour12: false })}`;
}

/**
 * Files that the operator approved without having seen them whole. They are listed below the table, where no column
 * width cuts their names.
 */
function unseenLines(entries: readonly AuditRow[], { paint }: Pick<Shell, "paint">): string[] {
  return entries.flatMap(({ request, detail: given }) => {
    const unshown = Array.isArray(given?.["unshown"]) ? given["unshown"].map(String) : [];
    return unshown.length === 0
      ? []
      : [
          "",
          paint("red", `#${request ?? ""} was approved with files that were not shown whole:`),
          ...unshown.map((path) => `  ${visible(path)}`),
        ];
  });
}

/** The reason, and the entry's other details. The commit and the files that were not shown have columns of their own. */
function detail({ reason, detail: given, sha }: AuditRow): string {
  const facts = Object.entries(given ?? {})
    .filter(([key, value]) => (key !== "sha" || value !== sha) && key !== "unshown")
    .map(([key, value]) => `${key}=${typeof value === "string" ? oneLine(value) : JSON.stringify(value)}`);
  return [...(reason === undefined ? [] : [oneLine(reason)]), ...facts].join(" ");
}
