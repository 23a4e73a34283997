import { InvalidArgumentError } from '../invalid-argument.ts';

/** IFNAMSIZ less the final zero. */
const MAX_DEVICE_BYTES = 15;

/** Interface names, as a frozen copy. */
export function checkDevices(argument: string, devices: readonly string[]): readonly string[] {
  for (const [i, device] of devices.entries()) {
    const length = typeof device === 'string' ? Buffer.byteLength(device) : 0;
    if (length < 1 || length > MAX_DEVICE_BYTES || device.includes('\0')) {
      throw new InvalidArgumentError(`${argument}[${i}]`, device, 'an interface name (1 to 15 bytes)');
    }
  }
  return Object.freeze([...devices]);
}
