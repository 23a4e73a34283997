/** Protocols that the laboratory makes first packets of: a SYN, a datagram, an INIT, an echo request. */
export type PacketProtocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP';

/** One end of a packet. */
export interface PacketEnd {
  /** In its one text. */
  readonly address: string;
  /** 0 for ICMP. */
  readonly port: number;
}

/** The first packet of a connection. */
export interface Packet {
  readonly protocol: PacketProtocol;
  readonly source: PacketEnd;
  readonly destination: PacketEnd;
}

/** Numbers of IANA's registry; ICMP is 58 between IPv6 addresses. */
export const PROTOCOL_NUMBER = { TCP: 6, UDP: 17, SCTP: 132, ICMP: 1, ICMPv6: 58 } as const;

/** ICMP's types and codes that the laboratory makes or understands, by IP version. */
export const ICMP = {
  4: { echoRequest: 8, unreachable: 3, portUnreachable: 3 },
  6: { echoRequest: 128, unreachable: 1, portUnreachable: 4 },
} as const;

/** `10.0.0.1:80` or `[fd00::1]:80` */
export function endText({ address, port }: PacketEnd): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
