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

test("a cost has at most six decimals", () => {
  const cost = (cost_usd: number): string =>
    usageCsv([{ ...figures, cost_usd }], ["day"])
      .split(",")
      .at(-2) ?? "";
  expect([1.6407582000000003, 0.1 + 0.2, 0.0000014, 1e-9, 12].map(cost)).toEqual(["1.640758", "0.3", "0.000001", "0", "12"]);
  const change = { change: 1, repo: "", agent: "", title: "", state: "merged", turns: 1, tokens: 1, unpriced: 0 } as const;
  expect(changeCsv([{ ...change, cost_usd: 0.1 + 0.2 }])).toContain(",0.3,0\r\n");
});
