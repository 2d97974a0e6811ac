/**
 * ssh2 tries to load an addon of its own, and a package with another that tells what the processor can. It does without
 * both. No machine has them, because no package runs its script; nothing is to look for them at run time either. Whatever
 * bundles the daemon's source needs this plugin.
 */
export const NO_ADDONS = {
  name: "no-addons",
  resolveId: (id) => (id === "cpu-features" || id.endsWith("/sshcrypto.node") ? "\0no-addon" : undefined),
  load: (id) => (id === "\0no-addon" ? 'throw new Error("there is no addon");' : undefined),
};
