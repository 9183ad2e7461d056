// What one address may ask of weir before anybody knows who it is.

#include "proxy/core/stranger_limits.h"
#include "proxy/core/log_throttle.h"
#include "test/support/catch.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1h};

ClientAddress at(const char* text) {
  return client_address(parse_ip_address(text));
}

LimitsConfig no_limits() {
  LimitsConfig config;
  config.half_open_per_address = 0;
  config.login_failures = 0;
  return config;
}

// So many of `tries` connections are let in.
int admitted(StrangerLimits& limits, const ClientAddress& address, int tries, TimePoint now) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += limits.enter(address, now) ? 0 : 1;
  return count;
}

}  // namespace

TEST_CASE("strangers: an IPv4 address is one, and so is a network of 64 bits", "[strangers]") {
  CHECK(at("10.0.0.1") == at("10.0.0.1"));
  CHECK(at("10.0.0.1") == at("::ffff:10.0.0.1"));
  CHECK(at("10.0.0.1") != at("10.0.0.2"));
  CHECK(at("2001:db8::1") == at("2001:db8::ffff:1"));
  CHECK(at("2001:db8:0:1::1") != at("2001:db8:0:2::1"));
  CHECK(at("::a00:1") != at("10.0.0.1"));
  CHECK(client_address(std::nullopt) == client_address(std::nullopt));
  CHECK(client_address(std::nullopt) != at("0.0.0.0"));
}

TEST_CASE("strangers: without limits everybody comes in, and nothing is kept", "[strangers]") {
  StrangerLimits limits(no_limits());
  const ClientAddress address = at("10.0.0.1");
  CHECK(admitted(limits, address, 1000, kStart) == 1000);
  for (int i = 0; i < 1000; ++i) {
    CHECK_FALSE(limits.failed(address, "app", kStart));
    limits.leave(address, true);
  }
  CHECK(limits.addresses() == 0);
  CHECK(limits.failures() == 0);
}

TEST_CASE("strangers: connections that have not logged in are limited", "[strangers]") {
  LimitsConfig config = no_limits();
  config.half_open_per_address = 3;
  StrangerLimits limits(config);
  const ClientAddress address = at("10.0.0.1");
  CHECK(admitted(limits, address, 5, kStart) == 3);
  CHECK(limits.enter(address, kStart) == Refusal::half_open);
  CHECK(admitted(limits, at("10.0.0.2"), 5, kStart) == 3);
  limits.log_in(address);
  CHECK(admitted(limits, address, 5, kStart) == 1);
  limits.leave(address, true);
  CHECK(admitted(limits, address, 5, kStart) == 1);
  limits.leave(address, false);  // one that was logged in
  CHECK(admitted(limits, address, 5, kStart) == 0);
}

TEST_CASE("strangers: all connections of an address are limited", "[strangers]") {
  LimitsConfig config = no_limits();
  config.connections_per_address = 2;
  StrangerLimits limits(config);
  const ClientAddress address = at("10.0.0.1");
  CHECK(admitted(limits, address, 5, kStart) == 2);
  CHECK(limits.enter(address, kStart) == Refusal::connections);
  limits.log_in(address);
  CHECK(limits.enter(address, kStart) == Refusal::connections);
  limits.leave(address, false);
  CHECK(admitted(limits, address, 5, kStart) == 1);
}

TEST_CASE("strangers: connections come as fast as the rate allows", "[strangers]") {
  LimitsConfig config = no_limits();
  config.connection_rate = 10;
  StrangerLimits limits(config);
  const ClientAddress address = at("10.0.0.1");
  CHECK(admitted(limits, address, 30, kStart) == 10);
  CHECK(limits.enter(address, kStart) == Refusal::rate);
  CHECK(admitted(limits, address, 30, kStart - 50ms) == 0);  // another worker's clock
  CHECK(admitted(limits, address, 30, kStart + 200ms) == 2);
  CHECK(admitted(limits, address, 30, kStart + 250ms) == 0);
  CHECK(admitted(limits, address, 30, kStart + 300ms) == 1);
  CHECK(admitted(limits, address, 30, kStart + 1h) == 10);
}

TEST_CASE("strangers: leaving does not give the rate back", "[strangers]") {
  LimitsConfig config = no_limits();
  config.connection_rate = 2;
  StrangerLimits limits(config);
  const ClientAddress address = at("10.0.0.1");
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(limits.enter(address, kStart));
    limits.leave(address, true);
  }
  CHECK(limits.enter(address, kStart) == Refusal::rate);
  CHECK(limits.addresses() == 1);
  CHECK_FALSE(limits.enter(at("10.0.0.2"), kStart + 2s));
  CHECK(limits.addresses() == 1);  // the first one is forgotten
  CHECK(admitted(limits, address, 5, kStart + 2s) == 2);
}

TEST_CASE("strangers: the table of addresses is bounded", "[strangers]") {
  LimitsConfig config = no_limits();
  config.connection_rate = 1;
  StrangerLimits limits(config, 10);
  CHECK_FALSE(limits.enter(at("10.0.0.1"), kStart));  // this one stays
  for (int i = 0; i < 1000; ++i) {
    ClientAddress address = at("10.1.0.0");
    address.bits += static_cast<std::uint64_t>(i);
    REQUIRE_FALSE(limits.enter(address, kStart));
    limits.leave(address, true);
    REQUIRE(limits.addresses() <= 11);
  }
  CHECK(limits.enter(at("10.0.0.1"), kStart) == Refusal::rate);
  limits.leave(at("10.0.0.1"), true);
}

TEST_CASE("strangers: a place is given back once, whichever way it ends", "[strangers]") {
  LimitsConfig config = no_limits();
  config.half_open_per_address = 1;
  StrangerLimits limits(config);
  const ClientAddress address = at("10.0.0.1");
  REQUIRE_FALSE(limits.enter(address, kStart));
  {
    StrangerPlace place(limits, address);
    StrangerPlace other = std::move(place);
    place.log_in();
    CHECK(limits.enter(address, kStart) == Refusal::half_open);
    other.log_in();
    other.log_in();
    REQUIRE_FALSE(limits.enter(address, kStart));
    other = StrangerPlace(limits, address);  // the first one ends here
    CHECK(limits.enter(address, kStart) == Refusal::half_open);
  }
  CHECK(limits.addresses() == 0);
}

TEST_CASE("strangers: after too many wrong passwords nobody looks at the next", "[strangers]") {
  LimitsConfig config = no_limits();
  config.login_failures = 3;
  config.login_backoff = 60s;
  StrangerLimits limits(config);
  const ClientAddress address = at("10.0.0.1");
  CHECK_FALSE(limits.failed(address, "app", kStart));
  CHECK_FALSE(limits.failed(address, "app", kStart));
  CHECK(limits.may_try(address, "app", kStart));
  CHECK(limits.failed(address, "app", kStart));
  CHECK_FALSE(limits.may_try(address, "app", kStart));
  CHECK(limits.may_try(address, "other", kStart));
  CHECK(limits.may_try(at("10.0.0.2"), "app", kStart));
  CHECK_FALSE(limits.may_try(address, "app", kStart + 59s));
  CHECK(limits.may_try(address, "app", kStart + 60s));
  // And they begin anew.
  CHECK_FALSE(limits.failed(address, "app", kStart + 60s));
  CHECK(limits.may_try(address, "app", kStart + 60s));
}

TEST_CASE("strangers: a success, and time, clear wrong passwords", "[strangers]") {
  LimitsConfig config = no_limits();
  config.login_failures = 2;
  config.login_backoff = 10s;
  StrangerLimits limits(config);
  const ClientAddress address = at("10.0.0.1");
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(limits.failed(address, "app", kStart));
    limits.succeeded(address, "app");
  }
  CHECK(limits.failures() == 0);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(limits.failed(address, "app", kStart + i * 10s));
  CHECK(limits.failed(address, "app", kStart + 49s));
}

TEST_CASE("strangers: the table of failures forgets the oldest", "[strangers]") {
  LimitsConfig config = no_limits();
  config.login_failures = 1;
  StrangerLimits limits(config, 10, 3);
  const ClientAddress address = at("10.0.0.1");
  for (const char* user : {"a", "b", "c", "a", "d"}) {
    limits.failed(address, user, kStart);
    CHECK(limits.failures() <= 3);
  }
  CHECK(limits.may_try(address, "b", kStart));
  for (const char* user : {"a", "c", "d"}) CHECK_FALSE(limits.may_try(address, user, kStart));
}

TEST_CASE("log throttle: one line in a while, and how many it stands for", "[strangers]") {
  LogThrottle throttle;
  CHECK(throttle.pass(kStart) == 0u);
  CHECK_FALSE(throttle.pass(kStart));
  CHECK_FALSE(throttle.pass(kStart + 999ms));
  CHECK(throttle.pass(kStart + 1s) == 2u);
  CHECK(throttle.pass(kStart + 2s) == 0u);
}

}  // namespace weir
