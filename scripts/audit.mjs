// `npm run audit`: a report of the known vulnerabilities in the locked packages. It is a report and no check: an advisory
// that appears tomorrow must not fail a commit of today, and the registry may not be reachable. Exits with 0 either way.
import { spawn } from "node:child_process";
import { ROOT } from "./lib.mjs";

const child = spawn("npm", ["audit", "--json", "--package-lock-only"], { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] });
let output = "";
child.stdout.on("data", (chunk) => (output += chunk));
child.once("error", (error) => console.log(`no report: ${error.message}`));
child.once("close", () => {
  let report;
  try {
    report = JSON.parse(output);
  } catch {
    // npm printed nothing, or its words for a person.
    report = { message: output.trim() || "npm printed nothing" };
  }
  if (!report.vulnerabilities) {
    console.log(`no report: ${report.message ?? report.error?.summary ?? "npm gave no reason"}`);
    return;
  }
  const found = Object.values(report.vulnerabilities);
  for (const { name, severity, range, via, fixAvailable } of found) {
    const titles = via.map((one) => (typeof one === "string" ? `through ${one}` : one.title)).join("; ");
    console.log(`${severity.padEnd(9)} ${name} ${range}: ${titles}${fixAvailable ? "; an update mends it" : ""}`);
  }
  console.log(`${found.length} of the locked packages have known vulnerabilities`);
});
