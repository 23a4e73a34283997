// One batch out, the kernel's errors back in.
#pragma once

#include "batch.h"
#include "netlink_socket.h"
#include "outcome.h"

namespace nftlink {

struct SendResult {
  Step step = Step::none;  // none: it was sent; size; send
  int error = 0;
};

/** Sends the batch as one datagram, raising buffers for it; the kernel has committed or aborted when this returns. */
SendResult sendBatch(NetlinkSocket& socket, const Batch& batch, int64_t& sendNs);

/**
 * Takes every reply that waits on the socket and appends the errors among them that belong to this batch. `lost` is set
 * when the receive buffer was too small for all. Gives the errno of a receive that failed, or 0.
 */
int collectFailures(NetlinkSocket& socket, const Batch& batch, std::vector<Failure>& failures, bool& lost);

}  // namespace nftlink
