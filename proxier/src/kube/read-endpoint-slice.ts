import { type IPFamily, specialRange } from './address.ts';
import { compact } from './compact.ts';
import {
  asAddress,
  asBoolean,
  asInteger,
  asItems,
  asOneOf,
  asText,
  child,
  complain,
  type Field,
  required,
  show,
} from './fields.ts';
import { asDnsLabel } from './names.ts';
import type { EndpointSlice, ObjectMeta, SliceEndpoint, SlicePort } from './objects.ts';

/** Reads an EndpointSlice. Every mistake goes to the field's `complain`; then the result isn't to be used. */
export function readEndpointSlice(root: Field, metadata: ObjectMeta): EndpointSlice {
  const type = child(root, 'addressType');
  const addressType = required(asOneOf(type, ['IPv4', 'IPv6', 'FQDN'] as const), type, 'the address type');
  return {
    kind: 'EndpointSlice',
    metadata,
    addressType: addressType ?? 'FQDN',
    endpoints: asItems(child(root, 'endpoints')).map((item) => readEndpoint(item, addressType)),
    ports: readPorts(child(root, 'ports')),
  };
}

function readEndpoint(field: Field, addressType: IPFamily | 'FQDN' | undefined): SliceEndpoint {
  const list = child(field, 'addresses');
  const items = asItems(list);
  if (items.length === 0) complain(list, 'an endpoint needs an address');
  const conditions = child(field, 'conditions');
  const hints = child(field, 'hints');
  return {
    addresses: compact(items.flatMap((item) => readAddress(item, addressType) ?? [])),
    ready: asBoolean(child(conditions, 'ready')) ?? true,
    serving: asBoolean(child(conditions, 'serving')) ?? true,
    terminating: asBoolean(child(conditions, 'terminating')) ?? false,
    nodeName: asText(child(field, 'nodeName')),
    zone: asText(child(field, 'zone')),
    hints: hints.value === undefined ? NO_HINTS : readHints(hints),
  };
}

function readAddress(field: Field, addressType: IPFamily | 'FQDN' | undefined): string | undefined {
  if (field.value === undefined) return complain(field, 'the address is missing');
  if (addressType === undefined || addressType === 'FQDN') return asText(field);
  const address = asAddress(field);
  if (address === undefined) return undefined;
  if (address.family !== addressType) {
    return complain(
      field,
      `${address.text} is ${address.family}, but the slice's addressType is ${addressType}`,
    );
  }
  const special = specialRange(address);
  return special === undefined
    ? address.text
    : complain(field, `${address.text} is ${special}, which can't be an endpoint`);
}

const NO_HINTS: SliceEndpoint['hints'] = Object.freeze({ zones: compact([]), nodes: compact([]) });

function readHints(field: Field): SliceEndpoint['hints'] {
  const names = (list: Field) => compact(asItems(list).flatMap((item) => asText(child(item, 'name')) ?? []));
  return { zones: names(child(field, 'forZones')), nodes: names(child(field, 'forNodes')) };
}

function readPorts(list: Field): readonly SlicePort[] {
  const names = new Map<string, string>();
  return asItems(list).map((item, index) => {
    const field = child(item, 'name');
    // Without a name it is '', as the API server has it (SetDefaults_EndpointPort).
    const name = (field.value ?? '') === '' ? '' : asDnsLabel(field);
    const protocol = asOneOf(child(item, 'protocol'), ['TCP', 'UDP', 'SCTP']) ?? 'TCP';
    const other = names.get(name ?? '');
    if (other !== undefined) complain(item, `the name ${show(name ?? '')} is already that of ${other}`);
    else names.set(name ?? '', `ports[${index}]`);
    return { name, protocol, port: asInteger(child(item, 'port'), 1, 65_535, 'a port number') };
  });
}
