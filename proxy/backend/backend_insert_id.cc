// LAST_INSERT_ID(): the part of BackendConnection that knows whose the server holds, and asks for
// it before another session or the end changes that.

#include <utility>

#include "protocol/frame.h"
#include "protocol/query_attributes.h"
#include "proxy/backend/backend_connection.h"
#include "proxy/core/own_reply.h"

namespace weir {

using protocol::Command;
using protocol::ReplyShape;

std::shared_ptr<InsertId> BackendConnection::insert_id() const {
  auto owner = insert_id_.lock();
  return owner != nullptr && owner->holder == this ? owner : nullptr;
}

void BackendConnection::hold_insert_id(const std::shared_ptr<InsertId>& owner, bool adjusted) {
  if (insert_id_.lock() != owner) let_go_of_insert_id();
  insert_id_ = owner;
  owner->holder = this;
  owner->adjusted = adjusted;
}

void BackendConnection::let_go_of_insert_id() {
  if (const auto owner = insert_id()) owner->holder = nullptr;
  insert_id_.reset();
}

void BackendConnection::append_harvest(std::string& commands) {
  protocol::append_query(commands, "SELECT LAST_INSERT_ID()", capabilities_);
  harvested_for_ = insert_id();
  if (harvested_for_ != nullptr) {
    harvested_for_->asked = true;
    harvested_ = *harvested_for_;
  }
  let_go_of_insert_id();
  own_reply_.clear();
  expect(ReplyPurpose::harvest, ReplyShape::result);
}

bool BackendConnection::close_after_harvest(BackendUser& user) {
  if (!ready() || !idle() || insert_id() == nullptr) return false;
  user_ = &user;
  std::string commands;
  append_harvest(commands);
  protocol::append_command(commands, static_cast<std::uint8_t>(Command::quit), {});
  send({protocol::as_bytes(commands)});
  return true;
}

void BackendConnection::end_harvest() {
  const auto session = std::exchange(harvested_for_, nullptr);
  if (session == nullptr) return;
  if (const auto value = single_number(own_reply_)) {
    const bool own = harvested_.adjusted || *value == harvested_.value;
    // Another connection may have got an insert of the session's meanwhile.
    (session->holder == nullptr ? session->value : session->otherwise) =
        own ? *value : harvested_.otherwise;
  }
  session->asked = false;
  if (const auto tell = std::exchange(session->on_answer, nullptr)) tell();
}

}  // namespace weir
