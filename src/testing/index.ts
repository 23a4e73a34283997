/**
 * A kernel in memory, for tests without root: `new Nftables(new FakeKernel())`.
 * @module nftlink/testing
 */
export { FakeKernel, type FakeKernelOptions } from './fake-kernel.ts';
export type { FakeProcess } from './fake-message.ts';
