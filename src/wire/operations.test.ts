import { expect, test } from "vitest";
import { operations, operationsOf } from "./operations.ts";

const agentSide = [...new Set([...operationsOf("agent"), ...operationsOf("manager"), ...operationsOf("harness")])];

test("operations on an agent's socket have no field `id`, which matches answers to requests", () => {
  for (const name of agentSide) {
    const { input, output, callers } = operations[name];
    expect(Object.keys(output.shape), `${name} output`).not.toContain("id");
    // Operations that the operator also calls have their own names on host.sock.
    if (!(callers as readonly string[]).includes("operator"))
      expect(Object.keys(input.shape), `${name} input`).not.toContain("id");
  }
});

test("every operation has a summary and callers", () => {
  for (const [name, { summary, callers }] of Object.entries(operations)) {
    expect(summary, name).toMatch(/^[A-Z].*\.$/);
    expect(callers.length, name).toBeGreaterThan(0);
  }
});

test("an agent cannot act on others, approve requests or stop the hive", () => {
  const allowed = operationsOf("agent");
  for (const name of ["spawn", "destroy", "stop", "kill", "answer", "login", "shutdown", "state", "watch", "messages"])
    expect(allowed).not.toContain(name);
});

test("no output has a field of the envelope, which would make the answer look like a refusal", () => {
  for (const [name, { output }] of Object.entries(operations))
    for (const field of ["version", "ok", "error", "code"]) expect(Object.keys(output.shape), name).not.toContain(field);
});
