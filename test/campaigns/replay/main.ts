import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { MergeMethod } from "../../../src/wire/work.ts";
import { crowd, replay } from "./replay.ts";

/**
 * `npm run replay -- <repository> [--commits 60] [--agents 6] [--until HEAD] [--merge merge]`: prints counts; exits with 0
 * if the files are those of the real history. `npm run replay -- --crowd 10`: that many agents change the same lines.
 */
const USAGE = "npm run replay -- <repository> [--commits 60] [--agents 6] [--until <commit>] [--merge merge|squash|rebase]";

function count(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`--${name} is a number from 1 to ${most}`);
  return value;
}

/** Cages of one campaign, and commits: a day on a small machine. */
const MAX_AGENTS = 50;
const MAX_COMMITS = 2_000;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      commits: { type: "string", default: "60" },
      agents: { type: "string", default: "6" },
      until: { type: "string", default: "HEAD" },
      merge: { type: "string", default: "merge" },
      crowd: { type: "string" },
    },
  });
  const method = MergeMethod.safeParse(values.merge);
  if (!method.success) throw new Error(`--merge is ${MergeMethod.options.join(", ")}`);
  const report = (line: string): void => console.error(`${Math.round(performance.now() / 1000)} s: ${line}`);
  if (values.crowd !== undefined) {
    const counts = await crowd({ agents: count("crowd", values.crowd, MAX_AGENTS), merge: method.data, report });
    console.log(JSON.stringify(counts));
    const isEnded = counts.merged + counts.returned === counts.commits && counts.unnamed === 0;
    return isEnded && counts.merges_equal !== false && counts.order_equal && counts.findings.length === 0;
  }
  const [given, ...rest] = positionals;
  if (given === undefined || rest.length > 0) throw new Error(`name one repository: ${USAGE}`);
  // npm runs scripts in the package's folder.
  const repository = resolve(process.env["INIT_CWD"] ?? ".", given);
  const commits = count("commits", values.commits, MAX_COMMITS);
  const agents = count("agents", values.agents, MAX_AGENTS);
  const counts = await replay(repository, { commits, agents, until: values.until, merge: method.data, report });
  console.log(JSON.stringify(counts));
  return counts.trees_equal && counts.merges_equal !== false && counts.order_equal && counts.findings.length === 0;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
