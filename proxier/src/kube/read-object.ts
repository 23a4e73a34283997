import {
  asText,
  asTextsNamed,
  type Complaint,
  child,
  complain,
  type Field,
  isMapping,
  show,
} from './fields.ts';
import { asDnsLabel, asDnsSubdomain } from './names.ts';
import {
  type EndpointSlice,
  type ObjectMeta,
  objectName,
  READ_LABELS,
  SERVICE_NAME_LABEL,
  type Service,
} from './objects.ts';
import { readEndpointSlice } from './read-endpoint-slice.ts';
import { readService } from './read-service.ts';

export type ObjectKind = 'Service' | 'EndpointSlice';

/** What became of one parsed object. */
export type ReadObject =
  /** A kind that a Service proxy has no use for. */
  | { readonly outcome: 'ignored'; readonly note?: Complaint }
  /** Nobody can say which object it is meant to be. */
  | { readonly outcome: 'nameless'; readonly complaints: readonly Complaint[] }
  /** Known by name, but not usable as it is. */
  | {
      readonly outcome: 'invalid';
      readonly kind: ObjectKind;
      readonly name: string;
      readonly complaints: readonly Complaint[];
    }
  | { readonly outcome: 'object'; readonly object: Service | EndpointSlice; readonly note?: Complaint };

const API_VERSIONS = { Service: 'v1', EndpointSlice: 'discovery.k8s.io/v1' } as const;

/** Validates one object as it came out of YAML or JSON. `listKind` is the kind of a `ServiceList`'s items, which may leave it out. */
export function readObject(value: unknown, listKind?: ObjectKind): ReadObject {
  const complaints: Complaint[] = [];
  const root: Field = { value: value ?? undefined, path: [], complain: (next) => collect(complaints, next) };
  const kind = readKind(root, listKind);
  if (kind !== 'Service' && kind !== 'EndpointSlice') return kind ?? { outcome: 'nameless', complaints };
  checkApiVersion(child(root, 'apiVersion'), kind, kind === listKind);
  const metadata = readMetadata(child(root, 'metadata'), kind);
  if (metadata === undefined) return { outcome: 'nameless', complaints };
  const object = kind === 'Service' ? readService(root, metadata) : readEndpointSlice(root, metadata);
  if (complaints.length > 0) return { outcome: 'invalid', kind, name: objectName(object), complaints };
  const isOrphan = kind === 'EndpointSlice' && !Object.hasOwn(metadata.labels, SERVICE_NAME_LABEL);
  return { outcome: 'object', object, ...(isOrphan ? { note: LABEL_NOTE } : {}) };
}

/** The kind when it is one we read, what becomes of the object when it is another, `undefined` when there is none. */
function readKind(root: Field, listKind: ObjectKind | undefined): ObjectKind | ReadObject | undefined {
  if (root.value === undefined) return complain(root, 'expected a Kubernetes object');
  const field = child(root, 'kind');
  const kind = asText(field) ?? listKind;
  if (kind === undefined) return complain(field, 'the kind is missing: this is no Kubernetes object');
  if (listKindOf(kind) !== undefined) {
    return complain(child(root, 'items'), 'expected a list of objects, none of them a list itself');
  }
  const apiVersion = child(root, 'apiVersion').value;
  if (kind === 'Endpoints' && apiVersion === 'v1') return { outcome: 'ignored', note: ENDPOINTS_NOTE };
  if (kind !== 'Service' && kind !== 'EndpointSlice') return { outcome: 'ignored' };
  return belongsToOthers(apiVersion, kind) ? { outcome: 'ignored' } : kind;
}

function checkApiVersion(field: Field, kind: ObjectKind, mayBeAbsent: boolean): void {
  if (field.value === API_VERSIONS[kind] || (field.value === undefined && mayBeAbsent)) return;
  const found = field.value === undefined ? 'it is missing' : `${show(field.value)} is not known here`;
  complain(field, `${found}; ${kind} is read in version ${API_VERSIONS[kind]}`);
}

/** What follows from an outer mistake (a spec that is no mapping has no ports either) is not told. */
function collect(complaints: Complaint[], next: Complaint): void {
  const follows = complaints.some(({ path }) => path.every((key, index) => next.path[index] === key));
  if (!follows) complaints.push(next);
}

const ENDPOINTS_NOTE: Complaint = {
  path: ['kind'],
  message: 'Endpoints objects are not read; write a discovery.k8s.io/v1 EndpointSlice',
};
const LABEL_NOTE: Complaint = {
  path: ['metadata', 'labels'],
  message: `the label ${SERVICE_NAME_LABEL} is missing: the slice belongs to no Service`,
};

/** The items of a List, ServiceList or EndpointSliceList, and the kind they may leave out; `undefined`: it is no list. */
export function listItems(
  value: unknown,
): { readonly items: readonly unknown[] | undefined; readonly kind: ObjectKind | undefined } | undefined {
  if (!isMapping(value)) return undefined;
  const { kind: listKind, items = [] } = value;
  const kind = listKindOf(listKind);
  if (kind === undefined) return undefined;
  return {
    items: Array.isArray(items ?? []) ? ((items ?? []) as readonly unknown[]) : undefined,
    kind: kind === 'any' ? undefined : kind,
  };
}

/** The kind of the items: `any` for `List`, `undefined` when the kind is not that of a list we read. */
function listKindOf(kind: unknown): ObjectKind | 'any' | undefined {
  if (kind === 'List') return 'any';
  if (kind === 'ServiceList') return 'Service';
  return kind === 'EndpointSliceList' ? 'EndpointSlice' : undefined;
}

/** Knative has a Service of its own, for one: another API group is another kind. */
function belongsToOthers(apiVersion: unknown, kind: ObjectKind): boolean {
  if (typeof apiVersion !== 'string' || !apiVersion.includes('/')) return false;
  return kind === 'Service' || !apiVersion.startsWith('discovery.k8s.io/');
}

/** `undefined` when the object's name can't be told. */
function readMetadata(field: Field, kind: ObjectKind): ObjectMeta | undefined {
  const nameField = child(field, 'name');
  const name = kind === 'Service' ? asDnsLabel(nameField) : asDnsSubdomain(nameField);
  const namespaceField = child(field, 'namespace');
  const namespace = namespaceField.value === undefined ? 'default' : asDnsLabel(namespaceField);
  if (isMapping(field.value) && nameField.value === undefined) complain(nameField, 'the name is missing');
  else if (field.value === undefined) complain(field, 'metadata is missing');
  const created = child(field, 'creationTimestamp');
  const creationTimestamp = asText(created);
  if (creationTimestamp !== undefined && Number.isNaN(Date.parse(creationTimestamp))) {
    complain(created, `${show(creationTimestamp)} is not a time like 2026-01-31T12:00:00Z`);
  }
  // Checked, and not kept: nothing here asks for it.
  asText(child(field, 'uid'));
  const labels = asTextsNamed(child(field, 'labels'), READ_LABELS);
  if (name === undefined || namespace === undefined) return undefined;
  return { name, namespace, creationTimestamp, labels };
}
