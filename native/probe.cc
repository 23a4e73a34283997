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

/** So often a transaction is sent again: two or three times are enough where nobody else changes the ruleset meanwhile. */
constexpr int kMostProbes = 8;

/** Operations that the kernel left at a bad element, with elements behind it that it did not come to. */
std::vector<bool> shortenedOperations(const Batch& batch, const std::vector<Failure>& failures) {
  // A message with one element has said all; so has one whose table or set is missing.
  std::vector<bool> several;
  for (const MessageOrigin& origin : batch.origins()) {
    if (origin.operation == kNone || origin.elements < 2) continue;
    if (several.size() <= origin.operation) several.resize(size_t{origin.operation} + 1);
    several[origin.operation] = true;
  }
  std::vector<bool> shortened;
  for (const Failure& failure : failures) {
    if (failure.operation >= several.size() || !several[failure.operation]) continue;
    if (!failure.path.empty() && failure.path[0].attribute != NFTA_SET_ELEM_LIST_ELEMENTS) continue;
    if (shortened.size() <= failure.operation) shortened.resize(size_t{failure.operation} + 1);
    shortened[failure.operation] = true;
  }
  return shortened;
}

/** What comes behind a shortened operation may fail only for want of the elements that it left out. */
void dropUncertain(std::vector<Failure>& failures, const std::vector<bool>& shortened) {
  const auto first = std::find(shortened.begin(), shortened.end(), true) - shortened.begin();
  std::erase_if(failures, [first](const Failure& failure) {
    return failure.operation != kNone && failure.operation > first;
  });
}

uint64_t identity(const Failure& failure) { return uint64_t{failure.operation} << 32 | failure.element; }

/** Adds the failures of the probe that are new, in the order of operations and elements. */
void unite(std::vector<Failure>& failures, std::vector<Failure>&& found) {
  std::unordered_set<uint64_t> known;
  for (const Failure& failure : failures) known.insert(identity(failure));
  for (Failure& failure : found) {
    if (known.insert(identity(failure)).second) failures.push_back(std::move(failure));
  }
  std::stable_sort(failures.begin(), failures.end(),
                   [](const Failure& a, const Failure& b) { return identity(a) < identity(b); });
}

/** Sends the transaction with these operations split, and unites what it finds; false when it could not be made. */
bool probe(NetlinkSocket& socket, Batch& batch, Bytes packed, const std::vector<bool>& split, Outcome& outcome) {
  EncodeOptions options;
  options.split = split;
  options.firstSequence = socket.nextSequence();
  options.withEnd = false;
  if (encodeTransaction(packed, options, batch)) return false;
  int64_t sendNs = 0;
  if (sendBatch(socket, batch, sendNs).step != Step::none) return false;
  std::vector<Failure> found;
  if (collectFailures(socket, batch, found, outcome.failuresLost) != 0) return false;
  // Refused as a whole, for a generation that has passed: that says nothing about the transaction.
  if (std::any_of(found.begin(), found.end(), [](const Failure& each) { return each.operation == kNone; })) return false;
  unite(outcome.failures, std::move(found));
  return true;
}

}  // namespace

void nameEveryElement(NetlinkSocket& socket, Batch& batch, Bytes packed, Outcome& outcome) {
  std::vector<bool> split;
  for (int probes = 0;; probes++) {
    const std::vector<bool> shortened = shortenedOperations(batch, outcome.failures);
    if (shortened.empty()) return;
    dropUncertain(outcome.failures, shortened);
    split.resize(std::max(split.size(), shortened.size()));
    for (size_t i = 0; i < shortened.size(); i++) split[i] = split[i] || shortened[i];
    if (probes < kMostProbes && probe(socket, batch, packed, split, outcome)) continue;
    outcome.failuresLost = true;
    return;
  }
}

}  // namespace nftlink
