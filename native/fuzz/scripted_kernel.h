// A kernel whose answers are written down beforehand: it takes the place of the system calls on a socket.
#pragma once

#include "bytes.h"

namespace nftlink {

/**
 * The answers to come. Each begins with a u16: 0xffff, then a u8: `recv` fails with this errno; else as many bytes of a
 * datagram follow. After the last one the queue is empty.
 */
void setAnswers(Bytes script);

}  // namespace nftlink
