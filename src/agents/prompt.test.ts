import { expect, test } from "vitest";
import { AgentConfig } from "../wire/config.ts";
import { systemPrompt } from "./prompt.ts";

test.each(["manager", "agent"] as const)("the system prompt of each %s has the operator's pronouns", (role) => {
  const prompt = (pronouns: string): string =>
    systemPrompt({ name: "scout", role, config: AgentConfig.parse({}), instructions: "" }, pronouns);
  expect(prompt("she/her")).toContain("(she/her)");
  expect(prompt("they/them")).toContain("(they/them)");
});
