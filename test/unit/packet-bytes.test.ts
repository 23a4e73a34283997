import { describe, expect, test } from 'vitest';
import { addressBytes, addressText } from '../../lab/packets/address.ts';
import { addUp, crc32c, fold } from '../../lab/packets/checksum.ts';
import { craft } from '../../lab/packets/craft.ts';
import { outcomeOf } from '../../lab/packets/outcome.ts';
import type { Packet, PacketProtocol } from '../../lab/packets/packet.ts';
import { readSighting } from '../../lab/packets/sighting.ts';

/** The packet laboratory's bytes, without a kernel. */

const PAIRS = [
  ['203.0.113.2', '172.30.0.41'],
  ['2600:5200::1', 'fd00:10:96::41'],
] as const;
const PROTOCOLS: readonly PacketProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP'];
const ID = 0x1234_5678;

function packet(protocol: PacketProtocol, [source, destination]: readonly [string, string]): Packet {
  const [sourcePort, port] = protocol === 'ICMP' ? [0, 0] : [5000, 80];
  return {
    protocol,
    source: { address: source, port: sourcePort },
    destination: { address: destination, port },
  };
}

test.each([
  ['0.0.0.0', '00000000'],
  ['192.168.0.255', 'c0a800ff'],
  ['::', '00000000000000000000000000000000'],
  ['::1', '00000000000000000000000000000001'],
  ['fd00::', 'fd000000000000000000000000000000'],
  ['2001:db8:1::2', '20010db8000100000000000000000002'],
  ['1:0:0:2::3', '00010000000000020000000000000003'],
  ['1:0:2:3:4:5:6:7', '00010000000200030004000500060007'],
  ['1:2:3:4:5:6:0:0', '00010002000300040005000600000000', '1:2:3:4:5:6::'],
  ['0:0:1:2:3:4:5:6', '00000000000100020003000400050006', '::1:2:3:4:5:6'],
])('the bytes of %s', (text, hex, canonical = text) => {
  expect(Buffer.from(addressBytes(text)).toString('hex')).toBe(hex);
  expect(addressText(Buffer.from(hex, 'hex'))).toBe(canonical);
});

test.each([
  '',
  '1.2.3',
  '1.2.3.256',
  '::1::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  'fd00::g',
  '1::2:3:4:5:6:7:8',
])('%j is no address', (text) => expect(() => addressBytes(text)).toThrow('is not an IP address'));

test('CRC32c of the check string', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

describe.each(PAIRS)('%s → %s', (...pair) => {
  test.each(PROTOCOLS)('%s is read as it was made', (protocol) => {
    const made = packet(protocol, pair);
    const sighting = readSighting(Buffer.from(craft(made, ID)));
    expect(sighting).toEqual({ kind: 'packet', id: ID, source: made.source, destination: made.destination });
  });

  test.each(['TCP', 'UDP', 'ICMP'] as const)('the checksum of %s holds', (protocol) => {
    const bytes = craft(packet(protocol, pair), ID);
    const header = pair[0].includes(':') ? 40 : 20;
    const payload = bytes.subarray(header);
    const addresses = header === 40 ? bytes.subarray(8, 40) : bytes.subarray(12, 20);
    const number = header === 40 ? (bytes[6] ?? 0) : (bytes[9] ?? 0);
    const pseudo = protocol === 'ICMP' && header === 20 ? 0 : addUp(addresses) + number + payload.length;
    expect(fold(addUp(payload, pseudo))).toBe(0);
    if (header === 20) expect(fold(addUp(bytes.subarray(0, 20)))).toBe(0);
  });

  test.each(PROTOCOLS)('an ICMP error that quotes %s names it', (protocol) => {
    const v6 = pair[0].includes(':');
    const error = Buffer.from(craft(packet('ICMP', [pair[1], pair[0]]), 0));
    const header = v6 ? 40 : 20;
    error[header] = v6 ? 1 : 3;
    error[header + 1] = v6 ? 4 : 3;
    // Only TCP's id is within the first eight bytes; Linux quotes far more.
    const quoted = craft(packet(protocol, pair), ID).subarray(0, protocol === 'TCP' ? header + 8 : undefined);
    const sighting = readSighting(Buffer.concat([error.subarray(0, header + 8), quoted]));
    expect(sighting).toMatchObject({ kind: 'error', id: ID });
    if (sighting === undefined) return;
    expect(outcomeOf([{ device: 'outside', sighting }])).toEqual({ fate: 'refused', by: 'port-unreachable' });
  });
});

test('a reset names the packet that it answers', () => {
  const bytes = Buffer.from(craft(packet('TCP', PAIRS[0]), 7));
  bytes[20 + 13] = 0x14;
  bytes.writeUInt32BE(ID + 1, 20 + 8);
  expect(readSighting(bytes)).toEqual({ kind: 'reset', id: ID });
});

test('other packets are none of ours', () => {
  expect(readSighting(Buffer.alloc(0))).toBeUndefined();
  expect(readSighting(Buffer.from('60000000', 'hex'))).toBeUndefined();
  const reply = Buffer.from(craft(packet('ICMP', PAIRS[0]), ID));
  reply[20] = 0;
  expect(readSighting(reply)).toBeUndefined();
});

test('ends of two families are refused', () => {
  expect(() => craft(packet('TCP', ['192.0.2.1', 'fd00::1']), 1)).toThrow('of two families');
});

test('what went its way was not refused, whatever was answered', () => {
  const end = { address: '192.0.2.1', port: 1 };
  const delivered = {
    device: undefined,
    sighting: { kind: 'packet', id: 1, source: end, destination: end },
  } as const;
  const answer = { device: 'outside', sighting: { kind: 'reset', id: 1 } } as const;
  expect(outcomeOf([answer, delivered]).fate).toBe('delivered');
  expect(outcomeOf([answer]).fate).toBe('refused');
  expect(outcomeOf([]).fate).toBe('dropped');
});
