import { expect, test } from "vitest";
import { aRepo } from "../../test/lib/fixtures.ts";
import { changedSettings, fieldsOf } from "./settings-form.ts";

const repo = aRepo("web", { reviewers: ["scout", "librarian"], protected: ["deploy/**", "docs/a, b.md"] });

test("an untouched form changes nothing", () => {
  expect(changedSettings(repo, fieldsOf(repo))).toEqual({});
});

test.each([
  ["a policy", { policy: "checks" as const }, { policy: "checks" }],
  ["an emptied check", { check: "  " }, { check: "" }],
  ["reviewers", { reviewers: "scout,  forge-keeper\n" }, { reviewers: ["scout", "forge-keeper"] }],
  ["the moment of the check", { check_on: "propose" as const }, { check_on: "propose" }],
  ["pushing", { push: "after-merge" as const }, { push: "after-merge" }],
  [
    "hosts, and words for hosts",
    { egress: "pypi, a.example,a.example" },
    { egress: ["pypi.org", "files.pythonhosted.org", "a.example"] },
  ],
  ["no reviewers", { reviewers: " , " }, { reviewers: [] }],
  ["a path with a comma", { protected: "docs/a, b.md\n\n deploy/** \n" }, { protected: ["docs/a, b.md", "deploy/**"] }],
])("%s is sent alone", (_what, typed, sent) => {
  expect(changedSettings(repo, { ...fieldsOf(repo), ...typed })).toEqual(sent);
});
