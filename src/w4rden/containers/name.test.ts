import { expect, test } from "vitest";
import { containerName } from "./name.ts";

test("a name is what nixos-container, systemd and a host name take, and never changes", () => {
  expect(containerName("b0b0b0b0", "a0123456789ab")).toBe("h6ma3xqn62p");
  for (let n = 0; n < 1000; n++) expect(containerName("b0b0b0b0", `a${n}`)).toMatch(/^h[0-9a-z]{10}$/);
});

test("agents and hives have names of their own", () => {
  const names = ["0", "1"].flatMap((hive) => Array.from({ length: 1000 }, (_, n) => containerName(hive, `a${n}`)));
  expect(new Set(names).size).toBe(names.length);
});
