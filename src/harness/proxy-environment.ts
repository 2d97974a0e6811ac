import { apiVariable } from "../wire/config-apis.ts";

/** The variables that point programs to API doors: paths of the egress socket. */
export function doorVariables(apis: Readonly<Record<string, unknown>>, egressUrl: string): Record<string, string> {
  return Object.fromEntries(Object.keys(apis).map((name) => [apiVariable(name), `${egressUrl}/${name}`]));
}

/** Options of a Java program that lead it to a proxy. It reads no variable for it. */
const javaOptions = ({ hostname, port }: URL): string =>
  ["http", "https"].map((scheme) => `-D${scheme}.proxyHost=${hostname} -D${scheme}.proxyPort=${port}`).join(" ");

/** Variables with options for Java that build tools read. What the config has in them stays in front. */
const JAVA_TOOLS = ["MAVEN_OPTS", "GRADLE_OPTS"];

/** The variables that point programs to the egress proxy. `own` is the environment that they are added to. */
export function proxyEnvironment(egressUrl: string, own: Readonly<Record<string, string>> = {}): Record<string, string> {
  const local = "127.0.0.1,localhost";
  const java = javaOptions(new URL(egressUrl));
  return {
    HTTP_PROXY: egressUrl,
    HTTPS_PROXY: egressUrl,
    http_proxy: egressUrl,
    https_proxy: egressUrl,
    NO_PROXY: local,
    no_proxy: local,
    // Node's own `fetch` reads the variables above only if it is told to.
    NODE_USE_ENV_PROXY: "1",
    ...Object.fromEntries(JAVA_TOOLS.map((name) => [name, own[name] === undefined ? java : `${own[name]} ${java}`])),
  };
}
