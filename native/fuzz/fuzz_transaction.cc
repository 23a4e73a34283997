// Any bytes as a packed transaction: refused, or a batch of well-formed messages.
#include "check.h"
#include "encode.h"

using namespace nftlink;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Batch batch;  // used again and again, as that of a socket
  const Bytes packed{data, size};
  const bool whole = !encodeTransaction(packed, {}, batch);
  if (whole) requireBatch(batch, 1);
  EncodeOptions options;
  options.firstSequence = 0xfffffffe;  // wraps on the way
  options.split.assign(64, true);
  options.withEnd = false;
  const bool split = !encodeTransaction(packed, options, batch);
  require(split == whole, "splitting changes whether it can be encoded");
  if (split) requireBatch(batch, 1);
  return 0;
}
