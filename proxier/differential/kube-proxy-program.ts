import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BUILD = fileURLToPath(new URL('kube-proxy/build.sh', import.meta.url));

/** Why kube-proxy can't be built here; `undefined`: it can. */
export function whyNotKubeProxy(): string | undefined {
  const { error } = spawnSync('go', ['version']);
  return error === undefined
    ? undefined
    : `kube-proxy is built from source, and go can't be run: ${error.message}`;
}

/** The path of the real kube-proxy, which is built first where it is missing: that takes minutes, once. */
export function kubeProxyProgram(): string {
  return execFileSync(BUILD, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}
