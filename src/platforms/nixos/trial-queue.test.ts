import { expect, test } from "vitest";
import { trialQueue } from "./trial-queue.ts";

/** Trials that end when they are told to. */
function trials() {
  const inTurn = trialQueue();
  const started: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const ask = (by: string, name: string): Promise<string> => {
    const gate = Promise.withResolvers<void>();
    gates.set(name, gate);
    return inTurn(by, async () => {
      started.push(name);
      await gate.promise;
      return name;
    });
  };
  return { ask, started, end: (name: string) => gates.get(name)?.resolve() };
}

test("an agent's proposals keep no operator waiting", async () => {
  const { ask, started, end } = trials();
  const hung = [ask("hm1nd", "hung"), ask("hm1nd", "next")];
  const own = ask("operator", "own");
  await expect.poll(() => started).toEqual(["hung", "own"]);
  end("own");
  expect(await own).toBe("own");
  for (const name of ["hung", "next"]) end(name);
  expect(await Promise.all(hung)).toEqual(["hung", "next"]);
});

test("of an agent one proposal is evaluated and two wait, whose turns come", async () => {
  const { ask, started, end } = trials();
  const three = ["a", "b", "c"].map((name) => ask("hm1nd", name));
  await expect(ask("hm1nd", "d")).rejects.toMatchObject({ code: "rate_limited" });
  const other = ask("scout", "e");
  for (const name of ["a", "b", "c", "e"]) end(name);
  expect(await Promise.all([...three, other])).toEqual(["a", "b", "c", "e"]);
  expect(started).toEqual(["a", "b", "c", "e"]);
});
