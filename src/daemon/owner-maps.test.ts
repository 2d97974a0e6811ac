import { expect, test } from "vitest";
import { whyNotAs } from "./owner-maps.ts";

const lack = "id-mapped mounts need the mount of util-linux 2.39 or newer, and this host has 2.38.1";

test.each([0, 33, 65_534])("uid %i is advised to be changed only where an id map can use another owner", async (uid) => {
  const owner = { uid, gid: 4343 };
  expect(await whyNotAs(owner, async () => lack)).toBe(lack);
  expect(await whyNotAs(owner, async () => undefined)).toContain("Give it to a user of a person (chown)");
});

test("a person's folder needs nothing but id maps", async () => {
  expect(await whyNotAs({ uid: 1000, gid: 1000 }, async () => undefined)).toBeUndefined();
  expect(await whyNotAs({ uid: 1000, gid: 1000 }, async () => lack)).toBe(lack);
});
