import { addressBytes } from './address.ts';
import { addUp, crc32c, fold } from './checksum.ts';
import { ICMP, type Packet, type PacketEnd, type PacketProtocol, PROTOCOL_NUMBER } from './packet.ts';

/** TCP's flag. */
const SYN = 2;
const TIME_TO_LIVE = 64;

/**
 * The packet's bytes from the IP header on, with valid checksums: with wrong ones nft's `reject` stays silent. `id` (32 bits)
 * stands where NAT changes nothing, and within what an ICMP error quotes: the sequence number, the initiate tag, the data.
 */
export function craft(packet: Packet, id: number): Uint8Array {
  const source = addressBytes(packet.source.address);
  const destination = addressBytes(packet.destination.address);
  if (source.length !== destination.length) {
    throw new Error(`${packet.source.address} and ${packet.destination.address} are of two families`);
  }
  const version = source.length === 4 ? 4 : 6;
  const payload = PAYLOAD[packet.protocol](packet, id, version);
  const number =
    packet.protocol === 'ICMP' && version === 6 ? PROTOCOL_NUMBER.ICMPv6 : PROTOCOL_NUMBER[packet.protocol];
  const header = (version === 4 ? ipv4Header : ipv6Header)(source, destination, number, payload.length);
  // The pseudo header: addresses, protocol, length. SCTP has a checksum of another kind, IPv4's ICMP no pseudo header.
  const pseudo = addUp(destination, addUp(source)) + number + payload.length;
  if (packet.protocol === 'TCP') payload.writeUInt16BE(fold(addUp(payload, pseudo)), 16);
  if (packet.protocol === 'UDP') payload.writeUInt16BE(fold(addUp(payload, pseudo)) || 0xffff, 6);
  if (packet.protocol === 'SCTP') payload.writeUInt32LE(crc32c(payload), 8);
  if (packet.protocol === 'ICMP') {
    payload.writeUInt16BE(fold(addUp(payload, version === 6 ? pseudo : 0)), 2);
  }
  return Buffer.concat([header, payload]);
}

function ipv4Header(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(header.length + length, 2);
  header[8] = TIME_TO_LIVE;
  header[9] = protocol;
  header.set(source, 12);
  header.set(destination, 16);
  header.writeUInt16BE(fold(addUp(header)), 10);
  return header;
}

function ipv6Header(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(length, 4);
  header[6] = protocol;
  header[7] = TIME_TO_LIVE;
  header.set(source, 8);
  header.set(destination, 24);
  return header;
}

interface Ends {
  readonly source: PacketEnd;
  readonly destination: PacketEnd;
}

/** What follows the IP header, with 0 for the checksum. */
const PAYLOAD: Readonly<Record<PacketProtocol, (ends: Ends, id: number, version: 4 | 6) => Buffer>> = {
  TCP(ends, id) {
    const bytes = withPorts(20, ends);
    bytes.writeUInt32BE(id, 4);
    bytes[12] = 5 << 4;
    bytes[13] = SYN;
    bytes.writeUInt16BE(0xffff, 14);
    return bytes;
  },
  UDP(ends, id) {
    const bytes = withPorts(12, ends);
    bytes.writeUInt16BE(bytes.length, 4);
    bytes.writeUInt32BE(id, 8);
    return bytes;
  },
  SCTP(ends, id) {
    const bytes = withPorts(32, ends);
    // An INIT chunk: type 1, its length, the initiate tag, the window, one stream each way, the first TSN.
    bytes[12] = 1;
    bytes.writeUInt16BE(20, 14);
    bytes.writeUInt32BE(id, 16);
    bytes.writeUInt32BE(0xffff, 20);
    bytes.writeUInt16BE(1, 24);
    bytes.writeUInt16BE(1, 26);
    bytes.writeUInt32BE(1, 28);
    return bytes;
  },
  ICMP(_ends, id, version) {
    const bytes = Buffer.alloc(12);
    bytes[0] = ICMP[version].echoRequest;
    bytes.writeUInt16BE(id & 0xffff, 4);
    bytes.writeUInt32BE(id, 8);
    return bytes;
  },
};

function withPorts(length: number, { source, destination }: Ends): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt16BE(source.port, 0);
  bytes.writeUInt16BE(destination.port, 2);
  return bytes;
}
