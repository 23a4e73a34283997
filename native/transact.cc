#include "transact.h"

#include <cerrno>
#include <new>

#include "encode.h"
#include "exchange.h"
#include "probe.h"

namespace nftlink {

namespace {

void setAborted(Outcome& outcome, Step step, int error) {
  outcome.kind = OutcomeKind::aborted;
  outcome.step = step;
  outcome.error = error;
}

/** False when the transaction cannot be encoded; nothing was sent then. */
bool encodeBatch(const NetlinkSocket& socket, Batch& batch, Bytes packed, Outcome& outcome) {
  try {
    EncodeOptions options;
    options.firstSequence = socket.nextSequence();
    const EncodeResult error = encodeTransaction(packed, options, batch);
    if (!error) return true;
    outcome.failures.push_back({error->operation, EINVAL, kNone, {}, error->text});
    setAborted(outcome, Step::encode, 0);
  } catch (const std::bad_alloc&) {
    setAborted(outcome, Step::encode, ENOMEM);
  }
  return false;
}

void judge(NetlinkSocket& socket, Batch& batch, Bytes packed, Outcome& outcome) {
  const int error = collectFailures(socket, batch, outcome.failures, outcome.failuresLost);
  if (!outcome.failures.empty()) {
    outcome.kind = OutcomeKind::aborted;
    nameEveryElement(socket, batch, packed, outcome);
  } else if (error != 0 || outcome.failuresLost) {
    // The commit may have happened: only the answer was lost.
    outcome.kind = OutcomeKind::unknown;
    outcome.step = Step::receive;
    outcome.error = error != 0 ? error : ENOBUFS;
  }
}

}  // namespace

Outcome transact(NetlinkSocket& socket, Batch& batch, Bytes packed) noexcept {
  Outcome outcome;
  if (!encodeBatch(socket, batch, packed, outcome)) return outcome;
  const SendResult sent = sendBatch(socket, batch, outcome.sendNs);
  outcome.batchBytes = batch.bytes().size();
  outcome.limitBytes = socket.sendLimit();
  if (sent.step != Step::none) {
    setAborted(outcome, sent.step, sent.error);
    return outcome;
  }
  try {
    judge(socket, batch, packed, outcome);
  } catch (const std::bad_alloc&) {
    // With a failure in hand the kernel has certainly aborted; without one nothing is known.
    outcome.kind = outcome.failures.empty() ? OutcomeKind::unknown : OutcomeKind::aborted;
    outcome.step = Step::receive;
    outcome.error = ENOMEM;
  }
  return outcome;
}

}  // namespace nftlink
