import { expect, test } from "vitest";
import { decidesWithoutOperator, protectedPaths } from "./policy.ts";

test.each([
  "CLAUDE.md",
  "docs/CLAUDE.md",
  "docs/claude.MD",
  ".claude/settings.json",
  "packages/a/.claude/skills/x/SKILL.md",
  "AGENTS.md",
  ".mcp.json",
  ".github/workflows/ci.yml",
  ".gitlab-ci.yml",
  ".ci/run",
  "ci/build.sh",
  "deep/.gitattributes",
  ".gitmodules",
  "package.json",
  "packages/a/package.json",
  "package-lock.json",
  "yarn.lock",
  "crates/x/Cargo.lock",
  "crates/x/build.rs",
  "gradle/wrapper/gradle-wrapper.properties",
  ".gemini/settings.json",
  ".cursor/rules/x.mdc",
  ".vscode/tasks.json",
  "packages/a/.VSCode/settings.json",
  ".idea/workspace.xml",
  "web.code-workspace",
  ".devcontainer/devcontainer.json",
  ".envrc",
  ".githooks/post-checkout",
  ".husky/pre-commit",
  "lefthook.yml",
  ".pre-commit-config.yml",
  "Jenkinsfile.release",
  "deploy/.gitlab-ci.yml",
  "azure-pipelines.yaml",
  "Dockerfile",
  "services/a/Dockerfile.dev",
  "dev.dockerfile",
  "compose.yaml",
  "Makefile",
  "lib/makefile",
  "mk/rules.mk",
  "CMakeLists.txt",
  "justfile",
  "tools/BUILD",
  "crates/x/Cargo.toml",
  ".cargo/config.toml",
  "go.mod",
  "pyproject.toml",
  "setup.cfg",
  "requirements-dev.txt",
  ".npmrc",
  "vite.config.ts",
  "packages/a/jest.config.cjs",
  ".eslintrc.json",
  "pom.xml",
  "app/build.gradle.kts",
  "Directory.Build.props",
  "flake.nix",
  "Gemfile",
])("%s is protected in every repository", (path) => expect(protectedPaths([path], [])).toEqual([path]));

test.each([
  "src/main.ts",
  "src/claude.ts",
  "lib/ci/x.ts",
  "docs/package.json.md",
  "github/x",
  "README.md",
  "src/build/main.ts",
  "build/out.js",
  "workspace/a.ts",
  "configure/a.c",
  "vscode/x",
  "src/config.ts",
  "docs/make.md",
  "test/fixtures/cargo.ts",
])("%s is not", (path) => expect(protectedPaths([path], [])).toEqual([]));

test.each([
  ["infra/**", ["infra/a", "infra/.hidden/b/c"], ["src/infra/a"]],
  ["infra", ["infra/a", "src/infra/a"], ["infrared"]],
  ["/infra", ["infra/a"], ["src/infra/a"]],
  ["infra/", ["infra/a", "src/infra/a"], []],
  ["*.sql", ["a.sql", "db/x/b.sql", "db/.sql/x"], ["a.sqlite"]],
  ["db/*.sql", ["db/a.sql"], ["db/x/a.sql", "x/db/a.sql"]],
  ["db/**/*.sql", ["db/a.sql", "db/x/y/a.sql"], ["a.sql"]],
  ["**/secret/*", ["secret/a", "x/y/secret/a/b"], ["secret"]],
  ["a*b*c", ["abc", "aXbYc", "a/../aXbXcXc"], ["ab", "acb"]],
  ["[x](y)+?$", ["[x](y)+?$"], ["x"]],
  ["", [], ["", "a"]],
  ["/", [], ["a"]],
])("the pattern %s of a repository", (pattern, yes, no) => {
  expect(protectedPaths([...yes, ...no], [pattern])).toEqual(yes);
});

test("a pattern of many wildcards takes no time on a long path", () => {
  const pattern = `${"*a".repeat(100)}b`;
  expect(protectedPaths([`${"a".repeat(4000)}c`, `${"a/".repeat(2000)}c`], [pattern, `${"**/a/".repeat(50)}b`])).toEqual([]);
});

test.each([
  ["operator", "npm test", ["rev"], "scout", false, undefined],
  ["checks", "npm test", [], "scout", false, { by: "check" }],
  ["checks", " ", [], "scout", false, undefined],
  ["checks", "npm test", [], "scout", true, undefined],
  ["reviewed", "", ["rev", "scout"], "scout", false, { by: "reviewers", reviewers: ["rev"] }],
  ["reviewed", "", ["scout"], "scout", false, undefined],
  ["reviewed", "", ["rev"], "scout", true, undefined],
] as const)("under the policy %s with check %j and reviewers %j", (policy, check, reviewers, author, isProtected, expected) => {
  const settings = { policy, check, reviewers: [...reviewers] };
  expect(decidesWithoutOperator({ settings, author, isProtected })).toEqual(expected);
});
