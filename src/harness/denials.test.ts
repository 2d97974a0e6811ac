import { expect, test } from "vitest";
import { Denials } from "./denials.ts";

test("what was denied is told once, each host once, and not without end", () => {
  const denials = new Denials();
  expect(denials.take()).toBeUndefined();
  denials.add("a.example:443, not listed");
  denials.add("a.example:443, not listed");
  denials.add("b.example:22, port not listed");
  expect(denials.take()).toBe("denied during this call: a.example:443, not listed; b.example:22, port not listed");
  expect(denials.take()).toBeUndefined();
  for (let n = 0; n < 50; n++) denials.add(`h${n}`);
  expect(denials.take()?.split("; ")).toHaveLength(10);
});
