#include "proxy/session/statement_kill.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "protocol/frame.h"
#include "protocol/query_attributes.h"
#include "protocol/response.h"

namespace weir {
namespace {

// A server that cannot be reached for so long is the monitor's affair.
constexpr std::chrono::seconds kPatience{60};

constexpr std::uint16_t kNoSuchThread = 1094;

}  // namespace

StatementKill::StatementKill(WorkerContext& context, Pool& pool, ConnectionWish wish,
                             std::uint32_t thread_id, OnEnd on_end)
    : context_(context),
      pool_(pool),
      wish_(std::move(wish)),
      thread_id_(thread_id),
      begun_(context.loop_time()),
      on_end_(std::move(on_end)) {}

std::shared_ptr<StatementKill> StatementKill::begin(WorkerContext& context, Pool& pool,
                                                    const ConnectionWish& wish,
                                                    std::uint32_t thread_id, OnEnd on_end) {
  std::shared_ptr<StatementKill> kill(
      new StatementKill(context, pool, wish, thread_id, std::move(on_end)));
  context.kills.push_back(kill);
  kill->ask();
  return kill;
}

void StatementKill::ask() {
  asked_ = true;
  if (auto idle = pool_.take_idle(wish_)) return on_connection(std::move(idle));
  pool_.request(*this, wish_);
}

void StatementKill::on_connection(std::unique_ptr<BackendConnection> connection) {
  link_ = std::move(connection);
  link_->set_user(*this);
  link_->set_last_command({});
  std::string command;
  link_->append_harvest(command);
  protocol::append_query(command, fmt::format("KILL QUERY {}", thread_id_), link_->capabilities());
  link_->expect(ReplyPurpose::errand, protocol::ReplyShape::result);
  link_->send({protocol::as_bytes(command)});
}

void StatementKill::on_no_connection(std::size_t, const BackendFailure& failure) {
  failed(failure.text);
}

void StatementKill::on_backend_failed(BackendConnection&, const BackendFailure& failure) {
  pool_.discard(std::move(link_));
  failed(failure.text);
}

void StatementKill::on_reply_packet(BackendConnection&, ReplyPurpose purpose,
                                    const protocol::ReplyTracker::Step& step) {
  if (purpose != ReplyPurpose::errand || step.event != protocol::ReplyTracker::Event::err) return;
  const auto error = protocol::decode_err(step.packet.subspan(protocol::kFrameHeaderSize));
  // A statement that has ended with its connection needs no killing.
  if (error && error->code == kNoSuchThread) return;
  refused_ = true;
  spdlog::warn("{} refuses KILL QUERY {} to user '{}': {}", link_->options().server_name,
               thread_id_, wish_.credentials->user, error ? error->message : "");
}

void StatementKill::on_reply_end(BackendConnection&, ReplyPurpose purpose) {
  if (purpose != ReplyPurpose::errand) return;
  const auto self = shared_from_this();
  pool_.give_back(std::move(link_));
  std::erase(context_.kills, self);
  tell(!refused_);
}

// Tried again by tick().
void StatementKill::failed(const std::string& why) {
  asked_ = false;
  spdlog::debug("KILL QUERY {} cannot be sent yet: {}", thread_id_, why);
  tell(false);
}

void StatementKill::tell(bool told) {
  if (const OnEnd on_end = std::exchange(on_end_, nullptr)) on_end(told);
}

void StatementKill::stop() {
  const auto self = shared_from_this();
  on_end_ = nullptr;
  pool_.cancel(*this);
  pool_.discard(std::move(link_));
  std::erase(context_.kills, self);
}

void StatementKill::tick(TimePoint now) {
  if (asked_) return;
  if (now - begun_ < kPatience) return ask();
  spdlog::warn("a statement of user '{}' that has run too long may still be running as thread {}",
               wish_.credentials->user, thread_id_);
  stop();
}

}  // namespace weir
