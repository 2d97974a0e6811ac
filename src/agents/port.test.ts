import { describe, expect, test } from "vitest";
import { choosePort, fnv1a32 } from "./port.ts";

const agent = (name: string) => ({ name, role: "agent" as const });

describe("an agent's port", () => {
  test.each([
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
  ])("FNV-1a of %j is the published value", (text, hash) => {
    expect(fnv1a32(text)).toBe(hash);
  });

  test("the manager gets the first port, an agent the one of 900 that its name gives", () => {
    expect(choosePort({ name: "hm1nd", role: "manager" }, 8000, new Set())).toBe(8000);
    expect(choosePort(agent("ada"), 8000, new Set())).toBe(8100 + (fnv1a32("ada") % 900));
  });

  test("a taken port moves the agent up, and from the last port to the first", () => {
    const own = choosePort(agent("ada"), 8000, new Set()) ?? 0;
    expect(choosePort(agent("ada"), 8000, new Set([own, own + 1]))).toBe(own + 2);
    const toTheEnd = new Set(Array.from({ length: 9000 - own }, (_, step) => own + step));
    expect(choosePort(agent("ada"), 8000, toTheEnd)).toBe(8100);
  });

  test("a manager whose port is taken gets one of the 900", () => {
    expect(choosePort({ name: "hm1nd", role: "manager" }, 8000, new Set([8000]))).toBe(8100 + (fnv1a32("hm1nd") % 900));
  });

  test("is undefined if all are taken", () => {
    const all = new Set(Array.from({ length: 1000 }, (_, step) => 8000 + step));
    expect(choosePort(agent("ada"), 8000, all)).toBeUndefined();
    expect(choosePort({ name: "hm1nd", role: "manager" }, 8000, all)).toBeUndefined();
  });
});
