import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { checkContainerHost, checkFilter } from "./checks.ts";

test("an architecture or a kernel without the cages' system-call filter is reported with what to use instead", () => {
  expect(checkFilter("x64", "kill_process errno allow").level).toBe("ok");
  expect(checkFilter("arm64", "allow kill_process").level).toBe("ok");
  expect(checkFilter("riscv64", "kill_process")).toMatchObject({
    level: "error",
    mend: expect.stringContaining("none for riscv64: run the hive with a 64-bit Node") as string,
  });
  expect(checkFilter("ia32", "kill_process").level).toBe("error");
  for (const actions of [undefined, "", "kill_thread errno allow"])
    expect(checkFilter("x64", actions)).toMatchObject({ level: "error", mend: expect.stringContaining("Linux 4.14") as string });
});

test("a host that cannot run containers is told each thing that it lacks, with what to do", async () => {
  const findings = await checkContainerHost("/nowhere", true);
  if (existsSync("/etc/NIXOS")) return;
  expect(findings).toContainEqual({
    level: "error",
    what: "this host is not NixOS",
    mend: "use HIVE_DRIVER=bwrap, which runs on every Linux",
  });
  for (const { level, mend } of findings) expect([level, mend === ""]).toEqual(["error", false]);
});

test("a daemon without root's helper cannot run containers, also if it is root itself", async () => {
  const finding = expect.objectContaining({ level: "error", what: "containers need root's helper" }) as unknown;
  expect(await checkContainerHost("/nowhere", false)).toContainEqual(finding);
  expect(await checkContainerHost("/nowhere", true)).not.toContainEqual(finding);
});
