import { formatProblem, type ProblemChanges } from '../kube/problem.ts';
import type { ProxierListener } from '../proxier.ts';
import type { Logger } from './log.ts';

/** Writes what a proxy tells into the log, all but failures of whole transactions. */
export function logListener(log: Logger, isOnce: boolean): Omit<ProxierListener, 'failed'> {
  return {
    committed({ services, operations, kernelTimeMs, latencyMs }) {
      if (services === 0) return;
      if (operations === 0) {
        log.info(`programmed already: ${count(services, 'changed Service')}, nothing to do in the kernel`);
        return;
      }
      const what = `${count(services, 'changed Service')} in one transaction of ${count(operations, 'operation')}`;
      const times = `${latencyMs.toFixed(1)} ms, ${kernelTimeMs.toFixed(3)} ms of it in the kernel`;
      log.info(`programmed ${what}: ${times}`);
    },
    setAside({ service, reason, retryAtMs }) {
      const next = isOnce ? '' : `; trying again in ${Math.ceil((retryAtMs - performance.now()) / 1000)} s`;
      log.error(`Service ${service} is left out, the kernel refuses it: ${reason}${next}`);
    },
    restored(service) {
      log.info(`Service ${service} is programmed again`);
    },
    repaired(operations) {
      log.warn(`somebody else had changed our tables: put right with ${count(operations, 'operation')}`);
    },
    deaf(error) {
      log.warn(`changes of our tables by others are noticed late: ${error.message}`);
    },
    conflicts(appeared, resolved) {
      for (const { service, frontend } of resolved) log.info(`resolved: Service ${service}: ${frontend}`);
      for (const { service, frontend, owner } of appeared) {
        log.warn(`Service ${service}: ${frontend} belongs to ${owner}, which is older`);
      }
    },
    flowsEnded(flows) {
      log.info(`ended ${count(flows, 'UDP connection')} to endpoints that are gone`);
    },
    flowsFailed(error) {
      log.error(`UDP connections to endpoints that are gone may go on for a while: ${error.message}`);
    },
  };
}

/** Tells what is wrong and what is no longer; gives the number of new errors. */
export function logProblems(log: Logger, { appeared, resolved }: ProblemChanges): number {
  for (const problem of resolved) log.info(`resolved: ${formatProblem(problem)}`);
  for (const problem of appeared) {
    if (problem.severity === 'error') log.error(formatProblem(problem));
    else log.info(formatProblem(problem));
  }
  return appeared.filter(({ severity }) => severity === 'error').length;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
