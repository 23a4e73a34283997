#include "probe.h"

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <unordered_set>

#include "encode.h"
#include "exchange.h"

namespace nftlink {

namespace {

/** Operations that failed because of an element, where there may be more of them. */
std::vector<bool> operationsToSplit(const Batch& batch, const std::vector<Failure>& failures) {
  // A message with one element has said all; so has one whose table or set is missing.
  std::vector<bool> several;
  for (const MessageOrigin& origin : batch.origins()) {
    if (origin.operation == kNone || origin.elements < 2) continue;
    if (several.size() <= origin.operation) several.resize(size_t{origin.operation} + 1);
    several[origin.operation] = true;
  }
  std::vector<bool> split;
  for (const Failure& failure : failures) {
    if (failure.operation >= several.size() || !several[failure.operation]) continue;
    if (!failure.path.empty() && failure.path[0].attribute != NFTA_SET_ELEM_LIST_ELEMENTS) continue;
    if (split.size() <= failure.operation) split.resize(size_t{failure.operation} + 1);
    split[failure.operation] = true;
  }
  return split;
}

uint64_t identity(const Failure& failure) { return uint64_t{failure.operation} << 32 | failure.element; }

/** Adds the failures of the probe that are new, in the order of operations and elements. */
void unite(std::vector<Failure>& failures, std::vector<Failure>&& found) {
  std::unordered_set<uint64_t> known;
  for (const Failure& failure : failures) known.insert(identity(failure));
  for (Failure& failure : found) {
    // The probe itself may be refused, for a generation that has passed: that says nothing about the transaction.
    if (failure.operation == kNone || !known.insert(identity(failure)).second) continue;
    failures.push_back(std::move(failure));
  }
  std::stable_sort(failures.begin(), failures.end(),
                   [](const Failure& a, const Failure& b) { return identity(a) < identity(b); });
}

}  // namespace

void nameEveryElement(NetlinkSocket& socket, Batch& batch, Bytes packed, Outcome& outcome) {
  EncodeOptions options;
  options.split = operationsToSplit(batch, outcome.failures);
  if (options.split.empty()) return;
  options.firstSequence = socket.nextSequence();
  options.withEnd = false;
  if (encodeTransaction(packed, options, batch)) return;
  int64_t sendNs = 0;
  if (sendBatch(socket, batch, sendNs).step != Step::none) return;
  std::vector<Failure> found;
  collectFailures(socket, batch, found, outcome.failuresLost);
  unite(outcome.failures, std::move(found));
}

}  // namespace nftlink
