import type { CageSpec } from "../port.ts";

/** Where a container has the files of its start, from the folder `INSIDE` of the cage. */
const INSIDE_PLACE = "/run/hive-cage";
/** The script that the only service of a container runs. */
export const START_FILE = "start";
/** The system-call filter, and the mount point of the pipe that gets the program's output. */
export const FILTER_FILE = "filter";
export const PIPE_FILE = "log";

/**
 * The script that a container's service runs, as the agent: it puts its output into the log, sets the filter of every
 * cage, and becomes the program with exactly its arguments and environment. `bounds` are options of `prlimit` for hosts
 * that cannot limit the container as a whole.
 */
export function startScript({ env, argv }: Pick<CageSpec, "env" | "argv">, bounds: readonly string[]): string {
  const variables = Object.entries({ ...env, PWD: "/state" }).map(([name, value]) => quoted(`${name}=${value}`));
  const limits = bounds.length === 0 ? "" : `"$(command -v prlimit)" ${bounds.map(quoted).join(" ")} -- `;
  const filter = `"$(command -v setpriv)" --no-new-privs --seccomp-filter ${INSIDE_PLACE}/${FILTER_FILE} -- `;
  return `#!/bin/sh
exec > ${INSIDE_PLACE}/${PIPE_FILE} 2>&1 < /dev/null
exec ${limits}${filter}"$(command -v env)" -i ${[...variables, ...argv.map(quoted)].join(" ")}
`;
}

/** A word for a shell, with nothing in it that a shell reads. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
