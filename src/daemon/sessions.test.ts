import { expect, test } from "vitest";
import { HiveError } from "../wire/error.ts";
import { Sessions, type SessionRecord, type SessionStore } from "./sessions.ts";

const DAY = 24 * 3600_000;
const full = (): Promise<never> => Promise.reject(new HiveError("disk_full", "the disk is full"));

function storeOf(parts: Partial<SessionStore>): SessionStore {
  return { add: async (session) => ({ ...session, id: 1 }), live: () => [], seen: () => {}, revoke: async () => {}, ...parts };
}

test("a launch link whose login failed on a full disk can be used again, once", async () => {
  let isFull = true;
  const add = (session: Omit<SessionRecord, "id">): Promise<SessionRecord> =>
    isFull ? full() : Promise.resolve({ ...session, id: 1 });
  const sessions = new Sessions(storeOf({ add }), (error) => expect.unreachable(String(error)));
  const { token } = sessions.mint();
  await expect(sessions.enter(token, "firefox")).rejects.toMatchObject({ code: "disk_full" });
  isFull = false;
  expect(sessions.check(await sessions.enter(token, "firefox"))).toMatchObject({ id: 1 });
  await expect(sessions.enter(token, "firefox")).rejects.toMatchObject({ code: "unauthorized" });
});

test("an expired session is refused, even if that cannot be stored", async () => {
  let now = 0;
  const unexpected: unknown[] = [];
  const sessions = new Sessions(
    storeOf({ revoke: full }),
    (error) => void unexpected.push(error),
    () => now,
  );
  const secret = await sessions.enter(sessions.mint().token, "firefox");
  now = 31 * DAY;
  expect(sessions.check(secret)).toBeUndefined();
  await expect.poll(() => unexpected).toMatchObject([{ code: "disk_full" }]);
});
