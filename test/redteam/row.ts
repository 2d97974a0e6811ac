import type { World } from "./world.ts";

/** What the victim has in its own cage (`inside/victim.ts`): a port of its loopback, an abstract socket, a System V key. */
export const VICTIM = { port: 4711, abstractName: "victim", key: 0x6869_7665 } as const;

/** Data that an attacker inside a cage is given: what it aims at. Nothing here is a secret that a cage must not have. */
export interface Bait {
  /** The ids of the rows to carry out. */
  rows: string[];
  /** A TCP listener of the host on every address, and one address of the host besides loopback. */
  host: { port: number; address: string };
  /** A datagram socket of the host on every address. */
  udpPort: number;
  /** An abstract Unix socket of the host, without its leading NUL byte. */
  abstractName: string;
  /** Port of the dashboard on the host's loopback. */
  dashboardPort: number;
  /** A file of the operator that every user of the host may read. */
  hostFile: string;
  /** The state folder of the hive on the host. */
  stateDir: string;
  /** The hive's credential backwards, so that a search for it does not find the search. */
  secretBackwards: string;
  /** The same for a secret that only the agent's API doors use, and for one that only the victim has. */
  doorSecretBackwards: string;
  victimSecretBackwards: string;
  /** The same for a part of the private key of the repository `mirror`. */
  sshKeyBackwards: string;
  /** The port of its upstream on the host's loopback. */
  sshPort: number;
  /** The socket of an agent of ssh, which is in the daemon's environment. */
  sshAgent: string;
  /** Name and id of another agent, and the pid of a process of its cage on the host. */
  victim: { name: string; id: string; pid: number };
  /** An agent to which the attacker's config lets it send nothing. */
  stranger: string;
  /** What the sockets serve, by caller. An operation is under each of its callers. */
  operations: Record<"operator" | "manager" | "agent" | "harness", string[]>;
  /** The version that a harness speaks. */
  protocol: number;
  /** A word that is nowhere else. A program that repeats it has obeyed what an attacker planted. */
  token: string;
}

/** What an attacker in the cage of a log-in aims at. */
export type LoginBait = Omit<
  Bait,
  "udpPort" | "stranger" | "operations" | "protocol" | "sshKeyBackwards" | "sshPort" | "sshAgent"
>;

/**
 * Where an attacker stands. The manager's cage has more of everything than any other agent's. `flood` is a cage of its
 * own, which exhausts what it can. `login` is the cage in which the CLI logs in to the model. `daemon` is a daemon that has been taken over, started by root through its helper.
 */
export type CagePosition = "agent" | "manager" | "flood" | "login";
export type Position = CagePosition | "socket" | "web" | "browser" | "upstream" | "daemon";

/**
 * `blocked`: a barrier refused the attempt. `contained`: it succeeds and changes nothing outside the cage. `open`: it
 * got through, or failed for another reason than its barrier, so that nothing is known about the barrier.
 */
export type Outcome = "blocked" | "contained" | "open";

interface Described {
  /** Unique and stable, such as `network-loopback`. */
  id: string;
  /** What is tried, as a phrase: "connect to a listener on the host's loopback". */
  attempt: string;
  /** What has to stop it, or to contain it. */
  barrier: string;
  /**
   * What a refused attempt says. An attempt that fails with other words is open: a broken attempt must not count as a
   * barrier.
   */
  refusal?: RegExp;
  /** Set if the attempt may succeed: why that is harmless. */
  contained?: string;
}

/**
 * An attempt from inside a cage of a hive of type `Hive`. `run` is carried out in the cage, by a program that its model
 * starts.
 */
export interface CageRow<Hive = World, Aims = Bait> extends Described {
  from: CagePosition;
  /** Left out where the host cannot limit a cage as a whole (no cgroup): the hive says so with a banner. */
  needs?: "limits";
  /** Not beside other attempts of its cage: it would disturb them. */
  alone?: true;
  /** Resolves with what was reached. Rejects with the refusal. */
  run(bait: Aims): Promise<string>;
  /**
   * Looks from outside of the cage, after all attempts and a restart of the cage. Resolves with what shows that nothing
   * got out, and rejects with what did.
   */
  proof?(hive: Hive, bait: Aims): string | Promise<string>;
}

/** An attempt from outside of every cage. */
export interface OutsideRow<Place> extends Described {
  from: "socket" | "web" | "browser" | "upstream" | "daemon";
  run(world: Place): Promise<string>;
}

/** Makes the rows of one area from one position in a cage. */
export function cageRow<Hive = World, Aims = Bait>(from: CagePosition, area: string) {
  return (
    id: string,
    attempt: string,
    barrier: string,
    refusal: RegExp,
    run: (bait: Aims) => string | Promise<string>,
  ): CageRow<Hive, Aims> => ({ from, id: `${area}-${id}`, attempt, barrier, refusal, run: async (bait) => run(bait) });
}

/** Makes the rows of one area from one position outside of every cage. */
export function outsideRow<Place>(from: OutsideRow<Place>["from"], area: string) {
  return (id: string, attempt: string, barrier: string, refusal: RegExp, run: OutsideRow<Place>["run"]): OutsideRow<Place> => ({
    from,
    id: `${area}-${id}`,
    attempt,
    barrier,
    refusal,
    run,
  });
}

/** What came of an attempt: what it reached, or the words of its refusal. */
export interface Observation {
  reached: boolean;
  text: string;
}

/** Bytes of an observation that are kept. */
const MAX_TEXT = 400;

/** Carries out an attempt. Never rejects: a refusal is an observation. `limit` in milliseconds ends one that hangs. */
export async function observe(run: () => Promise<string>, limit: number): Promise<Observation> {
  let timer: NodeJS.Timeout | undefined;
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), limit);
  });
  try {
    return { reached: true, text: shown(await Promise.race([run(), hung])) };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    const text = typeof code === "string" && !String(message).includes(code) ? `${code} ${String(message)}` : String(message);
    return { reached: false, text: shown(text) };
  } finally {
    clearTimeout(timer);
  }
}

/** Text from a cage for a line of a table: bounded, without control characters. */
const shown = (text: string): string => text.replaceAll(/\p{Cc}+/gu, " ").slice(0, MAX_TEXT);

/** The verdict on an attempt, and the words for it. */
export interface Judged {
  outcome: Outcome;
  evidence: string;
}

/** Begins the evidence of an attempt that failed, but not by its barrier. */
export const OTHERWISE = "failed for another reason than its barrier: ";

/** Compares what came of an attempt with what has to stop it. */
export function judge(row: Described, seen: Observation | undefined): Judged {
  if (!seen) return { outcome: "open", evidence: "the attempt was not carried out" };
  if (seen.reached) return { outcome: row.contained === undefined ? "open" : "contained", evidence: seen.text };
  if (row.refusal?.test(seen.text)) return { outcome: "blocked", evidence: seen.text };
  return { outcome: "open", evidence: `${OTHERWISE}${seen.text}` };
}
