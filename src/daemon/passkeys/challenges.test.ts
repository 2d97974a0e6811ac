import { expect, test } from "vitest";
import { Challenges } from "./challenges.ts";

test("a log-in that asks for many challenges ends none of another one, of the same operator or not", () => {
  const challenges = new Challenges(() => 0);
  const page = { operator: "operator", login: "page" };
  const thief = { operator: "operator", login: "thief" };
  const bob = { operator: "bob", login: "bob" };
  const [own, bobs] = [challenges.issue(page, "add"), challenges.issue(bob, "add")];
  const stolen = Array.from({ length: 100 }, () => challenges.issue(thief, "add"));
  expect(challenges.take(own, page, "add")).toBe(true);
  expect(challenges.take(bobs, bob, "add")).toBe(true);
  expect(stolen.filter((challenge) => challenges.take(challenge, thief, "add"))).toHaveLength(16);
});
