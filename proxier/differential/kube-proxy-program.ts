import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BUILD = fileURLToPath(new URL('kube-proxy/build.sh', import.meta.url));

/** The path of the real kube-proxy, which is built first where it is missing: that takes minutes, once. */
export function kubeProxyProgram(): string {
  return execFileSync(BUILD, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}
