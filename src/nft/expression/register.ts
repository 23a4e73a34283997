/**
 * The kernel's register file is sixteen words of four bytes. Word 0, 4, 8 and 12 also have the numbers 1 to 4
 * (NFT_REG_1 …), the others 8 + word (NFT_REG32_00 …); nft and the kernel write the first form wherever it exists.
 */
export function registerNumber(word: number): number {
  return word % 4 === 0 ? 1 + word / 4 : 8 + word;
}

/** The register that takes a verdict. */
export const VERDICT_REGISTER = 0;
