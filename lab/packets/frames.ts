import type { Readable } from 'node:stream';

/** The place of the node itself in a frame; others are devices by their number. */
export const NODE_PLACE = 0xffff;

/** A packet and where it goes in or was seen. */
export interface Placed {
  readonly place: number;
  readonly bytes: Uint8Array;
}

/** A frame of injector.c's protocol. */
export function writeFrame(packets: readonly Placed[]): Buffer {
  const length = packets.reduce((sum, { bytes }) => sum + 4 + bytes.length, 0);
  const frame = Buffer.alloc(4 + length);
  frame.writeUInt32LE(length, 0);
  let offset = 4;
  for (const { place, bytes } of packets) {
    frame.writeUInt16LE(place, offset);
    frame.writeUInt16LE(bytes.length, offset + 2);
    frame.set(bytes, offset + 4);
    offset += 4 + bytes.length;
  }
  return frame;
}

/** The frames of a stream. */
export async function* readFrames(stream: Readable): AsyncGenerator<readonly (Placed & { bytes: Buffer })[]> {
  let pending = Buffer.alloc(0);
  for await (const chunk of stream) {
    pending = Buffer.concat([pending, chunk as Buffer]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32LE(0)) {
      const end = 4 + pending.readUInt32LE(0);
      yield readPackets(pending.subarray(4, end));
      pending = pending.subarray(end);
    }
  }
}

function readPackets(frame: Buffer): readonly (Placed & { bytes: Buffer })[] {
  const packets: (Placed & { bytes: Buffer })[] = [];
  for (let offset = 0; offset < frame.length; ) {
    const end = offset + 4 + frame.readUInt16LE(offset + 2);
    packets.push({ place: frame.readUInt16LE(offset), bytes: frame.subarray(offset + 4, end) });
    offset = end;
  }
  return packets;
}
