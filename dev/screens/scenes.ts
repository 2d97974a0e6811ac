import { HiveError } from "../../src/wire/error.ts";
import type { DiffFile } from "../../src/wire/approval.ts";
import type { StateSnapshot } from "../../src/wire/event.ts";
import { busyHive, scoutTail } from "../../test/lib/busy-hive.ts";
import { aHive, aMessage, anAgent, anApproval, aQuestion, ago, aState, BASE, diffFiles } from "../../test/lib/fixtures.ts";
import { FixtureHive } from "../../test/lib/fixture-hive.ts";
import { workHive } from "../../test/lib/work-hive.ts";

/** Hives in states that the design pictures do not show: empty, in trouble, and with more of everything than fits. */

/** The first minute: only the manager, and no message yet. */
export function emptyHive(): FixtureHive {
  const hive = aHive({ tokens_today: 0, cost_today_usd: 0 });
  const manager = anAgent("hm1nd", { model: "sonnet", tokens_today: 0, cost_today_usd: 0, deployed_sha: "a41f09c2be11" });
  return new FixtureHive(aState({ hive, agents: [manager] }));
}

/** Everything that can be wrong with an agent, a message and the hive, at the same time. */
function troubleState(): StateSnapshot {
  return aState({
    hive: aHive({
      banners: [
        { level: "error", text: "The disk has 120 MB left: nothing is deployed until there is room (hivectl doctor)." },
        { level: "warn", text: "No limit holds for processes here: cages run under prlimit alone." },
      ],
    }),
    agents: [
      anAgent("hm1nd", { model: "sonnet", state: "thinking", turn: 7, turn_started_at: ago(640), unread: 3 }),
      anAgent("drifter", {
        deployed_sha: BASE.slice(0, 12),
        warnings: ["drift: it runs 77c0de91aa04, and 1bfaf24abcde was deployed last"],
        needs_update: true,
        status_text: "indexing",
      }),
      anAgent("parked", {
        state: "failed",
        failed: true,
        running: false,
        state_reason: "exit 137: over its memory limit (1 GiB); parked after 5 crashes in 10 minutes",
        last_turn: { turn: 9, result: "failed", reason: "the CLI ended with signal 9", duration_ms: 4200, ended_at: ago(300) },
        unread: 12,
      }),
      anAgent("locked-out", { state: "needs_login", needs_login: true, state_reason: "the upstream refused its token" }),
      anAgent("misread", {
        warnings: ["agent.json: limits.memory_mib: must be at least 256"],
        deploying: 44,
      }),
      anAgent("unbuilt", {
        unready_workspace: {
          repo: "web",
          reason:
            "the set-up failed: it ended with 1\nnpm error code E403\nnpm error 403 Forbidden - GET https://npm.example/left-pad",
        },
      }),
      anAgent("throttled", { state: "rate_limited", resumes_at: ago(-240), state_reason: "released when the limit lifts" }),
    ],
    approvals: [
      anApproval({
        id: 44,
        agent: "misread",
        state: "failed",
        resolved_at: ago(60),
        resolved_by: "operator",
        error: "error: agent.json: limits.memory_mib: must be at least 256\n  at agent.json:7\n",
        tag: "failed/44",
      }),
      anApproval({ id: 45, agent: "drifter", requested_at: ago(86_400) }),
    ],
    messages: [
      aMessage("hm1nd", "parked", "are you there?", { id: 20, state: "queued", redelivered: true, failures: 3 }),
      aMessage("parked", "hm1nd", "once more, the whole report", {
        id: 21,
        state: "dead",
        failures: 5,
        reason: "the turn failed five times: the CLI ended with signal 9",
      }),
      aMessage("drifter", "hm1nd", "and you say?", {
        id: 22,
        state: "held",
        hops: 33,
        reason: "the chain has 33 hops: release it or drop it",
      }),
      aMessage("operator", "throttled", "never mind", { id: 23, state: "dropped", reason: "dropped by the operator" }),
    ],
  });
}

export function troubleHive(): FixtureHive {
  const { show } = busyHive().answers;
  const hive = new FixtureHive(troubleState(), {
    ...(show ? { show } : {}),
    send: () => {
      throw new HiveError("rate_limited", "the inbox of parked is full (10000 messages wait): try later");
    },
    deploys: () => ({
      deploys: [
        {
          id: 44,
          state: "failed",
          sha: BASE,
          at: ago(60),
          origin: "request",
          by: "operator",
          error: "agent.json: limits.memory_mib must be at least 256",
          runs: false,
        },
      ],
    }),
  });
  hive.state.stuck = hive.state.messages.filter(({ state }) => state === "dead" || state === "held");
  return hive;
}

/** A question of each kind: free text, single choice, multiple choice. One has a text and a choice filled in. */
export function askingHive(): FixtureHive {
  const questions = [
    aQuestion("What shall the weekly digest be called?", { id: 30, agent: "librarian", asked_at: ago(900) }),
    aQuestion("The mirror is three commits behind. Shall I push?", {
      id: 31,
      agent: "forge-keeper",
      options: ["push now", "wait for scout", "never by yourself"],
      asked_at: ago(400),
      expires_at: ago(-1200),
    }),
    aQuestion("Which sources may I drop?", {
      id: 32,
      agent: "scout",
      options: ["cs.MA", "cs.AI", "stat.ML", "the mailing lists"],
      multi: true,
      asked_at: ago(60),
    }),
  ];
  return new FixtureHive(aState({ hive: aHive({}), agents: [anAgent("hm1nd", { model: "sonnet" })], questions }));
}

const LONG_NAME = "archivist-of-everything-that-anybody-has-ever-written-down-here";
const LONG_WORD = "https://export.example/".concat("long-path-without-a-break/".repeat(12));
const WORK = ["reading", "writing", "waiting for hm1nd", "indexing the notes of last week", "idle", "reviewing"];

/** Twelve agents, names of maximum length, words without a break, and many entries in every list. */
export function crowdedHive(): FixtureHive {
  const names = ["hm1nd", LONG_NAME, ...Array.from({ length: 10 }, (_, nth) => `worker-${nth + 1}`)];
  const agents = names.map((name, nth) =>
    anAgent(name, {
      state: nth % 4 === 0 ? "thinking" : "idle",
      ...(nth % 4 === 0 ? { turn: 10 + nth, turn_started_at: ago(nth * 40) } : {}),
      asleep: nth % 5 === 3,
      model: nth === 0 ? "sonnet" : "haiku",
      status_text: name === LONG_NAME ? LONG_WORD : (WORK[nth % WORK.length] ?? ""),
      last_turn: {
        turn: 10 + nth,
        result: nth === 5 ? "failed" : "ok",
        reason: "completed",
        duration_ms: 9000 * (nth + 1),
        ended_at: ago(60 * nth),
      },
      unread: nth === 1 ? 1284 : nth % 3,
      cost_today_usd: nth * 0.37,
      deployed_sha: `${nth}`.padStart(12, "a41f09c2be"),
      context_tokens: 12_000 * (nth + 1),
      context_window: 200_000,
    }),
  );
  const messages = Array.from({ length: 40 }, (_, nth) => {
    const from = names[(nth * 5) % names.length] ?? "";
    const to = names[(nth * 7 + 1) % names.length] ?? "";
    const body = nth % 9 === 4 ? LONG_WORD : `${WORK[nth % WORK.length]}: part ${nth + 1} of the digest is in /state/digest.md`;
    return aMessage(from, to === from ? "operator" : to, body, {
      id: 200 + nth,
      state: nth > 36 ? "queued" : nth > 33 ? "leased" : "done",
      created_at: ago((40 - nth) * 45),
      ...(nth % 6 === 5 ? { in_reply_to: 199 + nth, chain: 199 + nth } : {}),
    });
  });
  const approvals = Array.from({ length: 7 }, (_, nth) =>
    anApproval({
      id: 60 + nth,
      agent: names[nth + 1] ?? "",
      requested_at: ago(500 * (nth + 1)),
      description: nth === 0 ? LONG_WORD : "more of the same, with one host less than before",
    }),
  );
  const questions = [
    aQuestion("Which of these shall I keep? Choose as many as you like.", {
      id: 70,
      agent: LONG_NAME,
      options: ["the notes of last week", "the drafts", LONG_WORD],
      multi: true,
      expires_at: ago(-90),
    }),
    aQuestion("What shall the digest be called?", { id: 71, agent: "worker-3" }),
    aQuestion("Go on?", { id: 72, agent: "worker-4", options: ["yes", "no"], expires_at: ago(-86_000) }),
  ];
  const hive = aHive({ operator_unread: 128, tokens_today: 912_400_000, cost_today_usd: 1284.5 });
  const { show } = busyHive().answers;
  return new FixtureHive(aState({ hive, agents, messages, approvals, questions }), {
    ...(show ? { show } : {}),
    turn_events: ({ agent, before }) => ({ events: agent === LONG_NAME && before === undefined ? scoutTail() : [], more: false }),
    tombstones: () => ({
      agents: Array.from({ length: 9 }, (_, nth) => ({
        name: nth === 0 ? `former-${LONG_NAME}`.slice(0, 63) : `former-${nth}`,
        destroyed_at: ago(90_000 * (nth + 1)),
        bytes: 7 ** (nth + 4),
      })),
    }),
    inbox: () => ({
      messages: Array.from({ length: 12 }, (_, nth) =>
        aMessage(
          names[(nth % 9) + 1] ?? "",
          "operator",
          nth === 1 ? LONG_WORD : `part ${12 - nth} of the digest is ready to read`,
          {
            id: 199 - nth,
            state: "done",
            created_at: ago(2000 + nth * 60),
          },
        ),
      ),
      unread: 128,
      read_up_to: 0,
    }),
    send: ({ to }) => ({ sent: [{ id: 99_999, to, state: "queued" }], duplicate: false, refused: [] }),
  });
}

/** A change of thousands of files. Most come without their patch. */
export function manyFilesHive(): FixtureHive {
  const later = Array.from({ length: 5000 }, (_, nth): Partial<DiffFile> => ({
    path: `src/part-${Math.floor(nth / 40)}/module-${nth}.ts`,
    cut: true,
  }));
  return workHive(diffFiles(later));
}

export { LONG_NAME };
