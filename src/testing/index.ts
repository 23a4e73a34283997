export { FakeKernel, type FakeKernelOptions } from './fake-kernel.ts';
export type { FakeProcess } from './fake-message.ts';
