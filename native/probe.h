// Finds every element that the kernel refuses, where it names only the first of each message.
#pragma once

#include "batch.h"
#include "netlink_socket.h"
#include "outcome.h"

namespace nftlink {

/**
 * Sends an aborted transaction again when a message with several elements failed: one element a message, and without an
 * end, so that the kernel checks and never commits. What the outcome's failures are afterwards is real: nothing in them
 * fails only because a message was left at its first bad element. When that cannot be found out (the probe is too large
 * to be sent, or refused), only what is certain stays, and `failuresLost` is set. `batch` holds the last probe
 * afterwards. Throws std::bad_alloc.
 */
void nameEveryElement(NetlinkSocket& socket, Batch& batch, Bytes packed, Outcome& outcome);

}  // namespace nftlink
