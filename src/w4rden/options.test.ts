import { expect, test } from "vitest";
import { daemonEnvironment } from "./environment.ts";
import { readOptions } from "./options.ts";

test("by default the daemon is hyperhive, in /var/lib/hyperhive; HIVE_STATE_DIR and options win", () => {
  expect(readOptions(["start", "--", "serve", "--foreground"], undefined)).toEqual({
    command: "start",
    user: "hyperhive",
    state: "/var/lib/hyperhive",
    etc: "/etc/hyperhive",
    dryRun: false,
    daemon: ["serve", "--foreground"],
  });
  expect(readOptions(["start"], "/srv/hive/")).toMatchObject({ state: "/srv/hive", daemon: [] });
  expect(readOptions(["start", "--state", "/a", "--user", "hive-2"], "/b")).toMatchObject({ state: "/a", user: "hive-2" });
  expect(readOptions([], undefined)).toBeUndefined();
});

test("root's old state folder is moved unless a state folder is named", () => {
  const old = "/root/.local/state/hyperhive";
  expect(readOptions(["start"], undefined, old)).toMatchObject({ old });
  expect(readOptions(["start"], "/srv/hive", old)?.old).toBeUndefined();
  expect(readOptions(["start", "--state", "/srv/hive"], undefined, old)?.old).toBeUndefined();
  expect(readOptions(["start", "--state", "/srv/hive", "--old", "/srv/old"], undefined, old)).toMatchObject({ old: "/srv/old" });
});

test.each([
  [["stop"], /command/],
  [["start", "--state", "state"], /it is an absolute path/],
  [["start", "--state", "/srv/../etc"], /without \. and \.\./],
  [["start", "--state", "/"], /it is an absolute path/],
  [["start", "--user", "-rf"], /user/],
  [["start", "--user", "a;b"], /the name of a system user/],
  [["start", "--shell"], /Unknown option/],
])("%j is refused", (argv, words) => {
  expect(() => readOptions(argv, undefined)).toThrow(words);
});

test("the daemon gets its settings and what a terminal and a network need, and no other variable of root", () => {
  const env = daemonEnvironment(
    {
      HIVE_PORT: "1",
      ANTHROPIC_API_KEY: "k",
      LC_ALL: "C",
      PATH: "/bin",
      AWS_SECRET_ACCESS_KEY: "s",
      LD_PRELOAD: "/x",
      HOME: "/root",
    },
    { account: { name: "hyperhive", uid: 999, gid: 995 }, state: "/s", program: "/p", credentials: undefined },
  );
  expect(env).toEqual({
    HIVE_PORT: "1",
    ANTHROPIC_API_KEY: "k",
    LC_ALL: "C",
    PATH: "/bin",
    HOME: "/s",
    USER: "hyperhive",
    LOGNAME: "hyperhive",
    HIVE_STATE_DIR: "/s",
    HIVE_CHECKOUT: "/p",
  });
});
