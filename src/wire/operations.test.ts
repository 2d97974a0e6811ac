import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageState } from "./message.ts";
import type { Operation } from "./operation.ts";
import { operations, operationsOf } from "./operations.ts";

const agentSide = [...new Set([...operationsOf("agent"), ...operationsOf("manager"), ...operationsOf("harness")])];

test("on an agent's socket `id` tells which answer belongs to which request, so no operation of its own uses it", () => {
  for (const name of agentSide) {
    const { input, output, callers } = operations[name];
    expect(Object.keys(output.shape), `${name} output`).not.toContain("id");
    // Operations that the operator also calls are spoken on host.sock by their own names.
    if (!(callers as readonly string[]).includes("operator"))
      expect(Object.keys(input.shape), `${name} input`).not.toContain("id");
  }
});

test("every operation says what it does and who may call it", () => {
  for (const [name, { summary, callers }] of Object.entries(operations)) {
    expect(summary, name).toMatch(/^[A-Z].*\.$/);
    expect(callers.length, name).toBeGreaterThan(0);
  }
});

test("an agent cannot act on others, approve, or end the hive", () => {
  const allowed = operationsOf("agent");
  for (const name of ["spawn", "destroy", "stop", "kill", "answer", "login", "shutdown", "state", "watch", "messages"])
    expect(allowed).not.toContain(name);
});

test("no output has a field of the envelope: the answer would be taken for a refusal", () => {
  for (const [name, { output }] of Object.entries(operations))
    for (const field of ["version", "ok", "error", "code"]) expect(Object.keys(output.shape), name).not.toContain(field);
});

test("an operation that writes its outputs by itself writes what JSON.stringify would", () => {
  const row = fc.record({ id: fc.nat(), to: fc.string(), state: fc.constantFrom(...MessageState.options) });
  const refusal = fc.record({ to: fc.string(), error: fc.string() });
  const output = fc.record({ sent: fc.array(row), duplicate: fc.boolean(), refused: fc.array(refusal) });
  fc.assert(fc.property(output, (one) => operations.send.text(one) === JSON.stringify(one)));
});

test("only operations whose text is compared above write it by themselves", () => {
  const all: Record<string, Operation> = operations;
  expect(Object.keys(all).filter((name) => all[name]?.text)).toEqual(["send"]);
});
