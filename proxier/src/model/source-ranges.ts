import { parseAddress } from '../kube/address.ts';
import { type Cidr, cidrContains, formatCidr, parseCidr } from '../kube/cidr.ts';

/**
 * Who may use load balancer IPs, as networks that do not overlap; undefined: everybody. Where the node itself may, the
 * addresses themselves may too: on a node that has one bound, its own packets carry it as their source.
 */
export function allowedSources(
  sourceRanges: readonly string[],
  loadBalancerIPs: readonly string[],
  nodeIP: string | undefined,
): readonly string[] | undefined {
  if (sourceRanges.length === 0 || loadBalancerIPs.length === 0) return undefined;
  const ranges = sourceRanges.flatMap((range) => parseCidr(range) ?? []);
  const node = nodeIP === undefined ? undefined : parseAddress(nodeIP);
  const includesNode = node !== undefined && ranges.some((range) => cidrContains(range, node));
  const own = includesNode ? loadBalancerIPs.flatMap((ip) => hostRange(ip) ?? []) : [];
  return withoutNested([...ranges, ...own]).map(formatCidr);
}

function hostRange(ip: string): Cidr | undefined {
  return parseCidr(`${ip}/${ip.includes(':') ? 128 : 32}`);
}

/** Two networks overlap only when one is in the other; the kernel refuses both. */
function withoutNested(ranges: readonly Cidr[]): readonly Cidr[] {
  const widestFirst = [...ranges].sort((a, b) => a.prefixLength - b.prefixLength);
  const kept: Cidr[] = [];
  for (const range of widestFirst) {
    const lies = kept.some((wider) => cidrContains(wider, { family: range.family, value: range.base }));
    if (!lies) kept.push(range);
  }
  return kept;
}
