import { writeFileSync } from 'node:fs';
import type { NativeOutcome } from '../src/native/contract.ts';
import { loadNative } from '../src/native/load.ts';
import { NativeTransport } from '../src/netlink/native-transport.ts';
import type { Transport } from '../src/netlink/transport.ts';

/** A socket that can remember what it sent, as the netlink bytes that the floor replays. */
export class RecordingTransport extends NativeTransport implements Transport {
  readonly #packed: { readonly isTimed: boolean; readonly bytes: Uint8Array }[] = [];
  isRecording = false;
  isTimed = false;

  override transact(packed: Uint8Array): Promise<NativeOutcome> {
    this.#record(packed);
    return super.transact(packed);
  }

  override transactSync(packed: Uint8Array): NativeOutcome {
    this.#record(packed);
    return super.transactSync(packed);
  }

  /** Writes what was recorded to a file for the floor, and forgets it. */
  save(path: string): void {
    const native = loadNative();
    const parts = this.#packed.splice(0).flatMap(({ isTimed, bytes }) => {
      const batch = native.encode(bytes);
      return [Buffer.from(new Uint32Array([isTimed ? 1 : 0, batch.length]).buffer), batch];
    });
    writeFileSync(path, Buffer.concat(parts));
  }

  #record(packed: Uint8Array): void {
    if (this.isRecording) this.#packed.push({ isTimed: this.isTimed, bytes: packed.slice() });
  }
}
