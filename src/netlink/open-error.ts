import type { NativeOpenError } from '../native/contract.ts';
import { errnoName } from './errno.ts';

/** Which network namespace: this one, or the one at a path, of a process, or behind a descriptor. */
export type NetworkNamespace =
  | {
      /** A file that stands for it: `/run/netns/NAME`. */
      readonly path: string;
    }
  | {
      /** A process in it. */
      readonly pid: number;
    }
  | {
      /** An open descriptor of such a file. It stays the caller's. */
      readonly fd: number;
    };

/** How far opening came: the namespace's file, entering it, the socket, its address, its multicast groups, or the thread that does all this. */
export type OpenStep = NativeOpenError['step'];

/** A socket could not be opened. The message says where, why, and what would mend it. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
  /** errno's name: `'ENOENT'`. */
  readonly code: string;
  /** Its number. */
  readonly errno: number;
  /** How far opening came. */
  readonly step: OpenStep;
  /** The file of the namespace that was asked for; undefined: this process's own. */
  readonly path: string | undefined;

  /** @internal */
  constructor(cause: NativeOpenError, namespace: NetworkNamespace | undefined) {
    const { errno, step } = cause;
    const code = errnoName(errno);
    const where = namespace === undefined ? 'this network namespace' : describe(namespace);
    super(`cannot open a netfilter socket in ${where}: ${reason(step, code, namespace)} (${step}: ${code})`);
    this.code = code;
    this.errno = errno;
    this.step = step;
    this.path = namespace === undefined ? undefined : namespacePath(namespace);
  }
}

/** The file that stands for a namespace. */
export function namespacePath(namespace: NetworkNamespace): string {
  if ('path' in namespace) return namespace.path;
  return 'pid' in namespace ? `/proc/${namespace.pid}/ns/net` : `/proc/self/fd/${namespace.fd}`;
}

function describe(namespace: NetworkNamespace): string {
  if ('path' in namespace) return `the network namespace ${namespace.path}`;
  return 'pid' in namespace
    ? `the network namespace of process ${namespace.pid}`
    : `the network namespace behind descriptor ${namespace.fd}`;
}

function reason(step: OpenStep, code: string, namespace: NetworkNamespace | undefined): string {
  switch (`${step} ${code}`) {
    case 'open-netns ENOENT':
      return namespace !== undefined && 'path' in namespace
        ? 'there is no such file; `ip netns add NAME` makes /run/netns/NAME'
        : `there is no such ${namespace !== undefined && 'pid' in namespace ? 'process' : 'open descriptor'}`;
    case 'open-netns EACCES':
    case 'open-netns EPERM':
      return 'its file may not be opened; for a process of another user it takes CAP_SYS_PTRACE';
    case 'setns EINVAL':
      return 'it is not a network namespace, or no longer one';
    case 'setns EPERM':
      return 'entering it takes CAP_SYS_ADMIN, here and in the user namespace that it belongs to';
    case 'socket EPROTONOSUPPORT':
      return 'this kernel has no nfnetlink (CONFIG_NETFILTER_NETLINK)';
    case 'subscribe EPERM':
      return 'listening to its events takes CAP_NET_ADMIN there';
    default:
      return 'the system refused';
  }
}
