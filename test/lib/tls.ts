import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A key and a certificate for these names, which is its own authority. */
export function makeCertificate(...names: string[]): { key: string; cert: string } {
  const made = mkdtempSync(join(tmpdir(), "tls-"));
  try {
    const files = ["-keyout", join(made, "key"), "-out", join(made, "cert")];
    const subject = ["-subj", `/CN=${names[0] ?? ""}`, "-addext", `subjectAltName=${names.map((name) => `DNS:${name}`).join()}`];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    execFileSync("openssl", ["req", "-x509", "-days", "2", ...curve, ...files, ...subject], { stdio: "ignore" });
    return { key: readFileSync(join(made, "key"), "utf8"), cert: readFileSync(join(made, "cert"), "utf8") };
  } finally {
    rmSync(made, { recursive: true });
  }
}
