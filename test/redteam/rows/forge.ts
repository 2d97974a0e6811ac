import { TOKEN, type HostileForge } from "../outside/hostile-forge.ts";
import type { Place } from "../outside/place.ts";
import { outsideRow, type OutsideRow } from "../row.ts";

/** A forge on which changes become pull requests, and that has been taken over; and what a hostile agent says there. */

/** A row from where the forge stands. */
const row = (
  id: string,
  attempt: string,
  barrier: string,
  refusal: RegExp,
  run: (forge: HostileForge, place: Place) => Promise<string>,
): OutsideRow<Place> =>
  outsideRow<Place>("upstream", "forge")(id, attempt, barrier, refusal, async (place) => run(await place.forge(), place));

/** Bytes that no list of pull requests has. */
const HUGE = 5 * 1024 * 1024;
const ELSEWHERE = "https://elsewhere.example/pull/1";

export const forgeRows: readonly OutsideRow<Place>[] = [
  row("mentions", "notify people and close issues by the text of a change", "its text is made inert", /not seen/, async (forge) =>
    forge.text(),
  ),
  row(
    "redirect",
    "lead the hive and its token to another host",
    "redirects are not followed",
    /does not follow/,
    async (forge) => {
      const { other } = forge;
      other.seen.length = 0;
      const location = `https://127.0.0.1:${other.port}/api/v3/repos/team/web/pulls/7`;
      const { pull_request: pull } = await forge.answering(() => ({ status: 307, headers: { location } }));
      if (other.seen.length > 0) return "a request arrived at the other host";
      throw new Error(pull?.failed);
    },
  ),
  row(
    "token",
    "show the token to the operators by repeating it",
    "it is taken out of what a forge says",
    /\[credential\]/,
    async (forge) => {
      const { pull_request: pull } = await forge.answering(() => ({
        status: 422,
        json: { message: `no ${TOKEN}`, errors: [{ message: Buffer.from(`x-access-token:${TOKEN}`).toString("base64") }] },
      }));
      if (pull?.failed?.includes(TOKEN) === true) return "it is in the view of the change";
      throw new Error(pull?.failed);
    },
  ),
  row("endless", "answer with more than fits", "the bound of an answer", /answers with more than 4 MiB/, async (forge) => {
    const { pull_request: pull } = await forge.answering(() => ({ status: 200, json: " ".repeat(HUGE) }));
    throw new Error(pull?.failed);
  }),
  {
    ...row("address", "send the operator to another page", "addresses in answers are not used", /^$/, async (forge) => {
      const { pull_request: pull } = await forge.answering(({ head, base, sha, number }) => ({
        status: 200,
        json: {
          number,
          state: "open",
          html_url: ELSEWHERE,
          url: ELSEWHERE,
          head: { ref: head, sha },
          base: { ref: base },
          merged: 1,
        },
      }));
      if (JSON.stringify(pull).includes("elsewhere")) throw new Error(`the view has ${ELSEWHERE}`);
      return "the address of the page is made from that of the repository";
    }),
    contained: "the view has the address that the hive makes",
  },
  {
    ...row("hang", "keep the hive waiting", "a call is one wait of its own", /^$/, async (forge, place) => {
      const asked = Promise.withResolvers<void>();
      const free = Promise.withResolvers<void>();
      const held = forge.holding(asked.resolve, free.promise);
      await forge.look();
      await asked.promise;
      await place.checkWell();
      await forge.look();
      free.resolve();
      await held;
      return "the hive lists its agents and fetches the repository meanwhile";
    }),
    contained: "everything else goes on, and the call ends after a minute",
  },
  // The last one: without its barrier the change is over.
  row(
    "merged",
    "pass a change off as merged with a commit that is in no base",
    "the fetch has to show it",
    /does not contain it yet/,
    async (forge) => {
      const { state, pull_request: pull } = await forge.answering(({ number, head, base, sha }) => ({
        status: 200,
        json: {
          number,
          state: "closed",
          merged: true,
          merged_at: "2026-01-02T03:04:05Z",
          merge_commit_sha: "1".repeat(40),
          head: { ref: head, sha, repo: { full_name: "team/web" } },
          base: { ref: base },
        },
      }));
      if (state !== "in_pull_request") return `the change is ${state}`;
      throw new Error(pull?.failed);
    },
  ),
];
