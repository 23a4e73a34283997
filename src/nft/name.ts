import { InvalidArgumentError } from '../invalid-argument.ts';

/** NFT_NAME_MAXLEN of linux/netfilter/nf_tables.h, less the final zero. */
const MAX_NAME_BYTES = 255;
/** NFTNL_UDATA_COMMENT_MAXLEN of libnftnl: nft refuses to print longer ones. */
const MAX_COMMENT_BYTES = 128;

/** Returns the name of a set if the kernel can take it: it makes another one of a name with `%`. */
export function checkSetName(argument: string, name: string): string {
  checkName(argument, name);
  if (name.includes('%')) throw new InvalidArgumentError(argument, name, 'a name without %');
  return name;
}

/** Returns the name of a table or chain if the kernel can take it; `argument` says whose name it is. */
export function checkName(argument: string, name: string): string {
  if (
    typeof name !== 'string' ||
    name === '' ||
    name.includes('\0') ||
    Buffer.byteLength(name) > MAX_NAME_BYTES
  ) {
    throw new InvalidArgumentError(
      argument,
      name,
      `a name of 1 to ${MAX_NAME_BYTES} bytes without a zero byte`,
    );
  }
  return name;
}

export function checkComment(argument: string, comment: string): string {
  if (
    typeof comment !== 'string' ||
    comment.includes('\0') ||
    Buffer.byteLength(comment) > MAX_COMMENT_BYTES
  ) {
    throw new InvalidArgumentError(
      argument,
      comment,
      `a comment of at most ${MAX_COMMENT_BYTES} bytes without a zero byte`,
    );
  }
  return comment;
}
