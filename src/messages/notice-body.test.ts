import { expect, test } from "vitest";
import { MAX_BODY_BYTES } from "../wire/limits.ts";
import { Body } from "../wire/message.ts";
import type { Notice } from "../wire/notices.ts";
import { noticeBody } from "./notice-body.ts";

const LONG = "\u0001".repeat(1_900_000);

test.each<[string, Notice]>([
  ["a reason", { event: "message_dead", message_id: 1, from: "ada", to: "bob", reason: LONG }],
  ["a question and its answer", { event: "operator_answered", question_id: 1, question: LONG, state: "answered", answer: LONG }],
  ["a note", { event: "approval_resolved", id: 1, agent: "ada", status: "denied", note: LONG, error: LONG }],
  ["a text in a list", { event: "approval_resolved", id: 1, files: [LONG, LONG] }],
])("a notice with %s that is longer than a message is cut, and the rest of it stays", (_, notice) => {
  const body = noticeBody(notice);
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(MAX_BODY_BYTES);
  expect(Body.safeParse(body).success).toBe(true);
  const short = Object.entries(notice).filter(([, value]) => JSON.stringify(value).length < 100);
  expect(JSON.parse(body)).toMatchObject(Object.fromEntries(short));
  expect(body).toContain("… (cut)");
});

test("a notice within the limit is unchanged", () => {
  const notice: Notice = { event: "operator_answered", question: "x".repeat(MAX_BODY_BYTES - 100) };
  expect(JSON.parse(noticeBody(notice))).toEqual(notice);
});
