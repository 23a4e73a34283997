#include "encode.h"

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

namespace nftlink {

namespace {

// NFT_MSG_DESTROYSETELEM, kernel 6.3: newer than Debian 12's headers.
constexpr uint16_t kDestroySetElement = 30;

// sk_sndbuf is an int, so no larger batch can ever be sent.
constexpr size_t kMaxBatchBytes = 0x7fff0000;

Problem encodeOperation(const Operation& operation, uint32_t index, bool split, Batch& batch) {
  switch (operation.message) {
    case NFT_MSG_NEWSETELEM:
    case NFT_MSG_DELSETELEM:
    case kDestroySetElement:
      return encodeElements(operation, index, split, batch);
    default:
      return encodeObject(operation, index, batch);
  }
}

}  // namespace

EncodeResult encodeTransaction(Bytes packed, const EncodeOptions& options, Batch& batch) {
  PackedReader reader(packed);
  TransactionHeader header;
  if (const Problem problem = reader.readHeader(header)) return EncodeError{kNone, problem};
  batch.begin(options.firstSequence, header.generation);
  for (uint32_t index = 0; index < header.operations; index++) {
    Operation operation;
    if (const Problem problem = reader.readOperation(operation)) return EncodeError{index, problem};
    const bool split = index < options.split.size() && options.split[index];
    if (const Problem problem = encodeOperation(operation, index, split, batch)) {
      return EncodeError{index, problem};
    }
    if (batch.bytes().size() > kMaxBatchBytes) return EncodeError{index, "the transaction exceeds 2 GiB"};
  }
  if (const Problem problem = reader.readEnd()) return EncodeError{kNone, problem};
  if (options.withEnd && !header.checkOnly) batch.end();
  return std::nullopt;
}

}  // namespace nftlink
