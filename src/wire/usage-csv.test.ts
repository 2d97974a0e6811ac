import { expect, test } from "vitest";
import { changeCsv, usageCsv } from "./usage-csv.ts";

const figures = { requests: 2, tokens: { input: 1, output: 2, cache_read: 3, cache_write: 4 }, cost_usd: 0.125, unpriced: 1 };

test("a table has the keys that usage was summed by, in one order, and every figure", () => {
  expect(usageCsv([{ ...figures, day: "2030-01-02", model: "opus" }], ["model", "day"])).toBe(
    "day,model,requests,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_usd,unpriced_requests\r\n" +
      "2030-01-02,opus,2,1,2,3,4,0.125,1\r\n",
  );
  expect(usageCsv([], ["agent"])).toBe(
    "agent,requests,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_usd,unpriced_requests\r\n",
  );
});

test("the name of a model is neither a formula nor more than one field", () => {
  const first = (model: string): string => usageCsv([{ ...figures, model }], ["model"]).split("\r\n")[1] ?? "";
  expect(first("=HYPERLINK(1)")).toMatch(/^'=HYPERLINK\(1\),2,/);
  expect(first('@a"b,c')).toMatch(/^"'@a""b,c",2,/);
  expect(first("claude-opus")).toMatch(/^claude-opus,2,/);
});

test("the title of a change is one field, whatever an agent has written", () => {
  const row = {
    change: 12,
    repo: "web",
    agent: "scout",
    state: "merged",
    turns: 3,
    tokens: 40,
    cost_usd: 0.5,
    unpriced: 0,
  } as const;
  expect(changeCsv([{ ...row, title: '=1+1\n"x",y' }])).toBe(
    "change,repo,agent,title,state,turns,tokens,cost_usd,unpriced_turns\r\n" +
      `12,web,scout,"'=1+1\n""x"",y",merged,3,40,0.5,0\r\n`,
  );
});
