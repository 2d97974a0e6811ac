import { describe, expect, test } from "vitest";
import { formsOf, withoutValues } from "./replaced.ts";

const TOKEN = { name: "GH", value: "ghp_0123456789/+x" };

describe("the value of a secret", () => {
  test.each<[string, string]>([
    ["as it is", TOKEN.value],
    ["in a URL", encodeURIComponent(TOKEN.value)],
    ["in base64", Buffer.from(TOKEN.value).toString("base64")],
  ])("%s is replaced in every text, keys included", (_, form) => {
    const said = { type: "tool_result", text: `a ${form} b ${form}`, list: [form, 1, null], [form]: { deep: form } };
    const place = "[secret GH]";
    expect(withoutValues(said, [TOKEN])).toEqual({
      type: "tool_result",
      text: `a ${place} b ${place}`,
      list: [place, 1, null],
      [place]: { deep: place },
    });
  });

  test("in JSON inside of a text is replaced, with its escapes", () => {
    const key = { name: "KEY", value: '-----BEGIN "KEY"-----\nabc\n' };
    expect(withoutValues({ text: JSON.stringify({ key: key.value }) }, [key])).toEqual({ text: '{"key":"[secret KEY]"}' });
  });

  test("that is short is part of other words, and stays", () => {
    expect(formsOf("1234567")).toEqual([]);
    expect(withoutValues("1234567", [{ name: "PIN", value: "1234567" }])).toBe("1234567");
    expect(withoutValues("12345678", [{ name: "PIN", value: "12345678" }])).toBe("[secret PIN]");
  });

  test("with the signs of a replacement pattern puts nothing of the text into its place", () => {
    expect(withoutValues("a $&$1$`x b", [{ name: "ODD", value: "$&$1$`x" }])).toBe("a $&$1$`x b");
    expect(withoutValues("a $&$1$`xx b", [{ name: "ODD", value: "$&$1$`xx" }])).toBe("a [secret ODD] b");
  });

  test("that contains another one is replaced whole", () => {
    const inner = { name: "INNER", value: "12345678" };
    const outer = { name: "OUTER", value: "ab12345678cd" };
    expect(withoutValues("x ab12345678cd 12345678", [inner, outer])).toBe("x [secret OUTER] [secret INNER]");
  });
});

test("a text never grows: it has a limit that was checked before", () => {
  const given = "12345678".repeat(100);
  const kept = withoutValues(given, [{ name: "A_LONG_NAME_OF_A_SECRET", value: "12345678" }]);
  expect([kept.includes("12345678"), kept.length <= given.length]).toEqual([false, true]);
});

test("without secrets nothing is copied", () => {
  const said = { text: "a" };
  expect(withoutValues(said, [])).toBe(said);
});
