// How much one address may ask of weir before anybody knows who it is: connections, how fast they
// come, and wrong passwords. Decides only; who is refused what, its callers say.

#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/config/config.h"
#include "proxy/config/network.h"
#include "proxy/core/refusal.h"
#include "proxy/core/topology.h"

namespace weir {

// Who counts as one: an IPv4 address; the /64 of an IPv6 address, because whoever has one address
// of it has them all; everybody on unix sockets together.
struct ClientAddress {
  enum class Kind : std::uint8_t { unix_socket, v4, v6 };
  Kind kind = Kind::unix_socket;
  std::uint64_t bits = 0;

  auto operator<=>(const ClientAddress&) const = default;
};
// `address` is nothing for a unix socket.
ClientAddress client_address(const std::optional<IpAddress>& address);

// Shared by the workers. Any thread; a call takes a mutex for some steps in a tree. `now` may be
// that of another worker's loop, and a little late.
//
// Memory is bounded: an address is kept while it has connections, and for a second after that if
// there is a limit of the rate; of failures there is a table of `most_failures`, which forgets the
// one that is longest ago.
class StrangerLimits {
 public:
  static constexpr std::size_t kMostIdle = 65536;
  static constexpr std::size_t kMostFailures = 16384;

  explicit StrangerLimits(const LimitsConfig& config, std::size_t most_idle = kMostIdle,
                          std::size_t most_failures = kMostFailures);

  // A new connection. Nothing: it may go on, and counts, half open at first, until leave().
  std::optional<Refusal> enter(const ClientAddress& address, TimePoint now);
  // It is not half open any more.
  void log_in(const ClientAddress& address);
  // It has ended. `half_open`: log_in() was not called.
  void leave(const ClientAddress& address, bool half_open);

  // False: after too many wrong passwords nobody looks at another one yet.
  bool may_try(const ClientAddress& address, std::string_view user, TimePoint now);
  // A password was wrong. True when that was one too many.
  bool failed(const ClientAddress& address, std::string_view user, TimePoint now);
  // A password was right.
  void succeeded(const ClientAddress& address, std::string_view user);

  // Of the tables, for tests.
  std::size_t addresses() const;
  std::size_t failures() const;

 private:
  struct Entry {
    std::size_t connections = 0;
    std::size_t half_open = 0;
    double tokens = 0;  // connections that may come at once
    TimePoint refilled{};
    std::list<ClientAddress>::iterator idle{};  // valid without connections
  };
  using Login = std::pair<ClientAddress, std::string>;  // and the user's name
  struct Failures {
    std::size_t count = 0;  // in a row
    TimePoint last{};
    std::list<Login>::iterator place{};
  };

  std::optional<Refusal> judge(Entry& entry, TimePoint now) const;
  void forget_idle(TimePoint now);
  bool over(const Failures& failures, TimePoint now) const;
  void forget(std::map<Login, Failures>::iterator failures);

  const std::size_t half_open_limit_;
  const std::size_t connection_limit_;
  const std::size_t rate_;
  const std::size_t failure_limit_;
  const Milliseconds backoff_;
  const std::size_t most_idle_;
  const std::size_t most_failures_;

  mutable std::mutex mutex_;  // guards what follows
  std::map<ClientAddress, Entry> addresses_;
  std::list<ClientAddress> idle_;  // those without a connection, the first one for longest
  std::map<Login, Failures> failures_;
  std::list<Login> order_;  // of the failures, the oldest first
};

// One connection's place among those of its address; given back when it is destroyed. Empty at
// first.
class StrangerPlace {
 public:
  StrangerPlace() = default;
  // `limits.enter(address, ...)` has let it in. `limits` outlives the place.
  StrangerPlace(StrangerLimits& limits, const ClientAddress& address)
      : limits_(&limits), address_(address) {}
  StrangerPlace(StrangerPlace&& other) noexcept { *this = std::move(other); }
  StrangerPlace& operator=(StrangerPlace&& other) noexcept {
    std::swap(limits_, other.limits_);
    std::swap(address_, other.address_);
    std::swap(half_open_, other.half_open_);
    return *this;
  }
  ~StrangerPlace() {
    if (limits_ != nullptr) limits_->leave(address_, half_open_);
  }

  // May be called again.
  void log_in() {
    if (limits_ != nullptr && std::exchange(half_open_, false)) limits_->log_in(address_);
  }

 private:
  StrangerLimits* limits_ = nullptr;
  ClientAddress address_;
  bool half_open_ = true;
};

}  // namespace weir
