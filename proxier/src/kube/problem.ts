/** Something in the user's input that is wrong, and where. */
export interface Problem {
  /** `error`: the object is not taken as it is. `note`: worth knowing. */
  readonly severity: 'error' | 'note';
  /** As the user names it; `''` when it is in no file. */
  readonly file: string;
  /** From 1; 0 when the whole file is meant. */
  readonly line: number;
  /** From 1; 0 when the whole file is meant. */
  readonly column: number;
  /** `Service shop/cart`; absent when it has no readable name. */
  readonly object?: string;
  /** `spec.ports[0].port`; `''` when the whole object is meant. */
  readonly field: string;
  readonly message: string;
}

/** What changed among the problems: each is told when it appears, and once more when it is gone. */
export interface ProblemChanges {
  readonly appeared: readonly Problem[];
  readonly resolved: readonly Problem[];
}

/** `shop.yaml:14: Service shop/cart: spec.ports[0].port: 70000 is not a port number (1 to 65535)` */
export function formatProblem({ file, line, object, field, message }: Problem): string {
  const place = line > 0 ? `${file}:${line}` : file;
  return [place, object ?? '', field, message].filter((part) => part !== '').join(': ');
}

/** Compares the problems there are now with those there were. Lines don't count: they move when a file is edited. */
export function problemChanges(before: readonly Problem[], now: readonly Problem[]): ProblemChanges {
  const old = byIdentity(before);
  const appeared: Problem[] = [];
  for (const [identity, problem] of byIdentity(now)) {
    if (!old.delete(identity)) appeared.push(problem);
  }
  return { appeared, resolved: [...old.values()] };
}

function byIdentity(problems: readonly Problem[]): Map<string, Problem> {
  const map = new Map<string, Problem>();
  for (const problem of problems) {
    const { severity, file, object, field, message } = problem;
    const text = JSON.stringify([severity, file, object ?? '', field, message]);
    let identity = text;
    for (let copy = 2; map.has(identity); copy += 1) identity = `${text}#${copy}`;
    map.set(identity, problem);
  }
  return map;
}
