import { expect, test } from "vitest";
import { addressed, nextRecipient } from "./addressed.ts";

test("a name at the beginning picks the recipient, everyone included", () => {
  expect(addressed("@scout look", "hm1nd")).toEqual({ to: "scout", body: "look" });
  expect(addressed("@* look", "hm1nd")).toEqual({ to: "*", body: "look" });
  expect(addressed("look @scout", "hm1nd")).toEqual({ to: "hm1nd", body: "look @scout" });
});

test("the recipient stays, except for everyone", () => {
  expect(nextRecipient("scout", "hm1nd")).toBe("scout");
  expect(nextRecipient("*", "hm1nd")).toBe("hm1nd");
});
