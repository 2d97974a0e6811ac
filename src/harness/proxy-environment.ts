/** The variables that point programs to the egress proxy. */
export function proxyEnvironment(egressUrl: string): Record<string, string> {
  const local = "127.0.0.1,localhost";
  return {
    HTTP_PROXY: egressUrl,
    HTTPS_PROXY: egressUrl,
    http_proxy: egressUrl,
    https_proxy: egressUrl,
    NO_PROXY: local,
    no_proxy: local,
  };
}
