// Packed transaction → batch of netlink messages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "batch.h"
#include "packed_reader.h"

namespace nftlink {

/** Why a transaction could not be encoded. */
struct EncodeError {
  uint32_t operation;  // kNone: the transaction itself
  std::string text;
};
using EncodeResult = std::optional<EncodeError>;

struct EncodeOptions {
  /** The batch's begin gets this number, each message the next one. */
  uint32_t firstSequence = 1;
  /** Indexed by operation: true gives each of its elements a message of its own. May be shorter. */
  std::vector<bool> split;
  /** Without an end the kernel checks the batch and never commits it. A transaction may ask for that by itself. */
  bool withEnd = true;
};

/** Throws std::bad_alloc when there is no memory. */
EncodeResult encodeTransaction(Bytes packed, const EncodeOptions& options, Batch& batch);

/** Writes one table, chain, rule or set message. */
Problem encodeObject(const Operation& operation, uint32_t index, Batch& batch);
/** Writes the messages of an element operation. */
Problem encodeElements(const Operation& operation, uint32_t index, bool split, Batch& batch);

}  // namespace nftlink
