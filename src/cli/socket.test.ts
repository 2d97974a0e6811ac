import { expect, test } from "vitest";
import { findSocket, startCommand, stateFolder } from "./socket.ts";

/** The socket for the user bob who sees these paths, and may open these sockets: all that are there, unless it is said. */
const find = (env: Record<string, string>, there: string[], uid: number, open: readonly string[] = there): string =>
  findSocket(env, undefined, {
    exists: (path) => there.includes(path),
    mayOpen: (path) => open.includes(path),
    user: () => "bob",
    uid,
  });
const HOME = { HOME: "/h" };

test("settings win, then your own hive, then the system's", () => {
  expect(find({ ...HOME, HIVE_RUN_DIR: "/r" }, [], 0)).toBe("/r/host.sock");
  expect(find({ ...HOME, HIVE_STATE_DIR: "/s" }, [], 0)).toBe("/s/run/host.sock");
  const own = "/h/.local/state/hyperhive/run/host.sock";
  const roots = "/var/lib/hyperhive/run/host.sock";
  expect(find(HOME, [own, roots], 1000)).toBe(own);
  expect(find(HOME, [roots], 1000)).toBe(roots);
  expect(find(HOME, ["/run/hyperhive/host.sock", roots], 1000)).toBe("/run/hyperhive/host.sock");
  expect(find(HOME, [], 1000)).toBe(own);
});

test("root's hive is in /var/lib, unless root has one of an earlier version", () => {
  expect(find(HOME, [], 0)).toBe("/var/lib/hyperhive/run/host.sock");
  expect(stateFolder(HOME, () => false, 0)).toBe("/var/lib/hyperhive");
  expect(stateFolder(HOME, () => true, 0)).toBe("/h/.local/state/hyperhive");
  expect(stateFolder(HOME, () => false, 1000)).toBe("/h/.local/state/hyperhive");
});

test("a user who may not open host.sock gets the socket of its operator", () => {
  const [host, bob] = ["/run/hyperhive/host.sock", "/run/hyperhive/operators/bob.sock"];
  expect(find(HOME, [host, bob], 1000, [bob])).toBe(bob);
  expect(find(HOME, [host, bob], 1000)).toBe(host);
  // Bob's operator is called office: the hive has linked its socket to the number of bob.
  const linked = "/run/hyperhive/operators/1000.sock";
  expect(find(HOME, [host, linked], 1000, [linked])).toBe(linked);
  expect(find(HOME, [host, bob, linked], 1000, [bob, linked])).toBe(bob);
  // Neither may be opened: the error is about host.sock.
  expect(find(HOME, [host, bob], 1000, [])).toBe(host);
});

test("a hive of another state folder than the default is started with its folder", () => {
  const start = (state: string, env: NodeJS.ProcessEnv = HOME) => startCommand(state, env, () => false, 1000);
  expect(start("/h/.local/state/hyperhive")).toBe("npm start");
  expect(start("/srv/other")).toBe("HIVE_STATE_DIR=/srv/other npm start");
  // The setting may have been for the one command.
  expect(start("/srv/other", { ...HOME, HIVE_STATE_DIR: "/srv/other" })).toBe("HIVE_STATE_DIR=/srv/other npm start");
  expect(start("/srv/it's")).toBe(String.raw`HIVE_STATE_DIR='/srv/it'\''s' npm start`);
});
