import type { TransactionError } from 'nftlink';
import type { FamilyProgram } from './family-program.ts';

/**
 * The Services that the kernel refuses, and what it says of each; undefined when one of the failures is not about a Service, or
 * when the kernel could not tell all of them.
 */
export function culpritsOf(
  error: TransactionError,
  programs: readonly FamilyProgram[],
): ReadonlyMap<string, string> | undefined {
  if (error.failuresLost || error.failures.length === 0) return undefined;
  const culprits = new Map<string, string>();
  for (const { operation, element, message } of error.failures) {
    const services = operation === undefined ? [] : servicesOf(programs, operation, element?.index);
    if (services.length === 0) return undefined;
    for (const service of services) if (!culprits.has(service)) culprits.set(service, message);
  }
  return culprits;
}

function servicesOf(
  programs: readonly FamilyProgram[],
  operation: number,
  element: number | undefined,
): readonly string[] {
  for (const program of programs) {
    const services = program.culprits(operation, element);
    if (services !== undefined) return services;
  }
  return [];
}
