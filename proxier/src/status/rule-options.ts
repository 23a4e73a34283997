import type { ListedExpression, ListedRule } from 'nftlink';
import { interfaceText, networkText, prefixLengthOf } from '../explain/matches.ts';
import type { LocalTraffic } from '../layout/detection.ts';
import type { FixedName, RuleOptions } from '../layout/fixed-chains.ts';
import type { Family } from '../model/family.ts';

/** The rules of one of the fixed chains. */
export type RulesOf = (chain: FixedName) => readonly ListedRule[];

/** Bit 14, which every proxy of ours asks for masquerading with: for a table whose rules don't say. */
const DEFAULT_MARK = 0x4000;
/** NFT_META_IIFNAME. */
const META_IIFNAME = 6;
/** Where headers have the source and the destination address. */
const OFFSETS = { ip: { source: 12, destination: 16 }, ip6: { source: 8, destination: 24 } };

/**
 * The options that a table's rules were written with, as far as they can be told. What somebody changed by hand is taken for
 * another option, or shows as a difference from the rules that these options would give.
 */
export function ruleOptionsOf(family: Family, rulesOf: RulesOf): RuleOptions {
  const [detection] = rulesOf('external-local');
  const services = rulesOf('services');
  return {
    localTraffic: detection && localTraffic(family, detection.expressions),
    masqueradeAll: services.some(({ comment }) => comment === 'masquerade all traffic to cluster IPs'),
    masqueradeMark: masqueradeMark(rulesOf('nat-postrouting')[0]) ?? DEFAULT_MARK,
    nodePortsEverywhere: services.some(({ expressions }) => expressions.some(({ name }) => name === 'fib')),
    serviceCidrs: rulesOf('refuse-cluster-ips').flatMap(
      ({ expressions }) => networkIn(family, 'destination', expressions) ?? [],
    ),
  };
}

function masqueradeMark(rule: ListedRule | undefined): number | undefined {
  const mask = fieldsOf(rule?.expressions ?? [], 'bitwise')?.['mask'];
  return mask instanceof Uint8Array && mask.length === 4 ? Buffer.from(mask).readUInt32LE() : undefined;
}

function localTraffic(family: Family, expressions: readonly ListedExpression[]): LocalTraffic | undefined {
  const cidr = networkIn(family, 'source', expressions);
  if (cidr !== undefined) return { kind: 'network', cidr };
  const data = fieldsOf(expressions, 'cmp')?.['data'];
  if (fieldsOf(expressions, 'meta')?.['key'] !== META_IIFNAME || !(data instanceof Uint8Array))
    return undefined;
  const name = interfaceText(data);
  return name.endsWith('*')
    ? { kind: 'interface prefix', prefix: name.slice(0, -1) }
    : { kind: 'interface', name };
}

/** The network that an address is compared with. */
function networkIn(
  family: Family,
  field: 'source' | 'destination',
  expressions: readonly ListedExpression[],
): string | undefined {
  const payload = fieldsOf(expressions, 'payload');
  const data = fieldsOf(expressions, 'cmp')?.['data'];
  if (payload?.['offset'] !== OFFSETS[family][field] || !(data instanceof Uint8Array)) return undefined;
  const mask = fieldsOf(expressions, 'bitwise')?.['mask'];
  const bits = mask instanceof Uint8Array ? prefixLengthOf(mask) : data.length * 8;
  return networkText(family, data, bits);
}

function fieldsOf(expressions: readonly ListedExpression[], name: string) {
  return expressions.find((expression) => expression.name === name)?.fields;
}
