// The module: what src/native/contract.ts describes.
#include <node_api.h>
#include <netinet/in.h>

#include <linux/netfilter/nfnetlink.h>

#include <exception>
#include <system_error>

#include "closing_sockets.h"
#include "encode.h"
#include "listener_handle.h"
#include "napi_support.h"
#include "packed_reader.h"
#include "socket_handle.h"
#include "transact.h"

namespace nftlink {

namespace {

constexpr const char* kClosedText = "the socket is closed";
constexpr const char* kClosedCode = "ERR_NFTLINK_CLOSED";

template <size_t Count>
bool readArguments(napi_env env, napi_callback_info info, napi_value (&arguments)[Count]) {
  size_t count = Count;
  return napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) == napi_ok;
}

napi_value rejectedPromise(napi_env env, const char* code, const char* text) {
  napi_deferred deferred = nullptr;
  napi_value promise = nullptr;
  napi_value error = makeError(env, code, text);
  if (error == nullptr || napi_create_promise(env, &deferred, &promise) != napi_ok) return nullptr;
  static_cast<void>(napi_reject_deferred(env, deferred, error));
  return promise;
}

napi_value throwOpenError(napi_env env, const std::string& path, const OpenError& failure) {
  const std::string where = path.empty() ? "" : " in network namespace " + path;
  const std::string reason = std::generic_category().message(failure.error);
  const std::string text = "cannot open a netfilter socket" + where + ": " + failure.step + ": " + reason;
  napi_value error = makeStepError(env, text, failure.error, failure.step);
  if (error != nullptr) static_cast<void>(napi_throw(env, error));
  return nullptr;
}

napi_value openSocket(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  std::string path;
  if (!readArguments(env, info, arguments) || !readString(env, arguments[0], path)) {
    return throwTypeError(env, "open(netnsPath): a string is expected");
  }
  if (path.find('\0') != std::string::npos) return throwTypeError(env, "open(netnsPath): a path without zero bytes");
  NetlinkSocket socket;
  if (const auto failure = NetlinkSocket::open(path, socket)) return throwOpenError(env, path, *failure);
  return SocketHandle::wrap(env, std::move(socket));
}

napi_value transactAsync(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  if (!readArguments(env, info, arguments)) return nullptr;
  SocketHandle* handle = SocketHandle::unwrap(env, arguments[0]);
  Bytes packed;
  if (handle == nullptr || !readBytes(env, arguments[1], packed)) {
    return throwTypeError(env, "transact(socket, packed): a socket and a Uint8Array are expected");
  }
  bool looksOut = false;
  // Left out, it is not a boolean.
  if (napi_get_value_bool(env, arguments[2], &looksOut) != napi_ok) looksOut = false;
  if (!handle->isOpen()) return rejectedPromise(env, kClosedCode, kClosedText);
  auto task = std::make_unique<TransactTask>(handle->socket(), handle->batch(), packed);
  if (!task->hold(env, arguments[1])) return throwError(env, "ERR_NFTLINK", "the packed bytes cannot be kept");
  return handle->enqueue(env, arguments[0], std::move(task), looksOut);
}

napi_value transactSync(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  if (!readArguments(env, info, arguments)) return nullptr;
  SocketHandle* handle = SocketHandle::unwrap(env, arguments[0]);
  Bytes packed;
  if (handle == nullptr || !readBytes(env, arguments[1], packed)) {
    return throwTypeError(env, "transactSync(socket, packed): a socket and a Uint8Array are expected");
  }
  if (!handle->isOpen()) return throwError(env, kClosedCode, kClosedText);
  if (handle->hasPending()) {
    return throwError(env, "ERR_NFTLINK_PENDING", "requests are pending on this socket: await them, then commit");
  }
  napi_value value = outcomeValue(env, transact(handle->socket(), handle->batch(), packed));
  return value != nullptr ? value : throwError(env, "ERR_NFTLINK_NO_VALUE", "the outcome does not fit into memory");
}

napi_value requestAsync(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  if (!readArguments(env, info, arguments)) return nullptr;
  SocketHandle* handle = SocketHandle::unwrap(env, arguments[0]);
  uint32_t subsystem = NFNL_SUBSYS_NFTABLES;
  uint32_t message = 0;
  uint32_t flags = 0;
  uint32_t family = 0;
  Bytes attributes;
  if (handle == nullptr || !readUint(env, arguments[1], 0xff, message) || !readUint(env, arguments[2], 0xffff, flags) ||
      !readUint(env, arguments[3], 0xff, family) || !readBytes(env, arguments[4], attributes) ||
      !readOptionalUint(env, arguments[5], 0xff, subsystem)) {
    return throwTypeError(env, "request(socket, message, flags, family, attributes, subsystem): a socket, three "
                               "numbers, a Uint8Array and a number are expected");
  }
  if (!handle->isOpen()) return rejectedPromise(env, kClosedCode, kClosedText);
  const Request question{static_cast<uint8_t>(subsystem), static_cast<uint8_t>(message), static_cast<uint16_t>(flags),
                         static_cast<uint8_t>(family), attributes};
  return handle->enqueue(env, arguments[0], std::make_unique<RequestTask>(handle->socket(), question));
}

napi_value sendAsync(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  if (!readArguments(env, info, arguments)) return nullptr;
  SocketHandle* handle = SocketHandle::unwrap(env, arguments[0]);
  Bytes messages;
  if (handle == nullptr || !readBytes(env, arguments[1], messages)) {
    return throwTypeError(env, "send(socket, messages): a socket and a Uint8Array are expected");
  }
  if (!handle->isOpen()) return rejectedPromise(env, kClosedCode, kClosedText);
  return handle->enqueue(env, arguments[0], std::make_unique<SendTask>(handle->socket(), messages));
}

napi_value listen(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  std::string path;
  uint32_t groups = 0;
  uint32_t receiveBufferBytes = 0;
  if (!readArguments(env, info, arguments) || !readString(env, arguments[0], path) ||
      path.find('\0') != std::string::npos || !readUint(env, arguments[1], 0xffffffff, groups) ||
      !readUint(env, arguments[2], 0x3fffffff, receiveBufferBytes)) {
    return throwTypeError(env, "listen(netnsPath, groups, receiveBufferBytes): a path and two numbers are expected");
  }
  NetlinkSocket socket;
  auto failure = NetlinkSocket::open(path, socket);
  if (!failure) {
    socket.setReceiveBuffer(receiveBufferBytes);
    failure = socket.subscribe(groups);
  }
  if (failure) return throwOpenError(env, path, *failure);
  return ListenerHandle::wrap(env, std::move(socket));
}

napi_value receive(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  if (!readArguments(env, info, arguments)) return nullptr;
  ListenerHandle* handle = ListenerHandle::unwrap(env, arguments[0]);
  bool keepAlive = false;
  if (handle == nullptr || napi_get_value_bool(env, arguments[1], &keepAlive) != napi_ok) {
    return throwTypeError(env, "receive(listener, keepAlive): a listener and a boolean are expected");
  }
  if (handle->isWaiting()) return rejectedPromise(env, "ERR_NFTLINK_PENDING", "somebody waits for this listener");
  return handle->receive(env, arguments[0], keepAlive);
}

napi_value stopListening(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  if (!readArguments(env, info, arguments)) return nullptr;
  ListenerHandle* handle = ListenerHandle::unwrap(env, arguments[0]);
  if (handle == nullptr) return throwTypeError(env, "stopListening(listener): a listener is expected");
  return handle->stop(env, arguments[0]);
}

napi_value encode(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  Bytes packed;
  if (!readArguments(env, info, arguments) || !readBytes(env, arguments[0], packed)) {
    return throwTypeError(env, "encode(packed): a Uint8Array is expected");
  }
  Batch batch;
  if (const EncodeResult error = encodeTransaction(packed, EncodeOptions{}, batch)) {
    const std::string where = error->operation == kNone ? "" : "operation " + std::to_string(error->operation) + ": ";
    return throwError(env, "ERR_NFTLINK_ENCODE", where + error->text);
  }
  return makeBytes(env, std::move(batch.buffer()));
}

napi_value close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  if (!readArguments(env, info, arguments)) return nullptr;
  SocketHandle* handle = SocketHandle::unwrap(env, arguments[0]);
  if (handle == nullptr) return throwTypeError(env, "close(socket): a socket is expected");
  return handle->close(env, arguments[0]);
}

/** No C++ exception reaches JavaScript: what is left of them is std::bad_alloc. */
template <napi_callback Function>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return Function(env, info);
  } catch (const std::exception& error) {
    return throwError(env, "ERR_NFTLINK", error.what());
  }
}

bool exportFunction(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value = nullptr;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value) == napi_ok &&
         napi_set_named_property(env, exports, name, value) == napi_ok;
}

bool exportConstants(napi_env env, napi_value exports) {
  napi_value abi = nullptr;
  napi_value version = nullptr;
  return napi_create_uint32(env, kPackedFormatVersion, &abi) == napi_ok &&
         napi_set_named_property(env, exports, "abi", abi) == napi_ok &&
         napi_create_string_utf8(env, NFTLINK_LIBNFTNL_VERSION, NAPI_AUTO_LENGTH, &version) == napi_ok &&
         napi_set_named_property(env, exports, "libnftnlVersion", version) == napi_ok;
}

}  // namespace

/** A status that is not ok leaves the exports incomplete: in an environment that is ending nobody reads them. */
bool exportAll(napi_env env, napi_value exports) {
  return ClosingSockets::begin(env) && exportConstants(env, exports) && exportFunction(env, exports, "open", guarded<openSocket>) &&
         exportFunction(env, exports, "transact", guarded<transactAsync>) &&
         exportFunction(env, exports, "transactSync", guarded<transactSync>) &&
         exportFunction(env, exports, "request", guarded<requestAsync>) &&
         exportFunction(env, exports, "send", guarded<sendAsync>) &&
         exportFunction(env, exports, "listen", guarded<listen>) &&
         exportFunction(env, exports, "receive", guarded<receive>) &&
         exportFunction(env, exports, "stopListening", guarded<stopListening>) &&
         exportFunction(env, exports, "encode", guarded<encode>) &&
         exportFunction(env, exports, "close", guarded<close>);
}

}  // namespace nftlink

NAPI_MODULE_INIT() {
  static_cast<void>(nftlink::exportAll(env, exports));
  return exports;
}
