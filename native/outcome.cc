#include "outcome.h"

namespace nftlink {

namespace {

void appendU32(ByteBuffer& buffer, size_t value) { buffer.appendValue(static_cast<uint32_t>(value)); }

void appendFailure(ByteBuffer& buffer, const Failure& failure) {
  appendU32(buffer, failure.operation);
  buffer.appendValue(static_cast<int32_t>(failure.error));
  appendU32(buffer, failure.element);
  appendU32(buffer, failure.path.size());
  for (const PathEntry& entry : failure.path) buffer.appendValue(entry);
  appendU32(buffer, failure.text.size());
  buffer.append(failure.text.data(), failure.text.size());
  constexpr uint32_t padding = 0;
  buffer.append(&padding, align4(failure.text.size()) - failure.text.size());
}

}  // namespace

ByteBuffer packOutcome(const Outcome& outcome) {
  ByteBuffer buffer;
  appendU32(buffer, static_cast<uint32_t>(outcome.kind));
  buffer.appendValue(static_cast<int32_t>(outcome.error));
  appendU32(buffer, static_cast<uint32_t>(outcome.step));
  appendU32(buffer, outcome.failures.size());
  appendU32(buffer, outcome.failuresLost ? 1 : 0);
  appendU32(buffer, outcome.batchBytes);
  appendU32(buffer, outcome.limitBytes);
  appendU32(buffer, 0);
  for (const Failure& failure : outcome.failures) appendFailure(buffer, failure);
  return buffer;
}

}  // namespace nftlink
