import { familyOf, type IPFamily } from './address.ts';
import type { Cidr } from './cidr.ts';
import type { ServiceSpec } from './objects.ts';

export interface WantedFamilies {
  /** Families in which the Service has no address of its own and is to be given one, in its order. */
  readonly families: readonly IPFamily[];
  /** Why it can't be given what it asks for. */
  readonly complaint?: { readonly field: string; readonly message: string };
}

/** Reads `ipFamilies` and `ipFamilyPolicy` as the API server does; the first CIDR's family is the default. */
export function wantedFamilies(spec: ServiceSpec, cidrs: readonly Cidr[]): WantedFamilies {
  const { clusterIPs, ipFamilies } = spec;
  const first = ipFamilies[0] ?? cidrs[0]?.family ?? 'IPv4';
  const second: IPFamily = first === 'IPv4' ? 'IPv6' : 'IPv4';
  const policy = spec.ipFamilyPolicy ?? (ipFamilies.length > 1 ? 'RequireDualStack' : 'SingleStack');
  const hasAddress = (family: IPFamily) => clusterIPs.some((ip) => familyOf(ip) === family);
  const canHave = (family: IPFamily) => hasAddress(family) || cidrs.some((cidr) => cidr.family === family);
  if (!canHave(first)) return none('spec.ipFamilies', `there is no service CIDR for ${first}`);
  if (policy === 'RequireDualStack' && !canHave(second)) {
    const field = spec.ipFamilyPolicy === undefined ? 'spec.ipFamilies' : 'spec.ipFamilyPolicy';
    return none(field, `both IP families are required, but there is no service CIDR for ${second}`);
  }
  const families = policy !== 'SingleStack' && canHave(second) ? [first, second] : [first];
  return { families: families.filter((family) => !hasAddress(family)) };
}

function none(field: string, message: string): WantedFamilies {
  return { families: [], complaint: { field, message } };
}
