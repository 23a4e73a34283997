export { FakeKernel, type FakeKernelOptions } from './fake-kernel.ts';
