import { z } from "zod";
import type { MetaInput } from "../wire/approval.ts";

/** Bytes of a lock file that are read: a hive with hundreds of agents has some hundred KiB. */
const MAX_LOCK_BYTES = 8 * 1024 * 1024;
/**
 * Depth from the root to which inputs are listed. An agent's own inputs are at depth 2. Deeper ones are updated with
 * them and would flood the panel (nixpkgs alone brings dozens).
 */
const MAX_INPUT_DEPTH = 2;
/** Maximum number of listed inputs. */
const MAX_INPUTS = 2_000;

/** The parts of `flake.lock` (version 5 to 7) that are read. The rest may be anything. */
const Node = z.object({
  /** The name of a node, or the path of the input that this one follows. */
  inputs: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  locked: z.object({ rev: z.string().max(128).optional(), lastModified: z.number().optional() }).optional(),
});
const Lock = z.object({ version: z.number(), root: z.string(), nodes: z.record(z.string(), z.unknown()) });

/** Input names that Nix accepts without quotes. A slash would change the meaning of the path. */
const INPUT_NAME = /^[A-Za-z_][A-Za-z0-9_'.-]{0,127}$/;

/**
 * Every input that a flake locks, down to depth 2 from its root, as slash paths that `nix flake update` accepts:
 * `hyperhive`, `agent-coder`, `agent-dmatrix/mcp-matrix`. Inputs that follow another are not fetched, so they are not
 * listed. An input that is reached twice is listed once, by its shortest path. Throws an Error with the reason if the
 * text is not a lock file.
 */
export function flakeInputs(text: string): Omit<MetaInput, "rebuilds">[] {
  if (text.length > MAX_LOCK_BYTES) throw new Error(`the lock file is longer than ${MAX_LOCK_BYTES} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error("the lock file is not JSON", { cause: error });
  }
  const parsed = Lock.safeParse(json);
  if (!parsed.success) throw new Error("the lock file has no root and nodes");
  // A Map, so that a node's name cannot be a property that every object has.
  const nodes = new Map(Object.entries(parsed.data.nodes));
  const inputsOf = (key: string): [name: string, target: string][] =>
    Object.entries(Node.safeParse(nodes.get(key)).data?.inputs ?? {})
      .filter((entry): entry is [string, string] => typeof entry[1] === "string" && INPUT_NAME.test(entry[0]))
      .sort(([a], [b]) => (a < b ? -1 : 1));

  const seen = new Set([parsed.data.root]);
  const found: Omit<MetaInput, "rebuilds">[] = [];
  let level = [{ key: parsed.data.root, path: "" }];
  for (let depth = 1; depth <= MAX_INPUT_DEPTH; depth++) {
    const next: typeof level = [];
    for (const { key, path } of level) {
      for (const [name, target] of inputsOf(key)) {
        if (seen.has(target) || found.length >= MAX_INPUTS) continue;
        seen.add(target);
        const node = Node.safeParse(nodes.get(target)).data;
        const here = path === "" ? name : `${path}/${name}`;
        if (node?.locked !== undefined) found.push({ name: here, ...revision(node.locked) });
        next.push({ key: target, path: here });
      }
    }
    level = next;
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The locked revision of one of the root's own inputs: what that agent's container has deployed. */
export function rootInputRev(text: string, name: string): string | undefined {
  return flakeInputs(text).find((input) => input.name === name)?.rev;
}

/**
 * The agents that are rebuilt when an input is updated: all for `hyperhive` and anything under it, which they share;
 * one for its `agent-<name>` and anything under that.
 */
export function rebuiltBy(input: string, agents: readonly string[]): string[] {
  const first = input.split("/")[0] ?? "";
  if (first === "hyperhive") return [...agents];
  return agents.filter((agent) => first === `agent-${agent}`);
}

function revision(locked: {
  rev?: string | undefined;
  lastModified?: number | undefined;
}): Pick<MetaInput, "rev" | "modified_at"> {
  const when = new Date((locked.lastModified ?? NaN) * 1000);
  return {
    ...(locked.rev === undefined ? {} : { rev: locked.rev }),
    ...(Number.isNaN(when.getTime()) ? {} : { modified_at: when.toISOString() }),
  };
}
