import { describe, expect, test } from "vitest";
import { badgeAt, initialsOf, layoutFor, MIN_INITIALS, nodeBoxes, places } from "./layout.ts";

describe.each([false, true])("on a phone: %s", (isNarrow) => {
  test.each([0, 1, 3, 7, 8, 12, 13, 50, 200])(
    "%i agents with long names fit into the picture, and no label covers another",
    (count) => {
      const names = ["hm1nd", ...Array.from({ length: count }, (_, n) => `archivist-of-everything-${n}`)];
      const layout = layoutFor(count, isNarrow);
      const all = [...places(names, layout)];
      expect(all).toHaveLength(count + 2);
      const boxes = all.map(([name, at]) => nodeBoxes(name, at, layout));
      for (const [n, own] of boxes.entries())
        for (const box of own) {
          expect(box.left >= 0 && box.right <= layout.width && box.top >= 0 && box.bottom <= layout.height, all[n]?.[0]).toBe(
            true,
          );
          const hit = boxes.flatMap((others, m) =>
            m === n
              ? []
              : others.filter((o) => box.left < o.right && o.left < box.right && box.top < o.bottom && o.top < box.bottom),
          );
          expect(hit, all[n]?.[0]).toEqual([]);
        }
      // The badge leaves the initials free.
      for (const [name, at] of all)
        if (layout.radius >= MIN_INITIALS) {
          const badge = badgeAt(at, layout);
          expect(badge.x - badge.radius - at.x, name).toBeGreaterThan(8);
        }
    },
  );
});

test("agents that begin alike have different initials", () => {
  const initials = initialsOf(["scout", "scribe", "hm1nd", "s", "scope"]);
  expect(initials.get("hm1nd")).toBe("hm");
  expect(initials.get("scribe")).toBe("sr");
  expect(new Set(initials.values()).size).toBe(5);
});
