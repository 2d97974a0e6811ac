import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startScript } from "./start-script.ts";

test("a program gets exactly its arguments and environment, whatever is in them", () => {
  const folder = mkdtempSync(join(tmpdir(), "start-"));
  try {
    const odd = ["two words", "it's", "$HOME `id`", '"', "line\nend", "", "-n", "*"];
    const program = "console.log(JSON.stringify([process.argv.slice(1), process.env]))";
    const env = { PATH: "/usr/bin:/bin", ODD: odd.join(" ") };
    const script = startScript({ env, argv: [process.execPath, "-e", program, "--", ...odd] }, ["--core=0"])
      // Outside of a container there is no log, and setpriv may be too old for a filter.
      .replaceAll("/run/hive-cage/log", join(folder, "log"))
      .replace(/--seccomp-filter \S+/, "");
    writeFileSync(join(folder, "start"), script);
    execFileSync("/bin/sh", [join(folder, "start")], { cwd: folder, env: { PATH: "/usr/bin:/bin", SECRET: "of the service" } });
    expect(JSON.parse(readFileSync(join(folder, "log"), "utf8"))).toEqual([odd, { ...env, PWD: "/state" }]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("where the host limits containers as a whole, the script sets no limits", () => {
  expect(startScript({ env: {}, argv: ["/bin/true"] }, [])).not.toContain("prlimit");
});
