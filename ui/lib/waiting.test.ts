import { expect, test } from "vitest";
import { CHANGE_STATES } from "../../src/wire/change-states.ts";
import { aChange, anApproval, aQuestion, aState } from "../../test/lib/fixtures.ts";
import { fromSnapshot } from "./state.ts";
import { waiting } from "./waiting.ts";

test("a change waits for the operator while it is proposed, and in no other state", () => {
  const changes = CHANGE_STATES.map((state, n) => aChange({ id: n + 1, state }));
  const waits = waiting(fromSnapshot(aState({ changes, approvals: [anApproval()], questions: [aQuestion("?")] })));
  expect(waits).toMatchObject({ approvals: 1, changes: 1, questions: 1, cards: 3, all: 3 });
});
