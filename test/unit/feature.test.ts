import { describe, expect, test } from 'vitest';
import { FeatureMissingError, isOlder, missingText } from '../../src/nft/feature.ts';

describe('kernel versions', () => {
  test.each([
    ['5.15.0-18-amd64', '6.3', true],
    ['6.1.0', '6.3', true],
    ['6.3.0', '6.3', false],
    ['6.18.44-fc', '6.3', false],
    ['6.18', '6.3', false],
    ['7.0.0', '6.13', false],
  ])('%s before %s: %s', (running, version, expected) => {
    expect(isOlder(running, version)).toBe(expected);
  });

  test('what is missing is said by name, and since when it is there', () => {
    expect(missingText('destroy', '5.15.0')).toBe(
      'this kernel (5.15.0) lacks destroy operations: feature destroy, since Linux 6.3',
    );
    expect(missingText('flowtable', '6.18.0')).toContain('this one was built without');
    expect(new FeatureMissingError('inner', '5.10.0')).toMatchObject({
      name: 'FeatureMissingError',
      feature: 'inner',
      since: '6.2',
    });
  });
});
