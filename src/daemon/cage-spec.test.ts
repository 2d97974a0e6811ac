import { expect, test } from "vitest";
import { Paths } from "../lib/paths.ts";
import { writableFolders } from "./cage-spec.ts";

test("all that an agent can write counts towards its disk limit, the proposed repositories as the manager's", () => {
  const paths = new Paths("/s", "/r");
  expect(writableFolders({ id: "a1", role: "agent" }, paths)).toEqual(["/s/agents/a1/state", "/s/agents/a1/claude"]);
  expect(writableFolders({ id: "m1", role: "manager" }, paths)).toContain("/s/proposed");
});
