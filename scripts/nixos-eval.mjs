// `NIXPKGS=<folder> npm run nixos-eval`: evaluates the flake's packages, checks and shells, and the template's host, with
// the nixpkgs of that folder. Needs Nix 2.18 or newer, and no network. Builds nothing.
import { join } from "node:path";
import { ROOT, exec } from "./lib.mjs";
import { runScript } from "./setup.mjs";

const nixpkgs = process.env.NIXPKGS;

const evaluate = (attribute) =>
  exec("nix-instantiate", [
    "--eval",
    "--strict",
    "--json",
    join(ROOT, "nix/eval.nix"),
    "--arg",
    "nixpkgs",
    nixpkgs,
    "--attr",
    attribute,
  ]);

await runScript(async () => {
  if (nixpkgs === undefined) throw new Error("NIXPKGS names no folder: set it to a checkout of nixpkgs");
  for (const attribute of ["packages", "checks", "devShells", "host"]) {
    const output = await evaluate(attribute);
    // A warning of Nix may come before the value.
    console.log(attribute, JSON.parse(output.trim().split("\n").at(-1)));
  }
  const words = await evaluate("misspelled").then(
    () => "it was accepted",
    (error) => error.message,
  );
  if (!/dashbordPort/.test(words) || !/dashboardPort/.test(words))
    throw new Error(`a misspelled option does not name the one that was meant:\n${words}`);
  console.log("a misspelled option names the one that was meant");
});
