import { expect, test } from "vitest";
import { aRepo } from "../../test/lib/fixtures.ts";
import { painter } from "./print.ts";
import { repoText } from "./repo-text.ts";

test("a repository says where the host's configuration declares it", () => {
  const view = { paint: painter(false), width: 120, now: 0 };
  const declared = "services.hive-c0re.repositories.web";
  expect(repoText({ repo: aRepo("web", { declared }), branches: [] }, view)).toMatch(
    /^declared +services\.hive-c0re\.repositories\.web, in the host's configuration$/m,
  );
  expect(repoText({ repo: aRepo("web"), branches: [] }, view)).not.toContain("declared");
});
