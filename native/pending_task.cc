#include "pending_task.h"

#include <cerrno>
#include <new>

#include "send_messages.h"
#include "transact.h"

namespace nftlink {

napi_value outcomeValue(napi_env env, const Outcome& outcome) {
  if (outcome.kind != OutcomeKind::committed) {
    try {
      return makeBytes(env, packOutcome(outcome));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  napi_value value = nullptr;
  const auto ns = static_cast<double>(outcome.sendNs);
  return napi_create_double(env, ns, &value) == napi_ok ? value : nullptr;
}

napi_value PendingTask::promise(napi_env env) {
  napi_value promise = nullptr;
  return napi_create_promise(env, &deferred_, &promise) == napi_ok ? promise : nullptr;
}

void PendingTask::resolve(napi_env env, napi_value value) {
  if (value != nullptr) {
    static_cast<void>(napi_resolve_deferred(env, deferred_, value));
    return;
  }
  napi_value error = makeError(env, "ERR_NFTLINK_NO_VALUE", "the answer does not fit into JavaScript's memory");
  if (error != nullptr) static_cast<void>(napi_reject_deferred(env, deferred_, error));
}

bool TransactTask::hold(napi_env env, napi_value array) {
  return napi_create_reference(env, array, 1, &reference_) == napi_ok;
}

void TransactTask::run() noexcept { outcome_ = transact(socket_, batch_, packed_); }

void TransactTask::settle(napi_env env) { resolve(env, outcomeValue(env, outcome_)); }

void TransactTask::release(napi_env env) {
  if (reference_ != nullptr) static_cast<void>(napi_delete_reference(env, reference_));
  reference_ = nullptr;
}

RequestTask::RequestTask(NetlinkSocket& socket, const Request& question) : socket_(socket), question_(question) {
  attributes_.append(question.attributes.data(), question.attributes.size());
  question_.attributes = attributes_.view();
}

void RequestTask::run() noexcept {
  try {
    answer_ = request(socket_, question_);
  } catch (const std::bad_alloc&) {
    answer_ = {};
  }
}

void RequestTask::settle(napi_env env) {
  resolve(env, answer_.size() == 0 ? nullptr : makeBytes(env, std::move(answer_)));
}

SendTask::SendTask(NetlinkSocket& socket, Bytes messages) : socket_(socket) {
  messages_.append(messages.data(), messages.size());
}

void SendTask::run() noexcept {
  try {
    answer_ = sendMessages(socket_, messages_);
  } catch (const std::bad_alloc&) {
    answer_ = {};
  }
}

void SendTask::settle(napi_env env) {
  resolve(env, answer_.size() == 0 ? nullptr : makeBytes(env, std::move(answer_)));
}

}  // namespace nftlink
