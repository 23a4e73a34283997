import { InvalidArgumentError } from '../invalid-argument.ts';
import { attributes, textAttribute, textOf } from '../netlink/attribute.ts';

/** IFNAMSIZ less the final zero. */
const MAX_DEVICE_BYTES = 15;
/** NFTA_DEVICE_*. */
const NFTA_DEVICE = { name: 1, prefix: 2 } as const;

/**
 * Interfaces of a chain or flowtable, by name, or as `'eth*'` all whose names begin so, those to come too (kernel 6.17). As in nft a name
 * that really ends in an asterisk is written `'eth\\*'`.
 */
export type DevicePattern = string;

/** Interfaces, as a frozen copy. Throws InvalidArgumentError. */
export function checkDevices(argument: string, devices: readonly DevicePattern[]): readonly DevicePattern[] {
  for (const [i, device] of devices.entries()) {
    const length = typeof device === 'string' ? Buffer.byteLength(parse(device).text) : 0;
    if (length < 1 || length > MAX_DEVICE_BYTES || device.includes('\0')) {
      const expected = 'an interface name (1 to 15 bytes), or the start of one and an asterisk';
      throw new InvalidArgumentError(`${argument}[${i}]`, device, expected);
    }
  }
  return Object.freeze([...devices]);
}

interface ParsedDevice {
  readonly type: number;
  readonly text: string;
}

function parse(device: DevicePattern): ParsedDevice {
  if (device.endsWith('\\*')) return { type: NFTA_DEVICE.name, text: `${device.slice(0, -2)}*` };
  if (device.endsWith('*')) return { type: NFTA_DEVICE.prefix, text: device.slice(0, -1) };
  return { type: NFTA_DEVICE.name, text: device };
}

/** Whether it is more than the name of one interface; libnftnl 1.2.4 knows only those. */
export function isPlainDevice(device: DevicePattern): boolean {
  return !device.endsWith('*');
}

/** What a list of interfaces consists of on the wire. */
export function deviceAttributes(devices: readonly DevicePattern[]): readonly Uint8Array[] {
  return devices.map((device) => {
    const { type, text } = parse(device);
    return textAttribute(type, text);
  });
}

/** The interfaces of such a list. */
export function readDevices(list: Uint8Array): readonly DevicePattern[] {
  return [...attributes(list)].flatMap(({ type, bytes }) => {
    const text = textOf(bytes) ?? '';
    if (type === NFTA_DEVICE.prefix) return `${text}*`;
    if (type !== NFTA_DEVICE.name) return [];
    return text.endsWith('*') ? `${text.slice(0, -1)}\\*` : text;
  });
}
