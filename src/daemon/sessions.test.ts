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

test("a log-in whose operator is removed while it is stored becomes no session, and leaves no link", async () => {
  let finish: (error?: Error) => void = () => {};
  const revoked: number[] = [];
  const add = (session: Omit<SessionRecord, "id">): Promise<SessionRecord> =>
    new Promise((resolve, reject) => (finish = (error) => (error ? reject(error) : resolve({ ...session, id: 7 }))));
  const store = storeOf({ add, revoke: async (id) => void revoked.push(id) });
  const sessions = new Sessions(store, (error) => expect.unreachable(String(error)));
  const enter = (): { token: string; entering: Promise<string> } => {
    const { token } = sessions.mint("bob");
    return { token, entering: sessions.enter(token, "firefox") };
  };
  const one = enter();
  await sessions.endOf("bob");
  finish();
  await expect(one.entering).rejects.toThrow("bob is no operator of this hive any more");
  expect([sessions.list(), revoked]).toEqual([[], [7]]);

  const other = enter();
  await sessions.endOf("bob");
  finish(new HiveError("disk_full", "the disk is full"));
  await expect(other.entering).rejects.toThrow("the disk is full");
  await expect(sessions.enter(other.token, "firefox")).rejects.toThrow("was used or is too old");
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

test("a launch link is the dashboard's address with a token that opens a session", async () => {
  const sessions = new Sessions(
    storeOf({}),
    (error) => expect.unreachable(String(error)),
    () => 0,
  );
  const { url, expires_at } = sessions.launch("http://127.0.0.1:7000");
  const [page, token = ""] = url.split("#token=");
  expect([page, expires_at]).toEqual(["http://127.0.0.1:7000/login", "1970-01-01T00:15:00.000Z"]);
  expect(sessions.check(await sessions.enter(token, "firefox"))).toMatchObject({ id: 1 });
});
