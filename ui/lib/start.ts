import type { StateSnapshot } from "../../src/wire/event.ts";

/** The snapshot that came inside the page; nothing when the page came without one. It is true as of its `seq`. */
export function snapshotInPage(): StateSnapshot | undefined {
  const place = document.querySelector("#state");
  const json = place?.textContent ?? "";
  // Its text would stay in memory as long as the page.
  place?.remove();
  return json === "" ? undefined : (JSON.parse(json) as StateSnapshot);
}
