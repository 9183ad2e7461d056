#include "proxy/monitor/lag_meter.h"

#include "test/support/catch.h"

using namespace std::chrono_literals;
using weir::Exchange;
using weir::GtidPosition;
using weir::LagMeter;
using weir::LagReading;
using weir::MariaPosition;
using weir::Milliseconds;
using weir::PositionPtr;
using weir::TimePoint;

namespace {

constexpr Milliseconds kRoundTrip{2};

TimePoint at(long ms) {
  return TimePoint{} + Milliseconds{1000000 + ms};
}
Exchange asked(long ms) {
  return {at(ms), at(ms) + kRoundTrip};
}

PositionPtr pos(unsigned long sequence) {
  return std::make_shared<const GtidPosition>(
      *MariaPosition::parse("0-1-" + std::to_string(sequence)));
}

LagMeter meter() {
  return LagMeter(60s, 1500ms);
}

}  // namespace

TEST_CASE("lag: nothing sampled, nothing known", "[monitor]") {
  LagMeter lag = meter();
  const LagReading reading = lag.read(*pos(5), asked(0));
  CHECK(reading.kind == LagReading::Kind::unknown);
  CHECK_FALSE(reading.fresh_until);
}

TEST_CASE("lag: a replica that has the newest sample is fresh until that sample", "[monitor]") {
  LagMeter lag = meter();
  CHECK(lag.add(asked(0), pos(5)));
  CHECK(lag.add(asked(250), pos(9)));
  for (const unsigned long sequence : {9ul, 12ul}) {
    const LagReading reading = lag.read(*pos(sequence), asked(300));
    CHECK(reading.kind == LagReading::Kind::known);
    CHECK(reading.lag == 0ms);
    CHECK(reading.fresh_until == at(250));
  }
}

TEST_CASE("lag: the age of the newest sample contained", "[monitor]") {
  LagMeter lag = meter();
  for (long i = 0; i <= 10; ++i) lag.add(asked(i * 250), pos(static_cast<unsigned long>(10 * i)));
  struct {
    unsigned long sequence;
    long lag, at_least, fresh;
  } const table[] = {
      {99, 352, 100, 2250},  {90, 352, 100, 2250}, {89, 602, 350, 2000},
      {10, 2352, 2100, 250}, {5, 2602, 2350, 0},
  };
  for (const auto& row : table) {
    INFO(row.sequence);
    const LagReading reading = lag.read(*pos(row.sequence), asked(2600));
    CHECK(reading.kind == LagReading::Kind::known);
    CHECK(reading.lag.count() == row.lag);
    CHECK(reading.at_least.count() == row.at_least);
    CHECK(reading.fresh_until == at(row.fresh));
    CHECK_FALSE(reading.gap);
  }
}

TEST_CASE("lag: an unchanged set stays fresh, and ages from its last sighting", "[monitor]") {
  LagMeter lag = meter();
  for (long i = 0; i <= 40; ++i) lag.add(asked(i * 250), pos(7));
  CHECK(lag.size() == 1);
  CHECK(lag.read(*pos(7), asked(10010)).lag == 0ms);
  CHECK(lag.read(*pos(7), asked(10010)).fresh_until == at(10000));
  // An older answer of the replica shows as much: it had then what the primary still has now.
  CHECK(lag.read(*pos(7), asked(5000)).fresh_until == at(10000));
  lag.add(asked(10250), pos(8));
  CHECK(lag.read(*pos(7), asked(10500)).lag == 502ms);
}

TEST_CASE("lag: a sample taken after the replica was asked does not count against it",
          "[monitor]") {
  LagMeter lag = meter();
  lag.add(asked(0), pos(1));
  lag.add(asked(250), pos(2));
  const LagReading same_moment = lag.read(*pos(1), asked(251));
  CHECK(same_moment.lag == 0ms);
  CHECK(same_moment.fresh_until == at(0));
  CHECK(lag.read(*pos(1), asked(252)).lag == 254ms);
  // Behind everything, but everything is newer than the question: nothing is known.
  CHECK(lag.read(*pos(0), asked(0)).kind == LagReading::Kind::unknown);
}

TEST_CASE("lag: older than every sample kept", "[monitor]") {
  LagMeter lag = meter();
  lag.add(asked(0), pos(5));
  const LagReading reading = lag.read(*pos(4), asked(3000));
  CHECK(reading.kind == LagReading::Kind::at_least);
  CHECK(reading.at_least == 3000ms);
  CHECK_FALSE(reading.fresh_until);
}

TEST_CASE("lag: a gap in weir's own samples is marked", "[monitor]") {
  LagMeter lag = meter();
  lag.add(asked(0), pos(5));
  lag.add(asked(10000), pos(50));
  const LagReading reading = lag.read(*pos(49), asked(10250));
  CHECK(reading.gap);
  CHECK(reading.lag == 10252ms);
  CHECK(reading.at_least == 250ms);
}

TEST_CASE("lag: memory is bounded in time and in number", "[monitor]") {
  LagMeter lag(10s, 1500ms, 64);
  for (long i = 0; i < 100000; ++i) {
    lag.add(asked(i * 10), pos(static_cast<unsigned long>(i)));
    REQUIRE(lag.size() <= 64 + 2);
  }
  // Thinned out, but still about right, and never too young.
  for (long behind : {10l, 50l, 500l, 5000l}) {
    const long now = 99999 * 10;
    const auto sequence = static_cast<unsigned long>((now - behind) / 10);
    const LagReading reading = lag.read(*pos(sequence), asked(now + 5));
    REQUIRE(reading.kind == LagReading::Kind::known);
    CHECK(reading.lag >= Milliseconds{behind});
    CHECK(reading.lag <= Milliseconds{behind + 200});
  }
  CHECK(lag.read(*pos(99999 - 3000), asked(999995)).kind == LagReading::Kind::at_least);
}

TEST_CASE("lag: the newest sample is kept however old", "[monitor]") {
  LagMeter lag(1s, 1500ms);
  lag.add(asked(0), pos(5));
  lag.add(asked(100000), pos(6));
  lag.add(asked(200000), pos(7));
  lag.add(asked(300000), pos(8));
  CHECK(lag.size() == 2);
  CHECK(lag.read(*pos(8), asked(900000)).lag == 0ms);
}

TEST_CASE("lag: a primary that went backwards", "[monitor]") {
  LagMeter lag = meter();
  lag.add(asked(0), pos(5));
  lag.add(asked(250), pos(9));
  CHECK_FALSE(lag.add(asked(500), pos(7)));
  // What survived is still good, what was lost is no longer asked for.
  CHECK(lag.read(*pos(7), asked(600)).fresh_until == at(500));
  CHECK(lag.read(*pos(6), asked(600)).fresh_until == at(0));
  // A replica with the lost transactions shows data that the primary does not have.
  CHECK(lag.holds_lost(*pos(9)));
  CHECK_FALSE(lag.holds_lost(*pos(8)));
  CHECK(lag.add(asked(750), pos(9)));
  CHECK_FALSE(lag.holds_lost(*pos(9)));
}

TEST_CASE("lag: another flavour starts afresh", "[monitor]") {
  LagMeter lag = meter();
  lag.add(asked(0), pos(5));
  const auto mysql = std::make_shared<const GtidPosition>(
      *weir::GtidSet::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"));
  CHECK_FALSE(lag.add(asked(250), mysql));
  CHECK(lag.size() == 1);
  CHECK(lag.read(*mysql, asked(300)).lag == 0ms);
  CHECK_FALSE(lag.holds_lost(*pos(5)));
}
