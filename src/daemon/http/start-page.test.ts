import { expect, test } from "vitest";
import type { StateSnapshot } from "../../wire/event.ts";
import { pageWithState } from "./start-page.ts";

const PAGE = '<body><div id="app"></div><script type="application/json" id="state"></script></body>';

test("the block parses back to the state, whatever the state contains", () => {
  const words = '</script><!--<script>$& $\' \u2028 \\u003c "quoted" </SCRIPT >';
  const state = { seq: 7, hive: { banners: [{ level: "warn", text: words }] } } as unknown as StateSnapshot;
  const page = pageWithState(PAGE, state);
  const [before, rest = ""] = page.split('id="state">');
  const end = rest.indexOf("<");
  expect(rest.slice(end)).toBe("</script></body>");
  expect(JSON.parse(rest.slice(0, end))).toEqual(state);
  expect(before).toBe('<body><div id="app"></div><script type="application/json" ');
});

test("a page without the element for the state is an error", () => {
  expect(() => pageWithState("<body></body>", { seq: 1 } as unknown as StateSnapshot)).toThrow("no place");
});
