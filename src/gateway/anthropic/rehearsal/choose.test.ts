import { expect, test } from "vitest";
import { choose, emptyMemory } from "./choose.ts";
import type { Conversation } from "./conversation.ts";
import { Scenario } from "./scenario.ts";

const scenario = Scenario.parse({
  name: "a",
  rules: [
    {
      when: { text: "^look" },
      steps: [
        { tools: [{ name: "Bash" }], capture: { found: "FOUND (\\w+)" } },
        { say: "{{found}}", tools: [{ name: "send", if: "found" }] },
      ],
    },
    { when: { text: "^tell" }, steps: [{ say: "{{found}}" }] },
  ],
});

function turn(at: number, body: string, ...results: string[]): Conversation {
  return { text: body, sender: "operator", body, pictures: 0, results, at, kind: "turn", tools: new Set() };
}

test("what an earlier turn captured lasts, and does not stand in for what a turn looks for and does not find", () => {
  const memory = emptyMemory();
  const play = (agent: string, conversation: Conversation) => choose([scenario], agent, conversation, memory).step;
  expect(play("ada", turn(0, "look", "FOUND one"))).toMatchObject({ say: "one", tools: [{ name: "send" }] });
  expect(play("bob", turn(0, "look", "nothing"))).toMatchObject({ say: "{{found}}", tools: [] });
  expect(play("bob", turn(1, "tell"))).toMatchObject({ say: "one" });
});
