import { z } from "zod";
import { MAX_MOUNTS } from "./config-limits.ts";
import { ProgramText, strict } from "./config-values.ts";
import { MAX_PATH_CHARS } from "./limits.ts";

/** Bytes of one name in a path: the limit of Linux file systems. */
const MAX_NAME_BYTES = 255;
/** Folders that belong to every cage or to the manager's. A mount may not be on, under or around them. */
const RESERVED =
  "/usr /bin /sbin /lib /lib32 /lib64 /libx32 /nix /etc /proc /sys /dev /run /opt/hive /state /config /home/agent/.claude /agents /applied /meta /work".split(
    " ",
  );
/** Folders that may contain a mount and that a mount may not hide. */
const OWN = ["/", "/tmp"];

const Path = ProgramText.max(MAX_PATH_CHARS)
  .refine((path) => path.startsWith("/"), "a path is absolute")
  .refine((path) => !/\p{Cc}/u.test(path), "a path has no control characters")
  .refine(isPlain, "a path has no '.', '..' or empty part, no slash at its end, and names of at most 255 bytes");

function isPlain(path: string): boolean {
  if (path === "/") return true;
  const names = path.slice(1).split("/");
  return names.every((name) => name !== "" && name !== "." && name !== ".." && bytes(name) <= MAX_NAME_BYTES);
}

const bytes = (text: string): number => new TextEncoder().encode(text).length;

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

const isNested = (one: string, other: string): boolean => isWithin(one, other) || isWithin(other, one);

const CagePath = Path.refine(
  (path) => !OWN.includes(path) && !RESERVED.some((one) => isWithin(path, one) || isWithin(one, path)),
  "this path belongs to the cage itself; choose another, such as /mnt/name",
);

/** Folders of the host in the cage. No mount may equal or contain another, because it would hide it. */
export const Mounts = z
  .array(strict({ host: Path, cage: CagePath, mode: z.enum(["ro", "rw"]).default("ro") }))
  .max(MAX_MOUNTS)
  .superRefine((mounts, context) => {
    const at = mounts.findIndex((one, n) => mounts.some((other, m) => m < n && isNested(one.cage, other.cage)));
    const other = mounts.find((one, n) => n < at && isNested(one.cage, mounts[at]?.cage ?? ""));
    if (other)
      context.addIssue({
        code: "custom",
        path: [at, "cage"],
        message: `two mounts have the same path in the cage, or one lies in the other: ${other.cage} is there already`,
      });
  });
