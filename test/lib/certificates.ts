import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An authority, and a certificate for names that it has signed. A name is `DNS:<host>` or `IP:<address>`. */
export function certificates(names: readonly string[]): { authority: string; key: string; certificate: string } {
  const folder = mkdtempSync(join(tmpdir(), "authority-"));
  const at = (name: string): string => join(folder, name);
  const openssl = (...argv: string[]): unknown => execFileSync("openssl", argv, { stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"];
  try {
    openssl("req", "-x509", ...newKey, at("ca.key"), "-out", at("ca.pem"), "-days", "2", "-subj", "/CN=stand-in");
    openssl("req", ...newKey, at("key"), "-out", at("csr"), "-subj", "/CN=stand-in host");
    writeFileSync(at("names"), `subjectAltName=${names.join(",")}`);
    const signed = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", at("names")];
    openssl("x509", "-req", "-in", at("csr"), "-out", at("cert"), ...signed);
    const read = (name: string): string => readFileSync(at(name), "utf8");
    return { authority: read("ca.pem"), key: read("key"), certificate: read("cert") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
