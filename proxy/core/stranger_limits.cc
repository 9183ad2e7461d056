#include "proxy/core/stranger_limits.h"

#include <algorithm>
#include <iterator>

namespace weir {
namespace {

// After so long a rate that allows as many connections at once as in a second allows all of them.
constexpr std::chrono::seconds kRefill{1};

}  // namespace

ClientAddress client_address(const std::optional<IpAddress>& address) {
  if (!address) return {};
  ClientAddress one;
  one.kind = address->v4 ? ClientAddress::Kind::v4 : ClientAddress::Kind::v6;
  const std::size_t counted = address->v4 ? 4 : 8;
  for (std::size_t i = 0; i < counted; ++i) one.bits = (one.bits << 8) | address->bytes[i];
  return one;
}

StrangerLimits::StrangerLimits(const LimitsConfig& config, std::size_t most_idle,
                               std::size_t most_failures)
    : half_open_limit_(config.half_open_per_address),
      connection_limit_(config.connections_per_address),
      rate_(config.connection_rate),
      failure_limit_(config.login_failures),
      backoff_(config.login_backoff),
      most_idle_(most_idle),
      most_failures_(most_failures) {}

// --- connections ---------------------------------------------------------------------------------

std::optional<Refusal> StrangerLimits::enter(const ClientAddress& address, TimePoint now) {
  const std::lock_guard lock(mutex_);
  forget_idle(now);
  const auto [at, is_new] = addresses_.try_emplace(address);
  Entry& entry = at->second;
  if (is_new) {
    entry.tokens = static_cast<double>(rate_);
    entry.refilled = now;
    entry.idle = idle_.insert(idle_.end(), address);
  }
  if (const auto refusal = judge(entry, now)) return refusal;
  if (entry.connections == 0) idle_.erase(entry.idle);
  ++entry.connections;
  ++entry.half_open;
  return std::nullopt;
}

// Takes one of the tokens when it is let in.
std::optional<Refusal> StrangerLimits::judge(Entry& entry, TimePoint now) const {
  if (connection_limit_ > 0 && entry.connections >= connection_limit_) return Refusal::connections;
  if (half_open_limit_ > 0 && entry.half_open >= half_open_limit_) return Refusal::half_open;
  if (rate_ == 0) return std::nullopt;
  const double most = static_cast<double>(rate_);
  if (now > entry.refilled) {
    const double seconds = std::chrono::duration<double>(now - entry.refilled).count();
    entry.tokens = std::min(most, entry.tokens + seconds * most);
    entry.refilled = now;
  }
  if (entry.tokens < 1) return Refusal::rate;
  --entry.tokens;
  return std::nullopt;
}

void StrangerLimits::log_in(const ClientAddress& address) {
  const std::lock_guard lock(mutex_);
  --addresses_.at(address).half_open;
}

void StrangerLimits::leave(const ClientAddress& address, bool half_open) {
  const std::lock_guard lock(mutex_);
  const auto at = addresses_.find(address);
  Entry& entry = at->second;
  if (half_open) --entry.half_open;
  if (--entry.connections > 0) return;
  if (rate_ == 0) {
    addresses_.erase(at);
  } else {
    entry.idle = idle_.insert(idle_.end(), address);
  }
}

// Those of whom there is nothing to know any more, and those who are too many.
void StrangerLimits::forget_idle(TimePoint now) {
  while (!idle_.empty()) {
    const auto at = addresses_.find(idle_.front());
    if (now - at->second.refilled < kRefill && idle_.size() < most_idle_) return;
    addresses_.erase(at);
    idle_.pop_front();
  }
}

// --- passwords -----------------------------------------------------------------------------------

// What was wrong so long ago does not count any more.
bool StrangerLimits::over(const Failures& failures, TimePoint now) const {
  return now - failures.last >= backoff_;
}

void StrangerLimits::forget(std::map<Login, Failures>::iterator failures) {
  order_.erase(failures->second.place);
  failures_.erase(failures);
}

bool StrangerLimits::may_try(const ClientAddress& address, std::string_view user, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find({address, std::string(user)});
  return found == failures_.end() || found->second.count < failure_limit_ ||
         over(found->second, now);
}

bool StrangerLimits::failed(const ClientAddress& address, std::string_view user, TimePoint now) {
  if (failure_limit_ == 0) return false;
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = failures_.try_emplace({address, std::string(user)});
  Failures& failures = at->second;
  if (is_new) {
    failures.place = order_.insert(order_.end(), at->first);
  } else {
    if (over(failures, now)) failures.count = 0;
    order_.splice(order_.end(), order_, failures.place);
  }
  failures.last = now;
  const bool one_too_many = ++failures.count == failure_limit_;
  if (failures_.size() > most_failures_) forget(failures_.find(order_.front()));
  return one_too_many;
}

void StrangerLimits::succeeded(const ClientAddress& address, std::string_view user) {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find({address, std::string(user)});
  if (found != failures_.end()) forget(found);
}

// --- tables --------------------------------------------------------------------------------------

std::size_t StrangerLimits::addresses() const {
  const std::lock_guard lock(mutex_);
  return addresses_.size();
}

std::size_t StrangerLimits::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_.size();
}

}  // namespace weir
