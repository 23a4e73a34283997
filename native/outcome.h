// What became of a transaction.
#pragma once

#include <string>
#include <vector>

#include "blame.h"
#include "byte_buffer.h"

namespace nftlink {

struct Failure {
  uint32_t operation;  // kNone: the transaction
  int error;
  uint32_t element;  // kNone: none
  AttributePath path;
  std::string text;
};

enum class OutcomeKind : uint32_t { committed, aborted, unknown };
enum class Step : uint32_t { none, encode, size, send, receive };

struct Outcome {
  OutcomeKind kind = OutcomeKind::committed;
  /** Nanoseconds inside sendmsg. */
  int64_t sendNs = 0;
  int error = 0;  // of a system call
  Step step = Step::none;
  std::vector<Failure> failures;
  bool failuresLost = false;
  size_t batchBytes = 0;
  size_t limitBytes = 0;
};

/** The outcome buffer of docs/packed-format.md. */
ByteBuffer packOutcome(const Outcome& outcome);

}  // namespace nftlink
