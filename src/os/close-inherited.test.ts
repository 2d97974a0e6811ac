import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

test("a program that is started afterwards has no descriptor of the caller but its stdio", () => {
  const file = join(import.meta.dirname, "close-inherited.ts");
  const started = (before: string): string => {
    const script = `import { closeInherited } from ${JSON.stringify(file)}; import { execFileSync } from "node:child_process"; ${before}
      console.log(execFileSync("ls", ["-l", "/proc/self/fd"], { encoding: "utf8" }));`;
    // Node itself closes low descriptors.
    return execFileSync(
      "bash",
      ["-c", 'exec 251< /etc/hostname; exec "$@"', "x", process.execPath, "--input-type=module", "-e", script],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
  };
  expect(started("")).toContain("251 -> /etc/hostname");
  expect(started("closeInherited();")).not.toMatch(/ 251 -> /);
});
