import { joined } from '../kube/compact.ts';
import { type EndpointSlice, HEADLESS_LABEL, objectName, SERVICE_NAME_LABEL } from '../kube/objects.ts';

/** Which EndpointSlices each Service has. Services that got, lost or have another one are added to `touched`. */
export class ServiceSlices {
  /** Service to its slices. */
  readonly #slices = new Map<string, readonly EndpointSlice[]>();
  /** Slice to its Service. */
  readonly #services = new Map<string, string>();

  has(service: string): boolean {
    return this.#slices.has(service);
  }

  of(service: string): readonly EndpointSlice[] {
    return this.#slices.get(service) ?? NO_SLICES;
  }

  placeEach(slices: readonly EndpointSlice[], touched: Set<string>): void {
    for (const slice of slices) this.#place(slice, touched);
  }

  /** Takes the slice of that name away, `namespace/name`. */
  remove(name: string, touched: Set<string>): void {
    const service = this.#services.get(name);
    if (service === undefined) return;
    const left = this.of(service).filter((slice) => objectName(slice) !== name);
    if (left.length === 0) this.#slices.delete(service);
    else this.#slices.set(service, left);
    this.#services.delete(name);
    touched.add(service);
  }

  #place(slice: EndpointSlice, touched: Set<string>): void {
    const name = objectName(slice);
    const service = serviceOf(slice);
    const before = this.#services.get(name);
    if (before !== undefined && before !== service) this.remove(name, touched);
    if (service === undefined) return;
    const slices = this.of(service);
    if (before === service) {
      // In its place: a Map of thousands from which entries come and go is built anew now and then, which takes milliseconds.
      this.#slices.set(
        service,
        slices.map((other) => (objectName(other) === name ? slice : other)),
      );
    } else {
      this.#slices.set(service, [...slices, slice]);
      this.#services.set(name, service);
    }
    touched.add(service);
  }
}

/** The Service that the slice is of, `namespace/name`; undefined: of none that is proxied. */
function serviceOf({ metadata: { namespace, labels } }: EndpointSlice): string | undefined {
  const label = labels[SERVICE_NAME_LABEL];
  if (label === undefined || label === '') return undefined;
  // The controller that writes slices may not have noticed yet that the Service has got a cluster IP.
  return Object.hasOwn(labels, HEADLESS_LABEL) ? undefined : joined('/', namespace, label);
}

const NO_SLICES: readonly EndpointSlice[] = [];
