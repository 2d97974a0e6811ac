import { expect, test } from "vitest";
import { operations, operationsOf, type OperationName } from "./operations.ts";
import {
  isOperator,
  LEAST_ROLE,
  mayCall,
  operatorActor,
  operatorWords,
  ROLES,
  whyNotCall,
  type OperatorOperation,
  type Role,
} from "./roles.ts";

test("every operation of operators has a role, and no other operation has one", () => {
  expect(Object.keys(LEAST_ROLE).sort()).toEqual(operationsOf("operator").sort());
});

test("each role includes the ones before it, and an agent's operation is for none", () => {
  for (const name of Object.keys(operations) as OperationName[]) {
    const may = ROLES.filter((role) => mayCall(role, name));
    const least: Role | undefined = LEAST_ROLE[name as OperatorOperation];
    expect(may, name).toEqual(least === undefined ? [] : ROLES.slice(ROLES.indexOf(least)));
  }
});

test("a viewer can only read: it takes nothing in, and nothing that decides, starts or ends something", () => {
  const named =
    /^(?:approve|deny|answer|send|spawn|start|stop|kill|destroy|revive|restart|rollback|rebuild|update|propose)|_(?:approve|deny|return|retry|set|add|remove|create|drop|push|token|pause)$/;
  for (const [name, operation] of Object.entries(operations)) {
    if (!mayCall("viewer", name as OperationName)) continue;
    expect("takesIn" in operation, name).toBe(false);
    expect(name).not.toMatch(named);
  }
});

test("a refusal names the operation, the role that it takes and the one that is there", () => {
  const bob = { name: "bob", role: "viewer" as const };
  expect(whyNotCall(bob, "approve")).toBe('"approve" takes the role operator, and bob has the role viewer: ask an admin');
  expect(whyNotCall(bob, "list")).toBeUndefined();
  expect(whyNotCall({ ...bob, role: "admin" }, "recv")).toBeDefined();
});

test("an operator's name in the audit trail is never an agent's", () => {
  expect([operatorActor("operator"), operatorActor("bob")]).toEqual(["operator", "operator/bob"]);
  expect(["operator", "operator/bob"].every(isOperator)).toBe(true);
  expect(["bob", "operators", "hm1nd", "system", "", null, undefined].some(isOperator)).toBe(false);
  expect([operatorWords("operator"), operatorWords("operator/bob")]).toEqual(["the operator", "the operator bob"]);
});
