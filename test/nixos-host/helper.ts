import { once } from "node:events";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { W4rden } from "../../src/daemon/w4rden.ts";
import type { ContainerHelper } from "../../src/platforms/nixos/driver.ts";
import { uidRange } from "../../src/platforms/uids.ts";
import { W4rdenProgram } from "../../src/rpc/w4rden-client.ts";
import { Binds } from "../../src/w4rden/binds.ts";
import { Containers } from "../../src/w4rden/containers/containers.ts";
import { nixosHost } from "../../src/w4rden/containers/host.ts";
import type { VerbContext } from "../../src/w4rden/context.ts";
import { openSocket } from "../../src/w4rden/socket.ts";
import type { W4rdenRequest, W4rdenStarted } from "../../src/wire/w4rden.ts";

/** Root's helper on the nested host, over its real socket. */

/** The system of an agent in the store of the nested host. */
export const SYSTEM = process.env["HIVE_HOST_SYSTEM"] ?? "";
/** A system that does not boot. */
export const BROKEN = process.env["HIVE_BROKEN_SYSTEM"] ?? "";
/** The folder of root's own files for the helper. */
export const ETC = "/etc/hyperhive";
mkdirSync(ETC, { recursive: true });
writeFileSync(join(ETC, "mounts"), "");

/** Root's helper of each hive, at a socket of its own. */
const helpers = new Map<string, Promise<string>>();

function helperSocket(hiveId: string): Promise<string> {
  const known = helpers.get(hiveId);
  if (known) return known;
  const opened = (async () => {
    const state = realpathSync(tmpdir());
    const context: VerbContext = {
      account: { name: "root", uid: 0, gid: 0 },
      range: uidRange(hiveId),
      state,
      run: state,
      proxy: undefined,
      etc: ETC,
      programs: [],
      binds: new Binds(),
    };
    context.containers = new Containers(nixosHost(), hiveId, context);
    const path = join(state, `w4rden-${hiveId}`);
    await openSocket(context, (error) => console.error(error), path);
    return path;
  })();
  helpers.set(hiveId, opened);
  return opened;
}

async function ask(hiveId: string, request: W4rdenRequest): Promise<W4rdenStarted | undefined> {
  const program = new W4rdenProgram(request, await helperSocket(hiveId));
  program.stdin.end();
  for (const stream of [program.stdout, program.stderr]) stream.resume();
  let started: W4rdenStarted | undefined;
  program.once("started", (one: W4rdenStarted) => (started = one));
  await once(program, "close");
  return started;
}

/** What the journal has about a container. */
export async function logsOf(hiveId: string, agent: string): Promise<string> {
  const program = new W4rdenProgram({ verb: "container_logs", agent, lines: 200, follow: false }, await helperSocket(hiveId));
  program.stdin.end();
  let text = "";
  program.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  program.stderr.resume();
  await once(program, "close");
  return text;
}

/** The helper, as the driver uses it. */
export function helperOf(hiveId: string): ContainerHelper {
  return {
    async start(request) {
      const started = await ask(hiveId, { verb: "container_start", ...request });
      return { folder: started?.path ?? "", pid: started?.pid };
    },
    kill: async (agent) => void (await ask(hiveId, { verb: "container_kill", agent })),
    destroy: async (agent) => void (await ask(hiveId, { verb: "container_destroy", agent })),
    logs: (agent) => logsOf(hiveId, agent),
    async *follow(agent, lines, signal) {
      yield* new W4rden(await helperSocket(hiveId)).containers.follow(agent, lines, signal);
    },
  };
}
